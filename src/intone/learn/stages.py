"""Hidden states of a frozen stage, computed once, so that only what stands above it must be trained.

An upper network, built with ``encoder(start=k)``, learns from what the whole one gives behind its layer ``k``::

    whole = encoder(labels=7, backbone="openai/whisper-tiny.en")
    states = stages.hear(whole, sounds, layer=2)
    upper = encoder(labels=7, backbone="openai/whisper-tiny.en", start=2)
    ...  # train upper on states[rows].feed()
    stages.carry_over(upper, whole)  # whole now hears from the waveform on what upper has learned
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from intone.errors import ModelError
from intone.features import Inputs

STEP = 320
"""Samples of sound to a hidden state."""
BATCH = 16
"""How many sounds are heard at a time."""
Halves = NDArray[np.float16]


@dataclass(frozen=True, eq=False)
class States:
    """The hidden states of many sounds, one behind another.

    In half precision a second of sound takes 38 kB with Whisper's smallest encoder.

    Attributes
    ----------
    values : numpy.ndarray of float16, shape (frames of all, width)
        May be memory-mapped.
    ends : numpy.ndarray of int64, shape (sounds,)
        Where each sound's frames end in it.
    """

    values: Halves
    ends: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, rows: NDArray[np.intp]) -> Inputs:
        """Give some of the sounds' states, ``(sounds, frames, width)``, padded to the longest of them."""
        starts = np.concatenate([[0], self.ends[:-1]])
        return Inputs.of([self.values[starts[row] : self.ends[row]].astype(np.float32) for row in rows])

    def save(self, folder: Path) -> None:
        """Write them into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / "values.npy", self.values, allow_pickle=False)
        np.save(folder / "ends.npy", self.ends, allow_pickle=False)

    @classmethod
    def load(cls, folder: Path) -> "States":
        """Open what :meth:`save` wrote; what is not asked for stays on the disk."""
        ends = np.load(folder / "ends.npy", allow_pickle=False)
        return cls(np.load(folder / "values.npy", mmap_mode="r", allow_pickle=False), ends)


def hear(network: Any, sounds: Iterable[NDArray[np.float32]], *, layer: int) -> States:
    """Give a network's hidden states behind one of its layers.

    Parameters
    ----------
    network : keras.Model
        An encoder that hears waveforms.
    sounds : iterable of numpy.ndarray of float32, shape (samples,)
        At 16 kHz, at most 30 s each. They are taken sixteen at a time, so they need not all be in memory.
    layer : int
        Behind which transformer layer, counted from 1; 0 is behind the convolutions.

    Returns
    -------
    States
        In the order of the sounds.
    """
    output = network.get_layer(f"layer_{layer}" if layer else "convolutions").output
    lower = keras.Model(network.input, output)
    found: list[Halves] = []
    for batch in _batches(sounds):
        inputs = Inputs.of_sounds(batch)
        states = keras.ops.convert_to_numpy(lower(inputs.feed(), training=False)).astype(np.float16)
        found += [row[: -(-len(sound) // STEP)] for row, sound in zip(states, batch, strict=True)]
    return States(np.concatenate(found), np.cumsum([len(row) for row in found], dtype=np.int64))


def carry_over(trained: Any, whole: Any, *, renamed: Mapping[str, str] | None = None) -> None:
    """Put what an upper network has learned into the whole one, layer by layer of the same name, or of another.

    Raises
    ------
    ModelError
        The whole network has no such layer, or one of another shape.
    """
    there = {layer.name: layer for layer in whole.layers}
    learned = [layer for layer in trained.layers if layer.weights]
    names = {layer.name: (renamed or {}).get(layer.name, layer.name) for layer in learned}
    for layer in learned:
        target = there.get(names[layer.name])
        if target is None or [w.shape for w in target.weights] != [w.shape for w in layer.weights]:
            raise ModelError(f"the network to be completed has no layer {layer.name!r} of the trained one's shape.")
    for layer in learned:
        there[names[layer.name]].set_weights(layer.get_weights())


def _batches(sounds: Iterable[NDArray[np.float32]]) -> Iterable[list[NDArray[np.float32]]]:
    batch: list[NDArray[np.float32]] = []
    for sound in sounds:
        batch.append(sound)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
