"""Whether the answers, and the sound that they are about, are still what they were."""

import math

import numpy as np
from numpy.typing import NDArray

from intone.archive.summary.figures import Change, Drift, Question
from intone.archive.summary.periods import moment
from intone.archive.summary.resampling import SEED
from intone.archive.summary.tables import Tables

MEASURES = {
    "confidence": ("confidence", "{:.0%}"),
    "unsure_share": ("the unsure share", "{:.0%}"),
    "level_db": ("the level", "{:.1f} dB"),
    "bandwidth_hz": ("the bandwidth", "{:,.0f} Hz"),
    "noise_db": ("the noise", "{:.1f} dB"),
}
"""What is compared: the column, what it is called, and how it is written."""
EMBEDDING = "embedding"
EFFECT = 0.2
"""From this on a difference is warned of, in standard deviations: the least that is called an effect (J. Cohen,
"Statistical power analysis for the behavioral sciences", 2nd edition 1988, section 2.2). A million recordings make any
difference significant; this makes it matter."""
CHANCE = 0.05
"""And only where chance makes so large a difference less often than this in any of the measures together."""
FEWEST = 30
"""Of fewer recordings in a period nothing is said."""
EMBEDDED = 2000
"""Recordings of each period, drawn by chance, whose embeddings are compared."""
PERMUTATIONS = 999
MEANS = {
    "confidence": "Its answers are of another sureness than before, so that what it is sure of is not the same part.",
    "unsure_share": "More or fewer recordings than before are left out of what only counts sure speech.",
    "level_db": "The sound comes in louder or softer; look for a changed gain, telephone system or recorder.",
    "bandwidth_hz": "The sound is duller or brighter; look for a changed codec or telephone system.",
    "noise_db": "There is more or less noise behind the voices; look for changed places or microphones.",
    EMBEDDING: "The voices or their sound differ from those before in ways that no single measure tells.",
}

# The confidence in the row of a timeline is the share of its most frequent emotion: that of its segments is taken.
HEARD = """(
    SELECT r.* EXCLUDE (confidence), h.confidence FROM recordings r LEFT JOIN (
        SELECT id, sum(weight * confidence) / sum(weight) AS confidence FROM heard GROUP BY id) h USING (id))"""

Floats = NDArray[np.float64]


def drift(tables: Tables, question: Question) -> Drift:
    """Compare two periods: Welch's two-sample test, and the difference in pooled standard deviations (Cohen's d).

    Of embeddings the statistic is the distance between the two means in units of the reference's spread (the root of
    the mean squared distance from its mean), less what two samples of that size differ by chance; its test permutes the
    recordings between the periods (Good 2005, "Permutation, parametric and bootstrap tests of hypotheses").
    """
    found = _periods(tables, question)
    if found is None:
        return Drift("", "", (0, 0), (), "Not compared: no recording's time is told.")
    names, bounds = found
    counts = [
        int(tables.one("SELECT count(*) FROM recordings WHERE us >= $begin AND us < $end AND emotion IS NOT NULL",
                       begin=begin, end=end)[0])
        for begin, end in bounds
    ]  # fmt: skip
    sizes = (counts[0], counts[1])
    fewest = max(FEWEST, question.smallest)
    if min(sizes) < fewest:
        why = (
            f"Not compared: the periods have {sizes[0]:,} and {sizes[1]:,} recordings with speech; each needs {fewest}."
        )
        return Drift(*names, sizes, (), why)
    before, after = (_moments(tables, *ends) for ends in bounds)
    changes = [_change(name, before[name], after[name]) for name in MEASURES]
    one, other = (_embeddings(tables, *ends) for ends in bounds)
    if min(len(one), len(other)) >= fewest and one.shape[1:] == other.shape[1:]:
        distance, p = moved(one, other)
        changes.append(Change(EMBEDDING, None, None, distance, p, ""))
    told = [change for change in changes if change is not None]
    return Drift(*names, sizes, tuple(_warned(change, len(told)) for change in told))


def _periods(tables: Tables, question: Question) -> tuple[tuple[str, str], list[tuple[int, int]]] | None:
    """Give the names of the two periods, and their ends in microseconds; by default the halves of the recordings."""
    if question.drift is not None:
        one, other = question.drift
        return (one.name, other.name), [one.microseconds, other.microseconds]
    first, middle, last = tables.one("SELECT min(us), quantile_disc(us, 0.5), max(us) FROM recordings")
    if first is None:
        return None
    # Of recordings with the same time all are in the earlier half.
    bounds = [(first, middle + 1), (middle + 1, last + 1)]
    names = (f"until {moment(middle):%Y-%m-%d %H:%M}", f"after {moment(middle):%Y-%m-%d %H:%M}")
    return names, bounds


def _moments(tables: Tables, begin: int, end: int) -> dict[str, tuple[int, float, float]]:
    """Give count, mean and variance of each measure in a period."""
    told = ", ".join(
        f"count({name}) FILTER (WHERE isfinite({name})), avg({name}::DOUBLE) FILTER (WHERE isfinite({name})), "
        f"var_samp({name}::DOUBLE) FILTER (WHERE isfinite({name}))"
        for name in MEASURES
    )
    row = tables.one(
        f"SELECT {told} FROM {HEARD} WHERE us >= $begin AND us < $end AND emotion IS NOT NULL", begin=begin, end=end
    )
    return {name: (row[3 * number], row[3 * number + 1], row[3 * number + 2]) for number, name in enumerate(MEASURES)}


def _change(name: str, before: tuple[int, float, float], after: tuple[int, float, float]) -> Change | None:
    if min(before[0], after[0]) < FEWEST:
        return None
    effect, p = difference(before, after)
    return Change(name, before[1], after[1], effect, p, "")


def difference(before: tuple[int, float, float], after: tuple[int, float, float]) -> tuple[float, float]:
    """Give Cohen's d and the p of Welch's test, by the normal distribution, of counts, means and variances.

    Examples
    --------
    >>> effect, p = difference((50, 0.0, 1.0), (50, 0.5, 1.0))
    >>> round(effect, 3), round(p, 4)
    (0.5, 0.0124)
    """
    (count, mean, variance), (count_after, mean_after, variance_after) = before, after
    gap = mean_after - mean
    pooled = ((count - 1) * variance + (count_after - 1) * variance_after) / (count + count_after - 2)
    error = variance / count + variance_after / count_after
    if pooled <= 0:  # all alike in each period
        return (0.0, 1.0) if gap == 0 else (math.copysign(math.inf, gap), 0.0)
    return gap / math.sqrt(pooled), math.erfc(abs(gap) / math.sqrt(2 * error))


def _embeddings(tables: Tables, begin: int, end: int) -> Floats:
    rows = tables.columns(
        "SELECT e.embedding AS embedding FROM every_recording e JOIN ("
        "SELECT path FROM recordings WHERE us >= $begin AND us < $end AND emotion IS NOT NULL "
        "ORDER BY path_key LIMIT $most) USING (path) WHERE e.embedding IS NOT NULL ORDER BY path",
        begin=begin, end=end, most=EMBEDDED,
    )["embedding"]  # fmt: skip
    return np.stack([np.asarray(row, dtype=np.float64) for row in rows]) if len(rows) else np.empty((0, 0))


def moved(reference: Floats, later: Floats) -> tuple[float, float]:
    """Measure how far the mean embedding moved, and how likely that is by chance.

    Parameters
    ----------
    reference, later : numpy.ndarray of float64, shape (recordings, d)
        Embeddings of the two periods.

    Returns
    -------
    tuple of float
        The distance in units of the reference's spread, and p.
    """
    spread = float(((reference - reference.mean(axis=0)) ** 2).sum(axis=1).mean())
    every = np.vstack([reference, later])
    every -= every.mean(axis=0)
    count, total = len(reference), len(every)
    generator = np.random.default_rng(SEED)
    # Each row of signs gives a mean of one part less a mean of the other; the first is the parts as they are.
    signs = np.where(np.arange(total) < count, 1 / count, -1 / (total - count))
    shuffled = generator.permuted(np.tile(signs, (PERMUTATIONS, 1)), axis=1)
    squares = ((np.vstack([signs, shuffled]) @ every) ** 2).sum(axis=1)
    if spread <= 0:
        return (0.0, 1.0) if squares[0] == 0 else (math.inf, 0.0)
    by_chance = spread * (1 / count + 1 / (total - count))
    distance = math.sqrt(max(float(squares[0]) - by_chance, 0.0) / spread)
    return distance, float((squares[1:] >= squares[0]).sum() + 1) / (PERMUTATIONS + 1)


def _warned(change: Change, tests: int) -> Change:
    """Add the warning where the difference is both more than chance and large enough (Bonferroni over the tests)."""
    if abs(change.effect) < EFFECT or change.p >= CHANCE / tests:
        return change
    if change.before is None or change.after is None:
        said = f"The mean embedding moved by {change.effect:.2f} of the reference's spread."
    else:
        name, form = MEASURES[change.measure]
        said = f"{name[:1].upper()}{name[1:]} went from {form.format(change.before)} to {form.format(change.after)} "
        said += f"({change.effect:+.2f} standard deviations)."
    warning = f"{said} {MEANS[change.measure]}"
    return Change(change.measure, change.before, change.after, change.effect, change.p, warning)
