"""Recurrent networks: an LSTM or a GRU that reads an utterance's frames, or its averages as if they were frames."""

from collections.abc import Callable
from typing import Any

import keras
from keras import layers

from intone.learn.networks.blocks import answers, pooled, sequence_inputs, standardise


def lstm(
    *,
    columns: int,
    labels: int,
    sequence: bool = False,
    units: int = 128,
    dense: tuple[int, ...] = (256, 128, 64, 32),
    dropout: float = 0.2,
    pooling: str = "mean",
) -> Any:
    """Build an LSTM, in the field's classic form or over frames.

    Parameters
    ----------
    columns : int
        Width of the features.
    labels : int
        Number of emotions.
    sequence : bool, default False
        True: the input is ``(batch, frames, columns)`` with lengths. False: it is one vector ``(batch, columns)``, read
        as a sequence of ``columns`` steps of one value, as the field's tutorials do.
    units : int, default 128
        Width of the recurrent state.
    dense : tuple of int
        Widths of the dense layers behind it.
    dropout : float, default 0.2
        Share of each dense layer's outputs that is dropped in training, 0 to 1.
    pooling : "mean" or "attention"
        How the frames' states become one vector; only for sequences.

    Returns
    -------
    keras.Model
        From features to probabilities ``(batch, labels)``; its layer ``logits`` gives the values before the softmax.
    """
    return _recurrent(layers.LSTM, columns, labels, sequence, units, dense, dropout, pooling)


def gru(
    *,
    columns: int,
    labels: int,
    sequence: bool = False,
    units: int = 128,
    dense: tuple[int, ...] = (64,),
    dropout: float = 0.2,
    pooling: str = "mean",
) -> Any:
    """Build a GRU; as :func:`lstm` in everything else."""
    return _recurrent(layers.GRU, columns, labels, sequence, units, dense, dropout, pooling)


def _recurrent(
    cell: Callable[..., Any],
    columns: int,
    labels: int,
    sequence: bool,
    units: int,
    dense: tuple[int, ...],
    dropout: float,
    pooling: str,
) -> Any:
    if sequence:
        features, lengths, mask = sequence_inputs(columns)
        inputs: Any = {"features": features, "lengths": lengths}
        x = cell(units, return_sequences=True)(standardise(features))  # (batch, frames, units); padding comes last
        x = pooled(x, mask, pooling)  # (batch, units) or twice that
    else:
        features = inputs = keras.Input((columns,), name="features")
        x = layers.Reshape((columns, 1))(standardise(features))  # (batch, steps, 1)
        x = cell(units)(x)  # (batch, units)
    x = layers.BatchNormalization()(x)
    for width in dense:
        x = layers.Dense(width, activation="relu")(x)
        x = layers.Dropout(dropout)(x)
    return keras.Model(inputs, answers(x, labels), name=cell.__name__.lower())
