"""Timing: how fast someone speaks, where they pause, and in what rhythm."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from intone.features.frames import Floats
from intone.features.pitch import PITCH_HOP
from intone.features.voice import voiced_runs
from intone.hear.audio import RATE

FRAME_SECONDS = PITCH_HOP / RATE
SPEECH_DB = 25.0
"""Quieter than the loudest frames by more than this is silence [de Jong & Wempe 2009]."""
PAUSE_SECONDS = 0.2
"""A shorter silence is a closed lip, not a pause."""
DIP_DB = 2.0
"""Between two syllables the energy falls by at least this [de Jong & Wempe 2009]."""
SMOOTHING = 7
"""Frames that energy is averaged over before syllables are counted."""
FLOOR_DB = -120.0

Stretch = tuple[int, int]


@dataclass(frozen=True)
class Timing:
    """When a recording is speech, when a pause, and where its syllables are.

    Attributes
    ----------
    frames : int
        How many there are, 10 ms apart.
    segments : list of (int, int)
        Stretches of speech between pauses: the first frame, and the one after the last.
    voiced : list of (int, int)
        Stretches with a voice.
    nuclei : list of int
        Frames of the syllables' loudest moments.
    """

    frames: int
    segments: list[Stretch]
    voiced: list[Stretch]
    nuclei: list[int]

    def measures(self) -> dict[str, float]:
        """Reduce to the catalogue's figures, in seconds, syllables a second and shares; NaN where there is none."""
        duration = self.frames * FRAME_SECONDS
        speech = sum(stop - start for start, stop in self.segments) * FRAME_SECONDS
        spans = list(zip(self.segments, self.segments[1:], strict=False))
        pauses = np.array([after[0] - before[1] for before, after in spans]) * FRAME_SECONDS
        voiced = np.array([stop - start for start, stop in self.voiced]) * FRAME_SECONDS
        gaps = np.array([b[0] - a[1] for a, b in zip(self.voiced, self.voiced[1:], strict=False)]) * FRAME_SECONDS
        return {
            "duration": duration,
            "speech_rate": len(self.nuclei) / duration,
            "articulation_rate": len(self.nuclei) / speech if speech else float("nan"),
            "pause_count": float(len(pauses)),
            "pause_mean": float(pauses.mean()) if len(pauses) else 0.0,
            "pause_share": float(pauses.sum()) / duration,
            "voiced_share": float(voiced.sum()) / duration,
            "voiced_mean": float(voiced.mean()) if len(voiced) else 0.0,
            "voiced_std": float(voiced.std()) if len(voiced) else 0.0,
            "unvoiced_std": float(gaps[gaps < PAUSE_SECONDS].std()) if (gaps < PAUSE_SECONDS).any() else 0.0,
            "npvi": _pairwise_variability(np.diff(np.array(self.nuclei, dtype=np.float64)) * FRAME_SECONDS),
        }


def _pairwise_variability(intervals: NDArray[np.float64]) -> float:
    """Mean difference of neighbouring intervals over their mean, in percent [Grabe & Low 2002]; 0 is a metronome."""
    if len(intervals) < 2:
        return float("nan")
    change = np.abs(np.diff(intervals)) / ((intervals[1:] + intervals[:-1]) / 2)
    return float(100 * change.mean())


def energy_decibels(energy: Floats) -> Floats:
    """Convert mean squares to dB relative to full scale, no lower than -120, shape (frames,)."""
    levels: Floats = (10 * np.log10(np.maximum(energy, np.float32(10 ** (FLOOR_DB / 10))))).astype(np.float32)
    return levels


def measure_timing(energy: Floats, voiced: NDArray[np.bool_]) -> Timing:
    """Find speech, pauses and syllables from energy and voicing.

    Parameters
    ----------
    energy : numpy.ndarray of float32, shape (frames,)
        In dB, every 10 ms.
    voiced : numpy.ndarray of bool, shape (frames,)
        Which frames have a voice.

    Returns
    -------
    Timing
        With at least one segment wherever there is sound.

    Examples
    --------
    >>> syllables = np.tile(np.repeat([-20.0, -35.0], 10), 5).astype(np.float32)
    >>> len(measure_timing(syllables, syllables > -30).nuclei)
    5
    """
    threshold = float(np.percentile(energy, 99)) - SPEECH_DB
    segments: list[Stretch] = []
    for start, stop in voiced_runs(energy > threshold):
        if segments and (start - segments[-1][1]) * FRAME_SECONDS < PAUSE_SECONDS:
            segments[-1] = (segments[-1][0], stop)
        else:
            segments.append((start, stop))
    return Timing(len(energy), segments, voiced_runs(voiced), _nuclei(energy, voiced, threshold))


def _nuclei(energy: Floats, voiced: NDArray[np.bool_], threshold: float) -> list[int]:
    """Find voiced peaks of energy that a dip parts from the peak before and from what follows."""
    half = SMOOTHING // 2
    weights = np.hanning(SMOOTHING + 2)[1:-1]
    smooth = np.convolve(np.pad(energy.astype(np.float64), half, mode="edge"), weights / weights.sum(), "valid")
    nuclei: list[int] = []
    peak, dip = 0, 0
    rising = True
    for frame, level in enumerate(smooth.tolist()):
        if rising:
            if level > smooth[peak]:
                peak = frame
            elif level < smooth[peak] - DIP_DB:
                nuclei.append(peak)
                rising, dip = False, frame
        elif level < smooth[dip]:
            dip = frame
        elif level > smooth[dip] + DIP_DB:
            rising, peak = True, frame
    if rising:
        nuclei.append(peak)
    around = np.convolve(voiced, np.ones(SMOOTHING), "same") > 0
    return [frame for frame in nuclei if smooth[frame] > threshold and around[frame]]
