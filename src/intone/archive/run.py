"""Turns an archive of recordings into tables, going on from wherever an earlier run ended."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from intone.archive import cluster, gathering, index, local, places, sources, tables
from intone.archive.entries import Entry, Refusal
from intone.archive.index import Index
from intone.archive.jobs import Answer, Done, Engine, Failure, Hash, Hear, Item
from intone.archive.known import Known
from intone.archive.options import Options
from intone.archive.pending import CHUNK_FILES, Pending
from intone.archive.schema import ERRORS
from intone.archive.sounds import Sounds
from intone.archive.tables import Tables
from intone.archive.writer import Writer
from intone.errors import ArchiveError, MissingExtraError
from intone.hear import loading
from intone.machine import return_memory

ENGINES: dict[str, Callable[[Options, str, Path, int], AbstractContextManager[Engine]]] = {
    "local": local.opened,
    "ray": cluster.opened,
}
NEEDED = ("pyarrow", "fsspec")
WAIT_SECONDS = 0.25
"""How often progress is told."""


@dataclass(frozen=True)
class Progress:
    """How far a run is; in the end, what it came to.

    Attributes
    ----------
    found : int
        Recordings that were listed, and lines and folders that could not be; the sum of the next four in the end.
    done, copies, known, errors : int
        How many were heard, had the sound of another, had been done before, and have no answer (by this run or
        before).
    seconds : float
        Seconds of sound in what was heard or copied.
    taken : float
        Seconds that the run has taken.
    listed : bool
        Whether all have been listed.
    bytes_heard, bytes_left : int
        Sizes of the files that were heard, and of those that are listed and wait.
    """

    found: int = 0
    done: int = 0
    copies: int = 0
    known: int = 0
    errors: int = 0
    seconds: float = 0.0
    taken: float = 0.0
    listed: bool = False
    bytes_heard: int = 0
    bytes_left: int = 0

    @property
    def left(self) -> float | None:
        """Seconds that what is listed will take; None while nothing has been heard."""
        return self.taken * self.bytes_left / self.bytes_heard if self.bytes_heard else None

    def to_dict(self) -> dict[str, object]:
        """Give a dictionary for JSON."""
        return {
            "found": self.found, "done": self.done, "known": self.known, "copies": self.copies, "errors": self.errors,
            "sound_seconds": round(self.seconds, 3), "seconds": round(self.taken, 3),
        }  # fmt: skip


def run(
    given: Sequence[str],
    out: Path,
    *,
    options: Options,
    engine: Literal["local", "ray"] = "local",
    workers: int = 0,
    verify: bool = False,
    retry_errors: bool = False,
    progress: Callable[[Progress], None] = lambda _: None,
    failed: Callable[[str], None] = lambda _: None,
) -> Progress:
    """Hear all recordings of an archive that have not been heard, and write what was heard into tables.

    Parameters
    ----------
    given : sequence of str
        Folders, globs, files, manifests, and URLs of them.
    out : pathlib.Path
        The folder of the tables; made where it is not there.
    options : Options
        How recordings are heard.
    engine : "local" or "ray"
        Who hears: processes of this machine, or those of a Ray cluster (``RAY_ADDRESS`` says which; one of this machine
        is started where it is not set).
    workers : int, default 0
        How many processes hear; 0 means one for each core.
    verify : bool, default False
        Whether files that seem unchanged are hashed, and heard again where they are not.
    retry_errors : bool, default False
        Whether what had no answer is tried again.
    progress, failed : callable, optional
        Told from time to time how far the run is, and of each new error in a sentence.

    Returns
    -------
    Progress
        What it came to.

    Raises
    ------
    MissingExtraError
        What tables need is not installed.
    UsageError
        The options do not fit one another, the model or the tables that are there; or a manifest is none.
    ArchiveError
        The tables cannot be read or written. What was written before is whole, and a next run goes on from there.
    """
    began = time.monotonic()
    for package in NEEDED:
        if find_spec(package) is None:
            raise MissingExtraError(f"An archive's tables need {package}: pip install 'intone[archive]'.")
    if engine == "ray" and find_spec("ray") is None:
        raise MissingExtraError("--engine ray needs Ray: pip install 'intone[ray]'.")
    recogniser = loading.load(options.model, threads=1)
    options.check(recogniser)
    remembered = options.remembered(recogniser)
    del recogniser  # the processes have their own
    return_memory()
    with ExitStack() as until_done:
        kept = until_done.enter_context(tables.opened(out, remembered))
        hearers = until_done.enter_context(ENGINES[engine](options, remembered["fingerprint"], kept.baselines, workers))
        kept.forget([*given, *map(sources.named, map(places.ours, given))])
        names = gathering.gather(hearers, kept.baselines, given, options.baselines) if options.baselines else set()
        going = _Run(kept, hearers, options.baselines, names, began, verify, retry_errors, progress, failed)
        return going.through(sources.windows(given))


class _Run:
    def __init__(
        self,
        kept: Tables,
        engine: Engine,
        by: str,
        baselines: set[str],
        began: float,
        verify: bool,
        retry_errors: bool,
        progress: Callable[[Progress], None],
        failed: Callable[[str], None],
    ) -> None:
        self._engine, self._by, self._baselines = engine, by, baselines
        self._verify, self._retry_errors, self._tell, self._failed = verify, retry_errors, progress, failed
        self._known, self._seen, self._pending = Known(kept, by), Index(), Pending()
        self._writer = Writer(kept, self._known, by)
        self._sounds = Sounds(
            self._known, by, hear=self._hear, hash_first=lambda entry: self._pending.hash(Item(entry)), copy=self._copy
        )
        self._checked: dict[str, Callable[[str | None], bool]] = {}  # by path, those that seem unchanged
        self._began = began
        self._so_far = Progress()

    def through(self, windows: Iterator[list[Entry | Refusal]]) -> Progress:
        """Go through an archive."""
        try:
            while True:
                more = self._give(windows)
                if not more and not self._engine.busy:
                    break
                for done in self._engine.done(0 if more else WAIT_SECONDS):
                    self._take(done)
                if self._writer.due:
                    self._writer.write()
                self._count()
        except ArchiveError:  # there is nowhere to write to
            raise
        except BaseException:  # a Ctrl-C too leaves what was heard until then
            self._writer.write()
            raise
        self._writer.write()
        self._count()
        told = self._so_far
        assert told.found == told.done + told.copies + told.known + told.errors, told
        return told

    def _count(self, **more: float) -> None:
        """Count what happened, and tell how far the run is."""
        counted = {name: getattr(self._so_far, name) + number for name, number in more.items()}
        taken, left = time.monotonic() - self._began, self._pending.bytes
        self._so_far = replace(self._so_far, **counted, taken=taken, bytes_left=left)
        if not more:
            self._tell(self._so_far)

    # --- Listing ------------------------------------------------------------------------------------------------------

    def _give(self, windows: Iterator[list[Entry | Refusal]]) -> bool:
        """Give as many jobs as there is room for; say whether to come again soon, since more is to be listed."""
        while self._engine.has_room():
            if len(self._pending) < 2 * CHUNK_FILES * self._engine.hands and not self._so_far.listed:
                window = next(windows, None)
                if window is None:
                    self._so_far = replace(self._so_far, listed=True)
                else:
                    self._list(window)
            share = len(self._pending) // (2 * self._engine.hands) + 1 if self._so_far.listed else CHUNK_FILES
            job = self._pending.job(share)
            if job is None:
                return not self._so_far.listed
            self._engine.give(job)
        return False

    def _list(self, window: Sequence[Entry | Refusal]) -> None:
        fresh = self._unseen(window)
        wanted: list[Entry] = []
        known = errors = 0
        for one, row in zip(fresh, self._known.rows(fresh), strict=True):
            if row is not None and row.current:
                if row.part.table == ERRORS and not self._retry_errors:
                    errors += 1
                    continue
                if row.part.table != ERRORS and not self._verify:
                    known += 1
                    continue
            if row is not None:
                self._writer.replaces(one.path, row.part)
            if isinstance(one, Refusal):
                self._fail(one, Failure.of(one.error))
            elif row is not None and row.current and row.part.table != ERRORS:
                self._checked[one.path] = row.holds
                self._pending.hash(Item(one))
            else:
                wanted.append(one)
        self._count(found=len(fresh), known=known, errors=errors)
        self._sounds.listed(wanted)

    def _unseen(self, window: Sequence[Entry | Refusal]) -> list[Entry | Refusal]:
        """Leave out what was listed before, by another source."""
        keys: dict[bytes, Entry | Refusal] = {}
        for one in window:
            keys.setdefault(index.key(one.path), one)
        before, _ = self._seen.find(keys)
        self._seen.add(keys)
        return [one for one, seen in zip(keys.values(), before.tolist(), strict=True) if not seen]

    # --- What happens to a recording ----------------------------------------------------------------------------------

    def _hear(self, entry: Entry, sha256: str | None) -> None:
        group = entry.group(self._by)
        name = None if group is None else gathering.name_of(group)
        self._pending.hear(Item(entry, sha256, name if name in self._baselines else None))

    def _copy(self, entry: Entry, sha256: str) -> bool:
        row = self._writer.copy(entry, sha256)
        if row is not None:
            self._count(copies=1, seconds=row["duration"])
        return row is not None

    def _fail(self, listed: Entry | Refusal, failure: Failure) -> None:
        self._writer.fail(listed, failure)
        self._failed(failure.message)
        self._count(errors=1)

    def _take(self, done: Done) -> None:
        for item, result in zip(done.job.items, done.results, strict=True):
            if isinstance(done.job, Hash):
                assert result is None or isinstance(result, str)
                self._hashed(item.entry, result)
            elif isinstance(done.job, Hear):
                assert isinstance(result, Answer | Failure)
                self._heard(item, result)

    def _hashed(self, entry: Entry, sha256: str | None) -> None:
        unchanged = self._checked.pop(entry.path, None)
        if unchanged is not None and unchanged(sha256):
            self._writer.stays(entry.path)
            self._count(known=1)
        else:
            self._sounds.hashed(entry, sha256)

    def _heard(self, item: Item, result: Answer | Failure) -> None:
        if isinstance(result, Failure):
            self._fail(item.entry, result)
        else:
            self._writer.add(item.entry, result)
            self._count(done=1, seconds=result.duration, bytes_heard=item.entry.size)
        self._sounds.answered(item.entry, item.sha256)
