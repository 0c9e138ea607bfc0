"""Answers: what a model said to the utterances of a test, how sure it was, and what would have been right."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import softmax

from intone.learn.splits import Mask

TEST = "test"
UNKNOWN = "unknown"
"""Whoever's sex a run does not store."""

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
Confidence = Mapping[str, Mapping[str, float]]
"""For each fold the ``temperature`` and ``threshold`` that were fitted on its validation part."""


@dataclass(frozen=True, eq=False)
class Answers:
    """The answers to a test, which several folds and seeds may have given together.

    Attributes
    ----------
    labels : tuple of str
        What the columns of the logits mean.
    table : pandas.DataFrame
        One row an answer: ``path``, ``corpus``, ``speaker``, ``sex``, ``fold`` and ``seed``.
    truth : numpy.ndarray of int64, shape (answers,)
        The right labels, as indices.
    logits : numpy.ndarray of float64, shape (answers, labels)
        As the model gave them.
    temperature : numpy.ndarray of float64, shape (answers,)
        What each row's logits are divided by; 1 where no validation part was kept to fit it on.
    threshold : numpy.ndarray of float64, shape (answers,)
        The confidence below which the answer is "unsure"; NaN where none was fitted.
    """

    labels: tuple[str, ...]
    table: pd.DataFrame
    truth: Whole
    logits: Floats
    temperature: Floats
    threshold: Floats

    def __len__(self) -> int:
        return len(self.truth)

    def __getitem__(self, rows: Mask) -> "Answers":
        """Give some of the answers."""
        return replace(
            self,
            table=self.table[rows].reset_index(drop=True),
            truth=self.truth[rows],
            logits=self.logits[rows],
            temperature=self.temperature[rows],
            threshold=self.threshold[rows],
        )

    @cached_property
    def probabilities(self) -> Floats:
        """The calibrated probabilities ``(answers, labels)``."""
        return np.asarray(softmax(self.logits / self.temperature[:, np.newaxis], axis=1))

    @cached_property
    def given(self) -> Whole:
        """The likeliest label of each row."""
        return np.asarray(self.logits.argmax(axis=1), dtype=np.int64)

    @cached_property
    def confidence(self) -> Floats:
        """The probability of the likeliest label."""
        return np.asarray(self.probabilities.max(axis=1))

    @cached_property
    def right(self) -> Mask:
        """Whether the answer is the right one."""
        return np.asarray(self.given == self.truth)

    @property
    def seeds(self) -> tuple[str, ...]:
        """The seeds, in the order in which they come."""
        return tuple(str(seed) for seed in self.table["seed"].unique())

    def of_seed(self, seed: str) -> "Answers":
        """Give the answers of one seed."""
        return self[(self.table["seed"] == seed).to_numpy()]

    def uncalibrated(self) -> "Answers":
        """Give the same answers with the confidence that the model had before its temperature was fitted."""
        return replace(self, temperature=np.ones(len(self)))

    def masked(self, allowed: Mask) -> "Answers":
        """Give the answers that would have been given if only some could be.

        Parameters
        ----------
        allowed : numpy.ndarray of bool, shape (labels,) or (answers, labels)
            What could be answered.

        Examples
        --------
        >>> one = np.ones(1)
        >>> said = Answers(("anger", "calm", "fear"), pd.DataFrame(), np.array([2]), np.array([[0, 3, 1.0]]), one, one)
        >>> said.labels[said.given[0]], said.labels[said.masked(np.array([True, False, True])).given[0]]
        ('calm', 'fear')
        """
        return replace(self, logits=np.where(allowed, self.logits, -np.inf))


def of_folds(
    files: pd.DataFrame,
    logits: Mapping[str, NDArray[np.float32]],
    labels: Sequence[str],
    *,
    confidence: Confidence | None = None,
) -> Answers:
    """Gather the answers of folds that belong together.

    Parameters
    ----------
    files : pandas.DataFrame
        A run's ``files.csv``: one row an utterance, one column a fold.
    logits : mapping of str to numpy.ndarray
        For each fold, named ``PROTOCOL/FOLD/seed-N``, the logits of its test utterances in the order of ``files``.
    labels : sequence of str
        What the logits' columns mean.
    confidence : mapping, optional
        What was fitted for each fold; a fold without has temperature 1 and no threshold.
    """
    tables, wide, warmth, bound = [], [], [], []
    for key, found in logits.items():
        _, fold, seed = key.split("/")
        tested = files[files[key] == TEST]
        fitted: Mapping[str, Any] = (confidence or {}).get(key, {})
        tables.append(described(tested, fold=fold, seed=seed.removeprefix("seed-")))
        wide.append(found.astype(np.float64))
        warmth.append(np.full(len(found), fitted.get("temperature", 1.0)))
        bound.append(np.full(len(found), fitted.get("threshold", np.nan)))
    table = pd.concat(tables, ignore_index=True)
    return Answers(
        labels=tuple(labels),
        table=table,
        truth=table.pop("emotion").map(list(labels).index).to_numpy(dtype=np.int64),
        logits=np.concatenate(wide),
        temperature=np.concatenate(warmth),
        threshold=np.concatenate(bound),
    )


def described(tested: pd.DataFrame, *, fold: str, seed: str) -> pd.DataFrame:
    """Keep of a table of utterances what answers are told apart by; the first runs stored no sex."""
    kept = tested[["path", "corpus", "speaker", "emotion"]].copy()
    kept["sex"] = tested.get("sex", UNKNOWN)
    return kept.assign(fold=fold, seed=seed)
