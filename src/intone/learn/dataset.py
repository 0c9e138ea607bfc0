"""From a recipe's corpora to arrays: one row of features for each utterance that can be heard."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from intone import corpora, features
from intone.emotions import Emotion
from intone.errors import CorpusError, SoundError
from intone.hear import audio
from intone.learn.recipe import TrainingRecipe

Tick = Callable[[int, int], None]
"""Told how many utterances are done, and of how many."""


def untold(*_: object) -> None:
    """Take what a run tells of its progress, and do nothing."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """What a run learns from and is tested on.

    Attributes
    ----------
    table : pandas.DataFrame
        One row an utterance: path (under the corpora's folder), corpus, speaker, sex, emotion, sentence, … and
        ``sha256`` of its sound.
    values : numpy.ndarray of float32, shape (utterances, columns)
        The features.
    truth : numpy.ndarray of int64, shape (utterances,)
        Indices into :attr:`labels`.
    labels : tuple of str
        The seven emotions.
    feature_recipe : str
        The feature recipe as TOML.
    dropped : dict of str to int
        Utterances left out because their label is outside the seven.
    left_out : tuple of str
        What could not be heard or is identical to another sound, each in a sentence.
    """

    table: pd.DataFrame
    values: NDArray[np.float32]
    truth: NDArray[np.int64]
    labels: tuple[str, ...]
    feature_recipe: str
    dropped: dict[str, int]
    left_out: tuple[str, ...]


def load(recipe: TrainingRecipe, root: Path, tick: Tick = untold) -> Dataset:
    """Read the recipe's corpora under ``root`` and compute its features.

    Raises
    ------
    CorpusError
        A corpus is missing, or nothing of it can be heard.
    UsageError
        A corpus or a feature recipe of that name does not exist.
    """
    chosen = features.recipe(recipe.features.recipe)
    tables = [corpora.read(name, root) for name in recipe.corpora.names]
    table, dropped = corpora.only_seven(
        pd.concat(tables, ignore_index=True), calm_is_neutral=recipe.corpora.calm == "neutral"
    )
    rows: list[NDArray[np.float32]] = []
    kept: list[int] = []
    hashes: dict[str, str] = {}
    left_out: list[str] = []
    paths = [Path(path) for path in table["path"]]
    table["path"] = names = [_under(path, root) for path in paths]
    for row, (path, name) in enumerate(zip(paths, names, strict=True)):
        tick(row, len(table))
        try:
            waveform = audio.load(path, name=name)
        except SoundError as error:
            left_out.append(str(error))
            continue
        digest = hashlib.sha256(waveform.samples.tobytes()).hexdigest()
        if digest in hashes:
            left_out.append(f"{name}: the same sound as {hashes[digest]}; only the first is kept.")
            continue
        hashes[digest] = name
        kept.append(row)
        rows.append(features.extract(waveform, recipe=chosen).values)
    tick(len(table), len(table))
    if not rows:
        raise CorpusError(f"{root}: not one of the {len(table)} recordings can be heard; the first: {left_out[0]}")
    table = table.iloc[kept].reset_index(drop=True).assign(sha256=list(hashes))
    labels = tuple(str(emotion) for emotion in Emotion)
    truth = table["emotion"].map(labels.index).to_numpy(dtype=np.int64)
    return Dataset(table, np.stack(rows), truth, labels, chosen.to_toml(), dropped, tuple(left_out))


def _under(path: Path, root: Path) -> str:
    """Name a recording by where it lies under the corpora, so that a run says nothing of the machine it was made on."""
    return path.relative_to(root).as_posix()
