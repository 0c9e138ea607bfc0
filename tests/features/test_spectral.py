"""Agreement with librosa 0.11, the field's reference, under its default parameters at 16 kHz."""

import librosa
import numpy as np
import pytest
from numpy.typing import NDArray

from intone.features import FeatureRecipe, Measure, extract


def speechlike(seconds: float = 1.5) -> NDArray[np.float32]:
    """Synthesise a gliding harmonic tone in noise, with a pause in the middle."""
    rng = np.random.default_rng(5)
    time = np.arange(int(seconds * 16_000)) / 16_000
    phase = 2 * np.pi * (120 * time + 30 * time**2)
    voice = sum(np.sin(k * phase) / k for k in range(1, 30))
    sound = 0.1 * voice * (np.abs(time - seconds / 2) > 0.1) + 0.003 * rng.standard_normal(len(time))
    return np.asarray(sound, dtype=np.float32)


def assert_close(ours: NDArray[np.float32], theirs: NDArray[np.floating], tolerance: float = 1e-4) -> None:
    """Compare each column at the tolerance relative to its root mean square in the reference."""
    scale = np.sqrt(np.mean(np.square(theirs), axis=0))
    np.testing.assert_array_less(np.abs(ours - theirs) / np.maximum(np.abs(theirs), scale), tolerance)


def test_mfcc_agree_with_librosa() -> None:
    sound = speechlike()
    theirs = librosa.feature.mfcc(y=sound, sr=16_000, n_mfcc=40).T
    assert_close(extract(sound, "mfcc40-frames").values, theirs)
    np.testing.assert_allclose(extract(sound, "mfcc40").values, theirs.mean(axis=0), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("order", [1, 2])
def test_deltas_agree_with_librosa(order: int) -> None:
    sound = speechlike()
    theirs = librosa.feature.delta(librosa.feature.mfcc(y=sound, sr=16_000, n_mfcc=13), order=order).T
    recipe = FeatureRecipe("changes", (Measure("mfcc", count=13, delta=order),))
    assert_close(extract(sound, recipe).values, theirs)
