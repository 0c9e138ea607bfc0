"""A stored run: a run folder, or what ``results/`` keeps of one, read back."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from intone.errors import UsageError, unknown
from intone.learn import answers, calibrate, figures
from intone.learn.answers import Answers
from intone.learn.figures import Figures
from intone.learn.splits import PROTOCOLS

Logits = dict[str, NDArray[np.float32]]
VALIDATION = "validation.npz"
"""The logits of each fold's validation part; a run of whose folds none has one does not leave it."""
BASELINES = "baselines.npz"
"""Each test's logits beside baselines, by ``CONDITION/PROTOCOL/FOLD/seed-N``, of a model that knows of such."""
BESIDE = "_beside"
"""How the names end of what was fitted beside baselines."""
HELD = "validation"
"""What ``files.csv`` says of who stood there."""


@dataclass(frozen=True, eq=False)
class StoredRun:
    """What a run stores, as far as its figures follow from it.

    Attributes
    ----------
    folder : pathlib.Path
        Where it lies.
    metrics : dict
        ``metrics.json``.
    recipe : str
        The training recipe as TOML.
    files : pandas.DataFrame
        ``files.csv``.
    logits : dict of str to numpy.ndarray
        ``logits.npz``.
    validation : dict of str to numpy.ndarray
        ``validation.npz``: for each fold that has a validation part, the logits that its confidence was fitted on; and
        those beside baselines, as in ``beside``.
    beside : dict of str to numpy.ndarray
        ``baselines.npz``: for each condition and fold, the logits beside baselines of that kind.
    """

    folder: Path
    metrics: dict[str, Any]
    recipe: str
    files: pd.DataFrame
    logits: Logits
    validation: Logits
    beside: Logits = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The recipe's name."""
        return str(self.metrics["name"])

    @property
    def protocols(self) -> list[str]:
        """The names of its protocols, those without shared speakers first."""
        names = dict.fromkeys(key.split("/")[0] for key in self.logits)
        return sorted(names, key=lambda name: PROTOCOLS[name].leaks_speakers)

    def answers(self, protocol: str) -> Answers:
        """Give the answers of all folds and seeds of a protocol."""
        chosen = {key: found for key, found in self.logits.items() if key.startswith(f"{protocol}/")}
        fitted = self.metrics.get("confidence", {})
        return answers.of_folds(self.files, chosen, self.metrics["labels"], confidence=fitted)

    def answers_beside(self, condition: str, protocol: str) -> Answers:
        """Give the answers of all folds and seeds of a protocol beside baselines of a kind."""
        start = f"{condition}/"
        chosen = {key.removeprefix(start): found for key, found in self.beside.items() if key.startswith(start)}
        own = {key: found for key, found in chosen.items() if key.startswith(f"{protocol}/")}
        fitted = {
            key: {name.removesuffix(BESIDE): value for name, value in found.items() if name.endswith(BESIDE)}
            for key, found in self.metrics.get("confidence", {}).items()
        }
        return answers.of_folds(self.files, own, self.metrics["labels"], confidence=fitted)

    def refitted(self) -> dict[str, dict[str, float]]:
        """Fit the confidence of each fold that has a validation part anew; the run's own is in its metrics."""
        found = {}
        for key in [key for key in self.validation if key in self.files]:
            held = self.files[self.files[key] == HELD]
            truth = held["emotion"].map(list(self.metrics["labels"]).index).to_numpy(dtype=np.int64)
            beside = [given for name, given in self.validation.items() if name.endswith(f"/{key}")]
            found[key] = calibrate.fit(self.validation[key], truth, held["speaker"].to_numpy(dtype=str), beside=beside)
        return found

    def figures(self, protocol: str) -> Figures:
        """Compute all figures of a protocol."""
        kind = PROTOCOLS[protocol]
        return figures.of(self.answers(protocol), title=kind.title, leaks_speakers=kind.leaks_speakers)

    def json(self, name: str) -> Any:
        """Read one of the folder's JSON files; None where the run did not leave it."""
        path = self.folder / name
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def read(folder: Path) -> StoredRun:
    """Read a run back.

    Raises
    ------
    UsageError
        The folder holds no finished run.
    """
    try:
        metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        recipe = (folder / "recipe.toml").read_text(encoding="utf-8")
        files = pd.read_csv(folder / "files.csv", keep_default_na=False)
        logits = _arrays(folder / "logits.npz")
        validation, beside = (
            _arrays(folder / name) if (folder / name).exists() else {} for name in (VALIDATION, BASELINES)
        )
    except (OSError, ValueError, BadZipFile) as error:
        raise UsageError(
            f"{folder}: not a finished run ({error}); 'intone train' leaves folders with metrics.json, recipe.toml, "
            "files.csv and logits.npz."
        ) from error
    for key in logits:
        if key.split("/")[0] not in PROTOCOLS:
            raise unknown("split protocol", key.split("/")[0], PROTOCOLS)
    return StoredRun(folder, metrics, recipe, files, logits, validation, beside)


def _arrays(path: Path) -> Logits:
    with np.load(path) as kept:
        return {name: kept[name] for name in kept.files}
