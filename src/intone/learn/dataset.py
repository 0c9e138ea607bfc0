"""From a recipe's corpora to arrays: one row of features for each utterance that can be heard."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from intone import corpora, features, machine
from intone.emotions import Emotion
from intone.errors import CorpusError, SoundError
from intone.features import FeatureRecipe, Given, Inputs, Sounds, parallel
from intone.hear import audio, engines
from intone.hear.audio import Waveform
from intone.learn.augment import heard_anew
from intone.learn.recipe import TrainingRecipe

WAVEFORM = "waveform"
"""What a recipe calls the sound itself, where others name a feature recipe."""
WORTH_PROCESSES = 300
"""From how many recordings on starting processes is worth its second."""
Tick = Callable[[int, int], None]
"""Told how many utterances are done, and of how many."""


def untold(*_: object) -> None:
    """Take what a run tells of its progress, and do nothing."""


@dataclass(frozen=True, eq=False)
class Dataset(Generic[Given]):
    """What a run learns from and is tested on.

    Attributes
    ----------
    table : pandas.DataFrame
        One row an utterance: path (under the corpora's folder), corpus, speaker, sex, emotion, sentence, … and
        ``sha256`` of its sound.
    inputs : Inputs or Sounds
        The features of the utterances, or their sound.
    copies : tuple of Inputs or Sounds
        Those of changed copies of the utterances, for training only; row for row as :attr:`inputs`.
    truth : numpy.ndarray of int64, shape (utterances,)
        Indices into :attr:`labels`.
    labels : tuple of str
        The seven emotions, and what the recipe keeps besides.
    feature_recipe : str
        The feature recipe as TOML; empty for the sound itself.
    dropped : dict of str to int
        Utterances left out because their label is outside these.
    left_out : tuple of str
        What could not be heard or is identical to another sound, each in a sentence.
    """

    table: pd.DataFrame
    inputs: Given
    copies: tuple[Given, ...]
    truth: NDArray[np.int64]
    labels: tuple[str, ...]
    feature_recipe: str
    dropped: dict[str, int]
    left_out: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Heard:
    """What one recording became: a digest of its sound with what is heard of it and of its copies, or a refusal."""

    digest: str = ""
    features: tuple[NDArray[np.float32], ...] = ()
    refusal: str = ""


@dataclass(frozen=True)
class _Ear:
    """Hears one recording, in any process: by a feature recipe, or, without one, the sound itself."""

    recipe: FeatureRecipe | None
    trim: float
    copies: int
    augment: tuple[str, ...]

    def __call__(self, path: Path, name: str) -> _Heard:
        try:
            waveform = audio.load(path, name=name)
        except SoundError as error:
            return _Heard(refusal=str(error))
        digest = hashlib.sha256(waveform.samples.tobytes()).hexdigest()
        found = [self._taken_in(waveform)]
        for copy in range(self.copies):
            generator = np.random.default_rng([int(digest[:15], 16), copy])
            changed = heard_anew(waveform.samples, self.augment, generator)
            try:
                found.append(self._taken_in(audio.load(changed, rate=audio.RATE)))
            except SoundError:  # played faster, the shortest sounds are too short: such a copy is left as it was
                found.append(found[0])
        return _Heard(digest, tuple(found))

    def _taken_in(self, sound: Waveform) -> NDArray[np.float32]:
        if self.recipe is None:
            return engines.without_silence(sound.samples, self.trim)
        return engines.measured(sound, self.recipe, self.trim)


def load(recipe: TrainingRecipe, root: Path, tick: Tick = untold) -> Dataset[Any]:
    """Read the recipe's corpora under ``root`` and compute its features.

    Raises
    ------
    CorpusError
        A corpus is missing, or nothing of it can be heard.
    UsageError
        A corpus, a feature recipe or an augmentation of that name does not exist.
    """
    chosen = None if recipe.features.recipe == WAVEFORM else features.recipe(recipe.features.recipe)
    table, labels, dropped, unread = _table(recipe, root)
    ear = _Ear(chosen, recipe.features.trim, recipe.training.copies, recipe.training.augment)
    paths = [Path(path) for path in table["path"]]
    table["path"] = names = [path.relative_to(root).as_posix() for path in paths]
    rows: dict[str, tuple[int, _Heard]] = {}
    left_out: list[str] = []
    for row, heard in enumerate(_all_heard(ear, paths, names)):
        tick(row, len(names))
        if heard.refusal:
            left_out.append(heard.refusal)
        elif heard.digest in rows:
            left_out.append(f"{names[row]}: the same sound as {names[rows[heard.digest][0]]}; only the first is kept.")
        else:
            rows[heard.digest] = (row, heard)
    tick(len(names), len(names))
    if not rows:
        raise CorpusError(f"{root}: not one of the {len(table)} recordings can be heard; the first: {left_out[0]}")
    table = table.iloc[[row for row, _ in rows.values()]].reset_index(drop=True).assign(sha256=list(rows))
    gather: Any = Inputs.of if chosen else Sounds
    takes = [gather(take) for take in zip(*(heard.features for _, heard in rows.values()), strict=True)]
    truth = table["emotion"].map(labels.index).to_numpy(dtype=np.int64)
    toml = chosen.to_toml() if chosen else ""
    return Dataset(table, takes[0], tuple(takes[1:]), truth, labels, toml, dropped, (*unread, *left_out))


def _table(recipe: TrainingRecipe, root: Path) -> tuple[pd.DataFrame, tuple[str, ...], dict[str, int], list[str]]:
    """Read the corpora into one table, keep the recipe's labels, count what is dropped and tell what was left out."""
    tables = [corpora.read(name, root) for name in recipe.corpora.names]
    unread = [sentence for table in tables for sentence in corpora.left_out(table)]
    table = pd.concat(tables, ignore_index=True)
    extra = recipe.corpora.extra_labels
    kept = table[table["emotion"].isin(extra)]
    seven, dropped = corpora.only_seven(
        table[~table["emotion"].isin(extra)], calm_is_neutral=recipe.corpora.calm == "neutral"
    )
    labels = (*(str(emotion) for emotion in Emotion), *extra)
    whole = pd.concat([seven, kept], ignore_index=True).sort_values("path", ignore_index=True)
    return whole, labels, dropped, unread


def _all_heard(ear: _Ear, paths: list[Path], names: list[str]) -> Iterator[_Heard]:
    """Hear every recording, in order; where there are many, on every core."""
    cores = machine.cores()
    if len(paths) < WORTH_PROCESSES or cores == 1:
        yield from map(ear, paths, names)
        return
    with parallel.process_pool(cores) as pool:
        yield from pool.map(ear, paths, names, chunksize=16)
