"""Extraction holds for any sound, at any level, of any length, in any number of processes."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from intone.errors import SoundNotFoundError, UsageError
from intone.features import RECIPES, FeatureRecipe, Features, Measure, extract, extract_many
from intone.features import frames as frames_module
from intone.hear.audio import RATE, Waveform

from .sounds import awkward_sounds, speechlike

ALWAYS_FINITE = ("mfcc40", "classic", "mfcc40-frames", "mfcc-delta-frames", "logmel")
NEEDS_A_VOICE = ("pitch", "semitones", "hnr", "formant", "jitter", "shimmer", "npvi")
NEEDS_SPEECH = ("articulation_rate",)
SCALES_WITH_LEVEL = ("mel_", "rms", "logmel", "mfcc_01", "energy")


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("sound", awkward_sounds())
def test_awkward_sounds_give_numbers(recipe: str, sound: str) -> None:
    features = extract(awkward_sounds()[sound], recipe, rate=RATE)
    assert features.values.dtype == np.float32
    assert features.values.shape[-1] == len(features.names)
    missing = {name for name, column in zip(features.names, features.values.T, strict=True) if np.isnan(column).any()}
    assert not np.isinf(features.values).any()
    assert features.missing == np.isnan(features.values).sum()
    if recipe in ALWAYS_FINITE:
        assert not missing
    assert all(name.startswith(NEEDS_A_VOICE + NEEDS_SPEECH) or ".voiced." in name for name in missing)


def test_speech_misses_nothing() -> None:
    assert extract(np.tile(speechlike(1.5), 3), "full").missing == 0


@pytest.mark.parametrize("gain", [0.1, 0.37, 3.0])
@pytest.mark.parametrize("recipe", ["classic", "full"])
def test_level_changes_nothing_but_levels(recipe: str, gain: float) -> None:
    sound = np.tile(speechlike(1.0), 2)
    before, after = (extract(samples.astype(np.float32), recipe) for samples in (sound, sound * gain))
    over_time = extract(sound, recipe, frames=True)
    # A coefficient whose average is near zero is compared at the size that it has from frame to frame.
    sizes = dict(zip(over_time.names, np.sqrt(np.nanmean(np.square(over_time.values), axis=0)), strict=True))
    for name, one, other in zip(before.names, before.values, after.values, strict=True):
        if not name.startswith(SCALES_WITH_LEVEL):
            assert other == pytest.approx(one, rel=1e-5, abs=1e-5 * float(sizes.get(name.split(".")[0], 1))), name


def test_recipes_have_the_columns_they_name() -> None:
    sound = speechlike()
    assert len(extract(sound, "mfcc40").names) == 40
    assert len(extract(sound, "classic").names) == 180
    for name, recipe in RECIPES.items():
        features = extract(sound, name)
        assert features.names == (recipe.frame_names if recipe.sequence else recipe.names)
        assert (features.times is not None) == recipe.sequence


@pytest.mark.parametrize("recipe", RECIPES)
def test_frames_have_times(recipe: str) -> None:
    features = extract(speechlike(1.5), recipe, frames=True)
    assert features.times is not None
    assert features.values.shape == (len(features.times), len(features.names))
    assert features.times[0] == 0
    assert features.times[-1] == pytest.approx(1.5, abs=0.04)


def test_segments_are_averaged_between_pauses() -> None:
    recipe = FeatureRecipe("segments", (Measure("rms", statistics=("max",), over="segments"),))
    loud, soft = speechlike(1.0), 0.5 * speechlike(1.0)
    both = np.concatenate((loud, np.zeros(RATE // 2, dtype=np.float32), soft))
    expected = [extract(part, recipe).values[0] for part in (loud, soft)]
    assert extract(both, recipe).values[0] == pytest.approx(np.mean(expected), rel=0.05)


def test_a_recipe_of_single_numbers_has_no_frames() -> None:
    with pytest.raises(UsageError, match="no frames"):
        extract(speechlike(), FeatureRecipe("one", (Measure("jitter"),)), frames=True)


@pytest.mark.parametrize("recipe", ["classic", "full"])
def test_a_long_recording_is_read_from_a_file_and_measured_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recipe: str
) -> None:
    sound = speechlike(12.0)
    soundfile.write(tmp_path / "long.wav", sound, RATE, subtype="FLOAT")
    held = extract(tmp_path / "long.wav", recipe)
    monkeypatch.setattr(frames_module, "HELD_SECONDS", 5)
    monkeypatch.setattr("intone.features.chroma.KEPT_FRAMES", 100)
    spooled = extract(tmp_path / "long.wav", recipe)
    np.testing.assert_allclose(spooled.values, held.values, rtol=1e-5, atol=1e-6)


def test_many_sounds_in_processes_are_measured_alike(tmp_path: Path) -> None:
    paths = []
    for number in range(5):
        paths.append(tmp_path / f"{number}.wav")
        soundfile.write(paths[-1], speechlike(0.5, pitch=100 + 20 * number), RATE)
    one = list(extract_many(paths, "classic", workers=1))
    two = list(extract_many(paths, "classic", workers=2))
    for path, here, there in zip(paths, one, two, strict=True):
        np.testing.assert_array_equal(here.values, there.values)
        np.testing.assert_array_equal(here.values, extract(path, "classic").values)


def test_threads_do_not_disturb_one_another() -> None:
    sounds = [Waveform(speechlike(2.0, pitch=100 + 5 * number)) for number in range(24)]
    alone = [extract(sound, "classic").values for sound in sounds]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(lambda sound: extract(sound, "classic").values, sounds))
    np.testing.assert_array_equal(together, alone)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SoundNotFoundError, match=r"gone\.wav"):
        list(extract_many([tmp_path / "gone.wav"], workers=2))


@settings(max_examples=20, deadline=None)
@given(st.integers(1600, 9000), st.floats(1e-4, 1.0), st.integers(0, 2**31))
def test_any_sound_gives_the_named_number_of_finite_columns(length: int, level: float, seed: int) -> None:
    noise = level * np.random.default_rng(seed).standard_normal(length)
    features: Features = extract(Waveform(noise.astype(np.float32)), "classic")
    assert features.values.shape == (180,)
    assert np.isfinite(features.values).all()


def test_features_need_numpy_alone() -> None:
    program = (
        "import sys, numpy, intone.features as f; f.extract(numpy.sin(numpy.arange(16000.0)), 'full'); "
        "print(*sorted({name.split('.')[0] for name in sys.modules} & "
        "{'scipy', 'librosa', 'sklearn', 'pandas', 'matplotlib', 'keras', 'onnxruntime', 'typer'}))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []
