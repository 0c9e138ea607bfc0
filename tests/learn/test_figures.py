"""Intervals, calibration, coverage and robustness do what their sources say, on answers whose truth is known."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from intone.errors import SoundError
from intone.hear import audio
from intone.hear.audio import RATE, Waveform
from intone.learn import answers, figures, intervals, reliability, robustness
from intone.learn.answers import Answers
from intone.learn.evaluate import measure

LABELS = ("a", "b", "c")
LABEL = st.integers(0, 2)


def made(speakers: int, each: int, *, skill: float, spread: float = 0.0, seeds: int = 1, number: int = 0) -> Answers:
    """Give answers of speakers of whom each is recognised as well as chance made him or her easy."""
    generator = np.random.default_rng([speakers, each, number])
    parts = []
    for seed in range(seeds):
        for speaker in range(speakers):
            ease = np.clip(skill + spread * np.random.default_rng([number, speaker]).standard_normal(), 0, 1)
            truth = np.arange(each) % 3
            wrong = generator.random(each) > ease
            parts.append((seed, speaker, truth, np.where(wrong, (truth + 1) % 3, truth)))
    table = pd.DataFrame(
        {
            "path": [f"{speaker}-{index}" for _, speaker, truth, _ in parts for index in range(len(truth))],
            "corpus": "c",
            "speaker": [str(speaker) for _, speaker, truth, _ in parts for _ in truth],
            "sex": "unknown",
            "fold": "f",
            "seed": [str(seed) for seed, _, truth, _ in parts for _ in truth],
        }
    )
    truth, said = (np.concatenate([part[place] for part in parts]) for place in (2, 3))
    ones = np.ones(len(truth))
    logits = np.eye(3)[said] * generator.uniform(0.5, 3, (len(truth), 1))
    return Answers(LABELS, table, truth, logits, ones, np.full(len(truth), 0.6))


@given(st.lists(st.tuples(LABEL, LABEL), min_size=1, max_size=40))
def test_weighted_scores_agree_with_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    truth, said = (np.array(side) for side in zip(*pairs, strict=True))
    found = measure(truth, said, LABELS).weighted
    expected = reference.precision_recall_fscore_support(
        truth, said, labels=sorted(set(truth.tolist())), average="weighted", zero_division=0
    )
    assert (found.precision, found.recall, found.f1) == pytest.approx(expected[:3])


def test_the_interval_holds_the_true_score_nearly_always() -> None:
    held = 0
    for number in range(40):
        found = intervals.bootstrap(made(20, 30, skill=0.6, spread=0.1, number=number), resamples=400)
        held += found.ua.low <= 0.6 <= found.ua.high
    assert held >= 34  # 95 % of 40 are 38; with 20 speakers a percentile interval is a little short


def test_speakers_who_differ_widen_the_interval_and_utterances_would_hide_it() -> None:
    alike, unlike = (intervals.bootstrap(made(12, 60, skill=0.6, spread=spread)) for spread in (0.0, 0.25))
    assert unlike.ua.high - unlike.ua.low > 1.5 * (alike.ua.high - alike.ua.low)
    assert (unlike.over, unlike.units, unlike.remark) == ("speakers", 12, "")


def test_two_speakers_are_too_few_and_the_interval_says_so() -> None:
    found = intervals.bootstrap(made(2, 60, skill=0.6))
    assert (found.over, found.units) == ("utterances", 120)
    assert "too few to resample" in found.remark


def test_the_interval_is_the_same_each_time_and_in_any_order() -> None:
    told = made(8, 30, skill=0.5, seeds=2)
    shuffled = np.random.default_rng(1).permutation(len(told))
    again = Answers(
        LABELS, told.table.iloc[shuffled].reset_index(drop=True), told.truth[shuffled], told.logits[shuffled],
        told.temperature[shuffled], told.threshold[shuffled],
    )  # fmt: skip
    assert intervals.bootstrap(told) == intervals.bootstrap(told)
    assert intervals.bootstrap(told).accuracy.low == pytest.approx(intervals.bootstrap(again).accuracy.low, abs=0.02)


def test_seeds_are_averaged_and_not_counted_as_more_speakers() -> None:
    one, three = (intervals.bootstrap(made(10, 30, skill=0.6, spread=0.2, seeds=seeds)) for seeds in (1, 3))
    assert three.units == one.units == 10
    assert three.ua.high - three.ua.low > 0.6 * (one.ua.high - one.ua.low)


def test_calibrated_answers_have_no_calibration_error_and_boasting_ones_do() -> None:
    generator = np.random.default_rng(0)
    logits = generator.standard_normal((6000, 3)) * 1.5
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth = (generator.random((6000, 1)) > shares.cumsum(axis=1)).sum(axis=1)
    table = pd.DataFrame({"seed": ["1"] * 6000})
    ones = np.ones(6000)
    honest = reliability.calibration(Answers(LABELS, table, truth, logits, ones, ones))
    boasting = reliability.calibration(Answers(LABELS, table, truth, 4 * logits, ones, ones))
    cured = reliability.calibration(Answers(LABELS, table, truth, 4 * logits, 4 * ones, ones))
    assert honest.ece < 0.03
    assert boasting.ece > 0.15
    assert (cured.ece, cured.ece_before) == pytest.approx((honest.ece, boasting.ece))
    assert len(honest.bins) == reliability.BINS
    assert {part.answers for part in honest.bins} == {400}
    assert sum(part.answers for part in boasting.bins) == 6000


def test_a_corpus_confidence_is_fitted_on_the_others_alone() -> None:
    boasting = made(6, 300, skill=0.6)
    folds = boasting.table["speaker"].astype(int).mod(3).astype(str)
    boasting = replace(boasting, table=boasting.table.assign(fold=folds), logits=9 * np.sign(boasting.logits))
    before = reliability.calibration(boasting).ece
    parts = reliability.fitted_on_others(boasting)
    assert [len(part) for part in parts] == [600, 600, 600]
    assert before > 0.3
    assert all(reliability.calibration(part).ece < 0.1 for part in parts)
    first = (folds == "0").to_numpy()
    changed = replace(boasting, truth=np.where(first, (boasting.truth + 1) % 3, boasting.truth))
    again = reliability.fitted_on_others(changed)
    assert again[0].temperature[0] == parts[0].temperature[0]  # its own truth decides nothing
    assert again[1].temperature[0] != parts[1].temperature[0]


def test_risk_grows_to_the_share_of_wrong_answers_and_the_threshold_is_on_the_curve() -> None:
    told = made(6, 90, skill=0.7)
    found = reliability.coverage(told)
    assert found.curve[-1] == pytest.approx((1.0, 1 - told.right.mean()))
    sure = told.confidence >= 0.6
    assert found.answered == pytest.approx(sure.mean())
    assert found.risk == pytest.approx((~told.right[sure]).mean())
    assert 0 <= found.aurc <= 1


def test_where_no_threshold_was_fitted_none_is_told() -> None:
    told = made(6, 30, skill=0.7)
    none = Answers(LABELS, told.table, told.truth, told.logits, told.temperature, np.full(len(told), np.nan))
    assert reliability.coverage(none).answered is None
    assert figures.UNFITTED in figures.of(none, title="t", leaks_speakers=False).caveats


def test_a_class_that_the_test_lacks_is_answered_first_and_masked_second() -> None:
    told = made(6, 30, skill=0.9)
    wider = Answers(
        (*LABELS, "boredom"), told.table, told.truth,
        np.column_stack([told.logits, np.where(np.arange(len(told)) % 2, 9.0, -9.0)]), told.temperature, told.threshold,
    )  # fmt: skip
    found = figures.of(wider, title="t", leaks_speakers=False)
    assert found.classes == LABELS
    assert found.mean["ua"] < 0.6
    assert found.masked is not None
    assert found.masked.classes == {"c": LABELS}
    assert found.masked.allowed == "a, b, c"
    assert found.masked.ua == pytest.approx(figures.of(told, title="t", leaks_speakers=False).mean["ua"])


def test_a_run_without_sexes_is_read_and_says_nothing_of_them() -> None:
    files = pd.DataFrame(
        {"path": ["x", "y"], "corpus": "c", "speaker": "s", "emotion": ["a", "b"], "p/f/seed-1": "test"}
    )
    told = answers.of_folds(files, {"p/f/seed-1": np.eye(3, dtype=np.float32)[:2]}, LABELS)
    assert figures.of(told, title="t", leaks_speakers=False).by_sex == ()
    with_sex = answers.of_folds(files.assign(sex="male"), {"p/f/seed-1": np.eye(3, dtype=np.float32)[:2]}, LABELS)
    assert [group.name for group in figures.of(with_sex, title="t", leaks_speakers=False).by_sex] == ["male"]


@pytest.fixture
def tone() -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
    times = np.arange(RATE) / RATE
    return (0.3 * np.sin(2 * np.pi * 220 * times) * np.sin(2 * np.pi * 2 * times)).astype(np.float32)


@pytest.mark.parametrize("name", sorted(robustness.CONDITIONS))
def test_every_condition_keeps_the_length_and_is_the_same_each_time(
    name: str, tone: "np.ndarray[tuple[int, ...], np.dtype[np.float32]]"
) -> None:
    assert not robustness.missing()
    once, twice = (robustness.CONDITIONS[name].change(tone, np.random.default_rng(4)) for _ in range(2))
    assert once.shape == tone.shape
    assert once.dtype == np.float32
    assert np.array_equal(once, twice)
    assert not np.allclose(once, tone, atol=1e-5)


@pytest.mark.parametrize("decibels", [20, 10, 0])
def test_noise_has_the_level_that_its_name_says(
    decibels: int, tone: "np.ndarray[tuple[int, ...], np.dtype[np.float32]]"
) -> None:
    noise = robustness.CONDITIONS[f"noise-{decibels}"].change(tone, np.random.default_rng(4)) - tone
    assert 10 * np.log10(np.mean(tone**2) / np.mean(noise**2)) == pytest.approx(decibels, abs=0.01)


def test_a_deaf_to_level_model_changes_nothing_and_a_level_meter_much(sung_tess: Path) -> None:
    paths = sorted(sung_tess.rglob("*.wav"))[::9]
    truth = np.zeros(len(paths), dtype=np.int64)

    def meter(sounds: "list[Waveform] | tuple[Waveform, ...]") -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
        loud = np.array([np.mean(sound.samples**2) > 0.03 for sound in sounds])
        return np.column_stack([~loud, loud]).astype(float)

    def brightness(
        sounds: "list[Waveform] | tuple[Waveform, ...]",
    ) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
        turns = np.array([np.mean(np.diff(np.sign(sound.samples)) != 0) > 0.04 for sound in sounds])
        return np.column_stack([~turns, turns]).astype(float)

    found = robustness.measure(meter, paths, truth, tested_on="t", speakers=2)  # type: ignore[arg-type]
    steady = robustness.measure(brightness, paths, truth, tested_on="t", speakers=2)  # type: ignore[arg-type]
    changed = {row.condition: row.changed for row in found.rows}
    assert changed["20 dB louder"] == 1
    assert found.rows[0].changed == 0
    kept = {row.condition: row.changed for row in steady.rows}
    assert kept["20 dB louder"] == kept["20 dB quieter"] == 0
    assert kept["noise as loud as the voice (0 dB)"] > 0
    assert robustness.Robustness.from_dict(found.to_dict()) == found
    backwards = robustness.measure(meter, paths[::-1], truth, tested_on="t", speakers=2)  # type: ignore[arg-type]
    assert backwards.rows == found.rows


def test_the_sample_holds_each_emotion_and_only_test_utterances() -> None:
    table = pd.DataFrame({"emotion": ["a"] * 50 + ["b"] * 5 + ["c"] * 30})
    tested = np.arange(85) % 2 == 0
    rows = robustness.sample(table, tested, most=10)
    assert table["emotion"].iloc[rows].value_counts().to_dict() == {"a": 10, "b": 3, "c": 10}
    assert tested[rows].all()
    assert np.array_equal(rows, robustness.sample(table, tested, most=10))


def test_a_change_that_leaves_nothing_to_hear_counts_as_wrong() -> None:
    def right(sounds: "list[Waveform]") -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
        return np.tile([1.0, 0.0], (len(sounds), 1))

    silent = np.zeros(RATE, dtype=np.float32)
    with pytest.raises(SoundError):
        Waveform(silent)
    loud = audio.load(np.ones(RATE) * 0.1).samples
    given_answers = robustness.answers_to(right, [loud, silent])  # type: ignore[arg-type]
    assert given_answers.tolist() == [0, robustness.REFUSED]
