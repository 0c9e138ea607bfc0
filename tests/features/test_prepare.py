"""Preparation does what it says, and no more."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from intone.errors import UsageError
from intone.features.prepare import Scaler, denoise, emphasise, loudness, normalise, trim
from intone.hear.audio import RATE

from .sounds import speechlike


def decibels(samples: NDArray[np.float32]) -> float:
    return float(20 * np.log10(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))))


def test_trimming_cuts_silence_and_keeps_speech() -> None:
    silence = np.zeros(RATE, dtype=np.float32)
    trimmed = trim(np.concatenate((silence, speechlike(1.0), silence)))
    assert 1.0 <= len(trimmed) / RATE < 1.3
    assert np.square(trimmed).sum() == pytest.approx(np.square(speechlike(1.0)).sum(), rel=1e-3)


@pytest.mark.parametrize("gain", [0.01, 1.0, 5.0])
def test_levels_reach_their_targets(gain: float) -> None:
    sound = speechlike(1.0) * np.float32(gain)
    assert 20 * np.log10(np.abs(normalise(sound, "peak")).max()) == pytest.approx(-1, abs=1e-3)
    assert decibels(normalise(sound, "rms")) == pytest.approx(-23, abs=1e-3)
    assert loudness(normalise(sound, "loudness", target_db=-16)) == pytest.approx(-16, abs=1e-3)


def test_silence_stays_silent() -> None:
    silence = np.zeros(RATE, dtype=np.float32)
    assert not normalise(silence, "peak").any()
    assert not normalise(silence, "rms").any()
    assert not normalise(silence, "loudness").any()


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(UsageError, match="Did you mean 'loudness'"):
        normalise(speechlike(), "loudnes")  # type: ignore[arg-type]


def test_noise_goes_down_and_speech_stays() -> None:
    rng = np.random.default_rng(0)
    time = np.arange(2 * RATE) / RATE
    speech = (np.sin(2 * np.pi * 300 * time) * (time > 1) * 0.3).astype(np.float32)
    noisy = speech + (0.01 * rng.standard_normal(len(time))).astype(np.float32)
    cleaned = denoise(noisy)
    assert cleaned.shape == noisy.shape
    assert decibels(cleaned[4000:12000]) < decibels(noisy[4000:12000]) - 10
    assert decibels(cleaned[20000:]) == pytest.approx(decibels(noisy[20000:]), abs=0.2)


def test_denoising_wants_a_share() -> None:
    with pytest.raises(UsageError, match="noise_share"):
        denoise(speechlike(), noise_share=0)


@given(arrays(np.float32, 50, elements=st.floats(-1, 1, width=32)))
def test_emphasis_can_be_undone(samples: NDArray[np.float32]) -> None:
    emphasised = emphasise(samples, coefficient=0.5)
    restored = np.zeros(50)
    for i in range(50):
        restored[i] = emphasised[i] + (0.5 * restored[i - 1] if i else 0)
    np.testing.assert_allclose(restored, samples, atol=1e-5)


@given(arrays(np.float32, (8, 3), elements=st.floats(-1e3, 1e3, width=32, allow_subnormal=False)))
def test_scaled_training_data_have_mean_zero(values: NDArray[np.float32]) -> None:
    scaled = Scaler.fit(values).transform(values)
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-3)
    assert (np.abs(scaled.std(axis=0) - 1) < 1e-3).sum() + (np.ptp(values, axis=0) < 1e-3).sum() >= 3


def test_missing_values_become_the_mean() -> None:
    train = np.array([[1, np.nan], [3, np.nan]], dtype=np.float32)
    np.testing.assert_array_equal(Scaler.fit(train).transform(train), [[-1, 0], [1, 0]])
