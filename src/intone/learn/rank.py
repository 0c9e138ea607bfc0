"""Which features separate the emotions: of each column alone, over a corpus and within each of its speakers."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.feature_selection import f_classif, mutual_info_classif

from intone.errors import UsageError

Doubles = NDArray[np.float64]

LEAST_OF_EMOTION = 2
"""Recordings that an emotion must have: one alone has no spread to be compared with."""
STEADY = 1e-9
"""A column whose standard deviation is less than this share of its size does not change."""
WITHIN, SPREAD, RAW = "#332288", "#332288", "#cc6677"


@dataclass(frozen=True, eq=False)
class Ranking:
    """How well each column tells the emotions apart.

    Attributes
    ----------
    table : pandas.DataFrame
        A row for each column, the best first: ``feature``; ``eta2``, ``f``, ``p`` and ``information``, of columns
        standardised within each speaker; ``raw_eta2`` and ``raw_information``, of the columns as they are;
        ``speaker_median``, ``speaker_low`` and ``speaker_high``, the median, least and greatest ``eta2`` over the
        speakers, each taken alone; ``missing``, the share of recordings where it could not be measured.
    recordings, emotions, speakers : int
        How many were compared; of the speakers, those with two recordings of two emotions.
    """

    table: pd.DataFrame
    recordings: int
    emotions: int
    speakers: int


def rank(columns: pd.DataFrame, emotions: Sequence[str], speakers: Sequence[str]) -> Ranking:
    """Rank columns by how much of what varies in them, apart from who speaks, goes with the emotion.

    η² is the share of a column's variance that lies between the emotions: 0 says nothing, 1 everything [Fisher 1925,
    "Statistical methods for research workers"]. Mutual information, in nats, also sees what is not a difference of
    means [Kraskov et al. 2004, "Estimating mutual information"; Ross 2014, "Mutual information between discrete and
    continuous data sets"], as scikit-learn estimates it.

    Parameters
    ----------
    columns : pandas.DataFrame
        Features, a row for each recording; NaN where there was nothing to measure, which counts as the mean.
    emotions, speakers : sequence of str
        Of each recording.

    Returns
    -------
    Ranking
        Sorted by ``eta2`` of the standardised columns: what a voice does, rather than whose it is.

    Raises
    ------
    UsageError
        There are no two emotions with two recordings each.

    Examples
    --------
    >>> columns = pd.DataFrame({"noise": [1, 2, 1, 2, 1, 2, 1, 2], "pitch": [1, 1, 2, 2, 5, 5, 6, 6]})
    >>> emotions, speakers = ["calm", "calm", "glad", "glad"] * 2, ["she"] * 4 + ["he"] * 4
    >>> ranking = rank(columns, emotions, speakers).table
    >>> ranking[["feature", "eta2", "raw_eta2"]].round(3).to_dict("list")
    {'feature': ['pitch', 'noise'], 'eta2': [1.0, 0.0], 'raw_eta2': [0.059, 0.0]}
    """
    felt, voices = np.asarray(emotions), np.asarray(speakers)
    kept = _comparable(felt)
    felt, voices = felt[kept], voices[kept]
    if len(np.unique(felt)) < 2:
        raise UsageError(
            f"There are no two emotions with {LEAST_OF_EMOTION} recordings each; a ranking compares emotions."
        )
    values = columns.to_numpy(dtype=np.float64)[kept]
    raw, within = _complete(values), _standardised(values, voices)
    f, p = _anova(within, felt)
    alone = np.array([_eta2(raw[voices == voice], felt[voices == voice]) for voice in _telling(felt, voices)])
    middle, low, high = np.percentile(alone, (50, 0, 100), axis=0) if len(alone) else np.full((3, len(f)), np.nan)
    table = pd.DataFrame(
        {
            "feature": columns.columns,
            "eta2": _eta2(within, felt),
            "f": f,
            "p": p,
            "information": _information(within, felt),
            "raw_eta2": _eta2(raw, felt),
            "raw_information": _information(raw, felt),
            "speaker_median": middle,
            "speaker_low": low,
            "speaker_high": high,
            "missing": np.isnan(values).mean(axis=0),
        }
    )
    best_first = table.sort_values("eta2", ascending=False, kind="stable", ignore_index=True)
    return Ranking(best_first, len(felt), len(np.unique(felt)), len(alone))


def _comparable(felt: NDArray[np.str_]) -> NDArray[np.bool_]:
    """Tell which recordings are of an emotion that has enough of them."""
    names, counts = np.unique(felt, return_counts=True)
    return np.isin(felt, names[counts >= LEAST_OF_EMOTION])


def _telling(felt: NDArray[np.str_], voices: NDArray[np.str_]) -> list[str]:
    """Give the speakers who have at least two emotions with enough recordings."""
    found = []
    for voice in np.unique(voices):
        counts = np.unique(felt[voices == voice], return_counts=True)[1]
        if (counts >= LEAST_OF_EMOTION).sum() >= 2:
            found.append(str(voice))
    return found


def _complete(values: Doubles) -> Doubles:
    """Put each column's mean where a value is missing; 0 where all are."""
    present = ~np.isnan(values)
    mean = np.where(present, values, 0).sum(axis=0) / np.maximum(present.sum(axis=0), 1)
    return np.where(present, values, mean)


def _standardised(values: Doubles, voices: NDArray[np.str_]) -> Doubles:
    """Take each speaker's mean away and divide by the speaker's standard deviation; 0 where nothing changes."""
    result = np.zeros_like(values)
    for voice in np.unique(voices):
        own = _complete(values[voices == voice])
        mean, spread = own.mean(axis=0), own.std(axis=0)
        steady = spread <= STEADY * np.abs(mean)
        result[voices == voice] = np.where(steady, 0, (own - mean) / np.where(steady, 1, spread))
    return result


def _anova(values: Doubles, felt: NDArray[np.str_]) -> tuple[Doubles, Doubles]:
    """Give F and its p; 0 and 1 for a column that does not change at all."""
    moving = np.ptp(values, axis=0) > 0
    f, p = np.zeros(len(moving)), np.ones(len(moving))
    with np.errstate(divide="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a column that is one value in each emotion has an infinite F
        f[moving], p[moving] = f_classif(values[:, moving], felt) if moving.any() else ([], [])
    return f, p


def _eta2(values: Doubles, felt: NDArray[np.str_]) -> Doubles:
    """Share of each column's variance that lies between the emotions; 0 for a column that does not change."""
    deviation = values - values.mean(axis=0)
    whole = np.square(deviation).sum(axis=0)
    between = np.zeros_like(whole)
    for emotion in np.unique(felt):
        own = deviation[felt == emotion]
        between += len(own) * np.square(own.mean(axis=0))
    steady = whole <= len(values) * np.square(STEADY * values.mean(axis=0))
    share: Doubles = np.where(steady, 0, between / np.where(steady, 1, whole))
    return share


def _information(values: Doubles, felt: NDArray[np.str_]) -> Doubles:
    information: Doubles = mutual_info_classif(values, felt, random_state=0)
    return information


def draw(rankings: dict[str, Ranking], path: Path, *, top: int) -> None:
    """Draw the best columns of each corpus: η² within speakers, its range over them, and η² as measured.

    Parameters
    ----------
    rankings : dict of str to Ranking
        By the corpus's name; side by side.
    path : pathlib.Path
        The picture.
    top : int
        How many columns of each.
    """
    height = 2.0 + 0.26 * min(top, max(len(ranking.table) for ranking in rankings.values()))
    figure = Figure(figsize=(7.2 * len(rankings), height), layout="constrained")
    for axes, (corpus, ranking) in zip(np.atleast_1d(figure.subplots(1, len(rankings))), rankings.items(), strict=True):
        best = ranking.table.head(top)
        places = np.arange(len(best))
        axes.barh(places, best["eta2"], color=WITHIN, alpha=0.35, label="all, speakers standardised")
        axes.hlines(places, best["speaker_low"], best["speaker_high"], color=SPREAD, linewidth=1.2)
        axes.plot(
            best["speaker_median"],
            places,
            "o",
            color=WITHIN,
            markersize=4,
            label="each speaker alone: median and range",
        )
        axes.plot(best["raw_eta2"], places, "x", color=RAW, markersize=5, label="all, as measured")
        axes.set_yticks(places, best["feature"])
        axes.set_ylim(len(best) - 0.4, -0.6)
        axes.set(xlim=(0, 1), xlabel="share of variance between emotions (η²)")
        axes.set_title(
            f"{corpus}: {ranking.recordings} recordings, {ranking.emotions} emotions, {ranking.speakers} speakers"
        )
        axes.grid(axis="x", alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    figure.savefig(path, dpi=120)
