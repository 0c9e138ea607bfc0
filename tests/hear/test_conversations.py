"""What a timeline is worth on conversations of speakers whom the model has never heard; see :mod:`tests.composed`."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

import intone
from intone.hear.audio import RATE
from intone.learn.activity_scores import WITHIN, boundary_f1
from tests import composed
from tests.composed import Conversation

pytestmark = [pytest.mark.corpora, pytest.mark.xdist_group("conversations")]
SECONDS = 600
SPEAKERS = ("ravdess-01", "ravdess-20", "ravdess-21")


@cache
def heard(root: Path, noise_db: float | None) -> list[tuple[Conversation, intone.Timeline]]:
    table, recogniser = composed.unheard(root), intone.load()
    assert set(table["speaker"]) == set(SPEAKERS)
    found = []
    for seed, speaker in enumerate(SPEAKERS):
        whole = composed.conversation(table, speaker, SECONDS, seed=seed, noise_db=noise_db)
        found.append((whole, recogniser.timeline(whole.samples, rate=RATE)))
    return found


def boundaries(root: Path, noise_db: float | None) -> float:
    """Give the F1 of boundaries at 0.25 s, the mean of the conversations."""
    scores = [
        boundary_f1(
            [(one.start, one.end) for one in timeline.segments], [(said.start, said.end) for said in whole.spoken]
        )
        for whole, timeline in heard(root.resolve(), noise_db)
    ]
    return float(np.mean(scores))


def test_three_quarters_are_neutral_as_in_life(corpora_root: Path) -> None:
    for whole, _ in heard(corpora_root, None):
        times = dict.fromkeys(intone.Emotion, 0.0)
        for said in whole.spoken:
            times[said.emotion] += said.end - said.start
        assert times[intone.Emotion.NEUTRAL] / sum(times.values()) == pytest.approx(0.7, abs=0.1)


def test_segments_begin_and_end_where_utterances_do_in_quiet(corpora_root: Path) -> None:
    assert WITHIN == 0.25
    assert boundaries(corpora_root, None) >= 0.90


def test_segments_begin_and_end_where_utterances_do_in_noise(corpora_root: Path) -> None:
    assert boundaries(corpora_root, 10.0) >= 0.80


def test_over_time_emotions_are_heard_as_well_as_utterance_by_utterance(corpora_root: Path) -> None:
    table = composed.unheard(corpora_root)
    answers = intone.load().predict_batch(table["path"].tolist())
    right = table["emotion"] == [str(answer.emotion) for answer in answers]
    single = right.groupby(table["emotion"]).mean().mean()
    over_time = np.mean(
        [composed.time_weighted_ua(timeline, whole.spoken) for whole, timeline in heard(corpora_root, None)]
    )
    assert over_time >= single - 0.05


def test_the_moments_at_which_a_conversation_turns_are_found(corpora_root: Path) -> None:
    scores = [
        composed.moments_f1([point.at for point in timeline.summary.turning_points], whole.turns, within=2.0)
        for whole, timeline in heard(corpora_root, None)
    ]
    assert np.mean(scores) >= 0.80


def test_a_call_of_two_is_told_apart_by_its_channels(corpora_root: Path) -> None:
    whole = composed.call(composed.unheard(corpora_root), SPEAKERS[:2], 240, seed=5)
    timeline = intone.load().timeline(whole.samples, rate=RATE, channels="separate")
    for channel in (1, 2):
        found = [(one.start, one.end) for one in timeline.segments if one.channel == channel]
        true = [(said.start, said.end) for said in whole.spoken if said.channel == channel]
        assert boundary_f1(found, true) >= 0.85
    assert timeline.talk is not None
    spoken = {
        str(channel): sum(said.end - said.start for said in whole.spoken if said.channel == channel)
        for channel in (1, 2)
    }
    for name, seconds in spoken.items():
        assert timeline.talk.speech[name] == pytest.approx(seconds, rel=0.15)
