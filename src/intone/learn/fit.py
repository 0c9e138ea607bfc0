"""Training a network on one fold: deterministic from recipe and seed, and able to go on after a stop."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic

import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from intone.features.inputs import Given, Inputs
from intone.learn import networks
from intone.learn.augment import cropped, masked, warped
from intone.learn.recipe import NetworkPart, TrainingPart

Tick = Callable[[int, int, dict[str, float]], None]
"""Told the steps done, of how many, and of an epoch its loss and accuracy; of what is no epoch, nothing."""

CHECKPOINT, HISTORY = "checkpoint.keras", "history.csv"
BLOCK = 256
"""How many utterances are measured at a time."""
RISE, RISE_FROM = 0.3, 0.04
"""Of the schedule one-cycle: for which share of the steps the learning rate rises, and from which share of itself."""


@dataclass(frozen=True, eq=False)
class Lesson(Generic[Given]):
    """What a model learns from in one fold; the test part is not in it.

    Attributes
    ----------
    train, watched : Inputs or Sounds
        The training part, and the validation part, which may be empty and is only watched.
    truth, watched_truth : numpy.ndarray of int64
        Their right labels, as indices.
    labels : int
        Number of labels.
    seed : int
        Decides all that is random.
    origin : pandas.DataFrame or None
        The ``corpus`` and ``speaker`` of each utterance of the training part; None where they are all of one.
    """

    train: Given
    truth: NDArray[np.int64]
    watched: Given
    watched_truth: NDArray[np.int64]
    labels: int
    seed: int
    origin: pd.DataFrame | None = None


def fit(
    lesson: Lesson[Inputs],
    network: NetworkPart,
    training: TrainingPart,
    *,
    tick: Tick,
    standardise: bool = True,
    folder: Path | None = None,
) -> Any:
    """Train a network on the training part of a fold.

    The validation part is only watched, epoch by epoch. What is random in an epoch (order, cuts, dropout) is drawn from
    the seed and the epoch's number alone, so that a training stopped anywhere and gone on with ends with the same
    network.

    Parameters
    ----------
    lesson : Lesson
        What to learn from.
    network : NetworkPart
        Which network.
    training : TrainingPart
        How long and how fast.
    tick : callable
        Told about each finished epoch.
    standardise : bool, default True
        Whether each column is brought to mean 0 and deviation 1.
    folder : pathlib.Path, optional
        Holds ``history.csv`` and the checkpoint; a checkpoint that lies there is gone on from. Without a folder nothing
        is left.

    Returns
    -------
    keras.Model
        Trained, from features to probabilities.
    """
    keras.utils.set_random_seed(lesson.seed)
    batches = _Batches(lesson, training)
    if folder is not None and (folder / CHECKPOINT).exists():
        model = keras.models.load_model(folder / CHECKPOINT)
        history = pd.read_csv(folder / HISTORY, float_precision="round_trip").iloc[
            : int(model.optimizer.iterations) // len(batches)
        ]
    else:
        model = _new(lesson, network, training, standardise=standardise, steps=len(batches) * training.epochs)
        history = pd.DataFrame()
    batches.begin(len(history))
    watched = None
    if len(lesson.watched):
        watched = (lesson.watched.feed(), np.eye(lesson.labels, dtype=np.float32)[lesson.watched_truth])
    model.fit(
        batches,
        epochs=training.epochs,
        initial_epoch=len(history),
        shuffle=False,  # the order is ours, see _Batches
        validation_data=watched,
        verbose=0,
        callbacks=[_Progress(history, folder, training.epochs, lesson.seed, tick)],
    )
    return model


def _new(lesson: Lesson[Inputs], network: NetworkPart, training: TrainingPart, *, standardise: bool, steps: int) -> Any:
    model = networks.build(
        network.kind,
        network.options,
        columns=lesson.train.columns,
        labels=lesson.labels,
        sequence=lesson.train.lengths is not None,
    )
    if standardise:
        _standardise(model, lesson.train)
    model.compile(
        optimizer=keras.optimizers.AdamW(rate(training, steps), weight_decay=training.weight_decay),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=training.label_smoothing),
        metrics=["accuracy"],
    )
    return model


def rate(training: TrainingPart, steps: int) -> Any:
    """Give the learning rate over so many steps, as the recipe's schedule says: a number, or a schedule of Keras."""
    full = training.learning_rate
    if training.schedule == "cosine":
        return keras.optimizers.schedules.CosineDecay(full, steps)
    if training.schedule == "one-cycle":
        rise = max(1, round(RISE * steps))
        return keras.optimizers.schedules.CosineDecay(
            RISE_FROM * full, max(1, steps - rise), warmup_target=full, warmup_steps=rise
        )
    return full


def learned(model: Any, batches: Iterable[tuple[dict[str, Any], NDArray[np.float32]]]) -> dict[str, float]:
    """Learn from each batch once; give the epoch's loss and accuracy, as averages over the utterances."""
    told, weights = list[tuple[float, float]](), list[int]()
    for given, targets in batches:
        step = model.train_on_batch(given, targets, return_dict=True)
        told.append((float(step["accuracy"]), float(step["loss"])))
        weights.append(len(targets))
    accuracy, loss = np.average(told, axis=0, weights=weights)
    return {"accuracy": float(accuracy), "loss": float(loss)}


def seed_dropout(model: Any, seed: int, epoch: int) -> None:
    """Draw what an epoch's dropout begins with from the seed and the epoch's number."""
    for number, layer in enumerate(model.layers):
        generator = getattr(layer, "seed_generator", None)
        if generator is not None:
            drawn = np.random.default_rng([seed, epoch, number]).integers(2**31, size=2)
            generator.state.assign(drawn.astype("uint32"))


def leave(model: Any, history: pd.DataFrame, folder: Path) -> None:
    """Leave history and checkpoint in a folder, each whole or not at all."""
    history.to_csv(folder / "history.new", index=False)
    (folder / "history.new").replace(folder / HISTORY)
    model.save(folder / "new.keras")
    (folder / "new.keras").replace(folder / CHECKPOINT)


def _standardise(network: Any, train: Inputs) -> None:
    """Put the training part's mean and variance, as they arrive at the layer ``standardise``, into it."""
    layer = network.get_layer("standardise")
    before = keras.Model(network.input, layer.input)
    total, squares, count = (np.zeros(train.columns) for _ in range(3))
    for start in range(0, len(train), BLOCK):
        part = train[slice(start, start + BLOCK)]
        arrived = keras.ops.convert_to_numpy(before(part.feed(), training=False))
        own = Inputs(arrived, part.lengths).own.astype(np.float64)
        measured = np.isfinite(own)  # NaN is what could not be measured
        own[~measured] = 0
        total, squares, count = total + own.sum(axis=0), squares + (own**2).sum(axis=0), count + measured.sum(axis=0)
    count = np.maximum(count, 1)
    mean = total / count
    layer.set_weights([mean, squares / count - mean**2])


class _Batches(keras.utils.PyDataset):  # type: ignore[misc]  # Keras has no types
    """The training part in batches, in an order and with cuts that each epoch draws from the seed and its own number.

    Sequences come in one length, that of the recipe's ``crop`` or of the longest; a longer one is cut at random.
    """

    def __init__(self, lesson: Lesson[Inputs], training: TrainingPart) -> None:
        super().__init__()
        self._lesson, self._batch = lesson, training.batch
        self._masks, self._stretch = training.masks, training.stretch
        self._targets = np.eye(lesson.labels, dtype=np.float32)[lesson.truth]
        self._crop = training.crop or lesson.train.values.shape[1]
        self.begin(0)

    def begin(self, epoch: int) -> None:
        """Draw the order of an epoch."""
        self._epoch = epoch
        self._random = np.random.default_rng([self._lesson.seed, epoch])
        self._order = self._random.permutation(len(self._lesson.train))

    def __len__(self) -> int:
        return math.ceil(len(self._lesson.train) / self._batch)

    def __getitem__(self, number: int) -> tuple[Any, NDArray[np.float32]]:
        rows = self._order[number * self._batch : (number + 1) * self._batch]
        given = self._lesson.train[rows]
        if given.lengths is not None:
            generator = np.random.default_rng([self._lesson.seed, self._epoch, number])
            given = warped(given, self._stretch, generator)
            given = masked(cropped(given, self._crop, generator), self._masks, generator)
        return given.feed(), self._targets[rows]

    def on_epoch_end(self) -> None:
        self.begin(self._epoch + 1)


class _Progress(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """Seeds each epoch's dropout, and leaves history and checkpoint behind it where there is a folder for them."""

    def __init__(self, history: pd.DataFrame, folder: Path | None, epochs: int, seed: int, tick: Tick) -> None:
        super().__init__()
        self._history, self._folder, self._epochs, self._seed, self._tick = history, folder, epochs, seed, tick

    def on_epoch_begin(self, epoch: int, _logs: dict[str, float] | None = None) -> None:
        seed_dropout(self.model, self._seed, epoch)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        line = pd.DataFrame([{"epoch": epoch + 1, **(logs or {})}])
        self._history = pd.concat([self._history, line], ignore_index=True)
        if self._folder is not None:
            leave(self.model, self._history, self._folder)
        self._tick(epoch + 1, self._epochs, dict(logs or {}))
