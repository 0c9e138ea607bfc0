"""Batches of sound: of like length, each sound changed anew, and corpora, labels and speakers evened out on request."""

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import keras
import numpy as np
import pandas as pd
from keras import ops
from numpy.typing import NDArray

from intone.features import Inputs, Sounds
from intone.hear.audio import RATE
from intone.learn import augment
from intone.learn.fit import Lesson
from intone.learn.networks import whisper
from intone.learn.networks.blocks import FAR_BELOW
from intone.learn.recipe import TrainingPart

Floats = NDArray[np.float32]
STEP = RATE // 2
"""Batches are padded to a whole number of half seconds: a backend that compiles for each shape meets few."""
POOL = 8
"""How many batches are drawn together and divided by length, so that little is padded."""


def answerable(origin: pd.DataFrame, truth: NDArray[np.int64], labels: int) -> NDArray[np.bool_]:
    """Say which labels each utterance could have been given: those of its corpus, and those that no corpus has.

    Of a label that others have, a corpus without it says nothing; that a label is nowhere is to be learned.

    Parameters
    ----------
    origin : pandas.DataFrame
        With the column ``corpus``, one row an utterance.
    truth : numpy.ndarray of int64, shape (utterances,)
        The right labels, as indices.
    labels : int
        How many there are.

    Returns
    -------
    numpy.ndarray of bool, shape (utterances, labels)

    Examples
    --------
    >>> answerable(pd.DataFrame({"corpus": ["a", "a", "b"]}), np.array([0, 1, 0]), 3).astype(int).tolist()
    [[1, 1, 1], [1, 1, 1], [1, 0, 1]]
    """
    nowhere = ~np.isin(np.arange(labels), truth)
    possible = np.tile(nowhere, (len(truth), 1))
    corpora = origin["corpus"].to_numpy()
    for corpus in sorted(set(corpora)):
        here = corpora == corpus
        possible[here] |= np.isin(np.arange(labels), truth[here])
    return possible


def barring(possible: NDArray[np.bool_]) -> Floats:
    """Give what is added to logits in training: nothing for what could have been answered, far below for the rest."""
    return np.where(possible, 0, -FAR_BELOW).astype(np.float32)


def trainer(inputs: dict[str, Any], logits: Any) -> Any:
    """Build what is trained: a network's logits, and a further input ``beside`` that is added to them."""
    added = keras.Input(logits.shape[1:], name="beside")
    return keras.Model({**inputs, "beside": added}, keras.layers.Add(name="total")([logits, added]))


def shares(origin: pd.DataFrame, truth: NDArray[np.int64]) -> NDArray[np.float64]:
    """Give each utterance's share of an epoch that is even over corpora, their labels, and the speakers of these.

    Parameters
    ----------
    origin : pandas.DataFrame
        With the columns ``corpus`` and ``speaker``, one row an utterance.
    truth : numpy.ndarray of int64, shape (utterances,)
        The right labels, as indices.

    Returns
    -------
    numpy.ndarray of float64, shape (utterances,)
        They sum to 1.

    Examples
    --------
    >>> origin = pd.DataFrame({"corpus": ["a", "a", "a", "b"], "speaker": ["ann", "ann", "bob", "eve"]})
    >>> shares(origin, np.array([0, 0, 0, 1])).tolist()
    [0.125, 0.125, 0.25, 0.5]
    """
    table = origin[["corpus", "speaker"]].reset_index(drop=True).assign(truth=truth)
    labels = table.groupby("corpus")["truth"].transform("nunique")
    speakers = table.groupby(["corpus", "truth"])["speaker"].transform("nunique")
    utterances = table.groupby(["corpus", "truth", "speaker"])["truth"].transform("size")
    rarity = (1 / (labels * speakers * utterances)).to_numpy(dtype=np.float64)
    return np.asarray(rarity / rarity.sum())


def prior(origin: pd.DataFrame, truth: NDArray[np.int64], labels: Sequence[str], *, balance: str) -> dict[str, float]:
    """Give each label's share of a training part, as its batches have them.

    Examples
    --------
    >>> origin = pd.DataFrame({"corpus": ["a", "a", "a", "b"], "speaker": ["ann", "ann", "bob", "eve"]})
    >>> prior(origin, np.array([0, 0, 0, 1]), ("anger", "fear"), balance="none")
    {'anger': 0.75, 'fear': 0.25}
    >>> prior(origin, np.array([0, 0, 0, 1]), ("anger", "fear"), balance="corpora")
    {'anger': 0.5, 'fear': 0.5}
    """
    weights = shares(origin, truth) if balance == "corpora" else np.full(len(truth), 1 / len(truth))
    found = np.bincount(truth, weights=weights, minlength=len(labels))
    return {label: round(float(share), 6) for label, share in zip(labels, found, strict=True)}


class Batches:
    """The training part of a lesson in batches of like length, in an order that each epoch draws anew.

    Parameters
    ----------
    lesson : Lesson
        What is learned from.
    training : TrainingPart
        How.
    front : keras.Model
        From waveforms to log-mel frames.

    Attributes
    ----------
    beside, targets : numpy.ndarray of float32, shape (utterances, labels)
        What is added to the logits of each utterance, and what they are to be.
    shares : numpy.ndarray of float64, shape (utterances,), or None
        Each utterance's share of an epoch, where these are evened out.
    """

    def __init__(self, lesson: Lesson[Sounds], training: TrainingPart, front: Any) -> None:
        self._lesson, self._training, self._front = lesson, training, front
        self._lengths = lesson.train.lengths
        origin = lesson.origin
        if origin is None:
            origin = pd.DataFrame({"corpus": "", "speaker": ""}, index=range(len(lesson.train)))
        possible = answerable(origin, lesson.truth, lesson.labels)
        self.beside = barring(possible)
        spread = training.label_smoothing * possible / possible.sum(axis=1, keepdims=True)
        right = np.eye(lesson.labels, dtype=np.float32)[lesson.truth]
        self.targets = (1 - training.label_smoothing) * right + spread.astype(np.float32)
        self._groups = origin.groupby(["corpus", lesson.truth, "speaker"]).ngroup().to_numpy()
        self.shares = shares(origin, lesson.truth) if training.balance == "corpora" else None

    def __len__(self) -> int:
        return math.ceil(self._size / self._training.batch)

    def of(self, epoch: int) -> Iterator[tuple[dict[str, Any], Floats]]:
        """Give the batches of an epoch: what the network is given, and the targets."""
        order = self.order(epoch)
        # Sounds are changed in a thread of its own, while the network learns from those of the step before.
        with ThreadPoolExecutor(1) as ahead:
            next_one = ahead.submit(self.heard, epoch, order[0])
            for number, tickets in enumerate(order):
                sounds = next_one.result()
                if number + 1 < len(order):
                    next_one = ahead.submit(self.heard, epoch, order[number + 1])
                frames = ops.convert_to_numpy(self._front(sounds.feed(), training=False))
                lengths = -(-np.asarray(sounds.lengths) // whisper.HOP)
                generator = np.random.default_rng([self._lesson.seed, epoch, number])
                given = augment.masked(Inputs(frames, lengths), self._training.masks, generator)
                rows = tickets % len(self._lesson.train)
                yield {**given.named(), "beside": self.beside[rows]}, self.targets[rows]

    def order(self, epoch: int) -> list[NDArray[np.intp]]:
        """Draw an epoch's batches, as tickets: the row, plus the number of rows for each time that it came before."""
        generator = np.random.default_rng([self._lesson.seed, epoch])
        drawn = self._drawn(generator)
        before = pd.Series(drawn).groupby(drawn).cumcount().to_numpy()
        size, batches = self._training.batch, list[NDArray[np.intp]]()
        tickets = drawn + before * len(self._lesson.train)
        for start in range(0, len(tickets), POOL * size):
            pool = tickets[start : start + POOL * size]
            pool = pool[np.argsort(self._lengths[pool % len(self._lesson.train)], kind="stable")]
            batches += [pool[first : first + size] for first in range(0, len(pool), size)]
        return [batches[number] for number in generator.permutation(len(batches))]

    def heard(self, epoch: int, tickets: NDArray[np.intp]) -> Inputs:
        """Change and cut sounds as the recipe says, by what is drawn from the epoch and the ticket alone."""
        longest = min(self._training.crop or math.inf, whisper.MAX_SECONDS * RATE // whisper.HOP) * whisper.HOP
        changed = []
        for ticket in tickets.tolist():
            generator = np.random.default_rng([self._lesson.seed, epoch, ticket])
            sound = self._lesson.train.values[ticket % len(self._lesson.train)]
            sound = augment.heard_anew(sound, self._training.fresh, generator)
            start = int(generator.integers(max(0, len(sound) - int(longest)) + 1))
            changed.append(sound[start : start + int(longest)])
        return Inputs.of_sounds(changed, multiple=STEP)

    @property
    def _size(self) -> int:
        return self._training.per_epoch or len(self._lesson.train)

    def _drawn(self, generator: np.random.Generator) -> NDArray[np.intp]:
        """Draw an epoch's rows: each once, or as often as its share says, for which a random start decides the rest."""
        drawn = generator.permutation(len(self._lesson.train))
        if self.shares is None:
            return drawn
        # Groups stay together, so that what each gets is its share of the epoch to within one.
        drawn = drawn[np.argsort(self._groups[drawn], kind="stable")]
        ends = np.cumsum(self.shares[drawn])
        places = (np.arange(self._size) + generator.random()) / self._size * ends[-1]
        return generator.permutation(drawn[np.searchsorted(ends, places, side="right")])
