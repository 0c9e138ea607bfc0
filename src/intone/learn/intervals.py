"""Intervals: how far a score could have come out otherwise with other speakers of the same kind."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from intone.learn.answers import Answers

RESAMPLES = 2000
SEED = 20_240_229
"""Any number does; this one makes every computation of an interval give the same."""
FEWEST_SPEAKERS = 6
"""Two speakers can be redrawn in 3 ways, five in 126, six in 462: below six, 95 % of that is no interval."""
LEVEL = 0.95

Counts = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """Where a score lies in 95 % of the resamples."""

    low: float
    high: float


@dataclass(frozen=True)
class Intervals:
    """The intervals of a test's scores, and what they were resampled over.

    Attributes
    ----------
    ua, accuracy : Interval
        Each 0 to 1.
    over : "speakers" or "utterances"
        What was drawn with replacement. Over utterances the interval says nothing of other speakers.
    units : int
        How many of these there are.
    """

    ua: Interval
    accuracy: Interval
    over: str
    units: int

    @property
    def remark(self) -> str:
        """What has to be said beside the interval; empty where nothing has."""
        if self.over == "speakers":
            return ""
        return (
            f"Fewer than {FEWEST_SPEAKERS} speakers were tested, too few to resample: the interval is over their "
            "utterances, and says nothing of how other speakers would fare."
        )


def bootstrap(answers: Answers, *, resamples: int = RESAMPLES) -> Intervals:
    """Resample a test's speakers with replacement, and give the middle 95 % of the scores.

    The utterances of one speaker are not independent, so the speaker is what is drawn (a cluster bootstrap: Field and
    Welsh 2007, doi:10.1111/j.1467-9868.2007.00593.x), and the interval is the percentile one (Efron and Tibshirani
    1993, chapter 13). Where several seeds answered, each resample's score is the mean of theirs.

    Parameters
    ----------
    answers : Answers
        The test; with fewer than six speakers its utterances are drawn instead.
    resamples : int, default 2000
        How often it is drawn.
    """
    speakers = answers.table["speaker"]
    over = "speakers" if speakers.nunique() >= FEWEST_SPEAKERS else "utterances"
    units, names = pd.factorize(speakers if over == "speakers" else answers.table["path"])
    patterns, often = np.unique(_counts(answers, units, len(names)), axis=0, return_counts=True)
    generator = np.random.default_rng(SEED)
    drawn = generator.multinomial(len(names), often / len(names), size=resamples)
    found = np.tensordot(drawn.astype(np.float64), patterns, axes=1)  # (resamples, right or all, seeds, labels)
    ua, accuracy = _scores(found[:, 0], found[:, 1])
    return Intervals(_middle(ua), _middle(accuracy), over, len(names))


def _counts(answers: Answers, units: NDArray[np.intp], size: int) -> Counts:
    """Count for each unit, seed and emotion the right answers and all: ``(units, 2, seeds, labels)``."""
    seeds, names = pd.factorize(answers.table["seed"])
    shape = (size, len(names), len(answers.labels))
    place = np.ravel_multi_index((units, seeds, answers.truth), shape)
    kinds = (np.bincount(place, weights, minlength=math.prod(shape)) for weights in (answers.right, None))
    return np.stack([kind.reshape(shape).astype(np.float64) for kind in kinds], axis=1)


def _scores(right: Counts, every: Counts) -> tuple[Counts, Counts]:
    """Give UA and accuracy of each resample, averaged over the seeds; an emotion that was not drawn does not count."""
    recall = (right / np.maximum(every, 1)).sum(axis=2) / np.maximum((every > 0).sum(axis=2), 1)
    accuracy = right.sum(axis=2) / np.maximum(every.sum(axis=2), 1)
    return recall.mean(axis=1), accuracy.mean(axis=1)


def _middle(scores: Counts) -> Interval:
    low, high = np.quantile(scores, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high))
