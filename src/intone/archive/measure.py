"""How a recording sounds, measured as it streams by: its level, its bandwidth and the noise behind the speech."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from intone.hear.audio import RATE, Samples

FRAME = RATE // 50
"""Samples of a frame: 20 ms."""
PART = 2 * RATE
"""Samples that are measured at a time: all that is made of them stays in a core's cache."""
LOUDEST = np.float32(1e6)
"""Samples beyond this (full scale is 1) count as this, or one of a broken source would be infinite in the power."""
SOUNDING_DB = 40.0
"""A frame that is quieter than the loudest by more does not count as sounding."""
QUIETEST = 0.1
"""Share of the frames that are taken for noise alone."""
MOST_POWER = 0.99
"""Share of the power that lies below the bandwidth."""
LOWEST_DB, HIGHEST_DB, STEP_DB = -120.0, 60.0, 0.1
"""What levels are told apart, in dB relative to full scale."""


@dataclass(frozen=True)
class Measures:
    """How a recording sounds.

    Attributes
    ----------
    level_db : float
        RMS of the frames that sound, in dB relative to full scale.
    bandwidth_hz : float
        Frequency below which 99 % of the power lies, to 50 Hz; 8,000 Hz at most, as much as a model hears.
    noise_db : float
        RMS of the quietest tenth of all frames, in dB relative to full scale; at least -120.
    """

    level_db: float
    bandwidth_hz: float
    noise_db: float


class Meter:
    """Measures mono sound at 16 kHz; how it is cut into pieces on the way changes nothing, nor does its length.

    Examples
    --------
    >>> meter = Meter()
    >>> meter.push(np.sin(2 * np.pi * 1000 * np.arange(16_000) / 16_000).astype(np.float32))
    >>> measures = meter.finish()
    >>> round(measures.level_db, 1), measures.bandwidth_hz
    (-3.0, 1075.0)
    """

    def __init__(self) -> None:
        levels = round((HIGHEST_DB - LOWEST_DB) / STEP_DB) + 1
        self._counts, self._powers = np.zeros(levels, np.int64), np.zeros(levels)
        self._spectrum = np.zeros(FRAME // 2 + 1)
        self._rest = np.zeros(0, np.float32)

    def push(self, samples: Samples) -> None:
        """Hear more sound ``(samples,)``."""
        for start in range(0, len(samples), PART):
            whole = np.concatenate([self._rest, samples[start : start + PART]])
            if len(whole) >= PART:  # always the same parts, or sums would be rounded in other ways
                self._measure(whole[:PART])
                whole = whole[PART:]
            self._rest = whole

    def finish(self) -> Measures:
        """Give what was measured; less than a frame at the end counts only where there is nothing else."""
        ready = len(self._rest) // FRAME * FRAME
        self._measure(self._rest[:ready])
        self._rest = self._rest[ready:]
        if not self._counts.any():
            self._measure(np.pad(self._rest, (0, FRAME - len(self._rest))))
        heard = np.flatnonzero(self._counts)
        loud = heard[heard >= heard[-1] - round(SOUNDING_DB / STEP_DB)]
        level = self._powers[loud].sum() / self._counts[loud].sum()
        below = np.cumsum(self._spectrum)
        last = int(np.searchsorted(below, MOST_POWER * below[-1]))
        return Measures(_decibels(level), min((last + 0.5) * RATE / FRAME, RATE / 2), _decibels(self._noise(heard)))

    def _noise(self, heard: NDArray[np.int64]) -> float:
        """Give the mean power of the quietest tenth of the frames."""
        wanted = max(1.0, QUIETEST * self._counts.sum())
        before = np.cumsum(self._counts[heard]) - self._counts[heard]
        taken = np.clip(wanted - before, 0, self._counts[heard])
        return float((taken * self._powers[heard] / self._counts[heard]).sum() / wanted)

    def _measure(self, samples: Samples) -> None:
        frames = np.minimum(np.maximum(samples, -LOUDEST), LOUDEST).reshape(-1, FRAME)
        powers = np.einsum("ij,ij->i", frames, frames) / np.float32(FRAME)
        bins = np.round((_each_in_decibels(powers) - LOWEST_DB) / STEP_DB).astype(np.int64)
        self._counts += np.bincount(bins, minlength=len(self._counts))
        self._powers += np.bincount(bins, powers, minlength=len(self._powers))
        frames -= frames.mean(axis=1, keepdims=True)  # a constant is no sound
        frames *= _window()
        spectra = np.fft.rfft(frames, axis=1).view(np.float32)  # real and imaginary parts by turns
        self._spectrum += np.einsum("ij,ij->j", spectra, spectra).reshape(-1, 2).sum(axis=1)


@cache
def _window() -> NDArray[np.float32]:
    return np.hanning(FRAME + 1)[:-1].astype(np.float32)


def _each_in_decibels(powers: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    levels = 10 * np.log10(np.maximum(powers, 1e-30, dtype=np.float64))
    return np.asarray(np.clip(levels, LOWEST_DB, HIGHEST_DB))


def _decibels(power: float) -> float:
    return float(_each_in_decibels(np.array([power]))[0])
