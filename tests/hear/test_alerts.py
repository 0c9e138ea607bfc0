"""Alerts: what is asked for is read or refused in a sentence, and each episode is told of once."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intone.emotions import Emotion
from intone.errors import UsageError
from intone.hear.alerts import PAUSE_SECONDS, Alert, Condition, Watch
from intone.results import Notice, Segment, Update


def heard(start: float, end: float, anger: float, *, unsure: bool = False) -> Update:
    scores = dict.fromkeys(Emotion, (1 - anger) / 6) | {Emotion.ANGER: anger}
    emotion = max(scores, key=lambda emotion: scores[emotion])
    return Update(at=end, segment=Segment(start, end, emotion, scores, unsure=unsure))


def alerts(text: str, updates: list[Update]) -> list[Alert]:
    watch = Watch(Condition.parse(text))
    return [alert for alert in map(watch.hear, updates) if alert is not None]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("anger > 0.7 for 2s", Condition(Emotion.ANGER, ">", 0.7, 2.0)),
        ("fear>=.5", Condition(Emotion.FEAR, ">=", 0.5)),
        (" neutral <0.1 for 500 ms ", Condition(Emotion.NEUTRAL, "<", 0.1, 0.5)),
        ("sadness <= 1 for 1m", Condition(Emotion.SADNESS, "<=", 1.0, 60.0)),
    ],
)
def test_an_expression_is_read(text: str, read: Condition) -> None:
    assert Condition.parse(text) == read
    assert Condition.parse(str(read)) == read


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is not an alert"),
        ("anger", "is not an alert"),
        ("angre > 0.5", "Did you mean 'anger'"),
        ("anger == 0.5", "compares by '=='"),
        ("anger > 70", "numbers from 0 to 1"),
        ("anger > nan", "numbers from 0 to 1"),
        ("anger > 1", "can never be true"),
        ("anger > 0.5 for long", "lasts 'long'"),
        ("anger > 0.5 for 2h", "lasts '2h'"),
        ("__import__('os') > 0.5", "There is no emotion"),
    ],
)
def test_what_is_no_expression_is_refused_in_a_sentence(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        Condition.parse(text)


def test_an_episode_is_told_of_once_and_the_next_again() -> None:
    angry = [heard(0, end, 0.9) for end in (1.0, 2.0, 3.0, 4.0)]
    calm = [heard(5, 6, 0.1)]
    later = [heard(7, end, 0.9) for end in (8.0, 9.0, 10.0)]
    found = alerts("anger > 0.7 for 2s", [*angry, *calm, *later])
    assert [(one.at, one.since, one.held) for one in found] == [(2.0, 0.0, 2.0), (9.0, 7.0, 2.0)]


def test_a_short_pause_does_not_break_an_episode_and_does_not_count() -> None:
    assert [one.at for one in alerts("anger > 0.7 for 2s", [heard(0, 1.5, 0.9), heard(3, 3.4, 0.9)])] == []
    (one,) = alerts("anger > 0.7 for 2s", [heard(0, 1.5, 0.9), heard(3, 3.6, 0.9)])
    assert one.since == 0.0
    assert one.held == pytest.approx(2.1)


def test_a_long_pause_ends_an_episode() -> None:
    start = 1.5 + PAUSE_SECONDS + 0.1
    assert alerts("anger > 0.7 for 2s", [heard(0, 1.5, 0.9), heard(start, start + 1, 0.9)]) == []
    assert len(alerts("anger > 0.7", [heard(0, 1.5, 0.9), heard(start, start + 1, 0.9)])) == 2


def test_what_is_unsure_neither_counts_nor_ends_an_episode() -> None:
    assert alerts("anger > 0.7", [heard(0, 2, 0.9, unsure=True)]) == []
    updates = [heard(0, 1, 0.9), heard(0, 1.5, 0.2, unsure=True), heard(0, 2.5, 0.9)]
    assert [one.held for one in alerts("anger > 0.7 for 2s", updates)] == [pytest.approx(2.0)]


def test_notices_are_passed_over() -> None:
    notice = Update(at=1.0, notice=Notice("silence", "Nothing."))
    assert alerts("anger > 0.7", [notice, heard(0, 1, 0.9), notice]) == alerts("anger > 0.7", [heard(0, 1, 0.9)])


STRETCHES = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.booleans(),
        st.integers(1, 8).map(lambda quarters: quarters / 4),
        st.integers(0, 16).map(lambda quarters: quarters / 4),
    ),
    max_size=40,
)
"""Probability of anger, whether the model is unsure, seconds of speech, and of silence before it."""


def spoken(stretches: list[tuple[float, bool, float, float]]) -> list[Update]:
    updates, at = [], 0.0
    for anger, unsure, length, pause in stretches:
        updates.append(heard(at + pause, at + pause + length, anger, unsure=unsure))
        at += pause + length
    return updates


@given(stretches=STRETCHES, seconds=st.sampled_from([0, 0.5, 2]))
def test_each_episode_that_is_long_enough_is_told_of_once(
    stretches: list[tuple[float, bool, float, float]], seconds: float
) -> None:
    updates = spoken(stretches)
    episodes: list[list[Segment]] = []
    broken = True
    for segment in (update.segment for update in updates):
        assert segment is not None
        if segment.unsure:
            continue
        if segment.scores[Emotion.ANGER] <= 0.7:
            broken = True
            continue
        if broken or segment.start - episodes[-1][-1].end > PAUSE_SECONDS:
            episodes.append([])
        broken = False
        episodes[-1].append(segment)
    long_enough = [one for one in episodes if sum(segment.duration for segment in one) >= seconds]
    found = alerts(f"anger > 0.7 for {seconds}s", updates)
    assert [alert.since for alert in found] == [one[0].start for one in long_enough]
    assert all(alert.held >= seconds for alert in found)


@given(stretches=STRETCHES, cuts=st.lists(st.integers(1, 7), min_size=40, max_size=40))
def test_how_often_a_stretch_is_spoken_of_changes_no_alert(
    stretches: list[tuple[float, bool, float, float]], cuts: list[int]
) -> None:
    whole = spoken(stretches)
    often: list[Update] = []
    for update, eighths in zip(whole, cuts, strict=False):
        segment = update.segment
        assert segment is not None
        so_far = replace(segment, end=segment.start + segment.duration * eighths / 8)
        often += [Update(so_far.end, so_far), update]
    found = alerts("anger > 0.7 for 2s", often)
    assert [one.since for one in found] == [one.since for one in alerts("anger > 0.7 for 2s", whole)]
