"""Pitch, voice quality and formants agree with Praat."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from intone.features.formants import track_formants
from intone.features.frames import Held
from intone.features.pitch import Pitch, track_pitch
from intone.features.voice import voice_quality
from intone.hear.audio import RATE, SUFFIXES, load

from .sounds import Samples, vowel

VOWELS = {"a": (730.0, 1090.0, 2440.0), "i": (270.0, 2290.0, 3010.0), "u": (300.0, 870.0, 2240.0)}  # Peterson & Barney
Floats = NDArray[np.float64]


def praat(sound: Samples) -> tuple[Floats, Floats, float, float]:
    """Give Praat's pitch and harmonics-to-noise ratio every 10 ms (NaN without voice), jitter and shimmer."""
    parselmouth = pytest.importorskip("parselmouth", reason="needs praat-parselmouth, of the dev extra")
    call = parselmouth.praat.call
    spoken = parselmouth.Sound(sound.astype(np.float64), RATE)
    times = np.arange(1 + len(sound) // 160) * 0.01
    pitch = spoken.to_pitch()
    harmonicity = call(spoken, "To Harmonicity (ac)", 0.01, 75, 0.1, 3.0)
    hertz = np.array([pitch.get_value_at_time(t) for t in times])
    clear = np.array([call(harmonicity, "Get value at time", t, "nearest") for t in times])
    pulses = call([spoken, pitch], "To PointProcess (cc)")
    jitter = call(pulses, "Get jitter (local)", 0, 0, 0.0001, 0.02, 1.3)
    shimmer = call([spoken, pulses], "Get shimmer (local)", 0, 0, 0.0001, 0.02, 1.3, 1.6)
    return hertz, np.where(clear < -100, np.nan, clear), jitter, shimmer


def praat_formants(sound: Samples, frames: int) -> Floats:
    parselmouth = pytest.importorskip("parselmouth", reason="needs praat-parselmouth, of the dev extra")
    formants = parselmouth.Sound(sound.astype(np.float64), RATE).to_formant_burg()
    return np.array([[formants.get_value_at_time(k, frame * 0.01) for k in (1, 2)] for frame in range(frames)])


@pytest.fixture(scope="module")
def recordings(corpora_root: Path) -> list[Samples]:
    found = []
    for corpus in ("tess", "ravdess", "emovo"):
        files = sorted(path for path in (corpora_root / corpus).rglob("*") if path.suffix in SUFFIXES)
        found += [load(path).samples for path in files[:: len(files) // 17][:17]]
    return found


@pytest.fixture(scope="module")
def tracked(recordings: list[Samples]) -> list[Pitch]:
    return [track_pitch(Held(sound)) for sound in recordings]


@pytest.mark.corpora
def test_pitch_quality_and_clarity_agree_with_praat(recordings: list[Samples], tracked: list[Pitch]) -> None:
    errors, clarity, quality, voicing = [], [], [], []
    for sound, pitch in zip(recordings, tracked, strict=True):
        hertz, harmonicity, jitter, shimmer = praat(sound)
        both = pitch.voiced & ~np.isnan(hertz)
        errors.append(np.abs(pitch.hertz[both] / hertz[both] - 1))
        voicing.append(pitch.voiced == ~np.isnan(hertz))
        share = np.minimum(pitch.periodicity.astype(np.float64), 1 - 1e-6)
        clarity.append(np.abs(10 * np.log10(share / (1 - share)) - harmonicity)[both])
        ours = voice_quality(Held(sound), pitch)
        quality.append((ours.jitter, jitter, ours.shimmer, shimmer))
    joined = np.concatenate(errors)
    assert np.median(joined) < 0.01
    assert (joined > 0.2).mean() < 0.05  # gross errors
    assert np.concatenate(voicing).mean() > 0.97
    assert np.nanmedian(np.concatenate(clarity)) < 1.0  # dB; Praat's window for harmonicity is another
    jitters, praat_jitters, shimmers, praat_shimmers = np.array(quality).T
    assert np.median(np.abs(jitters / praat_jitters - 1)) < 0.10
    assert np.median(np.abs(shimmers / praat_shimmers - 1)) < 0.05
    assert np.corrcoef(jitters, praat_jitters)[0, 1] > 0.9
    assert np.corrcoef(shimmers, praat_shimmers)[0, 1] > 0.9


@pytest.mark.corpora
def test_formants_of_real_vowels_agree_with_praat(recordings: list[Samples], tracked: list[Pitch]) -> None:
    errors = []
    for sound, pitch in zip(recordings, tracked, strict=True):
        frequencies, _ = track_formants(Held(sound), pitch.voiced)
        vowels = pitch.voiced & (pitch.periodicity > 0.9)
        errors.append(np.abs(frequencies[vowels, :2] / praat_formants(sound, len(vowels))[vowels] - 1))
    assert (np.nanmedian(np.concatenate(errors), axis=0) < 0.08).all()


@pytest.mark.parametrize("name", VOWELS)
@pytest.mark.parametrize("pitch", [100.0, 220.0])
def test_formants_of_synthetic_vowels_agree_with_praat(name: str, pitch: float) -> None:
    sound = vowel(pitch, VOWELS[name])
    frequencies, _ = track_formants(Held(sound), track_pitch(Held(sound)).voiced)
    theirs = praat_formants(sound, 80)[20:80]
    assert (np.nanmedian(np.abs(frequencies[20:80, :2] / theirs - 1), axis=0) < 0.08).all()


@pytest.mark.parametrize("pitch", [100.0, 220.0])
def test_formants_of_a_synthetic_vowel_are_found(pitch: float) -> None:
    sound = vowel(pitch, VOWELS["a"])
    frequencies, bandwidths = track_formants(Held(sound), track_pitch(Held(sound)).voiced)
    np.testing.assert_allclose(np.nanmedian(frequencies[20:80, :2], axis=0), VOWELS["a"][:2], rtol=0.08)
    assert (bandwidths[20:80, :2] > 0).all()


@pytest.mark.parametrize("pitch", [90.0, 150.0, 333.0, 500.0])
def test_pitch_of_a_synthetic_vowel_is_exact(pitch: float) -> None:
    track = track_pitch(Held(vowel(pitch, VOWELS["a"])))
    assert np.nanmedian(np.abs(track.hertz / pitch - 1)) < 0.005
    assert track.voiced[10:90].all()


def test_noise_has_no_voice() -> None:
    noise = 0.1 * np.random.default_rng(2).standard_normal(RATE)
    assert track_pitch(Held(noise.astype(np.float32))).voiced.mean() < 0.1


def jittered(jitter: float, shimmer: float) -> Samples:
    """Synthesise pulses whose periods and heights alternate by the given shares."""
    rng = np.random.default_rng(4)
    periods = 0.008 * (1 + jitter * rng.standard_normal(120))
    places = np.cumsum(periods)
    heights = 0.3 * (1 + shimmer * rng.standard_normal(120))
    time = np.arange(RATE) / RATE
    bumps = heights[:, np.newaxis] * np.exp(-0.5 * np.square((time - places[:, np.newaxis]) / 0.0006))
    return np.asarray(bumps.sum(axis=0), dtype=np.float32)


def test_jitter_and_shimmer_are_recovered() -> None:
    steady, rough = (voice_quality(Held(s), track_pitch(Held(s))) for s in (jittered(0, 0), jittered(0.01, 0.05)))
    assert steady.jitter < 0.002
    assert steady.shimmer < 0.01
    # Neighbours that deviate independently differ by 2/√π of the deviation on average.
    assert rough.jitter == pytest.approx(0.01 * 2 / np.sqrt(np.pi), rel=0.3)
    assert rough.shimmer == pytest.approx(0.05 * 2 / np.sqrt(np.pi), rel=0.3)
