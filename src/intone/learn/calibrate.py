"""Calibration: making a confidence of 70 % right seven times in ten, and saying "unsure" below a stated risk.

Both are promises to a voice that nobody has heard, so each voice counts alike in fitting them, however much it said:
where utterances did, the one speaker who read six hundred would decide for all.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

RISK = 0.1
"""Share of wrong answers among those given that the threshold for "unsure" aims at, were all voices to say as much."""
LOWEST, HIGHEST = 0.2, 0.95
"""Thresholds are kept between these: below, "unsure" would never be said; above, nearly always."""


def fit(
    logits: NDArray[np.float32],
    truth: NDArray[np.int64],
    voices: NDArray[np.str_],
    *,
    beside: Sequence[NDArray[np.float32]] = (),
) -> dict[str, float]:
    """Fit ``temperature`` and ``threshold`` on a validation part; see the functions of these names.

    Parameters
    ----------
    logits, truth, voices : numpy.ndarray
        As for these.
    beside : sequence of numpy.ndarray
        The logits of the same utterances beside their speakers' baselines, of one kind and another: where there are
        some, ``temperature_beside`` and ``threshold_beside`` are fitted on all of them.
    """
    warmth = temperature(logits, truth, voices)
    found = {"temperature": warmth, "threshold": threshold(logits, truth, voices, temperature=warmth)}
    if beside:
        every = np.concatenate(beside), np.tile(truth, len(beside)), np.tile(voices, len(beside))
        warmth = temperature(*every)
        found |= {"temperature_beside": warmth, "threshold_beside": threshold(*every, temperature=warmth)}
    return found


def temperature(logits: NDArray[np.float32], truth: NDArray[np.int64], voices: NDArray[np.str_]) -> float:
    """Fit the temperature that makes the answers' probabilities likeliest (Guo et al. 2017, arXiv:1706.04599).

    Parameters
    ----------
    logits : numpy.ndarray, shape (utterances, labels)
        Of speakers that were neither trained on nor are tested.
    truth : numpy.ndarray of int, shape (utterances,)
        The right labels.
    voices : numpy.ndarray of str, shape (utterances,)
        Who speaks; each voice weighs as much as any other.

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
    >>> scaled = overconfident / temperature(overconfident, truth, np.repeat(["Ann", "Ben"], 2000))
    >>> round(float(softmax(scaled, axis=1).max(axis=1).mean()), 2)
    0.8
    """
    wide, weights = logits.astype(np.float64), _weights(voices)

    def loss(log_temperature: float) -> float:
        scaled = log_softmax(wide / np.exp(log_temperature), axis=1)
        return float(-scaled[np.arange(len(truth)), truth] @ weights)

    found = minimize_scalar(loss, bounds=(np.log(0.05), np.log(20)), method="bounded")
    return float(np.exp(found.x))


def threshold(
    logits: NDArray[np.float32],
    truth: NDArray[np.int64],
    voices: NDArray[np.str_],
    *,
    temperature: float,
    risk: float = RISK,
) -> float:
    """Choose the confidence below which the answer is "unsure", so that at most ``risk`` of the others are wrong.

    Parameters
    ----------
    logits, truth, voices : numpy.ndarray
        As for :func:`temperature`.
    temperature : float
        What the logits are divided by.
    risk : float, default 0.1
        Accepted share of wrong answers among those given, 0 to 1.

    Returns
    -------
    float
        The lowest confidence that keeps the risk, held between 0.2 and 0.95.
    """
    probabilities = softmax(logits.astype(np.float64) / temperature, axis=1)
    confidence = probabilities.max(axis=1)
    order = np.argsort(-confidence, kind="stable")
    wrong, weights = (probabilities.argmax(axis=1) != truth)[order], _weights(voices)[order]
    risks = np.cumsum(weights * wrong) / np.cumsum(weights)
    kept = np.flatnonzero(risks <= risk + 1e-9)  # sums of shares are off in the last digit
    lowest = confidence[order][kept[-1]] if len(kept) else HIGHEST
    return float(np.clip(lowest, LOWEST, HIGHEST))


def _weights(voices: NDArray[np.str_]) -> NDArray[np.float64]:
    """Weigh utterances so that each voice has the same weight, and all together 1."""
    _, whose, counts = np.unique(voices, return_inverse=True, return_counts=True)
    return np.asarray(1 / (counts[whose] * len(counts)))
