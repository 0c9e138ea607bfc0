"""Alerts: what is asked for is read or refused in a sentence, and each episode is told of once."""

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


@given(
    chances=st.lists(st.tuples(st.floats(0, 1), st.booleans(), st.integers(1, 8), st.integers(0, 16)), max_size=40),
    seconds=st.sampled_from(["", " for 500ms", " for 2s"]),
)
def test_there_is_one_alert_at_most_between_two_breaks(
    chances: list[tuple[float, bool, int, int]], seconds: str
) -> None:
    watch, at, fired = Watch(Condition.parse(f"anger > 0.7{seconds}")), 0.0, False
    for anger, unsure, quarters, pause in chances:
        start = at + pause / 4
        at = start + quarters / 4
        if (not unsure and anger <= 0.7) or pause / 4 > PAUSE_SECONDS:
            fired = False
        if watch.hear(heard(start, at, anger, unsure=unsure)) is not None:
            assert not fired
            assert anger > 0.7
            fired = True
