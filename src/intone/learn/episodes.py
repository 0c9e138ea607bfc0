"""Episodes: each utterance with a baseline drawn from its speaker's others, so that a head learns how far to trust it.

Calls are not balanced as corpora are. So baselines of every make-up and size are drawn: none at all, speech at rest,
all emotions alike, as they come, mostly one emotion, and one emotion alone.
"""

import hashlib
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from intone.emotions import Emotion
from intone.hear.engines import nobody

Floats = NDArray[np.float32]
Rows = NDArray[np.intp]
MAKE_UPS = (
    *["none"] * 3, *["rest"] * 2, "mixed", *["balanced"] * 2, *["mostly"] * 3, *["only"] * 6,
)  # fmt: skip
"""What is drawn in training, each as often as it stands here."""
VARIED = ("mixed", *["balanced"] * 4)
"""The same for a head that is to be asked beside speech of several emotions."""
LEAST_VARIED = 8
"""Fewest utterances that are asked for then; a speaker may have fewer."""
MOST, MOST_REST = 30, 5
"""Most utterances of a baseline, and of one at rest."""
MOSTLY = 0.8
"""Share of the one emotion in a set that is mostly of it."""


class Cast:
    """The utterances of each speaker, by label.

    Parameters
    ----------
    speakers : sequence of str
        Of each utterance.
    truth : numpy.ndarray of int64, shape (utterances,)
        The right labels, as indices.
    rest : int
        Which label is that of a speaker at rest.
    """

    def __init__(self, speakers: Sequence[str], truth: NDArray[np.int64], rest: int) -> None:
        self._speakers, self._rest = list(speakers), rest
        self._whole: dict[str, Rows] = {}
        self._cells: dict[str, dict[int, Rows]] = {}
        who = np.asarray(self._speakers)
        for speaker in sorted(set(self._speakers)):
            whole = np.flatnonzero(who == speaker)
            self._whole[speaker] = whole
            self._cells[speaker] = {int(label): whole[truth[whole] == label] for label in np.unique(truth[whole])}

    def labels(self, row: int) -> list[int]:
        """Give the labels that the speaker of an utterance has."""
        return list(self._cells[self._speakers[row]])

    def references(self, row: int, make_up: str, count: int, random: np.random.Generator, *, label: int = -1) -> Rows:
        """Draw utterances of the same speaker, never the one itself; fewer where there are not as many.

        Parameters
        ----------
        row : int
            The utterance whose speaker it is.
        make_up : str
            ``none``, ``rest``, ``mixed``, ``balanced``, ``mostly`` or ``only``.
        count : int
            How many.
        random : numpy.random.Generator
            Decides which.
        label : int, optional
            For ``mostly`` and ``only``: of which label.
        """
        speaker = self._speakers[row]
        cells = self._cells[speaker]
        if make_up == "none":
            return np.zeros(0, dtype=np.intp)
        if make_up == "mixed":
            return self._drawn(self._whole[speaker], count, row, random)
        if make_up == "balanced":
            labels = random.permutation(list(cells))
            sizes = [count // len(labels) + (place < count % len(labels)) for place in range(len(labels))]
            pairs = zip(labels.tolist(), sizes, strict=True)
            return np.concatenate([self._drawn(cells[own], size, row, random) for own, size in pairs])
        of_one = cells.get(self._rest if make_up == "rest" else label, np.zeros(0, dtype=np.intp))
        if make_up != "mostly":
            return self._drawn(of_one, count, row, random)
        many = round(MOSTLY * count)
        others = np.setdiff1d(self._whole[speaker], of_one)
        return np.concatenate([self._drawn(of_one, many, row, random), self._drawn(others, count - many, row, random)])

    def drawn_for_training(self, row: int, random: np.random.Generator, *, varied: bool = False) -> tuple[Rows, bool]:
        """Draw a make-up, a size and the utterances; say whether they are known to be at rest.

        They are of several emotions and many, where they are to be ``varied`` and the speaker has such.
        """
        make_up = str(random.choice(VARIED if varied else MAKE_UPS))
        least, most = LEAST_VARIED if varied else 1, MOST_REST if make_up == "rest" else MOST
        count = int(np.exp(random.uniform(np.log(least), np.log(most + 1))))
        label = int(random.choice(self.labels(row)))
        found = self.references(row, make_up, count, random, label=label)
        return found, make_up == "rest" and len(found) > 0

    @staticmethod
    def _drawn(rows: Rows, count: int, but: int, random: np.random.Generator) -> Rows:
        left = rows[rows != but]
        return random.choice(left, min(count, len(left)), replace=False)


def vectors(voices: Floats, references: Sequence[Rows], rest: Sequence[bool]) -> Floats:
    """Give the baselines ``(utterances, 2 · width + 2)`` of the voices that were drawn for each."""
    found = np.tile(nobody(voices.shape[1]), (len(references), 1))
    width = voices.shape[1]
    for line, rows, still in zip(found, references, rest, strict=True):
        if len(rows):
            line[:width], line[width : 2 * width] = voices[rows].mean(axis=0), voices[rows].var(axis=0)
            line[2 * width :] = len(rows), still
    return found


# --- Tests ------------------------------------------------------------------------------------------------------------

CONDITIONS: dict[str, tuple[str, int, Emotion | None]] = {
    "20, all emotions alike": ("balanced", 20, None),
    "20, four in five neutral": ("mostly", 20, Emotion.NEUTRAL),
    "20, four in five angry": ("mostly", 20, Emotion.ANGER),
    "10 angry": ("only", 10, Emotion.ANGER),
    "3 at rest": ("rest", 3, None),
}
"""Baselines that a test is repeated with: their make-up, size and emotion."""


def tested(
    table: pd.DataFrame, labels: Sequence[str], voices: Floats, answer: Callable[[Floats], Floats]
) -> dict[str, Floats]:
    """Answer a test under each of :data:`CONDITIONS`.

    Parameters
    ----------
    table : pandas.DataFrame
        The test's utterances, with ``speaker``, ``emotion`` and ``sha256``.
    labels : sequence of str
        What the logits' columns mean.
    voices : numpy.ndarray of float32, shape (utterances, width)
        Of these utterances.
    answer : callable
        Gives the test's logits beside baselines.

    Returns
    -------
    dict of str to numpy.ndarray
        Logits ``(utterances, labels)`` by the condition.
    """
    found = {}
    for condition in CONDITIONS:
        drawn = references_of(table, labels, condition)
        still = [CONDITIONS[condition][0] == "rest" and len(rows) > 0 for rows in drawn]
        found[condition] = answer(vectors(voices, drawn, still))
    return found


def references_of(table: pd.DataFrame, labels: Sequence[str], condition: str) -> list[Rows]:
    """Draw the baseline of each utterance of a test; the utterance's own digest decides which."""
    make_up, count, emotion = CONDITIONS[condition]
    truth = table["emotion"].map(list(labels).index).to_numpy(dtype=np.int64)
    cast = Cast(table["speaker"].tolist(), truth, list(labels).index(Emotion.NEUTRAL))
    label = list(labels).index(emotion) if emotion else -1
    return [
        cast.references(row, make_up, count, np.random.default_rng(_seed(sha, condition)), label=label)
        for row, sha in enumerate(table["sha256"])
    ]


def _seed(sha256: str, condition: str) -> int:
    return int(hashlib.sha256(f"{sha256} {condition}".encode()).hexdigest()[:12], 16)
