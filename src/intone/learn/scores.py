"""The figures of a run, computed from what it stores and from nothing else: who stood where, and the logits.

Anyone who has ``files.csv`` and ``logits.npz`` gets the figures of ``metrics.json`` again.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from intone.learn.evaluate import Metrics, measure
from intone.learn.splits import PROTOCOLS

Logits = Mapping[str, NDArray[np.float32]]
TEST = "test"
AVERAGED = ("accuracy", "ua", "precision", "f1")


def key(protocol: str, fold: str, seed: int) -> str:
    """Name a fold's column in ``files.csv`` and its array in ``logits.npz``.

    Examples
    --------
    >>> key("leave-one-speaker-out", "tess-OAF", 3)
    'leave-one-speaker-out/tess-OAF/seed-3'
    """
    return f"{protocol}/{fold}/seed-{seed}"


def of_folder(folder: Path, labels: Sequence[str]) -> list[dict[str, Any]]:
    """Compute the figures of the run that is stored in ``folder``; see :func:`of`."""
    with np.load(folder / "logits.npz") as stored:
        logits = {name: stored[name] for name in stored.files}
    return of(pd.read_csv(folder / "files.csv", keep_default_na=False), logits, labels)


def of(files: pd.DataFrame, logits: Logits, labels: Sequence[str]) -> list[dict[str, Any]]:
    """Score every protocol of a run, those without shared speakers first.

    Parameters
    ----------
    files : pandas.DataFrame
        One row an utterance: ``emotion``, ``speaker``, ``corpus``, and a column for each fold that says on which side
        it stood.
    logits : mapping of str to numpy.ndarray
        For each fold the logits of its test utterances, in the order of ``files``.
    labels : sequence of str
        What the logits' columns mean.

    Returns
    -------
    list of dict
        One for each protocol: mean and deviation over the seeds, where a seed's score is that of all its folds' tests
        together; then each corpus and each fold by itself.
    """
    names = dict.fromkeys(name.split("/")[0] for name in logits)
    ordered = sorted(names, key=lambda name: PROTOCOLS[name].leaks_speakers)
    return [_protocol(name, files, logits, labels) for name in ordered]


def _protocol(protocol: str, files: pd.DataFrame, logits: Logits, labels: Sequence[str]) -> dict[str, Any]:
    keys = [name for name in logits if name.startswith(f"{protocol}/")]
    answers = pd.concat([_answers(name, files, logits[name], labels) for name in keys], ignore_index=True)
    by_seed = {seed: _measured(rows, labels) for seed, rows in answers.groupby("seed", sort=False)}
    return {
        "protocol": protocol,
        "title": PROTOCOLS[protocol].title,
        "leaks_speakers": PROTOCOLS[protocol].leaks_speakers,
        "mean": _over(by_seed.values(), np.mean),
        "deviation": _over(by_seed.values(), np.std),
        "corpora": _parts(answers, "corpus", labels),
        "folds": _parts(answers, "fold", labels),
        "seeds": {str(seed): scores.to_dict() for seed, scores in by_seed.items()},
    }


def _answers(name: str, files: pd.DataFrame, logits: NDArray[np.float32], labels: Sequence[str]) -> pd.DataFrame:
    """Give a fold's test utterances with truth and answer, as indices into the labels."""
    tested = files[files[name] == TEST]
    _, fold, seed = name.split("/")
    return pd.DataFrame(
        {
            "truth": tested["emotion"].map(list(labels).index).to_numpy(),
            "answer": logits.argmax(axis=1),
            "corpus": tested["corpus"].to_numpy(),
            "speaker": tested["speaker"].to_numpy(),
            "fold": fold,
            "seed": seed.removeprefix("seed-"),
        }
    )


def _measured(answers: pd.DataFrame, labels: Sequence[str]) -> Metrics:
    return measure(answers["truth"].to_numpy(), answers["answer"].to_numpy(), labels)


def _over(scores: Any, reduce: Callable[[list[float]], Any]) -> dict[str, float]:
    found = list(scores)
    return {name: float(reduce([getattr(score, name) for score in found])) for name in AVERAGED}


def _parts(answers: pd.DataFrame, column: str, labels: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Score each corpus or fold by itself, with its size: one with more utterances would hide the others."""
    parts = {}
    for part, rows in answers.groupby(column, sort=False):
        seeds = [group for _, group in rows.groupby("seed")]
        sizes = {"utterances": len(seeds[0]), "speakers": int(rows["speaker"].nunique())}
        parts[str(part)] = sizes | _over([_measured(group, labels) for group in seeds], np.mean)
    return parts
