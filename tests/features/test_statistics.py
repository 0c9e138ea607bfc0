"""Functionals agree with scipy.stats, and leave out what is missing."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from intone.errors import UsageError
from intone.features.statistics import STATISTICS, check_statistic, delta, reduce

HOP = 0.032


def reference(values: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    if name.startswith("p"):
        return np.asarray([scipy.stats.scoreatpercentile(column, int(name[1:])) for column in values.T])
    seconds = np.arange(len(values)) * HOP
    functions = {
        "mean": lambda x: scipy.stats.describe(x).mean,
        "std": lambda x: scipy.stats.tstd(x, ddof=0),
        "var": lambda x: scipy.stats.tvar(x, ddof=0),
        "skewness": scipy.stats.skew,
        "kurtosis": scipy.stats.kurtosis,
        "min": scipy.stats.tmin,
        "max": scipy.stats.tmax,
        "range": lambda x: scipy.stats.tmax(x) - scipy.stats.tmin(x),
        "slope": lambda x: scipy.stats.linregress(seconds, x).slope,
    }
    return np.asarray([functions[name](column) for column in values.T])


@pytest.mark.parametrize("name", STATISTICS)
def test_agree_with_scipy(name: str) -> None:
    rng = np.random.default_rng(3)
    values = (rng.gamma(2, 3, (200, 5)) * [1, 10, 100, 1e-3, 1] + [0, 5, -1000, 0, 1]).astype(np.float32)
    ours = reduce(values, [name], hop_seconds=HOP)
    np.testing.assert_allclose(ours, reference(values.astype(np.float64), name), rtol=1e-6)


def test_missing_frames_are_left_out_column_by_column() -> None:
    values = np.array([[1, np.nan], [np.nan, np.nan], [5, np.nan]], dtype=np.float32)
    np.testing.assert_array_equal(reduce(values, ["mean", "slope"], hop_seconds=0.5), [3, np.nan, 4, np.nan])


def test_long_tracks_are_reduced_in_parts() -> None:
    values = np.random.default_rng(1).standard_normal((300_000, 7)).astype(np.float32)
    np.testing.assert_allclose(reduce(values, ["mean"]), values.mean(axis=0, dtype=np.float64), rtol=1e-9)


@given(arrays(np.float32, (12, 2), elements=st.floats(-1e6, 1e6, width=32)))
def test_order_holds(values: NDArray[np.float32]) -> None:
    rows = reduce(values, ["min", "p05", "p50", "p95", "max"]).reshape(5, -1)
    assert (np.diff(rows, axis=0) >= 0).all()


@given(arrays(np.float32, (20, 1), elements=st.floats(-1e3, 1e3, width=32)), st.sampled_from(STATISTICS))
def test_finite_frames_give_finite_statistics(values: NDArray[np.float32], name: str) -> None:
    assert np.isfinite(reduce(values, [name])).all()


def test_a_steady_column_has_no_shape() -> None:
    steady = np.full((9, 1), 0.1, dtype=np.float32)
    np.testing.assert_array_equal(reduce(steady, ["std", "skewness", "kurtosis", "slope"]).round(12), [0, 0, 0, 0])


@pytest.mark.parametrize("name", ["p00", "p5", "p100", "average"])
def test_unknown_statistics_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match="There is no statistic"):
        check_statistic(name)


@pytest.mark.parametrize("frames", range(1, 9))
def test_few_frames_still_have_a_rate_of_change(frames: int) -> None:
    ramp = 3 * np.arange(frames, dtype=np.float32)[:, np.newaxis]
    np.testing.assert_allclose(delta(ramp), np.full((frames, 1), 3 if frames > 2 else 0), atol=1e-5)
