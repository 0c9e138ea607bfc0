"""Prepare sound before it is measured, and scale what was measured: trimming, levels, emphasis, noise, scaling."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from intone.errors import UsageError, unknown
from intone.features.frames import FRAME, HOP, Floats, frame_count, hann
from intone.hear.audio import RATE
from intone.hear.streamed import Slices

Level = Literal["peak", "rms", "loudness"]
TARGETS_DB: dict[str, float] = {"peak": -1.0, "rms": -23.0, "loudness": -23.0}
"""Where each kind of level is brought to by default: dB relative to full scale, LUFS for loudness (EBU R 128)."""
OVER_NOISE = 3.0
"""Power over the mean of noise that is needed to be kept: noise alone exceeds it in one bin of twenty."""
PART = 2**20
"""Samples that are squared at a time."""
EMPHASIS = 0.97
LOUDNESS_WINDOW, LOUDNESS_HOP = 6400, 1600
"""Loudness is measured in windows of 0.4 s, three quarters overlapping [ITU-R BS.1770-5]."""
ABSOLUTE_GATE, RELATIVE_GATE = -70.0, -10.0
"""Windows quieter than this (LUFS), or than the rest by this (LU), do not count [ITU-R BS.1770-5]."""


def trim(samples: Floats, *, below_db: float = 40.0) -> Floats:
    """Cut silence off both ends.

    Parameters
    ----------
    samples : numpy.ndarray of float32, shape (samples,)
        Mono sound at 16 kHz.
    below_db : float, default 40
        How much quieter than the loudest frame is silence.

    Returns
    -------
    numpy.ndarray of float32, shape (up to samples,)
        A view from the first frame that is louder to the last.

    Examples
    --------
    >>> tone = np.sin(np.arange(16_000)).astype(np.float32)
    >>> len(trim(np.concatenate((np.zeros(16_000, dtype=np.float32), tone)))) < 18_000
    True
    """
    return samples[sounding(samples, below_db=below_db)]


def sounding(samples: Slices, *, below_db: float = 40.0) -> slice:
    """Say which samples :func:`trim` keeps: those between the first frame that is louder than silence and the last."""
    centres = np.arange(frame_count(len(samples), HOP)) * HOP
    begins, ends = (np.clip(centres + half, 0, len(samples)) for half in (-FRAME // 2, FRAME // 2))
    places = np.union1d(begins, ends)
    sums = _energy_before(samples, places)
    energy = sums[np.searchsorted(places, ends)] - sums[np.searchsorted(places, begins)]
    loud = np.flatnonzero(energy > energy.max() * 10 ** (-below_db / 10))
    if len(loud) == 0:
        return slice(0, len(samples))
    return slice(int(loud[0]) * HOP, min(len(samples), (int(loud[-1]) + 1) * HOP))


def _energy_before(samples: Slices, ends: NDArray[np.int64]) -> NDArray[np.float64]:
    """Sum the squares of all samples before each of some ends, which ascend; an hour is gone through in parts."""
    found = np.zeros(len(ends))
    total = 0.0
    for start in range(0, len(samples), PART):
        sums = np.cumsum(np.concatenate([[total], np.square(samples[start : start + PART], dtype=np.float64)]))
        first, last = np.searchsorted(ends, [start, start + PART], side="right")
        found[first:last] = sums[ends[first:last] - start]
        total = sums[-1]
    return found


def normalise(samples: Floats, level: Level = "peak", *, target_db: float | None = None) -> Floats:
    """Bring a sound to a level.

    Parameters
    ----------
    samples : numpy.ndarray of float32, shape (samples,)
        Mono sound at 16 kHz.
    level : "peak", "rms" or "loudness"
        What is brought to the target: the largest sample, the root mean square, or the loudness that a listener
        perceives [ITU-R BS.1770-5].
    target_db : float, optional
        In dB relative to full scale, LUFS for loudness; -1, -23 and -23 by default.

    Returns
    -------
    numpy.ndarray of float32, shape (samples,)
        The sound times one factor; it may exceed full scale where only loudness was asked for.

    Raises
    ------
    UsageError
        There is no such level.

    Examples
    --------
    >>> float(np.abs(normalise(np.array([0.1, -0.2], dtype=np.float32), target_db=0)).max())
    1.0
    """
    if level not in TARGETS_DB:
        raise unknown("level", level, TARGETS_DB)
    target = TARGETS_DB[level] if target_db is None else target_db
    if level == "loudness":
        now = loudness(samples)
    else:
        size = np.abs(samples).max() if level == "peak" else np.sqrt(np.square(samples, dtype=np.float64).mean())
        now = 20 * np.log10(max(float(size), 1e-30))
    return samples * np.float32(10 ** ((target - now) / 20)) if now > -400 else samples


def loudness(samples: Floats) -> float:
    """Measure how loud a sound is to a listener, in LUFS [ITU-R BS.1770-5]; minus infinity for silence.

    Examples
    --------
    >>> tone = np.sin(2 * np.pi * 997 * np.arange(32_000) / 16_000).astype(np.float32)
    >>> round(loudness(tone), 1)
    -3.0
    """
    if len(samples) < LOUDNESS_WINDOW:
        samples = np.pad(samples, (0, LOUDNESS_WINDOW - len(samples)))
    windows = np.lib.stride_tricks.sliding_window_view(samples, LOUDNESS_WINDOW)[::LOUDNESS_HOP]
    weights = _ear_weights(LOUDNESS_WINDOW // 2 + 1)
    power = np.array([weights @ np.square(np.abs(np.fft.rfft(window))) for window in windows])
    power *= 2 / LOUDNESS_WINDOW**2
    levels = -0.691 + 10 * np.log10(np.maximum(power, 1e-30))
    counted = power[levels > ABSOLUTE_GATE]
    if len(counted) == 0:
        return float("-inf")
    gate = -0.691 + 10 * np.log10(counted.mean()) + RELATIVE_GATE
    return float(-0.691 + 10 * np.log10(power[(levels > ABSOLUTE_GATE) & (levels > gate)].mean()))


def _ear_weights(bins: int) -> NDArray[np.float64]:
    """Squared response of BS.1770's two filters, for the head and for the low end, given there at 48 kHz."""
    delay = np.exp(-2j * np.pi * np.linspace(0, RATE / 2, bins) / 48_000)
    head = np.polyval([1.19839281085285, -2.69169618940638, 1.53512485958697], delay) / np.polyval(
        [0.73248077421585, -1.69065929318241, 1.0], delay
    )
    low_cut = np.polyval([1.0, -2.0, 1.0], delay) / np.polyval([0.99007225036621, -1.99004745483398, 1.0], delay)
    weights: NDArray[np.float64] = np.square(np.abs(head * low_cut))
    return weights


def emphasise(samples: Floats, *, coefficient: float = EMPHASIS) -> Floats:
    """Lift high frequencies, which the voice has less of: each sample less a share of the one before.

    Parameters
    ----------
    samples : numpy.ndarray of float32, shape (samples,)
        Mono sound.
    coefficient : float, default 0.97
        The share; 0 changes nothing.

    Examples
    --------
    >>> emphasise(np.array([1.0, 1.0, 0.0], dtype=np.float32), coefficient=0.5)
    array([ 1. ,  0.5, -0.5], dtype=float32)
    """
    return np.concatenate((samples[:1], samples[1:] - np.float32(coefficient) * samples[:-1]))


def denoise(samples: Floats, *, noise_share: float = 0.1, reduction_db: float = 18.0) -> Floats:
    """Turn steady noise down by spectral gating [Boll 1979, spectral subtraction, with a floor].

    The quietest frames are taken for noise alone. A bin that is not well above what it has in them is turned down.

    Parameters
    ----------
    samples : numpy.ndarray of float32, shape (samples,)
        Mono sound at 16 kHz, all of it held in memory.
    noise_share : float, default 0.1
        Share of the frames that is taken for noise.
    reduction_db : float, default 18
        How far noise is turned down; all the way would leave chirps.

    Returns
    -------
    numpy.ndarray of float32, shape (samples,)
        As long as the sound.

    Raises
    ------
    UsageError
        The share is not between 0 and 1.
    """
    if not 0 < noise_share <= 1:
        raise UsageError(f"noise_share is {noise_share}; accepted is above 0 and up to 1.")
    window = np.sqrt(hann(FRAME))
    frames = frame_count(len(samples), HOP)
    padded = np.pad(samples, (FRAME // 2, FRAME))
    views = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::HOP][:frames]
    spectra = np.fft.rfft(views * window)
    power = np.square(np.abs(spectra))
    quietest = np.argsort(power.sum(axis=1))[: max(1, int(noise_share * frames))]
    noise = power[quietest].mean(axis=0)
    floor = 10 ** (-reduction_db / 20)
    kept = 1 - OVER_NOISE * noise / np.maximum(power, 1e-30)
    smoothed = np.apply_along_axis(np.convolve, 1, np.clip(kept, 0, 1), np.hanning(7)[1:-1] / 3, "same")
    gated = np.fft.irfft(spectra * np.maximum(np.sqrt(smoothed), floor), FRAME) * window
    result = np.zeros(len(padded) + FRAME)
    for frame, part in enumerate(gated):
        result[frame * HOP : frame * HOP + FRAME] += part
    overlap = FRAME / HOP / 2  # what squared root-Hann windows at this hop add up to
    return (result[FRAME // 2 : FRAME // 2 + len(samples)] / overlap).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Scaler:
    """Brings each column to mean 0 and standard deviation 1, as they were in the training data.

    Attributes
    ----------
    mean, deviation : numpy.ndarray of float32, shape (columns,)
        Of the training data; a column that never changed has deviation 1.
    """

    mean: Floats
    deviation: Floats

    @classmethod
    def fit(cls, values: Floats) -> "Scaler":
        """Learn from training data alone; fitting on what is tested on would tell the model about it.

        Parameters
        ----------
        values : numpy.ndarray of float32, shape (rows, columns)
            NaN is left out; a column of nothing else has mean 0.

        Examples
        --------
        >>> rows = np.array([[1.0, 5.0], [3.0, np.nan]], dtype=np.float32)
        >>> Scaler.fit(rows).transform(rows)
        array([[-1.,  0.],
               [ 1.,  0.]], dtype=float32)
        """
        present = ~np.isnan(values)
        count = np.maximum(present.sum(axis=0), 1)
        filled = np.where(present, values, 0).astype(np.float64)
        mean = filled.sum(axis=0) / count
        deviation = np.sqrt(np.where(present, np.square(filled - mean), 0).sum(axis=0) / count)
        steady = deviation <= 1e-7 * np.abs(mean)
        return cls(mean.astype(np.float32), np.where(steady, 1, deviation).astype(np.float32))

    def transform(self, values: Floats) -> Floats:
        """Scale values of shape (rows, columns); one that is missing (NaN) becomes 0, the mean."""
        scaled: Floats = np.nan_to_num((values - self.mean) / self.deviation, nan=0.0)
        return scaled
