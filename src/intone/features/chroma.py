"""Chroma: how much of each of the twelve pitch classes is in a frame, once the recording's tuning is known."""

from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from intone.features.frames import Block, Floats, Recording, frame_count, power_blocks
from intone.hear.audio import RATE

CLASSES = 12
KEPT_FRAMES = 20_480
"""Power spectra of up to so many frames (11 minutes, 84 MB) are kept until the tuning is known; of more, made again."""
PEAK_SHARE = 0.1
"""Of a frame's greatest power: smaller peaks say nothing of the tuning."""
LOWEST, HIGHEST = 150.0, 4000.0
"""Where peaks tell the tuning (Hz)."""
TUNINGS = 100
"""Steps within a semitone that the tuning is told in."""

Doubles = NDArray[np.float64]


def _octaves(hertz: Doubles) -> Doubles:
    """Octaves above 27.5 Hz, the A of the lowest octave."""
    octaves: Doubles = np.log2(hertz / 27.5)
    return octaves


@cache
def _pitch_classes(size: int) -> tuple[Doubles, Doubles]:
    """Where each bin stands in pitch classes above A, and how wide it is, both of shape (size // 2 + 1, 1)."""
    position = CLASSES * _octaves(np.arange(1, size // 2 + 2, dtype=np.float64) * (RATE / size))
    position = np.concatenate(([position[0] - 1.5 * CLASSES], position))  # 0 Hz: half an octave off, and broad
    width = np.maximum(np.diff(position), 1.0)
    return position[:-1, np.newaxis], width[:, np.newaxis]


@lru_cache(maxsize=TUNINGS)
def chroma_filters(tuning: float, size: int) -> Floats:
    """Give the filters of the pitch classes from C to B [Ellis 2007, "Chroma feature analysis and synthesis"].

    Parameters
    ----------
    tuning : float
        How far the recording's tuning is from A = 440 Hz, in semitones.
    size : int
        Samples of a frame.

    Returns
    -------
    numpy.ndarray of float32, shape (size // 2 + 1, 12)
        Multiply a power spectrum by it from the right.

    Examples
    --------
    >>> filters = chroma_filters(0.0, 2048)
    >>> "C C# D D# E F F# G G# A A# B".split()[filters[round(440 / 16_000 * 2048)].argmax()]
    'A'
    """
    position, width = _pitch_classes(size)
    position = position - tuning
    half = CLASSES // 2
    away = np.remainder(position - np.arange(CLASSES) + half, CLASSES) - half
    bumps: Doubles = np.exp(-2 * np.square(away / width))
    bumps /= np.linalg.norm(bumps, axis=1, keepdims=True)
    bumps *= np.exp(-0.5 * np.square((position / CLASSES - 5) / 2))  # the octaves of the voice count most
    return np.roll(bumps, -3, axis=1).astype(np.float32)  # begin at C, not A


def _peaks(power: Floats, size: int) -> Floats:
    """Find the peaks of each spectrum: their bins, and the power before, at and after each, shape (4, peaks)."""
    first, last = int(np.ceil(LOWEST * size / RATE)), int(np.ceil(HIGHEST * size / RATE))
    threshold = np.float32(PEAK_SHARE) * power.max(axis=1, keepdims=True)
    # NumPy finds what is true, and gathers it, several times faster in one dimension than in two.
    row, column = np.divmod(np.flatnonzero(power[:, first:last] > threshold), last - first)
    column += first
    place, least, flat = row * power.shape[1] + column, threshold.ravel().take(row), power.ravel()
    left, here, right = flat.take(place - 1), flat.take(place), flat.take(place + 1)
    top = (here > np.where(left > least, left, 0)) & (here >= np.where(right > least, right, 0))
    return np.stack((column.astype(np.float32), left, here, right)).compress(top, axis=1)


def _interpolated(peaks: Floats, size: int) -> tuple[Doubles, Floats]:
    """Give the peaks' frequencies in Hz and their heights, each from the parabola through three bins."""
    column, left, here, right = peaks
    bend, lean = left + right - 2 * here, (right - left) / 2
    narrow = np.abs(lean) < np.abs(bend)
    shift = np.where(narrow, -lean / np.where(narrow, bend, 1), 0)
    return (column + shift) * np.float64(RATE / size), here + lean * shift / 2


class Chroma:
    """Gather chroma over the blocks of a recording, whose tuning is known only at its end.

    Parameters
    ----------
    recording : Recording
        What the blocks come from: a long one is read again.
    size, hop : int
        Length of a frame and distance between two, in samples.
    """

    def __init__(self, recording: Recording, size: int, hop: int) -> None:
        self._recording, self._size, self._hop = recording, size, hop
        frames = frame_count(recording.length, hop)
        self._keeps = frames <= KEPT_FRAMES
        # In one piece, which the system hands out in far larger pages than many small ones.
        self._kept = np.empty((frames if self._keeps else 0, size // 2 + 1), dtype=np.float32)
        self._done = 0
        self._peaks: list[Floats] = []

    def add(self, block: Block) -> None:
        """Take in the next block."""
        self._peaks.append(_peaks(block.power, self._size))
        if self._keeps:
            self._kept[self._done : self._done + len(block.power)] = block.power
        self._done += len(block.power)

    def tuning(self) -> float:
        """Tell how far the recording's tuning is from A = 440 Hz, in semitones from -0.5 to 0.49.

        The commonest deviation of its louder half of peaks, as in ``librosa.estimate_tuning``.
        """
        hertz, height = _interpolated(np.concatenate(self._peaks, axis=1), self._size)
        if len(hertz) == 0:
            return 0.0
        loud = hertz[height >= np.median(height)]
        deviation = np.mod(CLASSES * _octaves(loud), 1.0)
        deviation[deviation >= 0.5] -= 1.0
        edges = np.linspace(-0.5, 0.5, TUNINGS + 1)
        return float(edges[np.histogram(deviation, edges)[0].argmax()])

    def values(self) -> Floats:
        """Give the chroma of each frame, scaled so that its strongest class is 1, shape (frames, 12)."""
        # A pitch class a row: a product of that shape takes two thirds of the time, and a maximum over rows a tenth.
        filters = np.ascontiguousarray(chroma_filters(self.tuning(), self._size).T)
        if self._keeps:
            raw = filters @ self._kept.T
        else:
            blocks = power_blocks(self._recording, size=self._size, hop=self._hop)
            raw = np.concatenate([filters @ block.power.T for block in blocks], axis=1)
        strongest = raw.max(axis=0)  # none is negative
        # A frame of silence stays zero, as librosa leaves what is below the smallest normal number.
        raw /= np.where(strongest < np.finfo(np.float32).tiny, np.float32(1), strongest)
        return raw.T
