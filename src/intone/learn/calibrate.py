"""Calibration: making a confidence of 70 % right seven times in ten, and saying "unsure" below a stated risk."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

RISK = 0.25
"""Share of wrong answers among those given that the threshold for "unsure" aims at."""
LOWEST, HIGHEST = 0.2, 0.95
"""Thresholds are kept between these: below, "unsure" would never be said; above, nearly always."""


def fit(
    logits: NDArray[np.float32], truth: NDArray[np.int64], *, beside: Sequence[NDArray[np.float32]] = ()
) -> dict[str, float]:
    """Fit ``temperature`` and ``threshold`` on a validation part; see the functions of these names.

    Parameters
    ----------
    logits, truth : numpy.ndarray
        As for these.
    beside : sequence of numpy.ndarray
        The logits of the same utterances beside their speakers' baselines, of one kind and another: where there are
        some, ``temperature_beside`` and ``threshold_beside`` are fitted on all of them.
    """
    warmth = temperature(logits, truth)
    found = {"temperature": warmth, "threshold": threshold(logits, truth, temperature=warmth)}
    if beside:
        every, theirs = np.concatenate(beside), np.tile(truth, len(beside))
        warmth = temperature(every, theirs)
        found |= {"temperature_beside": warmth, "threshold_beside": threshold(every, theirs, temperature=warmth)}
    return found


def temperature(logits: NDArray[np.float32], truth: NDArray[np.int64]) -> float:
    """Fit the temperature that makes the answers' probabilities likeliest (Guo et al. 2017, arXiv:1706.04599).

    Parameters
    ----------
    logits : numpy.ndarray, shape (utterances, labels)
        Of speakers that were neither trained on nor are tested.
    truth : numpy.ndarray of int, shape (utterances,)
        The right labels.

    Returns
    -------
    float
        Between 0.05 and 20; logits are divided by it.

    Examples
    --------
    >>> generator = np.random.default_rng(0)
    >>> truth = generator.integers(0, 2, 4000)
    >>> right = np.where(generator.random(4000) < 0.8, truth, 1 - truth)  # right four times in five
    >>> overconfident = 9 * np.eye(2, dtype=np.float32)[right]
    >>> scaled = overconfident / temperature(overconfident, truth)
    >>> round(float(softmax(scaled, axis=1).max(axis=1).mean()), 2)
    0.8
    """
    wide = logits.astype(np.float64)

    def loss(log_temperature: float) -> float:
        scaled = log_softmax(wide / np.exp(log_temperature), axis=1)
        return float(-scaled[np.arange(len(truth)), truth].mean())

    found = minimize_scalar(loss, bounds=(np.log(0.05), np.log(20)), method="bounded")
    return float(np.exp(found.x))


def threshold(
    logits: NDArray[np.float32], truth: NDArray[np.int64], *, temperature: float, risk: float = RISK
) -> float:
    """Choose the confidence below which the answer is "unsure", so that at most ``risk`` of the others are wrong.

    Parameters
    ----------
    logits, truth : numpy.ndarray
        As for :func:`temperature`.
    temperature : float
        What the logits are divided by.
    risk : float, default 0.25
        Accepted share of wrong answers among those given, 0 to 1.

    Returns
    -------
    float
        The lowest confidence that keeps the risk, held between 0.2 and 0.95.
    """
    probabilities = softmax(logits.astype(np.float64) / temperature, axis=1)
    confidence = probabilities.max(axis=1)
    order = np.argsort(-confidence, kind="stable")
    wrong = (probabilities.argmax(axis=1) != truth)[order]
    risks = np.cumsum(wrong) / np.arange(1, len(wrong) + 1)
    kept = np.flatnonzero(risks <= risk)
    lowest = confidence[order][kept[-1]] if len(kept) else HIGHEST
    return float(np.clip(lowest, LOWEST, HIGHEST))
