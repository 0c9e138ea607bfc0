"""Figures: everything that can be said of a test from its answers alone.

Computed on demand from what a run stores (``files.csv``, ``logits.npz`` and the fitted temperatures), so that whoever
has these has all of it; ``figures.json`` in a run folder is for programs that would rather read.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from intone.learn import intervals, reliability
from intone.learn.answers import UNKNOWN, Answers
from intone.learn.evaluate import Metrics, measure
from intone.learn.intervals import Intervals
from intone.learn.reliability import Calibration, Coverage

SAME_WORDS = "TESS's two speakers say the same 200 words: no figure on it is of an unseen sentence."
LEAKS = "The same speakers stand in training and test, so these figures say nothing of a new voice."
UNFITTED = (
    "No validation part was kept for some of the folds, so their confidence is the network's own, uncalibrated, and "
    "they have no threshold for “unsure”."
)


@dataclass(frozen=True)
class Group:
    """What a speaker, or the speakers of one sex, got: UA (the mean recall), accuracy, and how many answers."""

    name: str
    ua: float
    accuracy: float
    answers: int


@dataclass(frozen=True)
class Masked:
    """The scores where only the classes that training and test share could be answered: those that a corpus holds."""

    classes: dict[str, tuple[str, ...]]
    ua: float
    accuracy: float

    @property
    def allowed(self) -> str:
        """What could be answered, in words."""
        different = list(dict.fromkeys(self.classes.values()))
        return ", ".join(different[0]) if len(different) == 1 else "the classes that each corpus holds"


@dataclass(frozen=True)
class Figures:
    """All that is told of one test.

    Attributes
    ----------
    title : str
        How training and test were kept apart.
    leaks_speakers : bool
        Whether a speaker of the test may be in the training.
    classes : tuple of str
        The emotions that the test holds; the averages are over these.
    labels : tuple of str
        What the model could answer.
    corpora : tuple of str
        What it was tested on.
    utterances, speakers : int
        Size of the test.
    seeds : tuple of str
        The seeds of the trainings that answered.
    mean, deviation : dict of str to float
        Accuracy, UA, and precision and F1, macro and weighted: over the seeds.
    intervals : Intervals
        95 % intervals of UA and accuracy.
    pooled : Metrics
        The answers of all seeds together: each class's scores, and the confusion matrix.
    masked : Masked or None
        A second look, where the model can answer classes that the test does not hold.
    calibration : Calibration
        Expected calibration error and reliability curve.
    coverage : Coverage
        Risk against coverage.
    by_speaker, by_sex : tuple of Group
        Of all seeds together, by name.
    caveats : tuple of str
        What must be said beside the figures.
    """

    title: str
    leaks_speakers: bool
    classes: tuple[str, ...]
    labels: tuple[str, ...]
    corpora: tuple[str, ...]
    utterances: int
    speakers: int
    seeds: tuple[str, ...]
    mean: dict[str, float]
    deviation: dict[str, float]
    intervals: Intervals
    pooled: Metrics
    masked: Masked | None
    calibration: Calibration
    coverage: Coverage
    by_speaker: tuple[Group, ...]
    by_sex: tuple[Group, ...]
    caveats: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Give a dictionary for JSON."""
        return asdict(self)


def of(answers: Answers, *, title: str, leaks_speakers: bool) -> Figures:
    """Compute all figures of a test.

    Parameters
    ----------
    answers : Answers
        At least one.
    title : str
        How training and test were kept apart.
    leaks_speakers : bool
        Whether a speaker of the test may be in the training.
    """
    each = [_averages(_measured(answers.of_seed(seed))) for seed in answers.seeds]
    pooled = _measured(answers)
    found = intervals.bootstrap(answers)
    calibration = reliability.calibration(answers)
    corpora = tuple(sorted(answers.table["corpus"].unique()))
    notes = [
        LEAKS if leaks_speakers else "",
        SAME_WORDS if "tess" in corpora else "",
        found.remark,
        "" if calibration.fitted else UNFITTED,
    ]
    return Figures(
        title=title,
        leaks_speakers=leaks_speakers,
        classes=tuple(pooled.per_class),
        labels=answers.labels,
        corpora=corpora,
        utterances=int(answers.table["path"].nunique()),
        speakers=int(answers.table["speaker"].nunique()),
        seeds=answers.seeds,
        mean={name: float(np.mean([scores[name] for scores in each])) for name in each[0]},
        deviation={name: float(np.std([scores[name] for scores in each])) for name in each[0]},
        intervals=found,
        pooled=pooled,
        masked=_masked(answers),
        calibration=calibration,
        coverage=reliability.coverage(answers),
        by_speaker=_groups(answers, "speaker"),
        by_sex=tuple(group for group in _groups(answers, "sex") if group.name != UNKNOWN),
        caveats=tuple(note for note in notes if note),
    )


def _measured(answers: Answers) -> Metrics:
    return measure(answers.truth, answers.given, answers.labels)


def _averages(metrics: Metrics) -> dict[str, float]:
    return {
        "accuracy": metrics.accuracy,
        "ua": metrics.ua,
        "precision": metrics.precision,
        "f1": metrics.f1,
        "weighted_precision": metrics.weighted.precision,
        "weighted_f1": metrics.weighted.f1,
    }


def _masked(answers: Answers) -> Masked | None:
    """Score the argmax over each corpus's classes; no fold tests a class that it never trained."""
    allowed = np.zeros(answers.logits.shape, dtype=bool)
    classes = {}
    for corpus in sorted(answers.table["corpus"].unique()):
        rows = (answers.table["corpus"] == corpus).to_numpy()
        held = np.unique(answers.truth[rows])
        allowed[np.ix_(rows, held)] = True
        classes[str(corpus)] = tuple(answers.labels[label] for label in held)
    if allowed.all():
        return None
    narrow = answers.masked(allowed)
    each = [_measured(narrow.of_seed(seed)) for seed in answers.seeds]
    return Masked(classes, float(np.mean([one.ua for one in each])), float(np.mean([one.accuracy for one in each])))


def _groups(answers: Answers, column: str) -> tuple[Group, ...]:
    groups = []
    for name in sorted(answers.table[column].unique()):
        part = answers[(answers.table[column] == name).to_numpy()]
        scores = _measured(part)
        groups.append(Group(str(name), scores.ua, scores.accuracy, len(part)))
    return tuple(groups)
