"""How far a figure could have come out otherwise, with other recordings or speakers of the same kind."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from intone.archive.summary.figures import Figure

RESAMPLES = 1000
SEED = 20_260_101
"""Any number does; this one makes every computation of an interval give the same."""
LEVEL = 0.95
FEWEST = 6
"""Two can be redrawn in 3 ways, five in 126, six in 462: below six, 95 % of that is no interval."""
MOST = 2000
"""Of more recordings or speakers so many are looked at; see :func:`draws`."""

Floats = NDArray[np.float64]


def draws(present: int, total: int, *, resamples: int = RESAMPLES, seed: int = 0) -> Floats:
    """Draw with replacement, and count how often each was drawn: ``(resamples, present)``.

    Where only a part of all is present, so many are drawn as there are in all: then the interval has the width that
    resampling all of them would give (the bag of little bootstraps: Kleiner et al. 2014, doi:10.1111/rssb.12050).
    Figures that are compared are drawn by different seeds.
    """
    generator = np.random.default_rng([SEED, seed])
    return generator.multinomial(total, np.full(present, 1 / present), size=resamples).astype(np.float64)


def figures(
    sums: Floats,
    total: int,
    figure: Callable[[Floats], Floats],
    *,
    values: Floats | None = None,
    bounds: tuple[float, float] = (0.0, 1.0),
) -> list[Figure]:
    """Give figures that depend on sums over recordings or speakers, with their intervals.

    The interval is the percentile one (Efron and Tibshirani 1993, chapter 13).

    Parameters
    ----------
    sums : numpy.ndarray of float64, shape (recordings or speakers, sums)
        What each of them adds; all of them, or a part drawn by chance.
    total : int
        How many there are in all.
    figure : callable
        Makes ``(…, figures)`` of ``(…, sums)``; NaN where a resample has none.
    values : numpy.ndarray of float64, shape (figures,), optional
        The figures of all of them, where ``sums`` are a part.
    bounds : tuple of float
        Between which the figures lie.
    """
    here = figure(sums.sum(axis=0))
    values = here if values is None else values
    if len(sums) < FEWEST:
        return [Figure(float(value)) for value in values]
    found = figure(draws(len(sums), total) @ sums)
    return around(values, found, here, bounds)


def around(values: Floats, found: Floats, centre: Floats, bounds: tuple[float, float] = (0.0, 1.0)) -> list[Figure]:
    """Lay the middle 95 % of resamples ``(resamples, figures)``, which lie about ``centre``, around the values."""
    low, high = np.nanquantile(found - centre, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    low, high = np.clip(values + np.minimum(low, 0), *bounds), np.clip(values + np.maximum(high, 0), *bounds)
    return [Figure(*map(float, figure)) for figure in zip(values, low, high, strict=True)]


def ratio(sums: Floats) -> Floats:
    """Divide all sums but the first by the first, ``(…, 1 + figures)`` to ``(…, figures)``."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(sums[..., 1:] / sums[..., :1])
