"""Keeps what a fold's heads have learned until the run is done, so that a stopped run does not teach them again."""

from pathlib import Path
from typing import Any

import numpy as np

from intone.learn import stages
from intone.learn.networks.relative import DIRECTIONS, STANDING

FILE = "heads.npz"


def keep(whole: Any, head: Any, folder: Path | None) -> None:
    """Keep a head, and how its voices stand; the file appears whole or not at all.

    Parameters
    ----------
    whole : keras.Model
        From sound to probabilities.
    head : keras.Model
        What was taught of it.
    folder : pathlib.Path or None
        The fold's; without one nothing is kept.
    """
    if folder is not None:
        weights = {
            f"{layer.name}/{number}": values
            for layer in _learned(whole, head)
            for number, values in enumerate(layer.get_weights())
        }
        with (folder / "heads.new").open("wb") as file:
            np.savez(file, **weights)
        (folder / "heads.new").replace(folder / FILE)


def kept(whole: Any, head: Any, folder: Path | None) -> bool:
    """Put into both what was kept in the fold's folder; give whether there was something.

    That it is of the same recipe, recordings and backbone, :mod:`intone.learn.place` has seen to.
    """
    if folder is None or not (folder / FILE).exists():
        return False
    with np.load(folder / FILE, allow_pickle=False) as weights:
        for layer in _learned(whole, head):
            layer.set_weights([weights[f"{layer.name}/{number}"] for number in range(len(layer.weights))])
    stages.carry_over(head, whole)
    return True


def _learned(whole: Any, head: Any) -> list[Any]:
    below = [layer for layer in whole.layers if layer.name in (STANDING, DIRECTIONS)]
    return below + [layer for layer in head.layers if layer.weights]
