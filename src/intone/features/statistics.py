"""Statistical functionals: what a track of values over time comes down to."""

import re
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from intone.errors import unknown

Row = NDArray[np.float64]  # (columns,)
Columns = NDArray[np.float32]  # (frames, columns)

DELTA_FRAMES = 9
"""Frames that a rate of change is fitted to: librosa's."""
VALUES_AT_A_TIME = 1_000_000
"""Values reduced together: of a long track, no more than these are copied to double precision at once."""


def _moments(values: Row, power: int) -> Row:
    """Mean of the deviations to ``power``, over that power of the standard deviation; 0 where nothing deviates."""
    mean = values.mean(axis=0)
    deviation = values - mean
    variance = np.square(deviation).mean(axis=0)
    steady = variance <= np.square(1e-12 * mean)
    return np.where(steady, 0.0, (deviation**power).mean(axis=0) / np.where(steady, 1.0, variance) ** (power / 2))


def _kurtosis(values: Row) -> Row:
    fourth = _moments(values, 4)
    return np.where(fourth == 0, 0.0, fourth - 3)


def _slope(values: Row, seconds: Row) -> Row:
    """Least-squares slope in units a second; 0 for a single frame."""
    offset = seconds - seconds.mean()
    slope: Row = offset @ values / (float(offset @ offset) or 1.0)
    return slope


_PERCENTILE = re.compile(r"p(?!00)\d\d")
_PLAIN: dict[str, Callable[[Row], Row]] = {
    "mean": lambda values: values.mean(axis=0),
    "std": lambda values: values.std(axis=0),
    "var": lambda values: values.var(axis=0),
    "skewness": lambda values: _moments(values, 3),
    "kurtosis": _kurtosis,
    "min": lambda values: values.min(axis=0),
    "max": lambda values: values.max(axis=0),
    "range": lambda values: values.max(axis=0) - values.min(axis=0),
}
STATISTICS = (*_PLAIN, "slope", "p01", "p05", "p10", "p25", "p50", "p75", "p90", "p95", "p99")
"""The functionals; any other percentile ``pNN`` from p01 to p99 may be named too.

``std`` and ``var`` divide by the number of frames; ``skewness`` and ``kurtosis`` (0 for a normal distribution) are the
biased moments, as in ``scipy.stats``, and 0 where a column never changes; ``slope`` is the least-squares line's, in
units a second; percentiles interpolate linearly.
"""


def check_statistic(name: str) -> None:
    """Refuse a functional that does not exist.

    Raises
    ------
    UsageError
        With the nearest that does.
    """
    if name not in STATISTICS and not _PERCENTILE.fullmatch(name):
        raise unknown("statistic", name, STATISTICS)


def reduce(values: Columns, statistics: Sequence[str], *, hop_seconds: float = 1.0) -> Row:
    """Reduce each column to its statistics.

    Parameters
    ----------
    values : numpy.ndarray of float32, shape (frames, columns)
        NaN where a frame has no value, such as pitch between words: those frames are left out of that column.
    statistics : sequence of str
        Names from :data:`STATISTICS`.
    hop_seconds : float
        From one frame to the next, for ``slope``.

    Returns
    -------
    numpy.ndarray of float64, shape (len(statistics) * columns,)
        All columns' first statistic, then all columns' second, …; NaN for a column that has no value in any frame.

    Examples
    --------
    >>> reduce(np.array([[1.0], [np.nan], [3.0]], dtype=np.float32), ["mean", "range", "p50"])
    array([2., 2., 2.])
    """
    if tuple(statistics) == ("mean",) and len(values):
        # The commonest needs no copy in double precision.
        mean: Row = values.mean(axis=0, dtype=np.float64)
        if not np.isnan(mean).any():
            return mean
    seconds = np.arange(len(values), dtype=np.float64) * hop_seconds
    result = np.full((len(statistics), values.shape[1]), np.nan)
    step = max(1, VALUES_AT_A_TIME // max(1, len(values)))
    for first in range(0, values.shape[1], step):
        wide = values[:, first : first + step].astype(np.float64)
        if len(wide) and not np.isnan(wide.sum()):
            result[:, first : first + step] = _reduced(wide, seconds, statistics)
            continue
        missing = np.isnan(wide)
        for column in range(wide.shape[1]):
            present = ~missing[:, column]
            if present.any():
                result[:, first + column] = _reduced(wide[present, column, None], seconds[present], statistics)[:, 0]
    return result.ravel()


def _reduced(values: Row, seconds: Row, statistics: Sequence[str]) -> Row:
    percents = [int(name[1:]) for name in statistics if _PERCENTILE.fullmatch(name)]
    percentiles = iter(np.percentile(values, percents, axis=0) if percents else ())
    rows = []
    for name in statistics:
        if name == "slope":
            rows.append(_slope(values, seconds))
        else:
            rows.append(_PLAIN[name](values) if name in _PLAIN else next(percentiles))
    return np.stack(rows)


def delta(values: Columns, order: int = 1) -> Columns:
    """Follow how each column changes: a polynomial's derivative, fitted to nine frames around each.

    Parameters
    ----------
    values : numpy.ndarray of float32, shape (frames, columns)
        A track.
    order : int
        1 for the rate of change (Δ), 2 for the change of that (ΔΔ).

    Returns
    -------
    numpy.ndarray of float32, shape (frames, columns)
        Per frame, as ``librosa.feature.delta`` gives it; the first and last four frames repeat their neighbour's. A
        recording of fewer than nine frames is fitted over as many as it has; where those are too few it is 0.

    Examples
    --------
    >>> delta(np.arange(12, dtype=np.float32)[:, np.newaxis])[:3, 0]
    array([1., 1., 1.], dtype=float32)
    """
    width = min(DELTA_FRAMES, len(values) - 1 + len(values) % 2)
    half = width // 2
    if half < order:
        return np.zeros_like(values)
    offsets = np.arange(-half, half + 1.0)
    # The least-squares derivative is one fixed weighted sum [Savitzky & Golay 1964].
    weights = (np.linalg.pinv(np.vander(offsets, order + 1, increasing=True))[order] * order).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(values, width, axis=0)
    return np.pad(windows @ weights, ((half, half), (0, 0)), mode="edge")
