"""Prosody: melody, loudness and voice of a recording, every 10 ms and as a whole."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from intone.features.formants import track_formants
from intone.features.frames import Floats, Recording
from intone.features.pitch import PITCH_HOP, Pitch, track_pitch
from intone.features.timing import FRAME_SECONDS, Timing, energy_decibels, measure_timing
from intone.features.voice import voice_quality

REFERENCE_HZ = 27.5
"""Zero semitones: the lowest A of the piano, as in eGeMAPS [Eyben et al. 2016]."""
MOST_PERIODIC = 1 - 1e-6
"""A correlation nearer to one is a harmonics-to-noise ratio of 60 dB, which no voice has."""

PROSODIC = frozenset({"pitch", "semitones", "energy", "hnr", "formant", "formant_bandwidth"})
"""The features that are told every 10 ms."""


@dataclass(frozen=True, eq=False)
class Prosody:
    """The melody, loudness and timing of a recording.

    Attributes
    ----------
    tracks : dict of str to numpy.ndarray of float32, shape (frames, columns)
        Features of :data:`PROSODIC`, every 10 ms; NaN where there is no voice, but for energy.
    singles : dict of str to float
        The features that are one number; NaN where there is nothing to measure.
    voiced : numpy.ndarray of bool, shape (frames,)
        Which frames have a voice.
    timing : Timing
        Speech, pauses and syllables.
    """

    tracks: dict[str, Floats]
    singles: dict[str, float]
    voiced: NDArray[np.bool_]
    timing: Timing


def measure_prosody(recording: Recording, wanted: Collection[str]) -> Prosody:
    """Measure the prosody of a recording.

    Parameters
    ----------
    recording : Recording
        Samples at 16 kHz.
    wanted : collection of str
        Features by name: what is costly and not wanted (formants, jitter and shimmer) is left out.

    Returns
    -------
    Prosody
        What was wanted, and whatever comes with the pitch.
    """
    pitch = track_pitch(recording)
    semitones = 12 * np.log2(pitch.hertz / np.float32(REFERENCE_HZ))
    energy = energy_decibels(pitch.energy)
    timing = measure_timing(energy, pitch.voiced)
    tracks = {"pitch": pitch.hertz, "semitones": semitones, "energy": energy, "hnr": _harmonics_to_noise(pitch)}
    columns = {name: track[:, np.newaxis] for name, track in tracks.items()}
    if {"formant", "formant_bandwidth"} & set(wanted):
        columns["formant"], columns["formant_bandwidth"] = track_formants(recording, pitch.voiced)
    singles = timing.measures() | _melody(semitones.astype(np.float64))
    if {"jitter", "shimmer"} & set(wanted):
        quality = voice_quality(recording, pitch)
        singles |= {"jitter": quality.jitter, "shimmer": quality.shimmer}
    return Prosody(columns, singles, pitch.voiced, timing)


def _harmonics_to_noise(pitch: Pitch) -> Floats:
    share = np.minimum(pitch.periodicity, MOST_PERIODIC)
    ratio: Floats = (10 * np.log10(share / (1 - share))).astype(np.float32)
    return ratio


def _melody(semitones: NDArray[np.float64]) -> dict[str, float]:
    """Slope (semitones a second) and range (semitones from the 5th to the 95th percentile) of the melody."""
    present = np.flatnonzero(~np.isnan(semitones))
    if len(present) < 2:
        return {"pitch_slope": float("nan"), "pitch_range": float("nan")}
    seconds = (present - present.mean()) * FRAME_SECONDS
    low, high = np.percentile(semitones[present], (5, 95))
    return {
        "pitch_slope": float(seconds @ semitones[present] / (seconds @ seconds)),
        "pitch_range": float(high - low),
    }


def nearest_frames(frames: int, hop: int, available: int) -> NDArray[np.intp]:
    """Give, for each frame of another hop, the index of the nearest 10-ms frame, shape (frames,)."""
    return np.minimum((np.arange(frames) * hop + PITCH_HOP // 2) // PITCH_HOP, available - 1)
