"""The corrected shares, on answers of a classifier that is calibrated by construction and confuses emotions."""

import numpy as np
import pytest

from intone.archive.summary import prior
from intone.archive.summary.groups import MOST_UNITS
from intone.emotions import Emotion
from tests.summary_tables import Classifier, Floats

TRAINED: Floats = np.array([0.16, 0.1, 0.16, 0.16, 0.16, 0.16, 0.1])
TRAINED /= TRAINED.sum()
NEUTRAL = list(Emotion).index(Emotion.NEUTRAL)
MOSTLY_NEUTRAL: Floats = np.full(7, 0.1 / 6)
MOSTLY_NEUTRAL[NEUTRAL] = 0.9


def plain(scores: Floats, weights: Floats, before: Floats, steps: int = 20_000) -> Floats:
    """Iterate equation 2.9 of Saerens, Latinne and Decaestecker as it stands there."""
    shares = before.copy()
    for _ in range(steps):
        adjusted = scores * shares / before
        adjusted /= adjusted.sum(axis=1, keepdims=True)
        shares = (adjusted * weights[:, None]).sum(axis=0) / weights.sum()
    return shares


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("apart", [1.2, 1.6, 2.2])
def test_shares_of_a_mostly_neutral_set_are_found(apart: float, seed: int) -> None:
    scores, drawn = Classifier(apart, TRAINED, seed).answers(MOSTLY_NEUTRAL, 2000)
    truth = np.bincount(drawn, minlength=7) / len(drawn)
    raw = scores.mean(axis=0)
    assert raw[NEUTRAL] < 0.7  # what is corrected is far off
    values = prior.maximised(scores, np.ones(2000), TRAINED)
    assert np.abs(values - truth).max() < 0.05
    assert np.abs(values - MOSTLY_NEUTRAL).max() < 0.05


def test_what_is_found_is_told_with_intervals() -> None:
    scores, drawn = Classifier(1.2, TRAINED, 0).answers(MOSTLY_NEUTRAL, 2000)
    found = prior.corrected(scores, np.ones(2000), np.arange(2000), 2000, TRAINED)
    assert not found.why_not
    truth = np.bincount(drawn, minlength=7) / len(drawn)
    for figure, share in zip(found.shares, truth, strict=True):
        assert figure.low is not None
        assert figure.high is not None
        assert figure.low <= share <= figure.high
        assert figure.low <= figure.value <= figure.high < figure.low + 0.1


def test_a_world_like_the_training_is_left_as_it_is() -> None:
    scores, _ = Classifier(1.6, TRAINED, 1).answers(TRAINED, 4000)
    assert np.abs(prior.maximised(scores, np.ones(4000), TRAINED) - TRAINED).max() < 0.03


@pytest.mark.parametrize("seed", range(3))
def test_the_fast_iteration_ends_where_the_published_one_does(seed: int) -> None:
    generator = np.random.default_rng(seed)
    scores, before = generator.dirichlet(np.full(7, 0.7), size=200), generator.dirichlet(np.full(7, 5.0))
    weights = generator.uniform(0.5, 3, 200)
    expected = plain(scores, weights, before)
    assert prior.maximised(scores, weights, before) == pytest.approx(expected, abs=1e-3)
    both = prior.maximised(scores, np.stack([weights, np.ones(200)]), before)
    assert both[0] == pytest.approx(expected, abs=1e-3)
    assert both[1] == pytest.approx(plain(scores, np.ones(200), before), abs=1e-3)


def test_the_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    held = []
    for seed in range(20):
        scores, _ = Classifier(2.2, TRAINED, seed).answers(MOSTLY_NEUTRAL, 400)
        found = prior.corrected(scores, np.ones(400), np.arange(400), 400, TRAINED).shares[NEUTRAL]
        assert found.low is not None
        assert found.high is not None
        held.append(found.low <= 0.9 <= found.high)
    assert sum(held) >= 16


def test_of_a_part_the_interval_is_as_wide_as_of_all() -> None:
    scores, _ = Classifier(2.2, TRAINED, 5).answers(MOSTLY_NEUTRAL, 6000)
    found = prior.corrected(scores, np.ones(6000), np.arange(6000), 6000, TRAINED).shares[NEUTRAL]
    expected = (
        2 * 1.96 * prior.standard_error(scores, np.ones(6000), TRAINED, prior.maximised(scores, np.ones(6000), TRAINED))
    )
    assert found.low is not None
    assert found.high is not None
    # The standard error is that of the worst mixture, and neutral beside the rest is close to it.
    assert expected / 2.5 < found.high - found.low < expected * 1.2
    assert prior.RESAMPLED_UNITS < 6000 < MOST_UNITS


def test_clusters_that_say_the_same_thing_widen_the_interval() -> None:
    scores, _ = Classifier(2.2, TRAINED, 5).answers(MOSTLY_NEUTRAL, 300)
    alone = prior.corrected(scores, np.ones(300), np.arange(300), 300, TRAINED).shares[NEUTRAL]
    often = np.repeat(scores, 6, axis=0)
    together = prior.corrected(often, np.ones(1800), np.repeat(np.arange(300), 6), 300, TRAINED).shares[NEUTRAL]
    apart = prior.corrected(often, np.ones(1800), np.arange(1800), 1800, TRAINED).shares[NEUTRAL]
    widths = [(one.high or 0) - (one.low or 0) for one in (alone, together, apart)]
    assert widths[1] == pytest.approx(widths[0], rel=0.15)
    assert widths[2] < 0.6 * widths[0]


def test_too_few_utterances_are_not_corrected() -> None:
    scores, _ = Classifier(2.0, TRAINED, 0).answers(MOSTLY_NEUTRAL, 49)
    found = prior.corrected(scores, np.ones(49), np.arange(49), 49, TRAINED)
    assert not found.shares
    assert "49 utterances or segments are fewer than 50" in found.why_not


def test_emotions_that_cannot_be_told_apart_are_not_corrected() -> None:
    scores, _ = Classifier(2.0, TRAINED, 0).answers(TRAINED, 3000)
    both = scores[:, :1] + scores[:, 5:6]
    alike = scores.copy()
    alike[:, 0] = (both * TRAINED[0] / (TRAINED[0] + TRAINED[5]))[:, 0]
    alike[:, 5] = (both * TRAINED[5] / (TRAINED[0] + TRAINED[5]))[:, 0]
    found = prior.corrected(alike, np.ones(3000), np.arange(3000), 3000, TRAINED)
    assert not found.shares
    assert "cannot be told apart" in found.why_not


def test_a_classifier_that_hears_little_says_nothing_of_few() -> None:
    scores, _ = Classifier(0.4, TRAINED, 0).answers(TRAINED, 120)
    assert not prior.corrected(scores, np.ones(120), np.arange(120), 120, TRAINED).shares
