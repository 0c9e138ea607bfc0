"""One run of ``intone live``: from the source through the stream to all who are told."""

import contextlib
import math
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Protocol

from intone.cli.console import tell
from intone.cli.live_files import Log, Recorder
from intone.cli.live_output import Output
from intone.errors import SoundError
from intone.hear.alerts import Alert, Watch
from intone.hear.audio import Samples
from intone.hear.delivery import CLOSING_SECONDS, Delivery
from intone.hear.sources import Chunk, Source
from intone.results import Notice, Update

PATIENCE_SECONDS = 0.5
"""Deliveries that take longer at the end are told of."""
FAILURES = frozenset({"delivery", "log", "recording"})
"""Notices of these codes say that something asked for was not done."""


@contextlib.contextmanager
def asked_to_stop() -> Iterator[Callable[[], bool]]:
    """Take the first Ctrl-C, or a request of the system to end, as the wish to stop; a second one ends at once."""
    asked = False

    def ask(*_: object) -> None:
        nonlocal asked
        asked = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Hearing(Protocol):
    """An :class:`intone.hear.stream.Stream`."""

    def push(self, samples: Samples, *, rate: int | None = None) -> list[Update]:
        """Hear more sound."""

    def finish(self) -> list[Update]:
        """Say what is left to say."""


class Session:
    """From the source through the stream to all who are told.

    Parameters
    ----------
    watches : list of Watch
        The alerts.
    record, log : Path or None
        Files to write.

    Attributes
    ----------
    stream, delivery, output
        Set before :meth:`started`.
    failed : bool
        Whether an alert was not delivered, or a file not written.
    """

    stream: Hearing
    delivery: Delivery
    output: Output

    def __init__(self, watches: list[Watch], record: Path | None, log: Path | None) -> None:
        self.failed = False
        self._watches, self._at = watches, 0.0
        self._recorder = None if record is None else Recorder(record, lambda what: self._notice("recording", what))
        self._log = None if log is None else Log(log, lambda what: self._notice("log", what))

    def started(self, record: dict[str, object]) -> None:
        """Tell of the beginning."""
        self.output.started(record)
        if self._log is not None:
            self._log.write(record)

    def run(self, source: Source, seconds: float, stopped: Callable[[], bool]) -> None:
        """Hear all that comes, until the source ends, somebody asks to stop, or the seconds are over."""
        refused: SoundError | None = None
        deadline = time.monotonic() + seconds  # for a source that gives nothing
        try:
            for heard in source:
                if isinstance(heard, Chunk):
                    self._hear(heard, seconds)
                elif heard is not None:
                    self._told([Update(round(self._at, 3), notice=heard)])
                self._undelivered(self.delivery.said())
                if stopped() or self._at >= seconds or (heard is None and time.monotonic() >= deadline):
                    break
        except SoundError as error:  # the recording; what it held until then is finished all the same
            refused = error
        self._told(self.stream.finish())
        if not self.delivery.drain(PATIENCE_SECONDS):
            tell("Waiting for alerts to be delivered; Ctrl-C leaves at once.")
            self.delivery.drain(CLOSING_SECONDS)
        self._undelivered(self.delivery.close())
        if refused is not None:
            raise refused

    def close(self) -> None:
        """End the files."""
        for file in (self._recorder, self._log):
            if file is not None:
                file.close()

    def tell_of_files(self) -> None:
        """Say what was kept."""
        if self._recorder is not None and self._recorder.written:
            names = ", ".join(map(str, self._recorder.written))
            tell(f"Wrote {names}: {self._at:.1f} s of sound.")

    def _hear(self, chunk: Chunk, seconds: float) -> None:
        left = round((seconds - self._at) * chunk.rate) if seconds < math.inf else len(chunk.samples)
        chunk = Chunk(chunk.samples[: max(left, 1)], chunk.rate)
        if self._recorder is not None:
            self._recorder.write(chunk)
        self._at += chunk.duration
        self.output.heard(chunk)
        self._told(self.stream.push(chunk.samples, rate=chunk.rate))

    def _told(self, updates: Iterable[Update]) -> None:
        for update in updates:
            self.output.updated(update)
            self._kept(update.to_dict())
            for watch in self._watches:
                alert = watch.hear(update)
                if alert is not None:
                    self._alert(alert)

    def _alert(self, alert: Alert) -> None:
        self.delivery.send(alert)
        self.output.alerted(alert)
        self._kept(alert.to_dict())

    def _kept(self, record: dict[str, object]) -> None:
        if self._log is not None:
            self._log.write(record)

    def _undelivered(self, messages: Iterable[str]) -> None:
        for message in messages:
            self._notice("delivery", message)

    def _notice(self, code: str, message: str) -> None:
        self.failed |= code in FAILURES
        self._told([Update(round(self._at, 3), notice=Notice(code, message))])
