"""Augmentation changes what it says and nothing else, and only from its generator."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intone.errors import UsageError
from intone.features import Inputs
from intone.learn import augment

RATE = 16_000


def tone(hertz: float, seconds: float = 1.0) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
    return (0.3 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * RATE)) / RATE)).astype(np.float32)


def power(samples: "np.ndarray[tuple[int, ...], np.dtype[np.float32]]") -> float:
    return float(np.mean(samples.astype(np.float64) ** 2))


@given(decibels=st.floats(-10, 40), seed=st.integers(0, 99))
def test_noise_is_as_loud_as_asked(decibels: float, seed: int) -> None:
    clean = tone(300)
    hiss = np.random.default_rng(seed).standard_normal(RATE).astype(np.float32)
    added = augment.at_snr(clean, hiss, decibels) - clean
    assert 10 * np.log10(power(clean) / power(added)) == pytest.approx(decibels, abs=0.05)


@pytest.mark.parametrize("method", sorted(augment.METHODS))
def test_each_method_follows_its_generator_and_keeps_the_sound_finite(method: str) -> None:
    first, again, other = (augment.METHODS[method](tone(300), np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert np.isfinite(first).all()
    assert first.dtype == np.float32
    if method != "telephone":
        assert first.shape != other.shape or not np.array_equal(first, other)


def test_speed_changes_length_and_pitch_together() -> None:
    changed = augment.speed(tone(400, 2.0), np.random.default_rng(3))
    factor = 2.0 * RATE / len(changed)
    spectrum = np.abs(np.fft.rfft(changed * np.hanning(len(changed))))
    heard = spectrum.argmax() * RATE / len(changed)
    assert factor != pytest.approx(1, abs=0.02)
    assert heard == pytest.approx(400 * factor, rel=0.01)


def test_the_telephone_keeps_its_band_and_nothing_else() -> None:
    generator = np.random.default_rng(0)
    for hertz, kept in ((100, 0), (1000, 1), (3000, 1), (5000, 0)):
        assert power(augment.telephone(tone(hertz), generator)) / power(tone(hertz)) == pytest.approx(kept, abs=0.02)


def test_reverberation_rings_on_after_the_sound() -> None:
    click = np.zeros(RATE, dtype=np.float32)
    click[1000] = 1
    wet = augment.reverberation(click, np.random.default_rng(1))
    assert wet[1000] == pytest.approx(1, abs=1e-4)
    assert np.abs(wet[:990]).max() < 1e-4
    assert power(wet[1001:2600]) > 10 * power(wet[12_000:])


def test_an_unknown_method_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="Did you mean 'noise'"):
        augment.heard_anew(tone(300), ("nois",), np.random.default_rng(0))


@given(frames=st.integers(1, 30), seed=st.integers(0, 99))
def test_a_crop_is_a_stretch_of_its_own_utterance(frames: int, seed: int) -> None:
    parts = [np.arange(length, dtype=np.float32)[:, np.newaxis] + 1 for length in (3, 12, 25)]
    cut = augment.cropped(Inputs.of(parts), frames, np.random.default_rng(seed))
    assert cut.values.shape == (3, frames, 1)
    assert cut.lengths is not None
    for row, length, part in zip(cut.values[:, :, 0], cut.lengths, parts, strict=True):
        assert length == min(frames, len(part))
        assert (np.diff(row[:length]) == 1).all()
        assert not row[length:].any()


def test_masks_hide_no_more_than_they_may_and_leave_padding_alone() -> None:
    generator = np.random.default_rng(0)
    parts = [generator.standard_normal((length, 20)).astype(np.float32) for length in (40, 80)]
    whole = Inputs.of(parts)
    hidden = augment.masked(whole, 2, np.random.default_rng(1))
    changed = (hidden.values != whole.values).any(axis=2)
    assert not changed[0, 40:].any()
    assert hidden.values is not whole.values
    share = (hidden.values != whole.values)[1].mean()
    assert 0 < share < 1 - (1 - augment.MASK_SHARE) ** 4
