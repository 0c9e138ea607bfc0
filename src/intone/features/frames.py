"""Cut a recording into frames and turn them into power spectra, a block at a time.

Everything spectral in the catalogue is computed from the blocks that :func:`power_blocks` yields, so a frame is
windowed and transformed once, whatever is measured in it, and memory does not grow with the recording.
"""

from collections.abc import Iterator
from functools import cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from intone.hear.audio import RATE

Floats = NDArray[np.float32]

FRAME = 2048
"""Samples in a frame (128 ms): librosa's default, which the field's features are computed with."""
HOP = 512
"""Samples from one frame to the next (32 ms)."""
BLOCK_FRAMES = 128
"""Frames transformed at a time; one block's work stays inside the processor's cache."""


class Recording(Protocol):
    """Samples at 16 kHz that can be read from anywhere: in memory, or longer than memory should hold."""

    @property
    def length(self) -> int:
        """Samples in all."""

    def read(self, start: int, stop: int) -> Floats:
        """Give samples ``start`` to ``stop``, with zeros where that is outside of the recording."""


class Held:
    """A recording whose samples are in memory.

    Parameters
    ----------
    samples : numpy.ndarray of float32, shape (samples,)
        Mono sound at 16 kHz.

    Examples
    --------
    >>> Held(np.ones(3, dtype=np.float32)).read(-1, 2)
    array([0., 1., 1.], dtype=float32)
    """

    def __init__(self, samples: Floats) -> None:
        self._samples = samples

    @property
    def length(self) -> int:
        """Samples in all."""
        return len(self._samples)

    def read(self, start: int, stop: int) -> Floats:
        """Give samples ``start`` to ``stop``, with zeros where that is outside of the recording."""
        if start >= 0 and stop <= self.length:
            return self._samples[start:stop]
        inside = self._samples[max(0, start) : max(0, stop)]
        before = min(max(0, -start), stop - start)
        return np.pad(inside, (before, stop - start - before - len(inside)))


def frame_count(length: int, hop: int = HOP) -> int:
    """Count the frames of ``length`` samples: centred at sample 0, ``hop``, 2 ``hop``, … up to the end."""
    return 1 + length // hop


def frame_times(frames: int, hop: int = HOP) -> NDArray[np.float64]:
    """Give the centre of each frame in seconds, shape (frames,)."""
    return np.arange(frames, dtype=np.float64) * (hop / RATE)


@cache
def hann(size: int) -> Floats:
    """Give the periodic Hann window, shape (size,)."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)).astype(np.float32)


def framed_blocks(recording: Recording, *, size: int = FRAME, hop: int = HOP) -> Iterator[Floats]:
    """Yield the frames of a recording, centred on multiples of ``hop`` with zeros beyond both ends.

    Parameters
    ----------
    recording : Recording
        Where the samples are read from.
    size, hop : int
        Length of a frame and distance between two, in samples.

    Yields
    ------
    numpy.ndarray of float32, shape (up to BLOCK_FRAMES, size)
        Overlapping views; not to be written to.
    """
    frames = frame_count(recording.length, hop)
    for first in range(0, frames, BLOCK_FRAMES):
        last = min(first + BLOCK_FRAMES, frames) - 1
        samples = recording.read(first * hop - size // 2, last * hop + size - size // 2)
        yield np.lib.stride_tricks.sliding_window_view(samples, size)[::hop]


def power_blocks(recording: Recording, *, size: int = FRAME, hop: int = HOP) -> Iterator[Floats]:
    """Yield power spectra, frame by frame in blocks: the squared magnitude of the Hann-windowed Fourier transform.

    Parameters
    ----------
    recording : Recording
        Where the samples are read from.
    size, hop : int
        Length of a frame and distance between two, in samples.

    Yields
    ------
    numpy.ndarray of float32, shape (up to BLOCK_FRAMES, size // 2 + 1)
        Bin ``k`` is at ``k * 16000 / size`` Hz.

    Examples
    --------
    >>> tone = np.cos(2 * np.pi * 1000 * np.arange(16_000) / 16_000).astype(np.float32)
    >>> power = np.concatenate(list(power_blocks(Held(tone))))
    >>> power.shape, int(power[10].argmax())
    ((32, 1025), 128)
    """
    window = hann(size)
    for frames in framed_blocks(recording, size=size, hop=hop):
        parts = np.fft.rfft(frames * window).view(np.float32)  # NumPy 2 stays in single precision: complex64
        np.square(parts, out=parts)
        yield parts[:, ::2] + parts[:, 1::2]
