"""Periods, suppression and resampling by themselves."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intone.archive.summary import periods
from intone.archive.summary.resampling import draws, figures, ratio
from intone.archive.summary.suppression import suppressed
from intone.errors import UsageError


@pytest.mark.parametrize(
    ("text", "begin", "end"),
    [
        ("2026", (2026, 1, 1), (2027, 1, 1)),
        ("2026-12", (2026, 12, 1), (2027, 1, 1)),
        ("2024-02-29", (2024, 2, 29), (2024, 3, 1)),
        ("2026-01..2026-03", (2026, 1, 1), (2026, 4, 1)),
        ("2026-01-30..2026", (2026, 1, 30), (2027, 1, 1)),
    ],
)
def test_a_period_holds_both_its_ends(text: str, begin: tuple[int, int, int], end: tuple[int, int, int]) -> None:
    found = periods.parsed(text, "--since")
    assert (found.begin, found.end) == (datetime(*begin, tzinfo=UTC), datetime(*end, tzinfo=UTC))
    assert periods.moment(found.microseconds[0]) == found.begin


@pytest.mark.parametrize("text", ["", "26-01", "2026-13", "2026-02-30", "tomorrow", "2026..2025", "9999", "0000"])
def test_what_is_no_period_is_refused_by_its_option(text: str) -> None:
    with pytest.raises(UsageError, match="--since"):
        periods.parsed(text, "--since")


@pytest.mark.parametrize("text", ["2026", "2026:2026-03", "2026-01..2026-03:2026-03-31"])
def test_two_periods_must_be_two(text: str) -> None:
    with pytest.raises(UsageError, match="--drift"):
        periods.pair(text, "--drift")


@given(st.dictionaries(st.text(max_size=3), st.integers(1, 60), max_size=8), st.integers(1, 30))
def test_a_small_group_cannot_be_worked_out_from_the_rest(sizes: dict[str, int], smallest: int) -> None:
    hidden = suppressed(sizes, smallest)
    assert all(name in hidden for name, size in sizes.items() if size < smallest)
    if hidden and len(hidden) < len(sizes):
        # What is left of the whole when all that is shown is taken from it.
        assert len(hidden) >= 2
        assert sum(sizes[name] for name in hidden) >= smallest
    if all(size >= smallest for size in sizes.values()):
        assert not hidden


def test_no_more_is_hidden_than_must_be() -> None:
    assert suppressed({"a": 3, "b": 9, "c": 40, "d": 50}, 10) == {"a": "small", "b": "small"}
    assert suppressed({"a": 2, "b": 3, "c": 40, "d": 50}, 10) == {"a": "small", "b": "small", "c": "beside"}


def test_an_interval_of_a_mean_is_as_wide_as_the_formula_says() -> None:
    values = np.random.default_rng(1).uniform(size=400)
    (found,) = figures(np.column_stack([np.ones(400), values]), 400, ratio)
    assert found.value == pytest.approx(values.mean())
    expected = 2 * 1.96 * values.std() / np.sqrt(400)
    assert (found.high or 0) - (found.low or 0) == pytest.approx(expected, rel=0.12)
    (part,) = figures(np.column_stack([np.ones(400), values]), 40_000, ratio, values=np.array([0.5]))
    assert part.value == 0.5
    assert (part.high or 0) - (part.low or 0) == pytest.approx(expected / 10, rel=0.12)


def test_too_few_have_no_interval_and_draws_can_be_drawn_again() -> None:
    (found,) = figures(np.column_stack([np.ones(5), np.arange(5.0)]), 5, ratio)
    assert (found.value, found.low, found.high) == (2.0, None, None)
    assert (draws(10, 10) == draws(10, 10)).all()
    assert (draws(10, 10) != draws(10, 10, seed=1)).any()
