"""The shares of emotions of all recordings and of groups of them, with intervals."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from intone.archive.summary import prior
from intone.archive.summary.figures import Figure, Group, Groups, Question, Shares
from intone.archive.summary.resampling import FEWEST, MOST, Floats, figures, ratio
from intone.archive.summary.suppression import suppressed
from intone.archive.summary.tables import Tables
from intone.emotions import Emotion

MOST_GROUPS = 100
"""More are not listed: of times the newest are, of others the largest."""
MOST_UNITS = 200_000
"""The corrected shares are computed from so many utterances and segments; more would change less than 0.3 points."""
FEWEST_WEEKS = 3
WEEK_US = 7 * 24 * 3600 * 1_000_000
WHOLE = ""
TIMES = {"day": "%Y-%m-%d", "week": "%G-W%V", "month": "%Y-%m"}
KEYS = {
    WHOLE: "''",
    "agent": "coalesce(r.agent, '')",
    "queue": "coalesce(r.queue, '')",
    "speaker": "coalesce(h.speaker, '')",
    **{key: f"coalesce(strftime(make_timestamp(r.us), '{form}'), '')" for key, form in TIMES.items()},
}
# The voice of somebody at work is not summed up by their name (docs/summary.md).
NOT_AGENTS = "WHERE h.speaker IS NULL OR h.speaker IS DISTINCT FROM r.agent"
UNITS = """
CREATE OR REPLACE TEMP VIEW units AS
SELECT {key} AS grp, h.*, (r.us - (SELECT min(us) FROM recordings)) / {week} AS week, r.path_key,
    r.speaker_key, r.speaker IS NOT NULL AS known
FROM heard h JOIN recordings r USING (id) {kept}"""
SIZES = """
SELECT grp, count(DISTINCT id), count(*), count(DISTINCT path_key), count(DISTINCT speaker_key), bool_or(known),
    count(DISTINCT floor(week))
FROM units GROUP BY grp ORDER BY grp"""


@dataclass(frozen=True)
class _Size:
    """How much there is of a group, and what it is resampled over."""

    recordings: int
    units: int
    clusters: int
    cluster: str
    weeks: int

    @property
    def over(self) -> str:
        return "speakers" if self.cluster == "speaker_key" else "recordings"


def whole(tables: Tables, question: Question, card_prior: Floats | None, why_not: str) -> Group:
    """Sum up all recordings as one group."""
    found = by(tables, WHOLE, question, card_prior, why_not).groups
    return found[0] if found else Group("", 0, "small" if question.smallest > 0 else "")


def by(tables: Tables, key: str, question: Question, card_prior: Floats | None, why_not: str) -> Groups:
    """Sum up groups of recordings.

    Parameters
    ----------
    tables : Tables
        What is summed up.
    key : str
        What the groups are made by.
    question : Question
        How small a group may be.
    card_prior : numpy.ndarray of float64, shape (emotions,), or None
        How common each emotion was in the training; None where ``why_not`` says why that is not known.
    """
    tables.rows(UNITS.format(key=KEYS[key], week=WEEK_US, kept=NOT_AGENTS if key == "speaker" else ""))
    sizes = {name: _size(key, *counts) for name, *counts in tables.rows(SIZES)}
    hidden = suppressed({name: size.recordings for name, size in sizes.items()}, question.smallest)
    listed = _listed(key, sizes)
    shown = [name for name in listed if name not in hidden]
    values = {name: _sums(tables, name, sizes[name], _SHARE_SUMS, whole=True)[0] for name in shown}
    groups = []
    for name in listed:
        size = sizes[name]
        if name in hidden:
            groups.append(Group(name, size.recordings, hidden[name]))
            continue
        sums = _sums(tables, name, size, _SHARE_SUMS)
        found = figures(sums, size.clusters, ratio, values=ratio(values[name]))
        correction = (
            _corrected(tables, name, size, card_prior) if card_prior is not None else prior.Correction((), why_not)
        )
        shares = Shares(
            size.units, _named(found[1:]), _named(correction.shares) or None, correction.why_not, found[0], size.over
        )
        groups.append(
            Group(name, size.recordings, "", shares, _trend(tables, name, size) if key not in TIMES else None)
        )
    return Groups(key, tuple(groups), len(sizes) - len(listed))


def _size(key: str, recordings: int, units: int, paths: int, speakers: int, known: bool, weeks: int) -> _Size:
    if key != "speaker" and known and speakers >= FEWEST:
        return _Size(recordings, units, speakers, "speaker_key", weeks)
    return _Size(recordings, units, paths, "path_key", weeks)


def _listed(key: str, sizes: dict[str, _Size]) -> list[str]:
    """Give the groups to list: the newest times, or the largest of others; where it is not told comes last."""
    if key in TIMES:
        told = sorted(name for name in sizes if name)[-MOST_GROUPS:]
    else:
        told = sorted((name for name in sizes if name), key=lambda name: (-sizes[name].recordings, name))[:MOST_GROUPS]
    return [*told, *(name for name in sizes if not name)]


_SHARE_SUMS = ["sum(weight)", "sum(weight * unsure::INT)", *(f"sum(weight * {emotion})" for emotion in Emotion)]
_TREND_SUMS = [
    "sum(weight)", "sum(weight * week)", "sum(weight * week * week)",
    *(f"sum(weight * {emotion})" for emotion in Emotion), *(f"sum(weight * week * {emotion})" for emotion in Emotion),
]  # fmt: skip


def _sums(
    tables: Tables, name: str, size: _Size, sums: list[str], *, whole: bool = False, timed: bool = False
) -> Floats:
    """Add up over each recording or speaker of a group, ``(recordings or speakers, sums)``; or over the whole of it."""
    told = ", ".join(f"({expression})::DOUBLE AS s{number}" for number, expression in enumerate(sums))
    where = "WHERE grp = $name" + (" AND week IS NOT NULL" if timed else "")
    grouped = "" if whole else f"GROUP BY {size.cluster} ORDER BY {size.cluster} LIMIT {MOST}"
    found = tables.columns(f"SELECT {told} FROM units {where} {grouped}", name=name)
    return np.column_stack([found[f"s{number}"] for number in range(len(sums))])


def _corrected(tables: Tables, name: str, size: _Size, card_prior: Floats) -> prior.Correction:
    """Correct a group's shares; of very many recordings a part drawn by chance, by the hash of their names, stands."""
    most = int(min(1.0, MOST_UNITS / size.units) * (2**63 - 1))
    order = f"ORDER BY {size.cluster}, id, number"
    found = tables.columns(
        f"SELECT {size.cluster} AS cluster, weight, {', '.join(Emotion)} FROM units "
        f"WHERE grp = $name AND {size.cluster} <= $most {order}",
        name=name, most=most,
    )  # fmt: skip
    scores = np.column_stack([found[emotion] for emotion in Emotion]).astype(np.float64)
    clusters: NDArray[np.int64] = np.asarray(found["cluster"], dtype=np.int64)
    return prior.corrected(scores, found["weight"].astype(np.float64), clusters, size.clusters, card_prior)


def _trend(tables: Tables, name: str, size: _Size) -> dict[Emotion, Figure] | None:
    """Fit a line to the share of each emotion over time, by least squares weighted as the shares are; change a week."""
    if size.weeks < FEWEST_WEEKS:
        return None
    sums = _sums(tables, name, size, _TREND_SUMS, timed=True)
    values = _slopes(_sums(tables, name, size, _TREND_SUMS, whole=True, timed=True)[0])
    total = len(sums) if len(sums) < MOST else size.clusters
    return _named(figures(sums, total, _slopes, values=values, bounds=(-np.inf, np.inf)))


def _slopes(sums: Floats) -> Floats:
    weight, time, square = (sums[..., number : number + 1] for number in range(3))
    count = len(Emotion)
    shares, products = sums[..., 3 : 3 + count], sums[..., 3 + count :]
    spread = weight * square - time**2
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(
            np.where(spread > 1e-9 * weight * square, (weight * products - time * shares) / spread, np.nan)
        )


def _named(found: Any) -> dict[Emotion, Figure]:
    return dict(zip(Emotion, found, strict=True)) if found else {}
