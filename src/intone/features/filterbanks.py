"""The fixed matrices that turn a power spectrum into bands a listener would recognise."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from intone.features.frames import FRAME, Floats
from intone.hear.audio import RATE

MEL_BANDS = 128
"""Bands of the mel spectrogram: librosa's default."""

BANDS_TOGETHER = 16
"""Filters multiplied at once: fewer waste time on calls, more on zeros."""


def _hz_to_mel(hertz: float) -> float:
    """Slaney's mel scale: linear up to 1 kHz, logarithmic above [Slaney 1998, Auditory Toolbox]."""
    return hertz * 3 / 200 if hertz < 1000 else 15 + 27 * float(np.log(hertz / 1000) / np.log(6.4))


def _mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp(np.log(6.4) / 27 * (np.maximum(mel, 15) - 15)))


@cache
def mel_filters(bands: int = MEL_BANDS, size: int = FRAME) -> Floats:
    """Give triangular filters of equal area, evenly spaced on Slaney's mel scale from 0 Hz to 8 kHz.

    Parameters
    ----------
    bands : int
        How many filters.
    size : int
        Samples of the frame whose spectrum is filtered.

    Returns
    -------
    numpy.ndarray of float32, shape (size // 2 + 1, bands)
        Multiply a power spectrum by it from the right.

    Examples
    --------
    >>> mel_filters(40).shape
    (1025, 40)
    """
    edges = _mel_to_hz(np.linspace(0, _hz_to_mel(RATE / 2), bands + 2))
    bins = np.arange(size // 2 + 1)[:, np.newaxis] * (RATE / size)
    lower, centre, upper = edges[:-2], edges[1:-1], edges[2:]
    triangles = np.minimum((bins - lower) / (centre - lower), (upper - bins) / (upper - centre))
    filters = (np.maximum(0, triangles) * (2 / (upper - lower))).astype(np.float32)
    filters.flags.writeable = False
    return filters


@cache
def _narrow_banks(bands: int, size: int) -> tuple[tuple[slice, slice, Floats], ...]:
    """Split the filters into groups of neighbours: the bins that a group reaches, its bands, and the filters."""
    filters = mel_filters(bands, size)
    groups = []
    for some in np.array_split(np.arange(bands), max(1, bands // BANDS_TOGETHER)):
        reached = np.flatnonzero(filters[:, some].any(axis=1))
        bins = slice(int(reached.min(initial=0)), int(reached.max(initial=0)) + 1)
        columns = slice(int(some[0]), int(some[-1]) + 1)
        groups.append((bins, columns, np.ascontiguousarray(filters[bins, columns])))
    return tuple(groups)


def mel_bands(power: Floats, bands: int = MEL_BANDS, *, out: Floats | None = None) -> Floats:
    """Sum power spectra into mel bands.

    Parameters
    ----------
    power : numpy.ndarray of float32, shape (frames, bins)
        Power spectra up to 8 kHz.
    bands : int
        How many bands.
    out : numpy.ndarray of float32, shape (frames, bands), optional
        Where to write.

    Returns
    -------
    numpy.ndarray of float32, shape (frames, bands)
        ``power @ mel_filters(bands)``, without multiplying by the zeros that most of a filter is.
    """
    result = np.empty((len(power), bands), dtype=np.float32) if out is None else out
    for bins, columns, bank in _narrow_banks(bands, 2 * (power.shape[1] - 1)):
        np.matmul(power[:, bins], bank, out=result[:, columns])
    return result


@cache
def cosines(count: int, bands: int = MEL_BANDS) -> Floats:
    """Give the first ``count`` rows of the orthonormal cosine transform (DCT-II), shape (bands, count)."""
    rows, columns = np.arange(count), np.arange(bands)[:, np.newaxis]
    matrix = np.sqrt(2 / bands) * np.cos(np.pi * rows * (2 * columns + 1) / (2 * bands))
    matrix[:, 0] /= np.sqrt(2)
    transform: Floats = matrix.astype(np.float32)
    transform.flags.writeable = False
    return transform
