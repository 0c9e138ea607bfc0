"""Where live sound comes from: what every source gives, and a recording as one; the microphone is another.

A source is gone through: it gives chunks of sound, notices of what happened to it, and None where there is nothing yet.
"""

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from intone.hear import audio
from intone.hear.audio import Samples
from intone.results import Notice

CHUNK_SECONDS = 0.1
"""How much of a recording is given at a time."""

Quiet: TypeAlias = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True, eq=False)
class Chunk:
    """A piece of sound: mono ``samples`` of shape ``(n,)``, and their ``rate`` in Hz."""

    samples: Samples
    rate: int

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.rate


Heard: TypeAlias = Chunk | Notice | None


class Source(Protocol):
    """Where sound comes from."""

    name: str
    rate: int

    def __iter__(self) -> Iterator[Heard]:
        """Give chunks of sound, notices, and None where there is nothing yet."""

    def close(self) -> None:
        """Let go of the device or the file."""


class Recording:
    """A recording as a source, 100 ms at a time.

    Parameters
    ----------
    path : str
        See :func:`intone.hear.audio.load`.
    realtime : bool, default False
        Give each chunk no sooner than it would have been spoken; otherwise as fast as it is taken. One who is late
        catches up.
    clock, sleep : callable, optional
        The time in seconds, and a wait for some.
    quiet : callable, optional
        Gives a context in which the recording is decoded.

    Raises
    ------
    SoundError
        It cannot be heard.
    """

    rate = audio.RATE

    def __init__(
        self,
        path: str,
        *,
        realtime: bool = False,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
        quiet: Quiet = contextlib.nullcontext,
    ) -> None:
        self.name = path
        self._realtime, self._clock, self._sleep, self._quiet = realtime, clock, sleep, quiet
        self._blocks = audio.blocks(path, max_seconds=math.inf)
        self._first = self._next()

    def __iter__(self) -> Iterator[Heard]:
        """Give the recording, once.

        Raises
        ------
        SoundError
            It is too short, silent or cut off, which is known at its end only.
        """
        began, given = self._clock(), 0
        step = round(CHUNK_SECONDS * self.rate)
        block = self._first
        while block is not None:
            for start in range(0, len(block), step):
                chunk = Chunk(block[start : start + step], self.rate)
                given += len(chunk.samples)
                early = began + given / self.rate - self._clock()
                if self._realtime and early > 0:
                    self._sleep(early)
                yield chunk
            block = self._next()

    def _next(self) -> Samples | None:
        with self._quiet():
            return next(self._blocks, None)

    def close(self) -> None:
        """Do nothing: the file is closed when it ends."""
