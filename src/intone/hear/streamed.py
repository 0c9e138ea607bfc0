"""A long recording that is decoded part by part, as often as it is gone through, and is never there whole."""

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np

from intone.errors import TruncatedSoundError
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
    """A recording of which one stretch at a time is in memory; it is its own samples, and is best cut in order.

    Parameters
    ----------
    sound : path or binary file
        What is decoded again whenever an earlier part is asked for.
    name : str
        What errors and results call it.
    decoded : callable, optional
        Is given each block ``(samples,)`` as the recording is gone through for the first time.
    max_seconds : float
        Longest sound that is accepted.

    Raises
    ------
    SoundError
        As for :func:`intone.hear.audio.load`.

    Examples
    --------
    >>> sound = Streamed("examples/kennedy.flac", name="kennedy")
    >>> whole = audio.load("examples/kennedy.flac").samples
    >>> len(sound) == len(whole), bool((sound[16_000:32_000] == whole[16_000:32_000]).all())
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
        self._sound, self._max_seconds = sound, max_seconds
        whole: Any = sound
        self._file = whole if hasattr(sound, "seek") else None
        self._begin = 0 if self._file is None else self._file.tell()
        self._count = 0
        for block in self._decoded():
            decoded(block)
            self._count += len(block)
        self._blocks, self._rest, self._at = self._decoded(), np.empty(0, np.float32), 0

    @property
    def samples(self) -> "Streamed":
        """The samples: itself."""
        return self

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self._count / RATE

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, part: slice, /) -> Samples:
        start, stop, _ = part.indices(self._count)
        if start < self._at:
            self._blocks, self._rest, self._at = self._decoded(), np.empty(0, np.float32), 0
        held = [self._rest]
        end = self._at + len(self._rest)
        while end < stop:
            block = next(self._blocks, None)
            if block is None:
                raise TruncatedSoundError(f"{self.name}: the file has become shorter while it was heard.")
            if end <= start:  # what was held until now lies before it
                held, self._at = [], end
            held.append(block)
            end += len(block)
        whole = np.concatenate(held)
        self._rest = whole[stop - self._at :].copy()
        found: Samples = whole[start - self._at : stop - self._at].copy()
        self._at = stop
        return found

    def _decoded(self) -> Iterator[Samples]:
        if self._file is not None:
            self._file.seek(self._begin)
        return audio.blocks(self._sound, name=self.name, max_seconds=self._max_seconds)
