"""What the networks share: masks that keep padding silent, and ways to gather time into one vector.

Everything is written with Keras's own layers and operations, so that a saved network opens with plain Keras.
Sequences are ``(batch, frames, columns)``, padded with zeros at the end; ``lengths`` says how many frames are an
utterance's own.
"""

from typing import Any

import keras
from keras import layers, ops

FAR_BELOW = 1e9
"""Subtracted from the attention of frames that are padding; leaves them no weight in float32."""


def sequence_inputs(columns: int) -> tuple[Any, Any, Any]:
    """Give the inputs ``features`` ``(batch, frames, columns)`` and ``lengths`` ``(batch,)``, and the frames' mask.

    The mask ``(batch, frames, 1)`` is 1 for an utterance's own frames and 0 for padding.
    """
    features = keras.Input((None, columns), name="features")
    lengths = keras.Input((), dtype="int64", name="lengths")
    counted = ops.cumsum(ops.ones_like(features[:, :, :1]), axis=1)  # 1, 2, 3, … for each frame
    own = ops.cast(ops.reshape(lengths, (-1, 1, 1)), "float32")
    return features, lengths, ops.cast(counted <= own, "float32")


def standardise(features: Any) -> Any:
    """Bring each column to mean 0 and deviation 1, by the statistics that :mod:`intone.learn.fit` puts in.

    A batch normalisation that never learns is just that, and unlike Keras's ``Normalization`` it survives the export.
    What could not be measured, such as the pitch of a whisper, is NaN and becomes the mean.
    """
    still = layers.BatchNormalization(center=False, scale=False, epsilon=1e-8, trainable=False, name="standardise")
    return ops.nan_to_num(still(features))


def masked_mean(x: Any, mask: Any) -> Any:
    """Average over an utterance's own frames: ``(batch, frames, width)`` to ``(batch, width)``."""
    return ops.sum(x * mask, axis=1) / ops.sum(mask, axis=1)


def attentive_statistics(x: Any, mask: Any, *, width: int = 64) -> Any:
    """Gather time by attention: the weighted mean and deviation of the frames, ``(batch, 2 · width of x)``.

    Okabe, Koshinaka and Shinoda (2018), "Attentive statistics pooling for deep speaker embedding", arXiv:1803.10963.
    """
    energy = layers.Dense(1)(layers.Dense(width, activation="tanh")(x))  # (batch, frames, 1)
    weight = ops.softmax(energy - (1 - mask) * FAR_BELOW, axis=1)
    mean = ops.sum(weight * x, axis=1)  # (batch, width)
    variance = ops.sum(weight * ops.square(x - ops.expand_dims(mean, 1)), axis=1)
    return ops.concatenate([mean, ops.sqrt(variance + 1e-5)], axis=-1)


def pooled(x: Any, mask: Any, pooling: str) -> Any:
    """Gather time as the recipe says: ``"mean"`` or ``"attention"``."""
    if pooling == "attention":
        return attentive_statistics(x, mask)
    if pooling == "mean":
        return masked_mean(x, mask)
    raise ValueError(f"pooling is {pooling!r}; accepted are 'attention' and 'mean'.")


def answers(x: Any, labels: int) -> Any:
    """End a network: the layer ``logits`` ``(batch, labels)``, and the probabilities behind it."""
    return layers.Softmax(name="probabilities")(layers.Dense(labels, name="logits")(x))
