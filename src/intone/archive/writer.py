"""Gathers rows until there are enough for a part of the tables."""

import contextlib
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

from intone.archive import rows
from intone.archive.entries import Entry, Refusal
from intone.archive.jobs import Answer, Failure
from intone.archive.known import Known
from intone.archive.schema import Row, Segments
from intone.archive.sounds import Sound
from intone.archive.tables import Part, Tables

PART_ROWS, PART_SECONDS = 128, 20.0
"""A part is written when it has so many recordings, or when the first of them has waited so long ..."""
PART_SEGMENTS = 20_000
"""... or when they have so many segments, which take more memory than they do."""
REMEMBERED = 8
"""Of so many sounds that were found in parts the rows are kept at hand: copies often lie side by side."""


class Writer:
    """Takes what was heard, and writes it when there is enough.

    Parameters
    ----------
    tables : Tables
        Where to.
    known : Known
        Is told what has been written.
    by : str
        The column that says whose baseline a recording is heard beside.
    clock : callable, optional
        The time in seconds.
    """

    def __init__(self, tables: Tables, known: Known, by: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._tables, self._known, self._by, self._clock = tables, known, by, clock
        self._recordings: list[Row] = []
        self._errors: list[Row] = []
        self._segments: dict[str, Segments] = {}
        self._lines = 0
        self._held: dict[Sound, tuple[Row, Segments]] = {}  # what is not written yet
        self._found: dict[Sound, tuple[Row, Segments]] = {}
        self._old: dict[str, Part] = {}
        self._due = 0.0  # the first part at once

    def replaces(self, path: str, part: Part) -> None:
        """Say that a row goes when the recording's new one is written."""
        self._old[path] = part

    def stays(self, path: str) -> None:
        """Say that a row does not go after all."""
        del self._old[path]

    def add(self, entry: Entry, answer: Answer) -> None:
        """Take an answer."""
        self._add(rows.of_answer(entry, answer), answer.segments, (answer.sha256, entry.group(self._by)))

    def fail(self, listed: Entry | Refusal, failure: Failure) -> None:
        """Take what has no answer."""
        self._begin()
        self._errors.append(rows.of_failure(listed, failure))
        self._write_if_full()

    def copy(self, entry: Entry, sha256: str) -> Row | None:
        """Answer a recording as the same sound was answered; give the row, or None where it was not."""
        sound = (sha256, entry.group(self._by))
        found = self._held.get(sound) or self._found.get(sound) or self._written(sound)
        if found is None:
            return None
        row = rows.of_copy(entry, found[0])
        self._add(row, found[1], sound)
        return row

    @property
    def due(self) -> bool:
        """Whether rows have waited long enough to be written, though there are few."""
        return self._any and self._clock() >= self._due

    def write(self) -> None:
        """Write what was taken; a Ctrl-C waits until that is done.

        Raises
        ------
        ArchiveError
            It cannot be written.
        """
        if not self._any:
            return
        with undisturbed():
            self._drop()
            segments = {row["path"]: self._segments[row["path"]] for row in self._recordings}
            name = self._tables.write(self._recordings, segments, self._errors)
            self._known.add_sounds(name, list(self._held))
            self._due = math.inf if self._recordings else self._due
            self._recordings, self._errors, self._segments, self._held, self._lines = [], [], {}, {}, 0

    @property
    def _any(self) -> bool:
        return bool(self._recordings or self._errors)

    def _begin(self) -> None:
        if not self._any:
            self._due = self._due and self._clock() + PART_SECONDS

    def _add(self, row: Row, segments: Segments, sound: Sound) -> None:
        self._begin()
        self._segments[row["path"]] = segments  # before the row: a Ctrl-C in between is not to part them
        self._recordings.append(row)
        self._lines += len(segments)
        self._held[sound] = (row, segments)
        self._write_if_full()

    def _write_if_full(self) -> None:
        if max(len(self._recordings), len(self._errors)) >= PART_ROWS or self._lines >= PART_SEGMENTS:
            self.write()

    def _written(self, sound: Sound) -> tuple[Row, Segments] | None:
        part = self._known.sound(*sound)
        if part is None:
            return None
        sha256, group = sound
        found = self._tables.row(part, sha256, **({self._by: group} if self._by else {}))
        if found is not None:
            while len(self._found) >= REMEMBERED:
                del self._found[next(iter(self._found))]
            self._found[sound] = found
        return found

    def _drop(self) -> None:
        """Remove the old rows of what is about to be written."""
        parts: dict[Part, list[str]] = {}
        for row in (*self._recordings, *self._errors):
            if (part := self._old.pop(row["path"], None)) is not None:
                parts.setdefault(part, []).append(row["path"])
        for part, paths in parts.items():
            self._tables.drop(part, paths)


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Put off a Ctrl-C until the context ends, so that what is begun in it is finished."""
    if threading.current_thread() is not threading.main_thread():  # which alone hears it
        yield
        return
    heard: list[FrameType | None] = []
    before = signal.signal(signal.SIGINT, lambda _, frame: heard.append(frame))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if heard:
        raise KeyboardInterrupt
