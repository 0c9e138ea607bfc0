"""How common each emotion really is, where it is not as common as in the training."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from intone.archive.summary.figures import Figure
from intone.archive.summary.resampling import FEWEST, around, draws

Floats = NDArray[np.float64]
TOLERANCE = 1e-7
"""The mean log likelihood is then no further from its maximum; the largest slope bounds that (Lindsay 1983)."""
ROUGH = 0.02
"""The same for the whole log likelihood of a resample: 1 is what chance alone makes of it."""
MOST_ITERATIONS = 2000
FAINTEST = 1e-6
"""No probability counts as less likely than this."""
FEWEST_UNITS = 50
"""Of fewer utterances or segments nothing is said."""
WIDEST = 0.3
"""With an interval wider than this share, the correction says nothing."""
VAGUEST = 0.1
"""Nor does it where the likelihood is so flat that a share has a larger standard error than this."""
RESAMPLES = 200
RESAMPLED_UNITS = 2000
"""Of so many utterances or segments each resample is made, so that thousands of groups do not take hours."""


@dataclass(frozen=True)
class Correction:
    """The corrected shares, or a sentence that says why there are none."""

    shares: tuple[Figure, ...]
    why_not: str = ""


def maximised(
    scores: Floats, weights: Floats, prior: Floats, start: Floats | None = None, *, tolerance: float = TOLERANCE
) -> Floats:
    """Find the shares under which calibrated probabilities are likeliest, by expectation maximisation.

    M. Saerens, P. Latinne and C. Decaestecker, "Adjusting the outputs of a classifier to new a priori probabilities",
    Neural Computation 14 (2002) 21-41, equation 2.9. The likelihood is concave, so that the start does not matter.

    Parameters
    ----------
    scores : numpy.ndarray of float64, shape (units, emotions)
        Calibrated probabilities of the classifier as it was trained.
    weights : numpy.ndarray of float64, shape (units,) or (resamples, units)
        What each counts.
    prior : numpy.ndarray of float64, shape (emotions,)
        How common each emotion was in the training.
    start : numpy.ndarray of float64, optional
        Where to begin; by default where all are alike.
    tolerance : float
        How far the mean log likelihood may be from its maximum.

    Returns
    -------
    numpy.ndarray of float64, shape (emotions,) or (resamples, emotions)
        They sum to 1.
    """
    ratios = np.maximum(scores, FAINTEST) / prior
    weighed = np.atleast_2d(weights / weights.sum(axis=-1, keepdims=True))
    found = np.full((len(weighed), len(prior)), 1 / len(prior)) if start is None else np.atleast_2d(start).copy()
    going = np.arange(len(weighed))  # those resamples that have not arrived
    for _ in range(MOST_ITERATIONS):
        shares = found[going]
        slope, likelihood = _slope(shares, weighed, ratios)
        once = shares * slope
        found[going] = once / once.sum(axis=-1, keepdims=True)
        far = slope.max(axis=-1) - 1 >= tolerance
        if not far.any():
            break
        if far.mean() < 0.7:  # copying the weights is worth it only now and then
            going, weighed = going[far], weighed[far]
            continue
        twice = once * _slope(once, weighed, ratios)[0]
        bold = _extrapolated(shares, once, twice)
        fell = _slope(bold, weighed, ratios)[1] < likelihood
        found[going] = np.where(fell[:, None], twice, bold)
    return np.asarray(found.reshape(*weights.shape[:-1], len(prior)))


def _slope(shares: Floats, weights: Floats, ratios: Floats) -> tuple[Floats, Floats]:
    """Give the likelihood's slope in each share, which times the share is the next step; and the log likelihood."""
    likely = shares @ ratios.T
    return (weights / likely) @ ratios, np.einsum("rn,rn->r", weights, np.log(likely))


def _extrapolated(shares: Floats, once: Floats, twice: Floats) -> Floats:
    """Go on in the direction of two steps, which is ten times faster to the same place.

    R. Varadhan and C. Roland, "Simple and globally convergent methods for accelerating the convergence of any EM
    algorithm", Scandinavian J. of Statistics 35 (2008) 335-353, scheme S3. A share that would fall to nothing keeps a
    tenth, from which the next step can raise it.
    """
    first = once - shares
    bend = twice - once - first
    size = np.linalg.norm(bend, axis=-1, keepdims=True)
    length = np.maximum(np.linalg.norm(first, axis=-1, keepdims=True) / np.maximum(size, 1e-30), 1.0)
    length = np.where(size > 0, length, 1.0)
    bold = np.maximum(shares + 2 * length * first + length**2 * bend, twice / 10)
    return np.asarray(bold / bold.sum(axis=-1, keepdims=True))


def standard_error(scores: Floats, weights: Floats, prior: Floats, shares: Floats) -> float:
    """Give the largest standard error that any mixture of the shares has, by the observed information.

    Only emotions that occur count. It is infinite where two of them always have the same odds: then no number of
    recordings can tell them apart.
    """
    occur = shares > 1e-3
    if occur.sum() < 2:
        return 0.0
    ratios = (np.maximum(scores, FAINTEST) / prior)[:, occur]
    weights = weights / weights.sum()
    seen = ratios / (ratios @ shares[occur])[:, None]
    information = (seen * weights[:, None]).T @ seen
    # Shares sum to 1: only directions across the all-ones vector are free.
    free = np.linalg.svd(np.ones((1, occur.sum())))[2][1:]
    least = float(np.linalg.eigvalsh(free @ information @ free.T)[0])
    return float("inf") if least < 1e-9 else float(np.sqrt((weights**2).sum() / least))


def corrected(scores: Floats, weights: Floats, clusters: NDArray[np.int64], total: int, prior: Floats) -> Correction:
    """Correct the shares for the training's prior, with intervals, or say why that cannot be done.

    Parameters
    ----------
    scores, weights, prior
        As in :func:`maximised`.
    clusters : numpy.ndarray of int64, shape (units,)
        Which recording or speaker each is of; units of one stand together.
    total : int
        How many recordings or speakers there are in all, where these are a part.
    """
    if len(scores) < FEWEST_UNITS:
        return Correction((), f"Not corrected: {len(scores)} utterances or segments are fewer than {FEWEST_UNITS}.")
    shares = maximised(scores, weights, prior)
    if standard_error(scores, weights, prior, shares) > VAGUEST:
        return Correction((), "Not corrected: in so few recordings these emotions cannot be told apart well enough.")
    names, members = np.unique(clusters, return_inverse=True)
    if len(names) < FEWEST:
        return Correction(tuple(Figure(float(value)) for value in shares))
    part = _part(members, len(names))
    kept = members < part
    drawn = draws(part, total, resamples=RESAMPLES)[:, members[kept]] * weights[kept]
    here = maximised(scores[kept], weights[kept], prior)
    start = np.tile(0.99 * here + 0.01 / len(prior), (RESAMPLES, 1))
    found = around(shares, maximised(scores[kept], drawn, prior, start, tolerance=ROUGH / max(total, part)), here)
    if any(one.high is not None and one.low is not None and one.high - one.low > WIDEST for one in found):
        return Correction(
            (),
            f"Not corrected: with so few recordings a share could lie anywhere in {WIDEST * 100:.0f} points or more.",
        )
    return Correction(tuple(found))


def _part(members: NDArray[np.int64], clusters: int) -> int:
    """Say of how many recordings or speakers, the first ones, the resamples are made."""
    ends = np.cumsum(np.bincount(members, minlength=clusters))
    return min(clusters, max(FEWEST, int(np.searchsorted(ends, RESAMPLED_UNITS, side="right"))))
