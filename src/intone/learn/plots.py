"""The pictures of a run: curves of its training, and confusion matrices of its tests."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

TRAINING, VALIDATION = "#332288", "#cc6677"


def curves(history: pd.DataFrame, folder: Path, *, title: str) -> None:
    """Draw accuracy and loss over the epochs into ``accuracy.png`` and ``loss.png``.

    Parameters
    ----------
    history : pandas.DataFrame
        Columns ``epoch``, ``accuracy``, ``loss``, and ``val_…`` where a validation part was watched.
    folder : pathlib.Path
        Where the pictures go.
    title : str
        Stands above them.
    """
    for measure in ("accuracy", "loss"):
        figure = Figure(figsize=(7, 4), layout="constrained")
        axes: Axes = figure.subplots()
        axes.plot(history["epoch"], history[measure], color=TRAINING, label="training")
        if f"val_{measure}" in history:
            axes.plot(history["epoch"], history[f"val_{measure}"], color=VALIDATION, label="validation")
        axes.set(xlabel="epoch", ylabel=measure, title=f"{title}: {measure} while training")
        axes.set_ylim(0, 1.02 if measure == "accuracy" else None)
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
        figure.savefig(folder / f"{measure}.png", dpi=120)


def confusion(protocols: list[dict[str, Any]], path: Path, *, title: str) -> None:
    """Draw one confusion matrix a protocol, side by side, rows in per cent of the true emotion.

    Parameters
    ----------
    protocols : list of dict
        The entries of ``metrics.json``; the matrices of their seeds are added up.
    path : pathlib.Path
        The PNG file.
    title : str
        Stands above them.
    """
    figure = Figure(figsize=(1.2 + 5.2 * len(protocols), 5.6), layout="constrained")
    figure.suptitle(f"{title}: what was said (rows) and what was heard (columns)")
    for axes, entry in zip(np.atleast_1d(figure.subplots(1, len(protocols))), protocols, strict=True):
        seeds = list(entry["seeds"].values())
        counts = np.sum([seed["confusion"] for seed in seeds], axis=0)
        share = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        _matrix(axes, share, seeds[0]["labels"])
        axes.set_title(f"{entry['title']}\nUA {entry['mean']['ua']:.1%}, accuracy {entry['mean']['accuracy']:.1%}")
    figure.savefig(path, dpi=120)


def _matrix(axes: Axes, share: Any, labels: list[str]) -> None:
    axes.imshow(share, cmap="Blues", vmin=0, vmax=100)
    axes.set_xticks(range(len(labels)), labels, rotation=45, ha="right")
    axes.set_yticks(range(len(labels)), labels)
    for (row, column), value in np.ndenumerate(share):
        if value >= 0.5:
            axes.text(column, row, f"{value:.0f}", ha="center", va="center", color="white" if value > 55 else "black")
