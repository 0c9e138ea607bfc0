"""A run: from a training recipe to a folder that holds everything, or nothing that looks finished.

While it trains, a run lives in ``NAME.partial``; the last thing that it does is to take its final name.
"""

import json
import os
import platform
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from intone import corpora
from intone.features import FeatureRecipe, Inputs, Sounds
from intone.hear import engines
from intone.hear.audio import Waveform
from intone.hear.modelfile import SUFFIX, Card, Score
from intone.learn import (
    batches,
    calibrate,
    dataset,
    fit,
    learners,
    place,
    plots,
    report,
    robustness,
    scores,
    splits,
    stored,
)
from intone.learn.dataset import Dataset
from intone.learn.fit import Lesson
from intone.learn.learners import Trained
from intone.learn.recipe import TrainingRecipe
from intone.learn.robustness import Robustness
from intone.learn.splits import Fold

Progress = Callable[[str, int, int, str], None]
"""Told what is going on, how far it is, of how much, and a remark."""

SIDES = ("train", "validation", "test")
PROOF = 256
"""On how many test utterances a model file is proved equal to its model."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """One trained fold: who it is, what it answered, and how sure it may be.

    Attributes
    ----------
    protocol, seed, fold
        Who it is.
    model : Trained
        What was trained.
    logits, held : numpy.ndarray, shape (utterances, labels)
        Its answers on the test part, and on the validation part, which may be empty.
    confidence : dict of str to float
        The temperatures and thresholds fitted on the validation part, where there is one.
    beside, held_beside : dict of str to numpy.ndarray
        Its answers on both parts beside baselines of several kinds, where it knows of such.
    """

    protocol: str
    seed: int
    fold: Fold
    model: Trained
    logits: NDArray[np.float32]
    held: NDArray[np.float32]
    confidence: dict[str, float]
    beside: dict[str, NDArray[np.float32]]
    held_beside: dict[str, NDArray[np.float32]]

    @property
    def key(self) -> str:
        """Name of the fold in the run's files."""
        return scores.key(self.protocol, self.fold.name, self.seed)


def train(
    recipe: TrainingRecipe,
    root: Path,
    out: Path,
    *,
    resume: bool = False,
    progress: Progress = dataset.untold,
) -> dict[str, Any]:
    """Carry out a training recipe and leave a run folder.

    Parameters
    ----------
    recipe : TrainingRecipe
        What to do; see :mod:`intone.learn.recipe`.
    root : pathlib.Path
        Folder that holds the corpora.
    out : pathlib.Path
        The run folder; it must not exist yet.
    resume : bool, default False
        Go on with the stopped run of the same recipe that lies in ``OUT.partial``.
    progress : callable
        Told about each recording heard, each epoch trained, and each version of the sounds that a second head hears.

    Returns
    -------
    dict
        What ``metrics.json`` holds.

    Raises
    ------
    UsageError
        The folder exists, there is a stopped run and ``resume`` is not set (or none and it is), or the recipe does
        not fit its corpora.
    CorpusError
        A corpus is missing or cannot be read.
    """
    started = time.monotonic()
    learners.check(recipe)
    protocols = splits.protocols(recipe.split)
    place.check(recipe, out, resume=resume)
    heard = dataset.load(recipe, root, lambda done, total: progress("Listening", done, total, ""))
    folds = [
        (name, seed, fold)
        for name, protocol in protocols.items()
        for seed in recipe.training.seeds
        for fold in splits.make(heard.table, protocol, recipe.split, seed)
    ]
    files = _files(heard, folds)
    partial = place.begun(recipe, out, files)
    began = time.monotonic()
    first = train_fold(heard, recipe, *folds[0], partial, progress)
    answers: dict[str, Any] = {first.key: first.logits}
    held: dict[str, Any] = {first.key: first.held, **_by_condition(first.key, first.held_beside)}
    confidence = {first.key: first.confidence}
    beside = _by_condition(first.key, first.beside)
    honest = first  # the first whose test voices it has not heard: a random split's would be known in any noise
    for entry in folds[1:]:
        done = train_fold(heard, recipe, *entry, partial, progress)
        answers[done.key] = done.logits
        held |= {done.key: done.held, **_by_condition(done.key, done.held_beside)}
        confidence[done.key] = done.confidence
        beside |= _by_condition(done.key, done.beside)
        if protocols[honest.protocol].leaks_speakers and not protocols[done.protocol].leaks_speakers:
            honest = done
    trained = time.monotonic()
    metrics: dict[str, Any] = {
        "name": recipe.name,
        "recipe_sha256": recipe.sha256,
        "labels": list(heard.labels),
        "protocols": scores.of(files, answers, heard.labels),
        "confidence": confidence,
        "parameters": first.model.parameters,
        "utterances": len(files),
        "dropped": heard.dropped,
        "left_out": list(heard.left_out),
    }
    _leave_model(recipe, heard, first, metrics, partial)
    np.savez_compressed(partial / "logits.npz", **answers)
    if watched := {key: found for key, found in held.items() if len(found)}:
        np.savez_compressed(partial / stored.VALIDATION, **watched)
    if beside:
        np.savez_compressed(partial / stored.BASELINES, **beside)
    _write_json(partial / "metrics.json", metrics)
    _write_json(partial / report.ROBUSTNESS, _robustness(heard, honest, root, recipe.features.trim).to_dict())
    seconds = {"training_seconds": trained - began, "run_seconds": time.monotonic() - started}
    _write_json(partial / "environment.json", _environment(seconds) | place.foundation(recipe))
    plots.confusion(metrics["protocols"], partial / "confusion.png", title=recipe.name)
    report.leave(partial, root)
    shutil.rmtree(partial / "folds")
    partial.replace(out)
    return metrics


def _files(heard: Dataset[Any], folds: list[tuple[str, int, Fold]]) -> pd.DataFrame:
    """Say who stood where: one row an utterance, one column a fold."""
    sides = {}
    for name, seed, fold in folds:
        side = np.full(len(heard.table), "", dtype=object)
        for word in SIDES:
            side[getattr(fold, word)] = word
        sides[scores.key(name, fold.name, seed)] = side
    return pd.concat(
        [heard.table[["path", "sha256", "corpus", "speaker", "sex", "emotion"]], pd.DataFrame(sides)], axis=1
    )


def train_fold(
    heard: Dataset[Any],
    recipe: TrainingRecipe,
    name: str,
    seed: int,
    fold: Fold,
    partial: Path,
    progress: Progress = dataset.untold,
) -> Outcome:
    """Train one fold of a run, and answer its test part.

    Parameters
    ----------
    heard : Dataset
        The recipe's recordings; see :func:`intone.learn.dataset.load`.
    recipe : TrainingRecipe
        What to train, and how.
    name : str
        The protocol's name.
    seed : int
        One of the recipe's.
    fold : Fold
        Who stands on which side; see :func:`intone.learn.splits.make`.
    partial : pathlib.Path
        Where checkpoints and taught heads lie; what is there already is gone on from.
    progress : callable
        Told about each epoch trained, and each version of the sounds that a second head hears.

    Returns
    -------
    Outcome
        The same for the same recordings, recipe, seed, code and machine.
    """
    folder = partial / "folds" / name / f"{fold.name}-seed-{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    what = f"{name} {fold.name} seed {seed}" if name != fold.name else f"{name} seed {seed}"

    def tick(done: int, total: int, last: dict[str, float]) -> None:
        remark = f"loss {last['loss']:.3f}, accuracy {last['accuracy']:.1%}" if last else "hearing the speakers"
        progress(what, done, total, remark)

    model = learners.train(_lesson(heard, fold, seed), recipe, folder=folder, tick=tick)
    held = np.zeros((0, len(heard.labels)), dtype=np.float32)
    confidence: dict[str, float] = {}
    beside, held_beside = dict[str, Any](), dict[str, Any]()
    if isinstance(model, learners.ToldNetwork):
        beside = model.beside_baselines(heard.inputs[fold.test], heard.table[fold.test], heard.labels)
    if fold.validation.any():
        held = model.logits(heard.inputs[fold.validation])
        if isinstance(model, learners.ToldNetwork):
            watched = heard.inputs[fold.validation], heard.table[fold.validation]
            held_beside = model.beside_baselines(*watched, heard.labels)
        truth, voices = heard.truth[fold.validation], heard.table["speaker"][fold.validation].to_numpy(dtype=str)
        confidence = calibrate.fit(held, truth, voices, beside=list(held_beside.values()))
    return Outcome(
        name, seed, fold, model, model.logits(heard.inputs[fold.test]), held, confidence, beside, held_beside
    )


def _by_condition(key: str, found: dict[str, Any]) -> dict[str, Any]:
    """Name answers beside baselines in a run's files."""
    return {f"{condition}/{key}": logits for condition, logits in found.items()}


def _lesson(heard: Dataset[Any], fold: Fold, seed: int) -> Lesson[Any]:
    """Gather what a fold's model may learn from: its training part with the copies, and its validation part."""
    train = heard.inputs.joined([heard.inputs[fold.train], *(copy[fold.train] for copy in heard.copies)])
    return Lesson(
        train=train,
        truth=np.tile(heard.truth[fold.train], 1 + len(heard.copies)),
        watched=heard.inputs[fold.validation],
        watched_truth=heard.truth[fold.validation],
        labels=len(heard.labels),
        seed=seed,
        origin=pd.concat([heard.table.loc[fold.train, ["corpus", "speaker"]]] * (1 + len(heard.copies))),
    )


def _leave_model(
    recipe: TrainingRecipe, heard: Dataset[Any], first: Outcome, metrics: dict[str, Any], partial: Path
) -> None:
    """Leave the first fold's model as its library reads it and as a model file, with history and curves."""
    fold = first.fold
    history = partial / "folds" / first.protocol / f"{fold.name}-seed-{first.seed}" / fit.HISTORY
    if history.exists():
        shutil.copy(history, partial / fit.HISTORY)
        plots.curves(pd.read_csv(history), partial, title=recipe.name)
    used = [corpora.describe(name) for name in recipe.corpora.names]
    limit, numbers = learners.strangest(first.model, heard.inputs[first.fold.validation])
    card = Card(
        name=recipe.name,
        labels=heard.labels,
        input="features" if heard.feature_recipe else "waveform",
        trim=recipe.features.trim,
        baselines=isinstance(first.model, learners.ToldNetwork),
        strangest=limit,
        strange_numbers=numbers,
        feature_recipe=heard.feature_recipe,
        corpora={corpus.name: corpus.licence for corpus in used},
        speakers=tuple(sorted(heard.table["speaker"][~fold.test].unique())),
        prior=batches.prior(
            heard.table[fold.train], heard.truth[fold.train], heard.labels, balance=recipe.training.balance
        ),
        licence=_licence(used, str(recipe.network.options.get("backbone", ""))),
        recipe=recipe.text,
        recipe_sha256=recipe.sha256,
        scores=tuple(_card_scores(metrics)),
        calibrated_on=_calibrated_on(heard, fold),
        temperature=first.confidence.get("temperature", Card.temperature),
        threshold=first.confidence.get("threshold", Card.threshold),
        temperature_beside=first.confidence.get("temperature_beside", Card.temperature_beside),
        threshold_beside=first.confidence.get("threshold_beside", Card.threshold_beside),
    )
    first.model.save(partial)
    (partial / "card.json").write_text(card.to_json(), encoding="utf-8")
    proof = heard.inputs[np.flatnonzero(fold.test)[:PROOF]]
    first.model.write(card, partial / f"{recipe.name}{SUFFIX}", proof=proof)


def _calibrated_on(heard: Dataset[Any], fold: Fold) -> str:
    held = fold.validation
    voices = ", ".join(sorted(heard.table["speaker"][held].unique()))
    return f"{int(held.sum())} utterances kept out of the training ({voices})" if held.any() else ""


def _robustness(heard: Dataset[Any], chosen: Outcome, root: Path, trim: float) -> Robustness:
    """Try a fold's model on its test utterances under noise and the rest."""
    rows = robustness.sample(heard.table, chosen.fold.test)
    recipe = FeatureRecipe.from_toml(heard.feature_recipe) if heard.feature_recipe else None

    def hear(sounds: Sequence[Waveform]) -> NDArray[np.float32]:
        if recipe is None:
            kept = tuple(engines.without_silence(sound.samples, trim) for sound in sounds)
            return chosen.model.logits(Sounds(kept))
        return chosen.model.logits(Inputs.of([engines.measured(sound, recipe, trim) for sound in sounds]))

    return robustness.measure(
        hear,
        [root / path for path in heard.table["path"].iloc[rows]],
        heard.truth[rows],
        tested_on=f"{splits.PROTOCOLS[chosen.protocol].title}, fold {chosen.fold.name}, seed {chosen.seed}",
        speakers=int(heard.table["speaker"].iloc[rows].nunique()),
    )


def _licence(used: list[corpora.Corpus], backbone: str = "") -> str:
    """Say what the weights may be used for, and whose other weights are in them."""
    barred = [corpus for corpus in used if not corpus.commercial]
    names = ", ".join(f"{corpus.title} ({corpus.licence})" for corpus in barred)
    said = "The licences of the corpora it was learned from apply."
    if barred:
        said = f"For non-commercial use only, because of what it was learned from: {names}."
    if backbone:
        said += f" It holds weights of {Path(backbone).name}, whose licence applies too (Whisper: MIT, © OpenAI 2022)."
    return said


def _card_scores(metrics: dict[str, Any]) -> list[Score]:
    return [
        Score(
            protocol=entry["title"],
            corpora=corpus,
            accuracy=score["accuracy"],
            ua=score["ua"],
            utterances=score["utterances"],
            speakers=score["speakers"],
            leaks_speakers=entry["leaks_speakers"],
        )
        for entry in metrics["protocols"]
        for corpus, score in entry["corpora"].items()
    ]


def _environment(seconds: dict[str, float]) -> dict[str, Any]:
    """Say what the run was made with and how long it took; the metrics must not depend on it."""
    packages = ("intone", "keras", "numpy", "onnx", "scikit-learn", keras.backend.backend())
    return {
        "python": platform.python_version(),
        "system": platform.system(),
        "cores": os.cpu_count(),
        **{name: round(value, 1) for name, value in seconds.items()},
        "backend": keras.backend.backend(),
        "packages": {name: version(name) for name in packages},
    }


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
