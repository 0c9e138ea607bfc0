"""Timing finds the syllables and pauses that were put there."""

import numpy as np
import pytest
from numpy.typing import NDArray

from intone.features.timing import measure_timing


def bursts(lengths: list[int], gaps: list[int]) -> NDArray[np.float32]:
    """Give energy in dB: humps of the given lengths, each followed by a gap of silence."""
    parts = []
    for length, gap in zip(lengths, gaps, strict=True):
        parts += [-20 - 15 * np.square(np.linspace(-1, 1, length)), np.full(gap, -80.0)]
    return np.concatenate(parts).astype(np.float32)


def test_syllables_pauses_and_rates() -> None:
    energy = bursts([20, 20, 20, 20], [5, 50, 5, 0])  # two and two syllables, half a second between
    timing = measure_timing(energy, energy > -50)
    measures = timing.measures()
    assert len(timing.nuclei) == 4
    assert measures["duration"] == pytest.approx(1.4)
    assert measures["pause_count"] == 1
    assert measures["pause_mean"] == pytest.approx(0.5)
    assert measures["pause_share"] == pytest.approx(0.5 / 1.4)
    assert measures["speech_rate"] == pytest.approx(4 / 1.4)
    assert measures["articulation_rate"] == pytest.approx(4 / 0.9)
    assert measures["voiced_share"] == pytest.approx(0.8 / 1.4)
    assert measures["voiced_mean"] == pytest.approx(0.2)
    assert measures["voiced_std"] == pytest.approx(0, abs=1e-9)


def test_silence_around_speech_is_no_pause() -> None:
    energy = np.concatenate((np.full(60, -90.0), bursts([30, 30], [4, 60]))).astype(np.float32)
    assert measure_timing(energy, energy > -50).measures()["pause_count"] == 0


def test_even_syllables_have_no_variability() -> None:
    even = bursts([20] * 6, [6] * 6)
    uneven = bursts([20] * 6, [4, 16, 4, 16, 4, 16])
    assert measure_timing(even, even > -50).measures()["npvi"] < 5
    assert measure_timing(uneven, uneven > -50).measures()["npvi"] > 30


def test_what_is_unvoiced_is_no_syllable() -> None:
    energy = bursts([20, 20], [6, 0])
    assert measure_timing(energy, np.zeros(len(energy), dtype=bool)).nuclei == []
    assert np.isnan(measure_timing(energy, np.zeros(len(energy), dtype=bool)).measures()["npvi"])
