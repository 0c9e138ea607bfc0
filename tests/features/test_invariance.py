"""What must not change a measurement: how the work is cut into blocks, when the sound begins, how loud it is."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from intone.features import FeatureRecipe, Measure, extract
from intone.features import frames as frames_module
from intone.hear.audio import RATE, Waveform

from .sounds import speechlike

OF_ITS_FRAME = FeatureRecipe(
    "of its frame",
    (Measure("mel", count=40), *map(Measure, ("centroid", "bandwidth", "rolloff", "flatness", "zcr", "rms"))),
)
"""Features of which each frame's depends on that frame's samples alone."""
WITHOUT_LEVEL = FeatureRecipe(
    "without level", tuple(map(Measure, ("chroma", "centroid", "bandwidth", "rolloff", "flatness", "flux", "zcr")))
)


def noisy(seconds: float, seed: int) -> NDArray[np.float32]:
    """Give speech-like sound in so much noise that no spectrum has a bin near zero, where rounding decides."""
    sound = speechlike(seconds)
    return (sound + 0.02 * np.random.default_rng(seed).standard_normal(len(sound))).astype(np.float32)


@pytest.mark.parametrize("recipe", ["classic", "full", "logmel"])
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(block=st.integers(1, 300), tile=st.integers(1, 1 << 18), seed=st.integers(0, 99))
def test_any_size_of_block_gives_the_same(
    monkeypatch: pytest.MonkeyPatch, recipe: str, block: int, tile: int, seed: int
) -> None:
    sound = Waveform(noisy(3.0, seed))
    usual = extract(sound, recipe)
    with monkeypatch.context() as patch:
        patch.setattr(frames_module, "BLOCK_FRAMES", block)
        patch.setattr(frames_module, "TILE_SAMPLES", tile)
        patch.setattr(frames_module, "_desks", frames_module._Desks())
        cut = extract(sound, recipe)
    np.testing.assert_allclose(cut.values, usual.values, rtol=1e-4, atol=1e-5)


@settings(max_examples=25, deadline=None)
@given(hops=st.integers(1, 40), seed=st.integers(0, 99))
def test_a_later_start_moves_the_frames_and_changes_none(hops: int, seed: int) -> None:
    sound = noisy(2.0, seed)
    whole = extract(Waveform(sound), OF_ITS_FRAME).values
    later = extract(Waveform(sound[hops * OF_ITS_FRAME.hop :]), OF_ITS_FRAME).values
    edge = OF_ITS_FRAME.frame // 2 // OF_ITS_FRAME.hop + 1  # frames that reach beyond the start
    np.testing.assert_allclose(later[edge:], whole[hops + edge :], rtol=1e-4, atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(shift=st.integers(1, 800), seed=st.integers(0, 99))
def test_where_frames_fall_hardly_matters_to_an_average(shift: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    sound = (0.1 * rng.standard_normal(20 * RATE)).astype(np.float32)
    one, other = (extract(Waveform(part), "mfcc40").values for part in (sound[:-shift], sound[shift:]))
    assert np.abs(one - other).max() < 0.01 * np.abs(one).max()


@settings(max_examples=25, deadline=None)
@given(doublings=st.integers(-3, 8), seed=st.integers(0, 99))
def test_a_doubling_of_the_level_changes_nothing_that_is_level_independent(doublings: int, seed: int) -> None:
    sound = noisy(1.0, seed)
    louder = np.ldexp(sound, doublings)
    one, other = (extract(Waveform(samples), WITHOUT_LEVEL).values for samples in (sound, louder))
    np.testing.assert_allclose(one, other, rtol=1e-5)  # flatness takes logarithms, which round
