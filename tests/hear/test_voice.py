"""The detector of speech: every frame is told, at any level, and noise is not taken for speech."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from intone.features import prepare
from intone.hear import audio, voice
from intone.hear.audio import RATE
from intone.hear.voice import chances
from tests import composed, outside

Floats = NDArray[np.float32]


def spoken(examples: Path) -> Floats:
    """Give speech between two seconds of a quiet room."""
    room = np.random.default_rng(0).normal(0, 1e-4, RATE).astype(np.float32)
    return np.concatenate([room, audio.load(examples / "plain.flac").samples, room])


@given(count=st.integers(0, 3 * RATE), seed=st.integers(0, 9))
def test_every_frame_is_told_once(count: int, seed: int) -> None:
    sound = np.random.default_rng(seed).normal(0, 0.1, count).astype(np.float32)
    found = chances(sound)
    assert len(found) == -(-count // voice.FRAME)
    assert found.min(initial=0) >= 0
    assert found.max(initial=1) <= 1


@given(counts=st.lists(st.integers(1, 30), min_size=1, max_size=5))
def test_how_many_ticks_are_heard_at_once_changes_no_bit(examples: Path, counts: list[int]) -> None:
    """A stream is heard tick by tick, and its recording many at once, loud or inaudible."""
    sound = np.tile(spoken(examples), 8)
    sound = np.concatenate([sound, np.float32(1e-4) * sound])[: sum(counts) * voice.TICK + 1_000]
    detector, borders = voice.Detector(), np.cumsum([0, *counts]) * voice.TICK
    parts = [detector.push(sound[start:end]) for start, end in pairwise(borders.tolist())]
    one = voice.Detector()
    ticks = [one.push(sound[start : start + voice.TICK]) for start in range(0, int(borders[-1]), voice.TICK)]
    rest = sound[borders[-1] :]
    assert np.array_equal(np.concatenate([*parts, detector.finish(rest)]), np.concatenate([*ticks, one.finish(rest)]))


def test_speech_is_found_between_silence(examples: Path) -> None:
    sound = spoken(examples)
    told = chances(sound) >= voice.THRESHOLD
    sounding = prepare.sounding(sound, below_db=30)
    first, last = sounding.start // voice.FRAME, sounding.stop // voice.FRAME
    assert told[first:last].mean() > 0.75
    assert told[: first - 30].mean() == 0
    assert told[last + 30 :].mean() == 0


def test_a_broken_sample_is_heard_past(examples: Path) -> None:
    broken, sound = np.zeros(RATE, np.float32), spoken(examples)
    broken[:3] = (3e38, -1e30, 1e20)
    usual = chances(sound) >= voice.THRESHOLD
    assert usual.any()
    found = chances(np.concatenate([broken, sound]))[-len(usual) :] >= voice.THRESHOLD
    assert (found == usual).mean() > 0.9


@pytest.mark.parametrize("gain", [0.05, 0.3, 4.0, 20.0])
def test_level_changes_next_to_nothing(examples: Path, gain: float) -> None:
    sound = spoken(examples)
    usual, other = (chances(np.float32(level) * sound) >= voice.THRESHOLD for level in (1.0, gain))
    assert (usual == other).mean() > 0.95


def test_a_voice_from_the_other_channel_is_not_heard(examples: Path) -> None:
    sound = spoken(examples)
    room = np.random.default_rng(4).normal(0, 1e-5, len(sound)).astype(np.float32)
    assert (chances(np.float32(1e-3) * sound + room) >= voice.THRESHOLD).sum() == 0


def test_an_offset_and_clipping_change_little(examples: Path) -> None:
    sound = spoken(examples)
    usual = chances(sound) >= voice.THRESHOLD
    assert (usual == (chances(sound + np.float32(0.02)) >= voice.THRESHOLD)).mean() > 0.9
    assert (usual == (chances(np.clip(8 * sound, -1, 1)) >= voice.THRESHOLD)).mean() > 0.85


def test_what_is_long_past_changes_nothing(examples: Path) -> None:
    """It holds to the last bit, so that a stream that has gone on for hours hears as one that has just begun."""
    past = -(-round(voice.MEMORY_SECONDS * RATE) // voice.TICK) * voice.TICK
    known = np.resize(spoken(examples), past)
    noise = np.random.default_rng(3).normal(0, 0.2, 10 * voice.TICK).astype(np.float32)
    loud, silent = (chances(np.concatenate([before, known, known])) for before in (noise, 0 * noise))
    later = (len(noise) + past) // voice.FRAME
    assert np.array_equal(loud[later:], silent[later:])


def held(what: Any) -> int:
    """Count the bytes of the arrays that something holds, and all that it holds does."""
    if isinstance(what, np.ndarray):
        return what.nbytes
    parts = what if isinstance(what, list) else vars(what).values() if hasattr(what, "__dict__") else ()
    return sum(map(held, parts))


def test_a_minute_keeps_no_more_than_a_second(examples: Path) -> None:
    detector, sizes = voice.Detector(), []
    sound = np.resize(spoken(examples), 60 * RATE)
    for start in range(0, len(sound), voice.TICK):
        detector.push(sound[start : start + voice.TICK])
        sizes.append(held(detector))
    assert sizes[-1] > 1_000
    assert len(set(sizes[8:])) == 1


@pytest.mark.parametrize("name", ["fast-high-loud", "kennedy", "plain", "questioning", "slow-low-quiet"])
def test_speech_is_found_in_the_examples(examples: Path, name: str) -> None:
    sound = audio.load(examples / f"{name}.flac").samples
    assert (chances(sound) >= voice.THRESHOLD).mean() > 0.5


def test_no_product_is_so_large_that_threads_start_for_it() -> None:
    kernels = [values for name, values in voice.shipped().items() if name.startswith("kernel")]
    frames = voice.TICK // voice.FRAME + 1  # the most that are measured at a time
    assert (frames + voice.AHEAD) * max(kernel.size for kernel in kernels) < voice.MOST_TOGETHER
    assert frames * (voice.FOURIER // 2 + 1) * max(voice.BANDS, voice.LAGS // 2) < voice.MOST_TOGETHER


def test_what_comes_later_changes_nothing(examples: Path) -> None:
    sound = spoken(examples)
    half = len(sound) // 2 // voice.TICK * voice.TICK
    detector = voice.Detector()
    before = np.concatenate([detector.push(sound[at : at + voice.TICK]) for at in range(0, half, voice.TICK)])
    assert np.array_equal(before, chances(sound)[: len(before)])
    assert len(before) >= half // voice.FRAME - voice.AHEAD - 1


@pytest.mark.parametrize("level", [0.0, 1e-5, 1e-3, 0.1])
def test_noise_and_silence_are_no_speech(level: float) -> None:
    noise = np.random.default_rng(1).normal(0, 1, 10 * RATE).astype(np.float32)
    assert (chances(np.float32(level) * noise) >= voice.THRESHOLD).mean() < 0.01


def test_most_of_the_time_sounds_that_are_no_speech_are_not_taken_for_it() -> None:
    room = np.random.default_rng(0).normal(0, 1e-4, RATE).astype(np.float32)
    told = [
        (chances(np.concatenate([room, sound, sound])) >= voice.THRESHOLD)[100:].mean()
        for kinds in (outside.sounds(5), outside.others(5))
        for sound in kinds.values()
    ]
    assert np.mean(told) < 0.35
    assert np.median(told) < 0.2


@pytest.mark.corpora
def test_new_speakers_are_found_in_noise(corpora_root: Path) -> None:
    table = composed.unheard(corpora_root, "emovo")
    for noise_db, least, most in ((None, 0.8, 0.08), (10.0, 0.6, 0.08)):
        whole = composed.conversation(table, sorted(set(table["speaker"]))[0], 60, seed=1, noise_db=noise_db)
        told = chances(whole.samples) >= voice.THRESHOLD
        true = np.zeros(len(told), np.bool_)
        for said in whole.spoken:
            true[round(said.start * 100) : round(said.end * 100)] = True
        assert told[true].mean() > least
        assert told[~true].mean() < most
