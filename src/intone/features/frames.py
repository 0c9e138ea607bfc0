"""Cut a recording into frames and turn them into power spectra, a block at a time.

Everything spectral in the catalogue is computed from the blocks that :func:`power_blocks` yields, so a frame is
windowed and transformed once, whatever is measured in it, and memory does not grow with the recording.
"""

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from itertools import chain
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from intone.hear.audio import RATE, Sound, Waveform, blocks

Floats = NDArray[np.float32]
Number = TypeVar("Number", np.float32, np.float64)

FRAME = 2048
"""Samples in a frame (128 ms): librosa's default, which the field's features are computed with."""
HOP = 512
"""Samples from one frame to the next (32 ms)."""
BLOCK_FRAMES = 128
"""Frames in a block."""


HELD_SECONDS = 120
"""Recordings up to this long are held in memory; longer ones wait in a temporary file, 3.7 MB a minute."""

TILE_SAMPLES = 1 << 17
"""Samples of the frames transformed in one call: 64 frames of 2048."""


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
        return _padded(self._samples[max(0, start) : max(0, stop)], start, stop)


class Spooled:
    """A recording whose samples wait in a file, as they are more than memory should hold.

    Parameters
    ----------
    descriptor : int
        An open file of float32 samples, which stays its opener's to close.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._length = os.fstat(descriptor).st_size // 4

    @property
    def length(self) -> int:
        """Samples in all."""
        return self._length

    def read(self, start: int, stop: int) -> Floats:
        """Give samples ``start`` to ``stop``, with zeros where that is outside of the recording."""
        first, last = max(0, start), min(max(0, stop), self._length)
        os.lseek(self._descriptor, first * 4, os.SEEK_SET)
        inside = np.empty(max(0, last - first), dtype=np.float32)
        content = memoryview(inside.view(np.uint8).data)
        done = 0
        while done < len(content):
            part = os.read(self._descriptor, len(content) - done)
            content[done : done + len(part)] = part
            done += len(part)
        return _padded(inside, start, stop)


def _padded(inside: Floats, start: int, stop: int) -> Floats:
    before = min(max(0, -start), stop - start)
    return np.pad(inside, (before, stop - start - before - len(inside)))


@contextmanager
def recorded(sound: Sound, *, rate: int | None = None) -> Iterator[Recording]:
    """Open a sound as a recording, in memory or, past two minutes, by way of a temporary file.

    Parameters
    ----------
    sound, rate
        As for :func:`intone.hear.audio.load`.

    Yields
    ------
    Recording
        It may be read until the context ends.
    """
    if isinstance(sound, Waveform):
        yield Held(sound.samples)
        return
    parts = blocks(sound, rate=rate)
    held: list[Floats] = []
    seconds = 0.0
    for part in parts:
        held.append(part)
        seconds += len(part) / RATE
        if seconds > HELD_SECONDS:
            break
    else:
        yield Held(np.concatenate(held))
        return
    with tempfile.TemporaryFile(buffering=0) as spool:
        for part in chain(held, parts):
            spool.write(np.ascontiguousarray(part).data)
        held.clear()
        yield Spooled(spool.fileno())


def frame_count(length: int, hop: int = HOP) -> int:
    """Count the frames of ``length`` samples: centred at sample 0, ``hop``, 2 ``hop``, … up to the end."""
    return 1 + length // hop


def frame_times(frames: int, hop: int = HOP) -> NDArray[np.float64]:
    """Give the centre of each frame in seconds, shape (frames,)."""
    return np.arange(frames, dtype=np.float64) * (hop / RATE)


@cache
def hann(size: int) -> NDArray[np.float64]:
    """Give the periodic Hann window, shape (size,)."""
    window: NDArray[np.float64] = 0.5 + 0.5 * np.cos(np.linspace(-np.pi, np.pi, size + 1)[:-1])
    window.flags.writeable = False
    return window


@dataclass(frozen=True, eq=False)
class Block:
    """Some consecutive frames, and what is shared by all that is measured in them.

    Attributes
    ----------
    start : int
        The sample in the recording that the first frame begins with; negative before its start.
    samples : numpy.ndarray of float32, shape (hop * (frames - 1) + size,)
        All of them in a row.
    frames : numpy.ndarray of float32, shape (frames, size)
        Overlapping views of them; not to be written to.
    power : numpy.ndarray of float32, shape (frames, size // 2 + 1)
        Squared magnitude of each frame's Fourier transform. Bin ``k`` is at ``k * 16000 / size`` Hz.
    before : numpy.ndarray of float32, shape (size // 2 + 1,)
        Power of the frame before the first; of the first itself at the start of the recording.
    """

    start: int
    samples: Floats
    frames: Floats
    power: Floats
    before: Floats

    @cached_property
    def magnitude(self) -> Floats:
        """Magnitude of each frame's Fourier transform, shape (frames, size // 2 + 1)."""
        return np.sqrt(self.power)


class _Desks(threading.local):
    """Memory that transforms are done in, kept from one sound to the next: to fetch it anew takes longer than a sound.

    Each thread has its own, 2.6 MB for each of the few sizes of frame.
    """

    def __init__(self) -> None:
        self.of_size = lru_cache(maxsize=4)(self._made)

    @staticmethod
    def _made(size: int, points: int) -> tuple[NDArray[np.float64], NDArray[np.complex128], NDArray[np.complex64]]:
        """Give room for windowed frames, their spectra, and the spectra in single precision."""
        rows, bins = max(1, TILE_SAMPLES // points), points // 2 + 1
        return np.empty((rows, size)), np.empty((rows, bins), np.complex128), np.empty((rows, bins), np.complex64)


_desks = _Desks()


def _powers(frames: NDArray[np.floating], window: NDArray[np.float64], points: int) -> Floats:
    """Transform frames and take the power, shape (frames, points // 2 + 1).

    The transform is in double precision: NumPy's single-precision one is not faster, and at times four times slower.
    """
    powers = np.empty((len(frames), points // 2 + 1), dtype=np.float32)
    windowed, spectra, rounded = _desks.of_size(frames.shape[1], points)
    rows = len(windowed)
    for first in range(0, len(frames), rows):
        some, power = frames[first : first + rows], powers[first : first + rows]
        count = len(some)
        np.multiply(some, window, out=windowed[:count])
        np.fft.rfft(windowed[:count], points, out=spectra[:count])
        rounded[:count] = spectra[:count]
        # The absolute value of single precision is the one of several ways that processors do many at once.
        np.abs(rounded[:count], out=power)
        np.square(power, out=power)
    return powers


def _overlapping(samples: NDArray[Number], size: int, hop: int) -> NDArray[Number]:
    """View samples as frames, shape (frames, size), without copying any; not to be written to."""
    width = samples.itemsize
    # NumPy's own sliding_window_view does the same in fifty times the time, which short recordings notice.
    frames: NDArray[Number] = np.ndarray(
        (1 + (len(samples) - size) // hop, size), samples.dtype, samples.data, strides=(hop * width, width)
    )
    frames.flags.writeable = False
    return frames


def power_blocks(
    recording: Recording,
    *,
    size: int = FRAME,
    hop: int = HOP,
    window: NDArray[np.float64] | None = None,
    points: int | None = None,
    centred: bool = False,
) -> Iterator[Block]:
    """Yield frames and their power spectra in blocks.

    Frames are centred on multiples of ``hop``, with zeros beyond both ends.

    Parameters
    ----------
    recording : Recording
        Where the samples are read from.
    size, hop : int
        Length of a frame and distance between two, in samples.
    window : numpy.ndarray of float64, shape (size,), optional
        A Hann window by default.
    points : int, optional
        Points of the Fourier transform, where frames are to be padded with zeros; ``size`` by default.
    centred : bool, default False
        Take each frame's mean away before the transform.

    Yields
    ------
    Block
        Of up to BLOCK_FRAMES frames.

    Examples
    --------
    >>> tone = np.cos(2 * np.pi * 1000 * np.arange(16_000) / 16_000).astype(np.float32)
    >>> (block,) = power_blocks(Held(tone))
    >>> block.power.shape, int(block.power[10].argmax())
    ((32, 1025), 128)
    """
    shape = hann(size) if window is None else window
    frames = frame_count(recording.length, hop)
    before = None
    for first in range(0, frames, BLOCK_FRAMES):
        start = first * hop - size // 2
        last = min(first + BLOCK_FRAMES, frames) - 1
        samples = recording.read(start, last * hop + size - size // 2)
        views = _overlapping(samples, size, hop)
        if centred:
            power = _powers(views - views.mean(axis=1, keepdims=True), shape, points or size)
        else:
            # Samples are made double once, not again in each frame that shares them.
            power = _powers(_overlapping(samples.astype(np.float64), size, hop), shape, points or size)
        yield Block(start, samples, views, power, power[0] if before is None else before)
        before = power[-1]
