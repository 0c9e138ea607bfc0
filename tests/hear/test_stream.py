"""A stream: what is pushed in pieces of any size is heard as its recording is, and nothing in the sound ends it."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import intone
from intone.errors import NotSoundError, RateError, UsageError
from intone.hear import audio
from intone.hear.audio import RATE
from intone.results import Segment, Update

Floats = NDArray[np.float32]
OWN_RATE = 22_050
RECOGNISER = intone.load(threads=1)


def spoken(examples: Path, rate: int) -> Floats:
    """Give two of the examples with a quiet second between them, at a rate of their own."""
    import soxr

    one, two = (audio.load(examples / f"{name}.flac").samples for name in ("plain", "questioning"))
    room = np.random.default_rng(0).normal(0, 1e-4, RATE).astype(np.float32)
    return np.asarray(soxr.resample(np.concatenate([room, one, room, two]), RATE, rate), dtype=np.float32)


@pytest.fixture(scope="module")
def sound(examples: Path) -> Floats:
    return spoken(examples, OWN_RATE)


@pytest.fixture(scope="module")
def segments(sound: Floats) -> tuple[Segment, ...]:
    return RECOGNISER.timeline(sound, rate=OWN_RATE).segments


def pushed(sound: NDArray[np.generic], sizes: list[int], *, rate: int, interim: bool = False) -> list[Update]:
    """Push a sound in pieces of these sizes, which are gone through again and again."""
    stream, updates, at, turn = RECOGNISER.stream(rate=rate, interim=interim), [], 0, 0
    while at < len(sound):
        size = sizes[turn % len(sizes)]
        updates += stream.push(sound[at : at + size])
        at, turn = at + size, turn + 1
    return updates + stream.finish()


def finals(updates: list[Update]) -> tuple[Segment, ...]:
    return tuple(update.segment for update in updates if update.final and update.segment is not None)


@settings(max_examples=200)
@given(sizes=st.lists(st.integers(OWN_RATE // 1000, 3 * OWN_RATE) | st.integers(22, 800), min_size=1, max_size=12))
def test_however_a_sound_is_cut_its_segments_are_those_of_the_file(
    sound: Floats, segments: tuple[Segment, ...], sizes: list[int]
) -> None:
    assert len(segments) >= 2
    assert finals(pushed(sound, sizes, rate=OWN_RATE)) == segments


@pytest.mark.parametrize("rate", [8_000, 16_000, 48_000])
def test_a_stream_hears_what_the_file_says_at_any_rate(examples: Path, rate: int) -> None:
    sound = spoken(examples, rate)
    assert finals(pushed(sound, [rate // 1000], rate=rate)) == RECOGNISER.timeline(sound, rate=rate).segments


def test_whole_numbers_and_channels_are_heard_as_a_files_are(sound: Floats) -> None:
    both = np.stack([sound, 0.5 * sound], axis=1)
    whole = np.rint(both * 32767).astype(np.int16)
    assert finals(pushed(whole, [441, 7, 1], rate=OWN_RATE)) == RECOGNISER.timeline(whole, rate=OWN_RATE).segments


def test_while_somebody_speaks_there_are_interim_answers_and_they_change_no_final_one(
    sound: Floats, segments: tuple[Segment, ...]
) -> None:
    updates = pushed(sound, [2205], rate=OWN_RATE, interim=True)
    assert finals(updates) == segments
    assert updates == pushed(sound, [77], rate=OWN_RATE, interim=True)
    for segment in segments:
        interim = [
            update
            for update in updates
            if not update.final and update.segment and update.segment.start == segment.start
        ]
        assert len(interim) >= int(segment.duration / 0.25) - 2
        assert all(update.segment is not None and update.segment.end <= segment.end + 1e-9 for update in interim)
    moments = [update.at for update in updates]
    assert moments == sorted(moments)


def test_a_stream_gathers_what_its_speaker_sounds_like(sound: Floats) -> None:
    stream = RECOGNISER.stream(rate=OWN_RATE)
    unknown = stream.baseline
    stream.push(sound)
    stream.finish()
    gathered = stream.baseline
    assert unknown is None
    assert gathered is not None
    assert gathered.count >= 2
    later = RECOGNISER.stream(rate=OWN_RATE, baseline=gathered)
    later.push(sound)
    assert later.baseline is not None
    assert later.baseline.count > gathered.count


# --- What is wrong with the sound is told, and ends nothing -----------------------------------------------------------


def notices(updates: list[Update]) -> list[str]:
    return [update.notice.code for update in updates if update.notice is not None]


def test_samples_that_are_not_finite_are_told_once_and_taken_for_silence(sound: Floats) -> None:
    holed = sound.copy()
    holed[1000:1010], holed[3000] = np.nan, np.inf
    filled = np.where(np.isfinite(holed), holed, 0)
    updates = pushed(holed, [500], rate=OWN_RATE)
    assert notices(updates) == ["not-finite"]
    assert finals(updates) == finals(pushed(filled, [500], rate=OWN_RATE))


def test_digital_silence_is_told_once_and_again_after_sound(sound: Floats) -> None:
    nothing = np.zeros(8 * OWN_RATE, np.float32)
    assert notices(pushed(nothing, [1000], rate=OWN_RATE)) == ["silence"]
    assert notices(pushed(np.concatenate([nothing, sound, nothing]), [1000], rate=OWN_RATE)) == ["silence"] * 2


def test_clipping_is_told_and_a_loud_moment_is_not(sound: Floats) -> None:
    loud = sound / np.abs(sound).max()
    assert notices(pushed(loud, [700], rate=OWN_RATE)) == []
    assert notices(pushed(np.clip(4 * loud, -1, 1), [700], rate=OWN_RATE)) == ["clipping"]


def test_another_rate_in_the_middle_is_told_and_heard_rightly(examples: Path) -> None:
    stream = RECOGNISER.stream(rate=48_000)
    updates = stream.push(spoken(examples, 48_000))
    updates += stream.push(spoken(examples, 8_000), rate=8_000) + stream.finish()
    assert notices(updates) == ["rate"]
    found = finals(updates)
    half = len(spoken(examples, RATE)) / RATE
    assert found[-1].end == pytest.approx(2 * half, abs=0.4)
    assert len([one for one in found if one.start > half]) >= 2


def test_pushing_nothing_is_no_mistake() -> None:
    stream = RECOGNISER.stream()
    assert stream.push(np.zeros(0, np.float32)) == []
    assert stream.finish() == []


def test_what_is_no_sound_is_refused_in_a_sentence() -> None:
    stream = RECOGNISER.stream()
    with pytest.raises(NotSoundError, match="3 dimensions"):
        stream.push(np.zeros((2, 2, 2)))
    with pytest.raises(NotSoundError, match="complex"):
        stream.push(np.zeros(8, complex))
    with pytest.raises(RateError, match="4000 to 192000"):
        stream.push(np.zeros(8), rate=10)
    with pytest.raises(RateError):
        RECOGNISER.stream(rate=1)
    stream.finish()
    with pytest.raises(UsageError, match="finished"):
        stream.push(np.zeros(8))
    with pytest.raises(UsageError, match="finished"):
        stream.finish()
