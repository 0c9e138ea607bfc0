"""Training a network on one fold: deterministic from recipe and seed, and able to go on after a stop."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from intone.learn import networks
from intone.learn.dataset import Dataset
from intone.learn.recipe import TrainingRecipe
from intone.learn.splits import Fold

Tick = Callable[[int, int, dict[str, float]], None]
"""Told the epochs done, of how many, and the last one's loss and accuracy."""

CHECKPOINT, HISTORY = "checkpoint.keras", "history.csv"


def fit(dataset: Dataset, fold: Fold, recipe: TrainingRecipe, *, seed: int, folder: Path, tick: Tick) -> Any:
    """Train the recipe's network on the fold's training part.

    The fold's test part is never looked at; its validation part is only watched, epoch by epoch. What is random in an
    epoch (order, dropout) is drawn from the seed and the epoch's number alone, so that a training stopped anywhere and
    gone on with ends with the same network.

    Parameters
    ----------
    dataset, fold, recipe
        What to learn from, and how.
    seed : int
        Decides the first weights, the order and the dropout.
    folder : pathlib.Path
        Holds ``history.csv`` and the checkpoint; a checkpoint that lies there is gone on from.
    tick : callable
        Told about each finished epoch.

    Returns
    -------
    keras.Model
        Trained, from features to probabilities.
    """
    keras.utils.set_random_seed(seed)
    checkpoint, history_path = folder / CHECKPOINT, folder / HISTORY
    if checkpoint.exists():
        network = keras.models.load_model(checkpoint)
        history = pd.read_csv(history_path).iloc[: int(network.optimizer.iterations) // _steps(fold, recipe)]
    else:
        network = _new(dataset, fold, recipe)
        history = pd.DataFrame()
    progress = _Progress(history, folder, recipe.training.epochs, seed, tick)
    rows = np.flatnonzero(fold.train)
    targets = np.eye(len(dataset.labels), dtype=np.float32)[dataset.truth]
    watched = (dataset.values[fold.validation], targets[fold.validation]) if fold.validation.any() else None
    network.fit(
        _Batches(dataset.values, targets, rows, recipe.training.batch, seed, first_epoch=len(history)),
        epochs=recipe.training.epochs,
        initial_epoch=len(history),
        shuffle=False,  # the order is ours, see _Batches
        validation_data=watched,
        verbose=0,
        callbacks=[progress],
    )
    return network


def _steps(fold: Fold, recipe: TrainingRecipe) -> int:
    return math.ceil(int(fold.train.sum()) / recipe.training.batch)


def _new(dataset: Dataset, fold: Fold, recipe: TrainingRecipe) -> Any:
    network = networks.build(
        recipe.network.kind, recipe.network.options, columns=dataset.values.shape[1], labels=len(dataset.labels)
    )
    if recipe.features.standardise:
        trained = dataset.values[fold.train].astype(np.float64)
        network.get_layer("standardise").set_weights([trained.mean(axis=0), trained.var(axis=0)])
    rate: Any = recipe.training.learning_rate
    if recipe.training.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(rate, _steps(fold, recipe) * recipe.training.epochs)
    network.compile(
        optimizer=keras.optimizers.Adam(rate),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
    )
    return network


class _Batches(keras.utils.PyDataset):  # type: ignore[misc]  # Keras has no types
    """The training part in batches, in an order that each epoch draws from the seed and its own number."""

    def __init__(
        self,
        values: NDArray[np.float32],
        targets: NDArray[np.float32],
        rows: NDArray[np.intp],
        batch: int,
        seed: int,
        *,
        first_epoch: int,
    ) -> None:
        super().__init__()
        self._values, self._targets, self._rows, self._batch, self._seed = values, targets, rows, batch, seed
        self._epoch = first_epoch
        self._order = self._shuffled()

    def _shuffled(self) -> NDArray[np.intp]:
        return np.random.default_rng([self._seed, self._epoch]).permutation(self._rows)

    def __len__(self) -> int:
        return math.ceil(len(self._rows) / self._batch)

    def __getitem__(self, number: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        rows = self._order[number * self._batch : (number + 1) * self._batch]
        return self._values[rows], self._targets[rows]

    def on_epoch_end(self) -> None:
        self._epoch += 1
        self._order = self._shuffled()


class _Progress(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """Seeds each epoch's dropout, and leaves history and checkpoint behind it."""

    def __init__(self, history: pd.DataFrame, folder: Path, epochs: int, seed: int, tick: Tick) -> None:
        super().__init__()
        self._history, self._folder, self._epochs, self._seed, self._tick = history, folder, epochs, seed, tick

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002  # Keras calls it
        for number, layer in enumerate(self.model.layers):
            generator = getattr(layer, "seed_generator", None)
            if generator is not None:
                drawn = np.random.default_rng([self._seed, epoch, number]).integers(2**31, size=2)
                generator.state.assign(drawn.astype("uint32"))

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        line = pd.DataFrame([{"epoch": epoch + 1, **(logs or {})}])
        self._history = pd.concat([self._history, line], ignore_index=True)
        self._history.to_csv(self._folder / "history.new", index=False)
        (self._folder / "history.new").replace(self._folder / HISTORY)
        self.model.save(self._folder / "new.keras")
        (self._folder / "new.keras").replace(self._folder / CHECKPOINT)
        self._tick(epoch + 1, self._epochs, dict(logs or {}))
