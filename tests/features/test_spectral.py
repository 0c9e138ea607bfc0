"""Agreement with librosa 0.11, the field's reference, under its default parameters at 16 kHz."""

from collections.abc import Callable
from pathlib import Path

import librosa
import numpy as np
import pytest
from numpy.typing import NDArray

from intone.features import FeatureRecipe, Measure, extract
from intone.features.frames import Held, power_blocks
from intone.hear.audio import RATE, SUFFIXES, load

from .sounds import Samples, assert_close, awkward_sounds, speechlike

REFERENCES: dict[str, Callable[[Samples], NDArray[np.floating]]] = {
    "mfcc": lambda y: librosa.feature.mfcc(y=y, sr=RATE, n_mfcc=40),
    "mel": lambda y: librosa.feature.melspectrogram(y=y, sr=RATE),
    "logmel": lambda y: librosa.power_to_db(librosa.feature.melspectrogram(y=y, sr=RATE)),
    "chroma": lambda y: librosa.feature.chroma_stft(y=y, sr=RATE),
    "centroid": lambda y: librosa.feature.spectral_centroid(y=y, sr=RATE),
    "bandwidth": lambda y: librosa.feature.spectral_bandwidth(y=y, sr=RATE),
    "rolloff": lambda y: librosa.feature.spectral_rolloff(y=y, sr=RATE),
    "flatness": lambda y: librosa.feature.spectral_flatness(y=y),
    "contrast": lambda y: librosa.feature.spectral_contrast(y=y, sr=RATE),
    "zcr": librosa.feature.zero_crossing_rate,
    "rms": lambda y: librosa.feature.rms(y=y),
}
COUNTS = {"mfcc": 40, "mel": 128, "logmel": 128}


def over_time(*features: str) -> FeatureRecipe:
    return FeatureRecipe("frames", tuple(Measure(feature, count=COUNTS.get(feature, 0)) for feature in features))


def assert_agrees(sound: Samples) -> None:
    measured = extract(sound, over_time(*REFERENCES), rate=RATE)
    kinds = np.array([name.split("_")[0] for name in measured.names])
    for feature, reference in REFERENCES.items():
        assert_close(measured.values[:, kinds == feature], reference(sound).T)


@pytest.mark.parametrize("seconds", [0.1, 0.5, 1.5, 10.0])
def test_every_feature_agrees_with_librosa(seconds: float) -> None:
    assert_agrees(speechlike(seconds))


@pytest.mark.parametrize("name", ["noise", "clipping", "loud", "alternating"])
def test_awkward_sounds_agree_with_librosa(name: str) -> None:
    assert_agrees(awkward_sounds()[name])


@pytest.mark.corpora
@pytest.mark.parametrize(("corpus", "files"), [("tess", 17), ("ravdess", 17), ("emodb", 16)])
def test_fifty_real_recordings_agree_with_librosa(corpora_root: Path, corpus: str, files: int) -> None:
    found = sorted(path for path in (corpora_root / corpus).rglob("*") if path.suffix in SUFFIXES)
    for path in found[:: len(found) // files][:files]:
        assert_agrees(load(path).samples)


@pytest.mark.parametrize("order", [1, 2])
def test_deltas_agree_with_librosa(order: int) -> None:
    sound = speechlike()
    theirs = librosa.feature.delta(librosa.feature.mfcc(y=sound, sr=RATE, n_mfcc=13), order=order).T
    recipe = FeatureRecipe("changes", (Measure("mfcc", count=13, delta=order),))
    assert_close(extract(sound, recipe).values, theirs)


def test_averages_are_of_librosas_frames() -> None:
    sound = speechlike()
    theirs = [REFERENCES[feature](sound).mean(axis=1) for feature in ("mfcc", "chroma", "mel")]
    measured = extract(sound, "classic")
    assert len(measured.names) == 180
    np.testing.assert_allclose(measured.values, np.concatenate(theirs), rtol=1e-4, atol=1e-4)


def test_flux_is_the_distance_between_neighbouring_shapes() -> None:
    sound = speechlike()
    shapes = np.abs(librosa.stft(sound))
    shapes /= np.linalg.norm(shapes, axis=0)
    theirs = np.concatenate(([0], np.linalg.norm(np.diff(shapes, axis=1), axis=0)))
    assert_close(extract(sound, over_time("flux")).values, theirs[:, np.newaxis])


def test_a_transform_may_be_longer_than_the_frame() -> None:
    (block,) = power_blocks(Held(speechlike(0.5)), size=400, hop=160, points=512)
    assert block.power.shape == (51, 257)
