"""What a model is given, a batch at a time: vectors, or frames or samples in sequence, padded with zeros."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float32]
Rows: TypeAlias = NDArray[np.intp] | NDArray[np.bool_] | slice


@dataclass(frozen=True, eq=False)
class Inputs:
    """The features of many utterances, or their sound itself.

    Attributes
    ----------
    values : numpy.ndarray of float32
        Vectors ``(utterances, columns)``, frames ``(utterances, frames, columns)`` or sound ``(utterances, samples)``;
        sequences are padded with zeros to the longest.
    lengths : numpy.ndarray of int64, shape (utterances,), or None
        How many frames or samples are each utterance's own; None where the values are vectors.
    baseline : numpy.ndarray of float32, shape (utterances or 1, numbers), or None
        Of the utterances' speakers, for a model that knows what to do with it; see :mod:`intone.hear.baseline`.
    """

    values: Floats
    lengths: NDArray[np.int64] | None = None
    baseline: Floats | None = None

    @classmethod
    def of(cls, parts: Sequence[Floats]) -> "Inputs":
        """Gather vectors ``(columns,)``, or sequences ``(frames, columns)`` of any lengths.

        Examples
        --------
        >>> gathered = Inputs.of([np.ones((3, 2), np.float32), np.ones((5, 2), np.float32)])
        >>> gathered.values.shape, gathered.lengths.tolist()
        ((2, 5, 2), [3, 5])
        """
        return cls(np.stack(parts)) if parts[0].ndim == 1 else cls._padded(parts)

    @classmethod
    def of_sounds(cls, sounds: Sequence[Floats], *, multiple: int = 1) -> "Inputs":
        """Gather the samples ``(samples,)`` of sounds of any lengths; all are padded to a whole number of ``multiple``.

        Examples
        --------
        >>> gathered = Inputs.of_sounds([np.ones(3, np.float32), np.ones(5, np.float32)])
        >>> gathered.values.shape, gathered.lengths.tolist(), sorted(gathered.named())
        ((2, 5), [3, 5], ['lengths', 'waveform'])
        """
        return cls._padded(sounds, multiple)

    @classmethod
    def _padded(cls, parts: Sequence[Floats], multiple: int = 1) -> "Inputs":
        lengths = np.array([len(part) for part in parts], dtype=np.int64)
        longest = -(-int(lengths.max()) // multiple) * multiple
        values = np.zeros((len(parts), longest, *parts[0].shape[1:]), dtype=np.float32)
        for row, part in zip(values, parts, strict=True):
            row[: len(part)] = part
        return cls(values, lengths)

    @classmethod
    def joined(cls, parts: "Sequence[Inputs]") -> "Inputs":
        """Put batches behind one another; sequences are padded to the longest of all."""
        if parts[0].lengths is None:
            return cls(np.concatenate([part.values for part in parts]))
        longest = max(part.values.shape[1] for part in parts)
        unpadded = [(0, 0)] * (parts[0].values.ndim - 2)
        padded = [np.pad(part.values, [(0, 0), (0, longest - part.values.shape[1]), *unpadded]) for part in parts]
        return cls(np.concatenate(padded), np.concatenate([part.lengths for part in parts if part.lengths is not None]))

    @classmethod
    def from_array(cls, values: Floats) -> "Inputs":
        """Read vectors, or sequences whose padding is NaN, as :meth:`to_array` gives them.

        Parameters
        ----------
        values : numpy.ndarray of float32, shape (utterances, columns) or (utterances, frames, columns)
            A sequence ends with the last frame of which anything was measured; what follows is padding.

        Examples
        --------
        >>> read = Inputs.from_array(np.array([[[1], [np.nan], [2], [np.nan]]], np.float32))
        >>> read.lengths.tolist(), read.values[0, :, 0].tolist()
        ([3], [1.0, nan, 2.0])
        """
        if values.ndim == 2:
            return cls(values)
        frames = values.shape[1]
        measured = np.any(~np.isnan(values), axis=2)  # (utterances, frames)
        # An utterance of which nothing was measured keeps one frame, for a mean over none is no number.
        lengths = np.where(np.any(measured, axis=1), frames - measured[:, ::-1].argmax(axis=1), 1).astype(np.int64)
        padding = np.arange(frames) >= lengths[:, np.newaxis]
        return cls(np.where(padding[..., np.newaxis], np.float32(0), values), lengths)[:]

    def to_array(self) -> Floats:
        """Give one array: vectors as they are, sequences padded with NaN instead of zeros, which tells their lengths.

        Any library can index such an array by utterance, as scikit-learn does to divide it into folds.

        Returns
        -------
        numpy.ndarray of float32, shape (utterances, columns) or (utterances, frames, columns)

        Examples
        --------
        >>> Inputs.of([np.ones((1, 1), np.float32), np.ones((2, 1), np.float32)]).to_array()[:, :, 0].tolist()
        [[1.0, nan], [1.0, 1.0]]
        """
        if self.lengths is None:
            return self.values
        padding = np.arange(self.values.shape[1]) >= self.lengths[:, np.newaxis]
        return np.where(padding[..., np.newaxis], np.float32(np.nan), self.values)

    def beside(self, baseline: Floats | None) -> "Inputs":
        """Give the same beside a speaker's baseline, ``(1, numbers)``, or as they are."""
        return self if baseline is None else replace(self, baseline=baseline)

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: Rows) -> "Inputs":
        """Give some of the utterances, without a baseline; sequences are padded no further than the longest of them."""
        if self.lengths is None:
            return Inputs(self.values[rows])
        lengths = self.lengths[rows]
        return Inputs(self.values[rows][:, : int(lengths.max(initial=1))], lengths)

    @property
    def columns(self) -> int:
        """Width of a vector or of a frame."""
        return int(self.values.shape[-1])

    @property
    def own(self) -> Floats:
        """Every vector, or every frame or sample that is no padding: ``(rows, columns)`` or ``(rows,)``."""
        if self.lengths is None:
            return self.values
        return self.values[np.arange(self.values.shape[1]) < self.lengths[:, np.newaxis]]

    def feed(self) -> Any:
        """Give what a Keras network takes: the values, or values and lengths by name."""
        return self.values if self.lengths is None else self.named()

    def named(self) -> dict[str, NDArray[Any]]:
        """Give what a model file takes, by the names of its inputs."""
        if self.lengths is None:
            return {"features": self.values}
        sequence = "features" if self.values.ndim == 3 else "waveform"
        named: dict[str, NDArray[Any]] = {sequence: self.values, "lengths": self.lengths}
        return named if self.baseline is None else {**named, "baseline": self.baseline}


@dataclass(frozen=True, eq=False)
class Sounds:
    """The sound of many utterances, each as long as it is: padded to the longest of all, a corpus fills the memory.

    Attributes
    ----------
    values : tuple of numpy.ndarray of float32, shape (samples,)
        At 16 kHz.

    Examples
    --------
    >>> sounds = Sounds((np.ones(3, np.float32), np.ones(5, np.float32)))
    >>> len(sounds), sounds[np.array([False, True])].lengths.tolist(), sounds.padded(multiple=4).values.shape
    (2, [5], (2, 8))
    """

    values: tuple[Floats, ...]

    @classmethod
    def joined(cls, parts: "Sequence[Sounds]") -> "Sounds":
        """Put sounds behind one another."""
        return cls(tuple(sound for part in parts for sound in part.values))

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: Rows) -> "Sounds":
        """Give some of the utterances, in the order asked for."""
        return Sounds(tuple(self.values[row] for row in np.arange(len(self))[rows]))

    @property
    def lengths(self) -> NDArray[np.int64]:
        """How many samples each has, ``(utterances,)``."""
        return np.array([len(sound) for sound in self.values], dtype=np.int64)

    def padded(self, *, multiple: int = 1) -> Inputs:
        """Give what a network takes; see :meth:`Inputs.of_sounds`."""
        return Inputs.of_sounds(self.values, multiple=multiple)


Given = TypeVar("Given", Inputs, Sounds)
"""What a kind of model learns from: features, or the sound itself."""
