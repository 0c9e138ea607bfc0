"""What the spectrum of each frame says: bands, cepstrum, and the shape of the whole.

Parameters are librosa's defaults, which the field's features were computed with, and so are the figures.
"""

from collections.abc import Callable, Collection, Mapping
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from intone.features.chroma import Chroma
from intone.features.filterbanks import MEL_BANDS, cosines, mel_bands
from intone.features.frames import FRAME, HOP, Block, Floats, Recording, frame_count, power_blocks
from intone.hear.audio import RATE

FLOOR = 1e-10
"""Smallest power that a logarithm is taken of."""
TOP_DB = 80.0
"""Decibels below the loudest value of the recording at which levels are cut off."""
ROLLOFF_SHARE = 0.85
"""Share of the magnitude below the roll-off frequency."""
CONTRAST_LOWEST, CONTRAST_BANDS, CONTRAST_SHARE = 200.0, 7, 0.02
"""Spectral contrast: top of the lowest band (Hz), bands, and the share of bins taken for a peak or a valley."""
SMALLEST_CROSSING = 1e-10
"""Samples nearer to zero count as zero."""


def decibels(power: Floats, *, out: Floats | None = None) -> Floats:
    """Convert power to decibels, cut off 80 dB below the recording's maximum (librosa's ``power_to_db``).

    Parameters
    ----------
    power : numpy.ndarray of float32, shape (frames, bands)
        The whole recording's, as the cut depends on its maximum.
    out : numpy.ndarray of float32, shape (frames, bands), optional
        Where to write, which may be ``power`` itself.

    Returns
    -------
    numpy.ndarray of float32, shape (frames, bands)
        In dB relative to 1; never below -100.

    Examples
    --------
    >>> decibels(np.array([[1.0, 0.1, 1e-20]], dtype=np.float32))
    array([[  0., -10., -80.]], dtype=float32)
    """
    levels: Floats = np.maximum(power, np.float32(FLOOR), out=out)
    np.log10(levels, out=levels)
    levels *= 10
    np.maximum(levels, levels.max() - np.float32(TOP_DB), out=levels)
    return levels


@cache
def _powers_of_frequency(bins: int) -> NDArray[np.float64]:
    """1, f and f², with f from 0 to 1, shape (bins, 3): a spectrum times it gives its moments."""
    return np.vander(np.linspace(0, 1, bins), 3, increasing=True)


def _moments(block: Block) -> tuple[Floats, Floats]:
    """Mean and standard deviation of the magnitude spectrum, over half the sample rate; 0 in silence."""
    # Double precision, as a narrow band's spread is a small difference of large numbers.
    total, first, second = (block.magnitude.astype(np.float64) @ _powers_of_frequency(block.magnitude.shape[1])).T
    total = np.where(total > np.finfo(np.float32).tiny, total, 1)
    mean = first / total
    spread = np.sqrt(np.maximum(second / total - np.square(mean), 0))
    return mean.astype(np.float32), spread.astype(np.float32)


def _column(values: NDArray[Any]) -> Floats:
    return np.asarray(values, dtype=np.float32)[:, np.newaxis]


def _centroid(block: Block) -> Floats:
    return _column(_moments(block)[0] * (RATE / 2))


def _bandwidth(block: Block) -> Floats:
    return _column(_moments(block)[1] * (RATE / 2))


def _rolloff(block: Block) -> Floats:
    below = np.cumsum(block.magnitude, axis=1)
    reached = (below >= np.float32(ROLLOFF_SHARE) * below[:, -1:]).argmax(axis=1)
    return _column(reached * (RATE / 2 / (below.shape[1] - 1)))


def _flatness(block: Block) -> Floats:
    power = np.maximum(block.power, np.float32(FLOOR))
    return _column(np.exp(np.log(power).mean(axis=1)) / power.mean(axis=1))


def _flux(block: Block) -> Floats:
    """Distance between the shapes of neighbouring spectra, each scaled to length 1; 0 at the start."""
    shapes = np.concatenate((np.sqrt(block.before[np.newaxis]), block.magnitude))
    shapes /= np.maximum(np.linalg.norm(shapes, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    return _column(np.linalg.norm(np.diff(shapes, axis=0), axis=1))


def _rms(block: Block) -> Floats:
    return _column(np.sqrt(np.einsum("fs,fs->f", block.frames, block.frames) / block.frames.shape[1]))


def _crossings(block: Block, length: int) -> Floats:
    """Share of samples whose sign is not their predecessor's; none are counted beyond the recording's ends."""
    negative = block.samples < -SMALLEST_CROSSING
    crossed = np.zeros(len(negative) + 1, dtype=np.int32)
    np.cumsum(negative[1:] != negative[:-1], out=crossed[2:])
    index = np.arange(block.start, block.start + len(crossed))
    crossed -= crossed[np.searchsorted(index, 1)]
    crossed = np.clip(crossed, 0, crossed[min(max(length - block.start, 0), len(crossed) - 1)])
    frames, size = block.frames.shape
    first = np.arange(frames) * ((len(block.samples) - size) // max(frames - 1, 1))
    return _column((crossed[first + size] - crossed[first + 1]) / size)


@cache
def _contrast_bands(bins: int) -> tuple[tuple[slice, int], ...]:
    """For each octave band its bins, and how many of them make a peak or a valley."""
    hertz = np.linspace(0, RATE / 2, bins)
    edges = np.concatenate(([0], CONTRAST_LOWEST * 2.0 ** np.arange(CONTRAST_BANDS)))
    bands = []
    for band, (low, high) in enumerate(pairwise(edges.tolist())):
        inside = np.flatnonzero((hertz >= low) & (hertz <= high))
        first, last = int(inside[0]) - (band > 0), int(inside[-1])
        final = band == CONTRAST_BANDS - 1
        stop = bins if final else last
        counted = (bins if final else last + 1) - first
        bands.append((slice(first, stop), max(int(np.rint(CONTRAST_SHARE * counted)), 1)))
    return tuple(bands)


def _extremes(block: Block) -> Floats:
    """Mean of the lowest and of the highest magnitudes in each octave band, shape (frames, 14)."""
    valleys, peaks = [], []
    for bins, share in _contrast_bands(block.magnitude.shape[1]):
        ordered = np.sort(block.magnitude[:, bins], axis=1)
        valleys.append(ordered[:, :share].mean(axis=1))
        peaks.append(ordered[:, -share:].mean(axis=1))
    return np.stack(valleys + peaks, axis=1)


def _contrast(extremes: Floats) -> Floats:
    return decibels(extremes[:, CONTRAST_BANDS:]) - decibels(extremes[:, :CONTRAST_BANDS])


_SHAPES: dict[str, Callable[[Block], Floats]] = {
    "centroid": _centroid,
    "bandwidth": _bandwidth,
    "rolloff": _rolloff,
    "flatness": _flatness,
    "flux": _flux,
    "rms": _rms,
    "contrast": _extremes,
}
_BANDED = ("mel", "logmel", "mfcc")
SPECTRAL = frozenset({*_SHAPES, *_BANDED, "chroma", "zcr"})
"""The features that this module measures."""


def spectral_tracks(
    recording: Recording, wanted: Collection[tuple[str, int]], *, frame: int = FRAME, hop: int = HOP
) -> dict[tuple[str, int], Floats]:
    """Measure what is wanted of each frame's spectrum, in one pass over the recording.

    Parameters
    ----------
    recording : Recording
        Samples at 16 kHz.
    wanted : collection of (str, int)
        Features of :data:`SPECTRAL` by name, with the number of columns where that is free, else 0.
    frame, hop : int
        Length of a frame and distance between two, in samples.

    Returns
    -------
    dict of (str, int) to numpy.ndarray of float32, shape (frames, columns)
        One track for each that was wanted.
    """
    # The cepstrum is taken of 128 bands however many are wanted for themselves.
    bands_of = {(name, count): MEL_BANDS if name == "mfcc" else count for name, count in wanted if name in _BANDED}
    banks = set(bands_of.values())
    shapes = [name for name, _ in wanted if name in _SHAPES]
    frames = frame_count(recording.length, hop)
    # Bands are written in place: an hour's, gathered and then joined, would be held twice.
    tables: dict[str | int, Floats] = {bands: np.empty((frames, bands), dtype=np.float32) for bands in banks}
    chroma = Chroma(recording, frame, hop) if ("chroma", 0) in wanted else None
    done = 0
    for block in power_blocks(recording, size=frame, hop=hop):
        here = slice(done, done + len(block.frames))
        for bands in banks:
            mel_bands(block.power, bands, out=tables[bands][here])
        rows = {name: _SHAPES[name](block) for name in shapes}
        if ("zcr", 0) in wanted:
            rows["zcr"] = _crossings(block, recording.length)
        if chroma:
            chroma.add(block)
        for key, values in rows.items():
            if key not in tables:
                tables[key] = np.empty((frames, values.shape[1]), dtype=np.float32)
            tables[key][here] = values
        done = here.stop
    plain = {count for name, count in wanted if name == "mel"}
    logs = {
        bands: decibels(tables[bands], out=None if bands in plain else tables[bands])
        for bands in {bands for (name, _), bands in bands_of.items() if name != "mel"}
    }
    if chroma:
        tables["chroma"] = chroma.values()
    return {(name, count): _track(name, count, tables, logs) for name, count in wanted}


def _track(name: str, count: int, tables: Mapping[str | int, Floats], logs: Mapping[int, Floats]) -> Floats:
    """Give a feature over time, from what was gathered of all blocks: by name, and bands and levels by their number."""
    match name:
        case "mel":
            return tables[count]
        case "logmel":
            return logs[count]
        case "mfcc":
            return logs[MEL_BANDS] @ cosines(count)
        case "contrast":
            return _contrast(tables[name])
        case _:
            return tables[name]
