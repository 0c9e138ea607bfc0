"""Fusion: the answers of several models to the same tests, averaged; computed from what their runs store."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from intone.errors import UsageError
from intone.learn import scores
from intone.learn.stored import StoredRun


def fused(runs: Sequence[StoredRun], *, name: str = "") -> StoredRun:
    """Give the run that the mean of the runs' log-probabilities would have been.

    Models that hear different things, as a spectrogram and the statistics of a pitch, err on different utterances.
    Nothing is fitted. Who chooses what to fuse by a look at the tests has chosen on them all the same.

    Parameters
    ----------
    runs : sequence of StoredRun
        At least two, with the same labels. Only the tests (protocol, fold and seed) that all of them made are kept.
    name : str, optional
        What the figures call it; left out, the runs' names with a plus between them.

    Returns
    -------
    StoredRun
        Lies in the folder of the first run; its confidence is not calibrated.

    Raises
    ------
    UsageError
        There are fewer than two runs, or they cannot be averaged.
    """
    first = runs[0]
    name = name or " + ".join(run.name for run in runs)
    if len(runs) < 2:
        raise UsageError("Fusing needs at least two runs.")
    if any(run.metrics["labels"] != first.metrics["labels"] for run in runs):
        raise UsageError(f"{name}: the runs answer with different labels and cannot be fused.")
    keys = [key for key in first.logits if all(key in run.logits for run in runs)]
    if not keys:
        raise UsageError(f"{name}: the runs have no test (protocol, fold and seed) in common and cannot be fused.")
    for key in keys:
        who = first.files["sha256"][first.files[key] == "test"].tolist()
        if any(run.files["sha256"][run.files[key] == "test"].tolist() != who for run in runs):
            raise UsageError(f"{name}: the runs were tested on different recordings in {key} and cannot be fused.")
    logits = {key: _averaged([run.logits[key] for run in runs]) for key in keys}
    parameters = [int(run.metrics.get("parameters") or 0) for run in runs]
    labels = first.metrics["labels"]
    metrics = {
        "name": name,
        "labels": labels,
        "protocols": scores.of(first.files, logits, labels),
        "confidence": {},
        "parameters": sum(parameters) if all(parameters) else None,
        "fused": [run.name for run in runs],
    }
    return StoredRun(first.folder, metrics, first.recipe, first.files, logits, {})


def _averaged(logits: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.asarray(np.mean([log_softmax(given, axis=1) for given in logits], axis=0), dtype=np.float32)
