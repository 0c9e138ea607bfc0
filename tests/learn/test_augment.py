"""Augmentation changes what it says and nothing else, and only from its generator."""

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from intone.errors import UsageError
from intone.features import Inputs
from intone.learn import augment, codecs, robustness

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


def heard(samples: "np.ndarray[tuple[int, ...], np.dtype[np.float32]]") -> float:
    """Give the loudest frequency of a sound, in Hz, read between the lines of its spectrum."""
    size = 8 * len(samples)
    return float(np.abs(np.fft.rfft(samples * np.hanning(len(samples)), size)).argmax()) * RATE / size


@settings(deadline=None)
@given(hertz=st.floats(70, 1000), semitones=st.floats(-3, 3), seconds=st.floats(0.2, 1.5))
def test_a_shift_moves_the_pitch_by_its_semitones_and_keeps_length_and_level(
    hertz: float, semitones: float, seconds: float
) -> None:
    clean = tone(hertz, seconds)
    changed = augment.shifted(clean, semitones)
    assert changed.shape == clean.shape
    assert heard(changed) == pytest.approx(heard(clean) * 2 ** (semitones / 12), rel=0.015)
    assert power(changed) == pytest.approx(power(clean), rel=0.15)


@settings(deadline=None)
@given(seed=st.integers(0, 10_000))
def test_pitch_is_drawn_within_three_semitones(seed: int) -> None:
    drawn = np.random.default_rng(seed).uniform(-3, 3)
    changed = augment.pitch(tone(220), np.random.default_rng(seed))
    assert heard(changed) == pytest.approx(220 * 2 ** (drawn / 12), rel=0.01)


@settings(deadline=None)
@given(seed=st.integers(0, 10_000))
def test_tempo_changes_the_length_and_not_the_pitch(seed: int) -> None:
    drawn = np.exp(np.random.default_rng(seed).uniform(np.log(0.55), np.log(1.9)))
    changed = augment.tempo(tone(220, 2.0), np.random.default_rng(seed))
    assert len(changed) == pytest.approx(2 * RATE / drawn, abs=1)
    assert heard(changed) == pytest.approx(220, rel=0.01)


def test_no_tempo_makes_a_sound_shorter_than_half_a_second() -> None:
    for seed in range(20):
        assert len(augment.tempo(tone(220, 0.6), np.random.default_rng(seed))) >= RATE // 2
        assert len(augment.tempo(tone(220, 0.3), np.random.default_rng(seed))) >= 0.3 * RATE


def test_an_equaliser_weighs_pitches_by_a_few_decibels_and_differently() -> None:
    def gained(hertz: float, seed: int) -> float:
        changed = augment.equaliser(tone(hertz), np.random.default_rng(seed))
        return float(10 * np.log10(power(changed) / power(tone(hertz))))

    gains = np.array([[gained(hertz, seed) for hertz in (250, 500, 1000, 2000, 4000)] for seed in range(40)])
    assert 3 < gains.std() < 7
    assert np.abs(np.diff(gains, axis=1)).mean() > 2


def test_a_shift_by_nothing_changes_nothing() -> None:
    voice = tone(140) * np.linspace(0, 1, RATE, dtype=np.float32)
    assert np.allclose(augment.shifted(voice, 0), voice, atol=1e-5)


def test_a_shift_leaves_each_sound_where_it_was() -> None:
    clean = np.zeros(RATE, dtype=np.float32)
    clean[4000:6000] = tone(200)[:2000]
    clean[11_000:13_000] = tone(200)[:2000]
    for semitones in (-3, 3):
        changed = augment.shifted(clean, semitones) ** 2
        assert changed[3600:6400].sum() > 0.45 * changed.sum()
        assert changed[10_600:13_400].sum() > 0.45 * changed.sum()


@pytest.mark.parametrize("length", [1, 100, 600, 16_001])
@pytest.mark.parametrize("method", ["codec", "equaliser", "pitch"])
def test_pitch_codec_and_equaliser_keep_any_length(method: str, length: int) -> None:
    for seed in range(6):
        assert augment.METHODS[method](tone(300, 2)[7 : 7 + length], np.random.default_rng(seed)).shape == (length,)


@settings(deadline=None)
@given(seed=st.integers(0, 10_000), hertz=st.floats(150, 1000), level=st.floats(0.05, 8))
def test_a_codec_gives_nearly_the_same_voice_without_delay(seed: int, hertz: float, level: float) -> None:
    times = np.arange(RATE) / RATE
    voice = (level * np.sin(2 * np.pi * hertz * times) * np.sin(2 * np.pi * 3 * times) ** 2).astype(np.float32)
    sent = augment.codec(voice, np.random.default_rng(seed))
    assert sent.shape == voice.shape
    assert sent.dtype == np.float32
    assert np.corrcoef(voice, sent)[0, 1] > 0.8
    assert 0.5 < power(sent) / power(voice) < 2


def test_codecs_differ_as_their_rates_do() -> None:
    generator = np.random.default_rng(0)
    rough = np.cumsum(generator.standard_normal(RATE)).astype(np.float32)
    voice = np.asarray(rough / np.abs(rough).max() + 0.05 * generator.standard_normal(RATE), dtype=np.float32)
    lost = [power(codecs.opus(voice, bits) - voice) for bits in (6_000, 16_000, 64_000)]
    assert lost == sorted(lost, reverse=True)
    for through in (codecs.gsm, codecs.mu_law):
        spectrum = np.abs(np.fft.rfft(through(voice))) ** 2
        assert spectrum[4200:].sum() < 0.01 * (np.abs(np.fft.rfft(voice)) ** 2)[4200:].sum()


def test_a_machine_without_opus_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soundfile, "available_subtypes", lambda _: {"VORBIS": "Vorbis"})
    with pytest.raises(UsageError, match=r"accepted is libsndfile 1\.0\.29"):
        codecs.opus(tone(300), 12_000)
    assert "opus" in robustness.missing()


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


@given(stretch=st.floats(0.01, 0.5), seed=st.integers(0, 100))
def test_a_warped_spectrogram_keeps_what_it_shows_at_another_pace_and_pitch(stretch: float, seed: int) -> None:
    frames, bands = np.meshgrid(np.arange(50), np.arange(20), indexing="ij")
    picture = (frames + 1000 * bands).astype(
        np.float32
    )  # straight in both axes, so that its cells tell where they were
    warped = augment.warped(Inputs.of([picture, picture[:30]]), stretch, np.random.default_rng(seed))
    assert warped.lengths is not None
    for row, length, whole in zip(warped.values, warped.lengths, (50, 30), strict=True):
        assert np.exp(-stretch) * whole - 1 <= length <= np.exp(stretch) * whole + 1
        assert np.allclose(row[[0, length - 1], 0], [0, whole - 1], atol=1e-2)  # it begins and ends where it did
        low = row[0, 1] / 1000  # where the second band comes from
        assert np.exp(-stretch / 2) - 1e-3 <= low <= np.exp(stretch / 2) + 1e-3
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
