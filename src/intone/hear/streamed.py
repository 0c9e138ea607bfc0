"""A long recording that is decoded part by part, as often as it is gone through, and is never there whole."""

import sys
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np

from intone.errors import SoundError, TruncatedSoundError
from intone.hear import audio
from intone.hear.audio import RATE, Samples, Sound


class Slices(Protocol):
    """Samples that can be cut, such as an array ``(samples,)``."""

    def __len__(self) -> int:
        """Count them."""

    def __getitem__(self, part: slice, /) -> Any:
        """Give those of a part, as an array."""


class Audible(Protocol):
    """A sound at 16 kHz that has been found to be one: a :class:`~intone.hear.audio.Waveform`, or :class:`Streamed`."""

    @property
    def samples(self) -> Slices:
        """The samples."""

    @property
    def name(self) -> str:
        """What errors and results call it."""

    @property
    def duration(self) -> float:
        """Length in seconds."""


class Streamed:
    """A recording of which one stretch at a time is in memory; it is its own samples.

    Gone through in order it is decoded once, as far as it is asked for; how long it is, which is told by decoding it to
    its end, is best asked then.

    Parameters
    ----------
    sound : path, bytes or binary file
        What is decoded again whenever an earlier part is asked for.
    name : str
        What errors and results call it.
    decoded : callable, optional
        Is given each block ``(samples,)`` as it is decoded for the first time.
    max_seconds : float
        Longest sound that is accepted.

    Raises
    ------
    SoundError
        As for :func:`intone.hear.audio.load`, by whatever has it decoded; what is known at a sound's end only is raised
        there.

    Examples
    --------
    >>> sound = Streamed("examples/kennedy.flac", name="kennedy")
    >>> whole = audio.load("examples/kennedy.flac").samples
    >>> bool((sound[16_000:32_000] == whole[16_000:32_000]).all()), len(sound) == len(whole)
    (True, True)
    """

    def __init__(
        self,
        sound: Sound,
        *,
        name: str,
        decoded: Callable[[Samples], object] = lambda _: None,
        max_seconds: float = audio.MAX_SECONDS,
    ) -> None:
        self.name = name
        self._sound, self._max_seconds, self._tell = sound, max_seconds, decoded
        whole: Any = sound
        self._file = whole if hasattr(sound, "seek") else None
        self._begin = 0 if self._file is None else self._file.tell()
        self._count: int | None = None  # known when all has been decoded once
        self._told = 0
        self._blocks, self._rest, self._at = self._decoded(), np.empty(0, np.float32), 0

    @property
    def samples(self) -> "Streamed":
        """The samples: itself."""
        return self

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return len(self) / RATE

    def __len__(self) -> int:
        while self._count is None:
            # What is held meanwhile lies before whatever is asked for next.
            self._at, self._rest = self._at + len(self._rest), self._next()
        return self._count

    def __getitem__(self, part: slice, /) -> Samples:
        start, stop = part.start or 0, sys.maxsize if part.stop is None else part.stop
        if self._count is not None or min(start, stop) < 0:
            start, stop, _ = part.indices(len(self))
        stop = max(start, stop)
        if start < self._at:
            self._begin_anew()
        held = [self._rest]
        end = self._at + len(self._rest)
        while end < stop:
            block = self._next()
            if not len(block):
                break
            if end <= start:  # what was held until now lies before it
                held, self._at = [], end
            held.append(block)
            end += len(block)
        whole = np.concatenate(held)
        start, stop = min(start, end), min(stop, end)
        self._rest = whole[stop - self._at :].copy()
        found: Samples = whole[start - self._at : stop - self._at].copy()
        self._at = stop
        return found

    def _begin_anew(self) -> None:
        self._blocks, self._rest, self._at = self._decoded(), np.empty(0, np.float32), 0

    def _next(self) -> Samples:
        """Give the next block, empty at the end; what cannot be decoded is raised whenever it is asked for."""
        try:
            return next(self._blocks, np.empty(0, np.float32))
        except SoundError:
            self._begin_anew()
            raise

    def _decoded(self) -> Iterator[Samples]:
        """Decode all of it; tell of what has not been decoded before."""
        if self._file is not None:
            self._file.seek(self._begin)
        end = 0
        for block in audio.blocks(self._sound, name=self.name, max_seconds=self._max_seconds):
            end += len(block)
            if self._count is None and end > self._told:
                self._tell(block[self._told - end :])
                self._told = end
            yield block
        if self._count is None:
            self._count = end
        if end < self._count:
            raise TruncatedSoundError(f"{self.name}: the file has become shorter while it was heard.")
