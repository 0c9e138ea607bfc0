"""Evaluation: what a model's answers are worth, from their logits and the truth."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.int64]


@dataclass(frozen=True)
class ClassScore:
    """One emotion's scores, each 0 to 1; precision is 0 where the emotion was never answered."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class Averages:
    """Averages over the emotions, each weighted by how many utterances it has; the weighted recall is the accuracy."""

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class Metrics:
    """The scores of one test.

    Attributes
    ----------
    labels : tuple of str
        The emotions, in the order of rows and columns.
    confusion : tuple of tuples of int
        How often each emotion (row) was answered as each (column).
    accuracy : float
        Share of right answers (WA).
    ua : float
        Unweighted average recall: the mean recall of the emotions that the test holds.
    precision, f1 : float
        Macro averages over the emotions that the test holds.
    per_class : dict of str to ClassScore
        Of those emotions.
    """

    labels: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    accuracy: float
    ua: float
    precision: float
    f1: float
    per_class: dict[str, ClassScore]

    @property
    def weighted(self) -> Averages:
        """Precision, recall and F1 weighted by the emotions' shares of the test."""
        scores = list(self.per_class.values())
        every = sum(score.support for score in scores)
        return Averages(
            *(
                sum(score.support * getattr(score, name) for score in scores) / every
                for name in ("precision", "recall", "f1")
            )
        )

    def to_dict(self) -> dict[str, Any]:
        """Give a dictionary for JSON."""
        return asdict(self)


def measure(truth: NDArray[np.int64], answers: NDArray[np.int64], labels: Sequence[str]) -> Metrics:
    """Score answers against the truth.

    Parameters
    ----------
    truth, answers : numpy.ndarray of int, shape (utterances,)
        Indices into ``labels``; at least one.
    labels : sequence of str
        The emotions that the model can answer.

    Returns
    -------
    Metrics
        With averages over the emotions that ``truth`` holds.

    Examples
    --------
    >>> scores = measure(np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1]), ["anger", "fear"])
    >>> scores.accuracy, round(scores.ua, 3), scores.confusion
    (0.75, 0.833, ((2, 1), (0, 1)))
    """
    matrix: Matrix = np.zeros((len(labels), len(labels)), dtype=np.int64)
    np.add.at(matrix, (truth, answers), 1)
    right, true, answered = matrix.diagonal(), matrix.sum(axis=1), matrix.sum(axis=0)
    recall = right / np.maximum(true, 1)
    precision = right / np.maximum(answered, 1)
    f1 = 2 * right / np.maximum(true + answered, 1)
    held = np.flatnonzero(true).tolist()
    return Metrics(
        labels=tuple(labels),
        confusion=tuple(tuple(int(count) for count in row) for row in matrix),
        accuracy=float(right.sum() / true.sum()),
        ua=float(recall[held].mean()),
        precision=float(precision[held].mean()),
        f1=float(f1[held].mean()),
        per_class={
            labels[i]: ClassScore(float(precision[i]), float(recall[i]), float(f1[i]), int(true[i])) for i in held
        },
    )
