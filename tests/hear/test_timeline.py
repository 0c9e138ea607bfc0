"""A recording's timeline: stretches of speech where they are, each voice for itself, and the same whatever hears it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import intone
from intone.emotions import Emotion
from intone.errors import SilentSoundError, UsageError
from intone.features import Inputs, prepare
from intone.hear import audio, engines, summary
from intone.hear.audio import RATE
from intone.hear.recogniser import Recogniser
from intone.results import Segment

Floats = NDArray[np.float32]
GAP = 1.0
NAMES = ("plain", "questioning", "fast-high-loud", "slow-low-quiet")


@dataclass(frozen=True)
class Turn:
    speaker: str
    start: float
    end: float


@pytest.fixture(scope="module")
def parts(examples: Path) -> list[Floats]:
    whole = [audio.load(examples / f"{name}.flac").samples for name in NAMES]
    return [samples[prepare.sounding(samples, below_db=35)] for samples in whole]


@pytest.fixture(scope="module")
def sound(parts: Sequence[Floats]) -> Floats:
    """Give the spoken examples with a second of a quiet room between them."""
    room = np.random.default_rng(0).normal(0, 1e-4, round(GAP * RATE)).astype(np.float32)
    return np.concatenate([room, *(piece for part in parts for piece in (part, room))])


@pytest.fixture(scope="module")
def spans(parts: Sequence[Floats]) -> list[tuple[float, float]]:
    found, at = [], GAP
    for part in parts:
        found.append((at, at + len(part) / RATE))
        at += len(part) / RATE + GAP
    return found


def test_each_utterance_is_found_where_it_is(sound: Floats, spans: Sequence[tuple[float, float]]) -> None:
    timeline = intone.load().timeline(sound, rate=RATE)
    assert timeline.duration == pytest.approx(len(sound) / RATE)
    for start, end in spans:
        inside = [one for one in timeline.segments if one.start < end and one.end > start]
        assert inside[0].start == pytest.approx(start, abs=0.3)
        assert inside[-1].end == pytest.approx(end, abs=0.3)
    for earlier, later in zip(timeline.segments, timeline.segments[1:], strict=False):
        assert earlier.end <= later.start
    for segment in timeline.segments:
        assert sum(segment.scores.values()) == pytest.approx(1)
        assert segment.emotion is max(segment.scores, key=lambda emotion: segment.scores[emotion])
        assert segment.duration <= 6


def test_a_timeline_says_for_json_what_the_documents_say(sound: Floats) -> None:
    said = intone.load().timeline(sound, rate=RATE).to_dict()
    assert list(said) == ["file", "duration", "model", "hindsight", "segments", "summary"]
    segments = said["segments"]
    assert isinstance(segments, list)
    assert list(segments[0]) == ["start", "end", "channel", "emotion", "confidence", "unsure", "scores"]
    assert list(segments[0]["scores"]) == [str(emotion) for emotion in Emotion]


def test_the_past_counts_and_the_future_does_not(sound: Floats, spans: Sequence[tuple[float, float]]) -> None:
    recogniser = intone.load()
    whole = recogniser.timeline(sound, rate=RATE).segments
    middle = (spans[1][1] + spans[2][0]) / 2
    first = recogniser.timeline(sound[: round(middle * RATE)], rate=RATE).segments
    assert first == tuple(one for one in whole if one.end < middle)
    (alone,) = recogniser.timeline(
        sound[round((spans[2][0] - 0.5) * RATE) : round((spans[2][1] + 0.5) * RATE)], rate=RATE
    ).segments[:1]
    later = next(one for one in whole if one.start > middle)
    assert alone.scores != pytest.approx(later.scores, abs=1e-3)


def test_with_hindsight_the_first_answer_knows_what_came_later(sound: Floats) -> None:
    recogniser = intone.load()
    causal = recogniser.timeline(sound, rate=RATE)
    after = recogniser.timeline(sound, rate=RATE, hindsight=True)
    assert (causal.hindsight, after.hindsight) == (False, True)
    assert [(one.start, one.end) for one in causal.segments] == [(one.start, one.end) for one in after.segments]
    assert causal.segments[0].scores != pytest.approx(after.segments[0].scores, abs=1e-3)


def test_threads_change_nothing(sound: Floats) -> None:
    one, two = (intone.load(threads=threads).timeline(sound, rate=RATE) for threads in (1, 2))
    assert [(a.start, a.end, a.emotion) for a in one.segments] == [(b.start, b.end, b.emotion) for b in two.segments]
    for mine, other in zip(one.segments, two.segments, strict=True):
        assert mine.scores == pytest.approx(other.scores, abs=1e-4)


def test_each_channel_is_a_voice_of_its_own(sound: Floats, spans: Sequence[tuple[float, float]]) -> None:
    recogniser = intone.load(threads=1)
    half = len(sound) // 2
    sides = np.stack([sound, np.roll(sound, half)], axis=1)
    timeline = recogniser.timeline(sides, rate=RATE, channels="separate")
    for channel in (1, 2):
        alone = recogniser.timeline(np.ascontiguousarray(sides[:, channel - 1]), rate=RATE).segments
        own = tuple(one for one in timeline.segments if one.channel == channel)
        assert own == tuple(replace(one, channel=channel) for one in alone)
        assert timeline.voices[str(channel)] == summary.summary(own)
    assert timeline.talk is not None
    assert timeline.talk.overlap > 0
    assert timeline.talk.speech["1"] == pytest.approx(
        sum(one.duration for one in timeline.segments if one.channel == 1)
    )


def test_each_speaker_that_is_told_is_a_voice_of_its_own(sound: Floats, spans: Sequence[tuple[float, float]]) -> None:
    turns = [Turn("Ann" if number % 2 else "Bo", start - 0.2, end + 0.2) for number, (start, end) in enumerate(spans)]
    timeline = intone.load().timeline(sound, rate=RATE, speakers=turns)
    assert list(timeline.voices) == ["Bo", "Ann"]
    for segment in timeline.segments:
        middle = (segment.start + segment.end) / 2
        (whose,) = (turn.speaker for turn in turns if turn.start <= middle <= turn.end)
        assert segment.speaker == whose
    assert timeline.talk is not None
    assert timeline.talk.overlap == 0
    assert timeline.talk.turns == {"Bo": 2, "Ann": 2}


def test_speakers_and_channels_are_not_told_apart_at_once(sound: Floats) -> None:
    with pytest.raises(UsageError, match="not by both"):
        intone.load().timeline(sound, rate=RATE, channels="separate", speakers=[Turn("Ann", 0, 1)])


def test_where_nobody_speaks_there_is_no_segment() -> None:
    room = np.random.default_rng(0).normal(0, 1e-4, 5 * RATE).astype(np.float32)
    timeline = intone.load().timeline(room, rate=RATE)
    assert timeline.segments == ()
    assert timeline.summary.speech == 0
    assert sum(timeline.summary.shares.values()) == 0
    with pytest.raises(SilentSoundError):
        intone.load().timeline(np.zeros(5 * RATE, np.float32), rate=RATE)


def test_a_model_of_features_has_a_timeline_too(sound: Floats) -> None:
    timeline = intone.load("intone-classic").timeline(sound, rate=RATE)
    assert len(timeline.segments) >= len(NAMES)
    assert timeline.model == "intone-classic"


def test_a_baseline_that_could_not_count_is_refused_and_not_passed_over(sound: Floats) -> None:
    def engine(inputs: Inputs) -> dict[str, Floats]:
        return {"logits": np.zeros((len(inputs), 7), np.float32), "voice": np.zeros((len(inputs), 2), np.float32)}

    card = replace(intone.load().card, strangest=0.0)
    recogniser = Recogniser(engines.hearing(engine, card, name="made"), card)
    known = recogniser.baseline([sound], rate=RATE)
    with pytest.raises(UsageError, match="cannot answer again beside a baseline"):
        recogniser.timeline(sound, rate=RATE, baseline=known)
    with pytest.raises(UsageError, match="cannot answer again beside a baseline"):
        recogniser.stream(baseline=known)
    assert recogniser.timeline(sound, rate=RATE).segments


# --- What it comes to -------------------------------------------------------------------------------------------------


def said(start: float, end: float, emotion: Emotion, confidence: float = 0.9, channel: int = 1) -> Segment:
    rest = (1 - confidence) / 6
    scores = {other: confidence if other is emotion else rest for other in Emotion}
    return Segment(start, end, emotion, scores, unsure=confidence < 0.5, channel=channel)


def test_a_turning_point_is_where_another_emotion_prevails() -> None:
    calm = [said(3 * n, 3 * n + 2, Emotion.NEUTRAL) for n in range(4)]
    angry = [said(12 + 3 * n, 14 + 3 * n, Emotion.ANGER) for n in range(4)]
    (point,) = summary.turning_points([*calm, *angry])
    assert (point.at, point.before, point.after) == (12, Emotion.NEUTRAL, Emotion.ANGER)


def test_a_single_doubtful_segment_is_no_turning_point() -> None:
    calm = [said(3 * n, 3 * n + 2, Emotion.NEUTRAL) for n in range(6)]
    calm[3] = said(9, 11, Emotion.ANGER, 0.4)
    assert summary.turning_points(calm) == []


def test_a_summary_counts_time_and_not_segments() -> None:
    found = summary.summary([said(0, 6, Emotion.NEUTRAL), said(7, 8, Emotion.ANGER, 0.3), said(9, 10, Emotion.ANGER)])
    assert found.speech == 8
    assert found.shares[Emotion.NEUTRAL] == pytest.approx(6 / 8)
    assert found.unsure == pytest.approx(1 / 8)
    assert [(peak.emotion, peak.start) for peak in found.peaks] == [(Emotion.NEUTRAL, 0), (Emotion.ANGER, 9)]


def test_who_speaks_into_whose_turn_is_counted() -> None:
    segments = [
        said(0, 4, Emotion.NEUTRAL, channel=1), said(3, 5, Emotion.ANGER, channel=2),
        said(6, 7, Emotion.ANGER, channel=2),
        said(8, 9, Emotion.NEUTRAL, channel=1),
    ]  # fmt: skip
    talk = summary.talk(segments, ["1", "2"], duration=12)
    assert (talk.overlap, talk.silence) == (1, 12 - 7)
    assert talk.turns == {"1": 2, "2": 1}
    assert talk.interruptions == {"1": 0, "2": 1}
    assert talk.gap == pytest.approx((-1 + 1) / 2)
