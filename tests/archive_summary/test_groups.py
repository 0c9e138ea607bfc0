"""Shares and trends of all recordings and of groups, against NumPy over the same rows."""

import json
from pathlib import Path

import numpy as np
import pytest

from intone.archive.summary import Question, groups, summarise
from intone.archive.summary.figures import Group, Groups, Shares
from intone.emotions import Emotion
from intone.errors import ArchiveError, UsageError
from intone.hear import loading
from tests.summary_tables import Classifier, Floats, Made, day

SEVEN = list(Emotion)
ANGER, NEUTRAL, SADNESS = Emotion.ANGER, Emotion.NEUTRAL, Emotion.SADNESS


def told(group: Group) -> Shares:
    assert group.shares is not None
    return group.shares


def named(found: Groups | None) -> dict[str, Group]:
    assert found is not None
    return {group.name: group for group in found.groups}


def drawn(count: int, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).dirichlet(np.full(7, 0.8), size=count)


def test_utterances_count_alike(tmp_path: Path) -> None:
    made, scores = Made(), drawn(300)
    for number, one in enumerate(scores):
        made.utterance(one, speech=float(1 + number % 5))
    found = told(summarise(str(made.write(tmp_path))).whole)
    assert [found.raw[emotion].value for emotion in Emotion] == pytest.approx(scores.mean(axis=0), abs=1e-6)
    assert found.unsure.value == pytest.approx((scores.max(axis=1) < 0.5).mean())
    width = 2 * 1.96 * scores[:, 0].std() / np.sqrt(300)
    anger = found.raw[ANGER]
    assert (anger.high or 0) - (anger.low or 0) == pytest.approx(width, rel=0.12)


def test_segments_count_by_their_seconds_and_so_do_utterances_beside_them(tmp_path: Path) -> None:
    made = Made()
    made.call((0, 9, 1, ANGER, 0.7), (9, 10, 1, NEUTRAL, 0.4))
    made.utterance([0, 0, 0, 0, 1, 0, 0], speech=5.0)
    found = told(summarise(str(made.write(tmp_path)), Question(smallest=1)).whole)
    assert found.raw[ANGER].value == pytest.approx((9 * 0.7 + 1 * 0.1) / 15)
    assert found.raw[NEUTRAL].value == pytest.approx((9 * 0.05 + 1 * 0.4 + 5) / 15)
    assert found.unsure.value == pytest.approx(1 / 15)
    assert found.units == 3


def test_a_mostly_neutral_archive_is_corrected_to_within_five_points(tmp_path: Path) -> None:
    prior = np.array([loading.load(threads=1).card.prior[emotion] for emotion in Emotion])
    truth = np.full(7, 0.1 / 6)
    truth[SEVEN.index(NEUTRAL)] = 0.9
    made = Made()
    scores, _ = Classifier(1.6, prior / prior.sum(), 11).answers(truth, 1500)
    for number, one in enumerate(scores):
        made.utterance(one, queue="billing" if number % 2 else "sales")
    found = summarise(str(made.write(tmp_path)), Question(by="queue"))
    for group in (found.whole, *named(found.by).values()):
        shares = told(group)
        assert shares.raw[NEUTRAL].value < 0.6
        assert shares.corrected is not None
        for emotion, share in zip(Emotion, truth, strict=True):
            assert shares.corrected[emotion].value == pytest.approx(share, abs=0.05)


def test_few_recordings_are_not_corrected_and_it_is_said(tmp_path: Path) -> None:
    made = Made()
    for one in drawn(20):
        made.utterance(one)
    found = told(summarise(str(made.write(tmp_path))).whole)
    assert found.corrected is None
    assert "20 utterances or segments are fewer than 50" in found.why_not


def test_of_very_many_a_part_is_corrected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Made()
    prior = np.full(7, 1 / 7)
    scores, _ = Classifier(2.0, prior, 4).answers(prior, 3000)
    for one in scores:
        made.utterance(one)
    folder = str(made.write(tmp_path, model="intone-classic"))
    every = told(summarise(folder).whole)
    monkeypatch.setattr(groups, "MOST_UNITS", 1500)
    part = told(summarise(folder).whole)
    assert part.raw == every.raw
    assert part.corrected is not None
    assert every.corrected is not None
    for emotion in Emotion:
        one, other = part.corrected[emotion], every.corrected[emotion]
        assert one.value != other.value
        assert one.value == pytest.approx(other.value, abs=0.04)
        assert (one.high or 0) - (one.low or 0) == pytest.approx((other.high or 0) - (other.low or 0), rel=0.35)


@pytest.mark.parametrize(
    ("key", "names"),
    [
        ("queue", ["billing", "sales", ""]),
        ("day", [f"2026-01-{number:02d}" for number in range(5, 32)]),
        ("week", ["2026-W02", "2026-W03", "2026-W04", "2026-W05"]),
        ("month", ["2026-01"]),
    ],
)
def test_groups_are_what_numpy_makes_of_them(tmp_path: Path, key: str, names: list[str]) -> None:
    made, scores = Made(), drawn(260, seed=2)
    belongs = []
    for number, one in enumerate(scores):
        queue = [None, "sales", "billing", "billing"][number % 4]
        moment = day(number / 10)
        made.utterance(one, queue=queue, time=moment)
        week = f"{moment.isocalendar().year}-W{moment.isocalendar().week:02d}"
        belongs.append({"queue": queue or "", "day": f"{moment:%Y-%m-%d}", "week": week, "month": f"{moment:%Y-%m}"})
    question = Question(by="queue", smallest=5) if key == "queue" else Question(over=key, smallest=3)
    found = summarise(str(made.write(tmp_path)), question)
    listed = named(found.by or found.over)
    assert list(listed) == names
    for name, group in listed.items():
        own = np.array([one[key] == name for one in belongs])
        assert group.recordings == own.sum()
        values = [told(group).raw[emotion].value for emotion in Emotion]
        assert values == pytest.approx(scores[own].mean(axis=0), abs=1e-6)


def test_the_trend_is_the_weighted_line_that_numpy_fits(tmp_path: Path) -> None:
    made, generator = Made(), np.random.default_rng(8)
    rows = []
    for number in range(60):
        weeks, confidence, seconds = number / 5, 0.2 + 0.01 * number + 0.1 * generator.random(), 1 + number % 4
        made.call((0, seconds, 1, ANGER, confidence), time=day(7 * weeks), speaker="Ada" if number % 2 else "Ben")
        rows.append((weeks, np.float32(confidence), seconds))
    made.call((0, 2, 1, ANGER, 0.9), speaker="Ada")  # at no time
    found = named(summarise(str(made.write(tmp_path)), Question(by="speaker")).by)
    for name, odd in (("Ada", 1), ("Ben", 0)):
        weeks, values, seconds = np.array(rows[odd::2]).T
        (slope, _) = np.polyfit(weeks, values, 1, w=np.sqrt(seconds))
        trend = found[name].trend
        assert trend is not None
        figure = trend[ANGER]
        assert figure.value == pytest.approx(slope, rel=1e-5)
        assert figure.low is not None
        assert figure.high is not None
        assert figure.low < slope < figure.high
        # The textbook's standard error of a slope, unweighted: of the same size.
        residuals = values - np.polyval(np.polyfit(weeks, values, 1), weeks)
        error = residuals.std(ddof=2) / (weeks.std() * np.sqrt(len(weeks)))
        assert 0.6 < (figure.high - figure.low) / (2 * 1.96 * error) < 1.6


def test_two_weeks_are_no_trend(tmp_path: Path) -> None:
    made = Made()
    for number, one in enumerate(drawn(40)):
        made.utterance(one, speaker="Ada", time=day(number / 3))
    assert named(summarise(str(made.write(tmp_path)), Question(by="speaker")).by)["Ada"].trend is None


def test_speakers_are_resampled_where_they_are_told(tmp_path: Path) -> None:
    made, each = Made(), drawn(30, seed=3)
    for number in range(300):
        made.utterance(each[number % 30], speaker=f"speaker {number % 30}")
    found = told(summarise(str(made.write(tmp_path / "told"))).whole)
    assert found.over == "speakers"
    for row in made.recordings:
        del row["speaker"]
    alone = told(summarise(str(made.write(tmp_path / "untold"))).whole)
    assert alone.over == "recordings"
    wide, narrow = ((one.raw[ANGER].high or 0) - (one.raw[ANGER].low or 0) for one in (found, alone))
    assert wide == pytest.approx(narrow * np.sqrt(10), rel=0.15)


def test_a_small_group_leaves_no_figure_and_takes_another_with_it(tmp_path: Path) -> None:
    made = Made()
    for queue, count in (("big", 60), ("middle", 30), ("little", 15), ("tiny", 4)):
        for one in drawn(count, seed=count):
            made.utterance(one, queue=queue)
    summary = summarise(str(made.write(tmp_path)), Question(by="queue"))
    found = named(summary.by)
    assert {name: group.suppressed for name, group in found.items()} == {
        "big": "", "middle": "", "little": "beside", "tiny": "small",
    }  # fmt: skip
    for name, size in (("little", 15), ("tiny", 4)):
        assert (found[name].recordings, found[name].shares, found[name].trend) == (size, None, None)
    stored = json.dumps(summary.to_dict())
    assert json.loads(stored)["by"]["groups"][3] == {
        "name": "tiny", "recordings": 4, "suppressed": "small", "shares": None, "trend": None,
    }  # fmt: skip


def test_recordings_at_no_time_are_a_group_that_can_be_too_small(tmp_path: Path) -> None:
    made = Made()
    for number, one in enumerate(drawn(60)):
        made.utterance(one, time=None if number < 3 else day(20 if number < 20 else 50))
    found = named(summarise(str(made.write(tmp_path)), Question(over="month")).over)
    assert {name: group.suppressed for name, group in found.items()} == {
        "2026-01": "beside", "2026-02": "", "": "small",
    }  # fmt: skip


def test_an_archive_that_is_small_has_no_figures_at_all(tmp_path: Path) -> None:
    made = Made()
    for one in drawn(9):
        made.utterance(one, queue="one")
    found = summarise(str(made.write(tmp_path)), Question(by="queue"))
    assert (found.whole.shares, found.whole.recordings) == (None, 9)
    assert named(found.by)["one"].shares is None


def test_only_the_largest_groups_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "MOST_GROUPS", 2)
    made = Made()
    for number, one in enumerate(drawn(40)):
        made.utterance(one, queue="a" if number < 12 else "b" if number < 25 else "c")
    found = summarise(str(made.write(tmp_path)), Question(by="queue")).by
    assert list(named(found)) == ["c", "b"]
    assert found is not None
    assert found.unlisted == 1


def conversations(agents_emotion: Emotion) -> Made:
    made = Made()
    for number in range(24):
        made.call(
            (0, 3, 1, ANGER if number % 3 else NEUTRAL, 0.8), (3, 5, 2, agents_emotion, 0.9), (5, 8, 1, NEUTRAL, 0.6),
            agent="Ada" if number % 2 else "Ben", speaker=f"customer {number % 8}", time=day(number * 2),
        )  # fmt: skip
    return made


def test_by_agent_nothing_of_the_agents_voice_counts(tmp_path: Path) -> None:
    question = Question(by="agent", over="week", customer=1, smallest=2)
    calm, cross = (
        summarise(str(conversations(emotion).write(tmp_path / emotion)), question).to_dict()
        for emotion in (Emotion.HAPPINESS, Emotion.DISGUST)
    )
    assert calm == cross
    shares = calm["by"]["groups"][0]["shares"]
    assert shares["raw"]["anger"]["value"] > 0.2
    everyone = Question(over="week", smallest=2)
    both = [
        summarise(str(tmp_path / emotion), everyone).to_dict()["whole"]
        for emotion in (Emotion.HAPPINESS, Emotion.DISGUST)
    ]
    assert both[0] != both[1]  # the test can see the agents' voice where it does count


def test_by_agent_asks_for_the_customers_channel(tmp_path: Path) -> None:
    folder = str(conversations(NEUTRAL).write(tmp_path))
    with pytest.raises(UsageError, match="--channel-of customer=1"):
        summarise(folder, Question(by="agent"))
    with pytest.raises(ArchiveError, match="in no recording channel 3 speaks"):
        summarise(folder, Question(by="agent", customer=3))
    assert any("with --channel-of" in note for note in summarise(folder).notes)


def test_a_recording_whose_channels_were_mixed_is_not_taken_for_the_customer(tmp_path: Path) -> None:
    made = conversations(NEUTRAL)
    for _ in range(12):
        made.call((0, 9, 1, Emotion.FEAR, 0.99), agent="Ada")
    found = summarise(str(made.write(tmp_path)), Question(by="agent", customer=1, smallest=2))
    assert named(found.by)["Ada"].recordings == 12
    assert told(found.whole).raw[Emotion.FEAR].value < 0.1
    assert any("12 of 36 recordings carry no speech of the customer" in note for note in found.notes)


def test_by_speaker_an_agents_voice_is_left_out(tmp_path: Path) -> None:
    made = conversations(NEUTRAL)
    for row in made.segments:
        row["speaker"] = None if row["channel"] == 1 else "Ada"
    for row in made.recordings:
        row["agent"] = "Ada"
    found = named(summarise(str(made.write(tmp_path)), Question(by="speaker", smallest=2)).by)
    assert sorted(found) == [f"customer {number}" for number in range(8)]
