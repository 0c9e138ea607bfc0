"""Cuts sound into stretches of speech, at pauses and where one lasts too long.

It hears sound as it comes and knows nothing of the future but what the detector waits for, so that a stream is cut as
its recording is. How the sound is cut into pieces on the way changes nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from intone.hear.audio import RATE
from intone.hear.voice import FRAME, THRESHOLD, TICK, TOGETHER, Detector

Floats = NDArray[np.float32]
FRAMES = RATE // FRAME
"""Frames a second."""
ONSET = round(0.08 * FRAMES)
"""So many frames of speech on end begin a segment; fewer are a click."""
PAUSE = round(0.4 * FRAMES)
"""So many frames without speech end it; a stop consonant or a breath is shorter."""
LEAST = round(0.25 * FRAMES)
"""A segment with fewer frames of speech is dropped: no emotion can be heard in it."""
MOST = round(6 * FRAMES)
"""A longer one is cut where it is quietest ..."""
EARLIEST = round(3 * FRAMES)
"""... and not before this many frames, so that both parts can be heard."""
MARGIN = round(0.1 * FRAMES)
"""What is heard before and behind a segment, where speech fades in and out; it does not count to its length."""
KEPT = ONSET + MARGIN
"""Frames of sound that are kept while nobody speaks."""


@dataclass(frozen=True, eq=False)
class Piece:
    """A stretch of speech, from frame ``start`` to before frame ``end``, and its sound with a margin around it."""

    start: int
    end: int
    samples: Floats = field(repr=False)

    @property
    def seconds(self) -> tuple[float, float]:
        """Where it starts and ends (seconds)."""
        return self.start / FRAMES, self.end / FRAMES


class Segmenter:
    """Finds the stretches of speech of one voice.

    Parameters
    ----------
    turns : iterable of (float, float), optional
        When the voice speaks, in seconds from the beginning, where that is known; all else is taken for a pause.
    """

    def __init__(self, turns: Iterable[tuple[float, float]] | None = None) -> None:
        self._turns = None if turns is None else _joined(turns)
        self._detector = Detector()
        self._waiting: list[Floats] = []  # sound short of a tick
        self._short = 0
        self._sound = np.zeros(0, np.float32)  # from frame `_first` on
        self._first = 0
        self._frame = 0  # the next to be decided on
        self._speech: list[float] = []  # of the segment under way, frame by frame
        self._run = 0  # frames of speech on end
        self._start: int | None = None
        self._last = 0  # the last frame of speech

    @property
    def began(self) -> float | None:
        """When the segment that is under way began (seconds); None where nobody speaks."""
        return None if self._start is None else self._start / FRAMES

    def push(self, samples: Floats) -> list[Piece]:
        """Hear more sound ``(samples,)`` at 16 kHz; give the stretches that have ended."""
        whole, step = self._whole(samples), TOGETHER * TICK
        pieces: list[Piece] = []
        for start in range(0, len(whole), step):
            pieces += self.hear(whole[start : start + step])
        return pieces

    def ticks(self, samples: Floats) -> Iterable[Floats]:
        """Cut sound as it comes into ticks for :meth:`hear`; what is short of one is kept for the next call."""
        whole = self._whole(samples)
        return (whole[start : start + TICK] for start in range(0, len(whole), TICK))

    def hear(self, ticks: Floats) -> list[Piece]:
        """Hear one tick or several; give the stretches that have ended."""
        return self._heard(ticks, self._detector.push(ticks))

    def _whole(self, samples: Floats) -> Floats:
        """Give what makes whole ticks of the sound that has come, and keep the rest."""
        self._waiting.append(samples)
        self._short += len(samples)
        if self._short < TICK:
            return np.zeros(0, np.float32)
        whole = np.concatenate(self._waiting)
        ready = len(whole) // TICK * TICK
        self._waiting, self._short = [whole[ready:].copy()], len(whole) - ready
        return whole[:ready]

    def finish(self) -> list[Piece]:
        """Hear what was short of a tick; give the stretches that have ended with the sound."""
        rest = np.concatenate(self._waiting) if self._waiting else np.zeros(0, np.float32)
        pieces = self._heard(rest, self._detector.finish(rest))
        if self._start is not None:
            pieces += self._closed(self._last + 1)
        self._waiting, self._short = [], 0
        return pieces

    def under_way(self, most: float) -> Piece | None:
        """Give the end of the segment that is being spoken, at most ``most`` seconds of its sound."""
        if self._start is None:
            return None
        end = self._last + 1
        start = max(self._start, end - round(most * FRAMES))
        return Piece(self._start, end, self._between(max(start - MARGIN, self._first), end + MARGIN))

    def _heard(self, sound: Floats, chances: Floats) -> list[Piece]:
        self._sound = np.concatenate([self._sound, sound])
        if self._turns is not None:
            chances = chances * _within(self._turns, self._frame, len(chances))
        pieces: list[Piece] = []
        for chance in chances.tolist():
            pieces += self._decided(chance)
            self._frame += 1
        self._forget()
        return pieces

    def _decided(self, chance: float) -> list[Piece]:
        """Take the next frame for speech or not; give the stretch that it ends."""
        spoken = chance >= THRESHOLD
        self._run = self._run + 1 if spoken else 0
        if spoken:
            self._last = self._frame
        self._speech.append(chance)
        if self._start is None:
            del self._speech[:-ONSET]
            if self._run >= ONSET:
                self._start = self._frame - ONSET + 1
            return []
        if self._frame - self._last >= PAUSE:
            return self._closed(self._last + 1)
        if self._frame + 1 - self._start >= MOST:
            return self._cut()
        return []

    def _closed(self, end: int) -> list[Piece]:
        assert self._start is not None
        start, self._start = self._start, None
        spoken = sum(chance >= THRESHOLD for chance in self._speech[: end - start])
        self._speech.clear()
        if spoken < LEAST:
            return []
        return [Piece(start, end, self._between(max(start - MARGIN, self._first), end + MARGIN))]

    def _cut(self) -> list[Piece]:
        """End a stretch that has lasted long enough where speech was least likely; the next begins there."""
        assert self._start is not None
        around = np.convolve(self._speech, np.ones(ONSET) / ONSET, "same")
        length = EARLIEST + int(around[EARLIEST:-ONSET].argmin())
        rest, start = self._speech[length:], self._start
        pieces = self._closed(start + length)
        self._speech = rest
        # What follows begins with speech, or where the next speech does.
        ahead = next((number for number, chance in enumerate(rest) if chance >= THRESHOLD), None)
        if ahead is not None:
            self._start = start + length + ahead
            del self._speech[:ahead]
        return pieces

    def _between(self, start: int, end: int) -> Floats:
        return self._sound[(start - self._first) * FRAME : (end - self._first) * FRAME]

    def _forget(self) -> None:
        """Let go of the sound that no segment can need any more."""
        needed = self._frame - KEPT if self._start is None else self._start - MARGIN
        over = max(needed, 0) - self._first
        if over > 0:
            self._sound = self._sound[over * FRAME :].copy()
            self._first += over


def _joined(turns: Iterable[tuple[float, float]]) -> NDArray[np.int64]:
    """Give turns as frames ``(turns, 2)``, those that touch or overlap as one."""
    joined: list[list[int]] = []
    for start, end in sorted((round(start * FRAMES), round(end * FRAMES)) for start, end in turns):
        if joined and start <= joined[-1][1]:
            joined[-1][1] = max(joined[-1][1], end)
        else:
            joined.append([start, end])
    return np.array(joined, dtype=np.int64).reshape(-1, 2)


def _within(turns: NDArray[np.int64], first: int, count: int) -> NDArray[np.bool_]:
    """Say which of ``count`` frames from ``first`` on lie in a turn."""
    frames = np.arange(first, first + count)
    before = np.searchsorted(turns[:, 0], frames, side="right") - 1
    return np.asarray((before >= 0) & (frames < turns[before, 1])) if len(turns) else np.zeros(count, np.bool_)
