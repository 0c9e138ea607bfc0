"""Scores agree with scikit-learn's, and calibration does what it promises on answers it was not fitted on."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from intone.learn import calibrate
from intone.learn.evaluate import measure

LABELS = ("a", "b", "c", "d")


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60))
def test_scores_agree_with_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    truth, answers = (np.array(side) for side in zip(*pairs, strict=True))
    held = sorted(set(truth.tolist()))
    found = measure(truth, answers, LABELS)
    precision, recall, f1, support = reference.precision_recall_fscore_support(
        truth, answers, labels=held, zero_division=0
    )
    assert found.accuracy == pytest.approx(reference.accuracy_score(truth, answers))
    assert found.ua == pytest.approx(recall.mean())
    assert found.precision == pytest.approx(precision.mean())
    assert found.f1 == pytest.approx(f1.mean())
    assert [score.support for score in found.per_class.values()] == support.tolist()
    assert list(found.per_class) == [LABELS[index] for index in held]
    assert np.array_equal(found.confusion, reference.confusion_matrix(truth, answers, labels=range(4)))


def answers(
    count: int, seed: int
) -> tuple["np.ndarray[tuple[int, ...], np.dtype[np.float32]]", "np.ndarray[tuple[int, ...], np.dtype[np.int64]]"]:
    """Give logits that are right as often as their softmax says, made five times too sure, and the truth."""
    generator = np.random.default_rng(seed)
    logits = generator.standard_normal((count, 7)) * 1.5
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth = np.array([generator.choice(7, p=share) for share in shares])
    return (5 * logits).astype(np.float32), truth


def voices(count: int) -> "np.ndarray[tuple[int, ...], np.dtype[np.str_]]":
    """Name who speaks: ten voices in turn."""
    return (np.arange(count) % 10).astype(str)


def test_the_temperature_undoes_overconfidence() -> None:
    assert calibrate.temperature(*answers(4000, seed=1), voices(4000)) == pytest.approx(5, rel=0.06)


def test_each_voice_counts_alike_however_much_it_says() -> None:
    """Ann's logits are five times too sure, and Ben's right: who of the two reads more does not matter."""
    (boasting, true), (logits, other_true) = answers(3000, seed=4), answers(3000, seed=5)
    honest = logits / 5
    found = []
    for said in (3000, 300):
        both = np.concatenate([boasting[:said], honest]), np.concatenate([true[:said], other_true])
        whose = np.repeat(["Ann", "Ben"], [said, len(honest)])
        found.append(calibrate.temperature(*both, whose))
    assert found[1] == pytest.approx(found[0], rel=0.1)
    by_utterance = calibrate.temperature(*both, np.arange(len(whose)).astype(str))
    assert by_utterance < found[1] / 1.3  # three hundred against three thousand


def test_a_voice_that_is_often_wrong_does_not_decide_alone_what_is_unsure() -> None:
    logits, truth = answers(4000, seed=6)
    wrong = truth.copy()
    wrong[1000:] = (logits[1000:].argmax(axis=1) + 1) % 7  # three thousand utterances of one voice, and all are wrong
    names = [*(f"voice {number}" for number in np.arange(1000) % 9), *["another"] * 3000]
    told = calibrate.threshold(logits, wrong, np.array(names), temperature=5, risk=0.4)
    assert told < calibrate.HIGHEST == calibrate.threshold(logits, wrong, voices(4000), temperature=5, risk=0.4)


def test_the_threshold_keeps_its_risk_on_other_answers() -> None:
    logits, truth = answers(6000, seed=2)
    found = calibrate.threshold(logits, truth, voices(6000), temperature=5, risk=0.25)
    others, their_truth = answers(6000, seed=3)
    scaled = np.exp(others.astype(np.float64) / 5)
    shares = scaled / scaled.sum(axis=1, keepdims=True)
    given_answers = shares.max(axis=1) >= found
    wrong = (shares.argmax(axis=1) != their_truth)[given_answers].mean()
    assert wrong == pytest.approx(0.25, abs=0.03)
    assert 0.05 < given_answers.mean() < 0.95


def test_where_no_threshold_keeps_the_risk_nearly_everything_is_unsure() -> None:
    truth = np.zeros(50, dtype=np.int64)
    always_wrong = np.tile(np.array([0, 3, 0], dtype=np.float32), (50, 1))
    assert calibrate.threshold(always_wrong, truth, voices(50), temperature=1) == calibrate.HIGHEST
