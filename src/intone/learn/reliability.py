"""Reliability: whether a confidence can be believed, and what saying "unsure" buys."""

from dataclasses import dataclass, replace

import numpy as np

from intone.learn import calibrate
from intone.learn.answers import Answers

BINS = 15
POINTS = 100


@dataclass(frozen=True)
class Bin:
    """Answers of like confidence: their mean confidence, the share that is right, and how many there are."""

    confidence: float
    accuracy: float
    answers: int


@dataclass(frozen=True)
class Calibration:
    """How well confidence and accuracy agree.

    Attributes
    ----------
    ece : float
        Expected calibration error with the fitted temperature, 0 to 1.
    ece_before : float
        The same without it.
    fitted : bool
        Whether every answer's temperature was fitted on a validation part; else some, or all, are 1.
    bins : tuple of Bin
        The reliability curve, from the least confident answers to the most.
    """

    ece: float
    ece_before: float
    fitted: bool
    bins: tuple[Bin, ...]


@dataclass(frozen=True)
class Coverage:
    """The risk of an answer against the share of utterances that get one.

    Attributes
    ----------
    aurc : float
        Area under the curve: the mean risk over all coverages, 0 to 1.
    curve : tuple of (coverage, risk)
        From the surest answers alone to all of them.
    answered, risk : float or None
        The share that is not "unsure" with the fitted thresholds, and the share of those that is wrong; None where no
        threshold was fitted, or nothing was answered.
    """

    aurc: float
    curve: tuple[tuple[float, float], ...]
    answered: float | None
    risk: float | None


def bins_of(answers: Answers) -> tuple[Bin, ...]:
    """Divide the answers into 15 bins of equally many (fewer where there are fewer answers), by confidence."""
    order = np.argsort(answers.confidence, kind="stable")
    parts = np.array_split(order, min(BINS, len(order)))
    return tuple(
        Bin(float(answers.confidence[part].mean()), float(answers.right[part].mean()), len(part)) for part in parts
    )


def expected_error(bins: tuple[Bin, ...]) -> float:
    """Give the expected calibration error: the mean distance of confidence and accuracy, weighted by the bins' sizes.

    Guo et al. (2017, arXiv:1706.04599) with the equal-mass bins of Nixon et al. (2019, arXiv:1904.01685).

    Examples
    --------
    >>> round(expected_error((Bin(0.6, 0.5, 10), Bin(0.9, 0.6, 30))), 3)
    0.25
    """
    every = sum(part.answers for part in bins)
    return sum(part.answers * abs(part.accuracy - part.confidence) for part in bins) / every


def calibration(answers: Answers) -> Calibration:
    """Compare the answers' confidence with how often they are right."""
    bins = bins_of(answers)
    before = expected_error(bins_of(answers.uncalibrated()))
    return Calibration(expected_error(bins), before, bool(np.isfinite(answers.threshold).all()), bins)


def fitted_on_others(answers: Answers) -> list[Answers]:
    """Give the answers of each fold with the temperature and threshold that were fitted on those of all other folds.

    Where each fold leaves a corpus out, this is the confidence that can be expected on a corpus that nobody has seen:
    neither its own answers nor its speakers decided on it.
    """
    found = []
    for fold in answers.table["fold"].unique():
        own = (answers.table["fold"] == fold).to_numpy()
        others = answers[~own]
        given = others.logits.astype(np.float32), others.truth, others.table["speaker"].to_numpy(dtype=str)
        warmth = calibrate.temperature(*given)
        least = calibrate.threshold(*given, temperature=warmth)
        count = int(own.sum())
        found.append(replace(answers[own], temperature=np.full(count, warmth), threshold=np.full(count, least)))
    return found


def coverage(answers: Answers) -> Coverage:
    """Compute the risk-coverage curve (Geifman and El-Yaniv 2017, arXiv:1705.08500)."""
    order = np.argsort(-answers.confidence, kind="stable")
    risks = np.cumsum(~answers.right[order]) / np.arange(1, len(order) + 1)
    shown = np.unique(np.ceil(np.linspace(0, 1, POINTS + 1)[1:] * len(order)).astype(int)) - 1
    curve = tuple((float((place + 1) / len(order)), float(risks[place])) for place in shown)
    fitted = np.isfinite(answers.threshold)
    sure = fitted & (answers.confidence >= answers.threshold)
    return Coverage(
        aurc=float(risks.mean()),
        curve=curve,
        answered=float(sure.sum() / fitted.sum()) if fitted.any() else None,
        risk=float((~answers.right[sure]).mean()) if sure.any() else None,
    )
