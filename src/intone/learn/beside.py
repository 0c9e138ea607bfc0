"""What a speaker's baseline is worth: a run's test without one, and beside baselines of several make-ups."""

from dataclasses import dataclass

import numpy as np

from intone.emotions import Emotion
from intone.learn.answers import Answers
from intone.learn.episodes import CONDITIONS
from intone.learn.stored import StoredRun

NONE = "none"


@dataclass(frozen=True)
class Line:
    """A test under one condition: means over its folds, as shares.

    Attributes
    ----------
    condition : str
        The baselines' make-up, or ``"none"``.
    ua, masked : float
        Unweighted average recall of the classes that the fold's test holds: answered with all labels, and with those
        classes alone.
    anger : float
        The recall of anger, answered with all labels.
    """

    condition: str
    ua: float
    masked: float
    anger: float


def lines(run: StoredRun, protocol: str) -> list[Line]:
    """Score a protocol's test without a baseline, and under each condition that the run stores."""
    return [_line(name, answers) for name, answers in tests(run, protocol).items()]


def tests(run: StoredRun, protocol: str) -> dict[str, Answers]:
    """Give the answers to a protocol's test by condition: without a baseline, and under each that the run stores."""
    found = {NONE: run.answers(protocol)}
    return found | {name: run.answers_beside(name, protocol) for name in CONDITIONS if run.beside}


def _line(condition: str, answers: Answers) -> Line:
    folds = [answers[(answers.table["fold"] == fold).to_numpy()] for fold in answers.table["fold"].unique()]
    ours = [
        (_ua(one), _ua(one.masked(np.isin(np.arange(len(one.labels)), one.truth))), _recall(one, str(Emotion.ANGER)))
        for one in folds
    ]
    return Line(condition, *np.mean(ours, axis=0).tolist())


def _ua(answers: Answers) -> float:
    return float(np.mean([_recall(answers, answers.labels[label]) for label in np.unique(answers.truth)]))


def _recall(answers: Answers, label: str) -> float:
    return float(answers.right[answers.truth == answers.labels.index(label)].mean())
