"""Convolutional networks: over the frames of MFCCs, over the log-mel spectrogram, and with an LSTM behind."""

from typing import Any

import keras
from keras import layers, ops

from intone.learn.networks.blocks import answers, pooled, sequence_inputs, standardise


def cnn(
    *,
    columns: int,
    labels: int,
    sequence: bool = True,
    filters: tuple[int, ...] = (64, 128, 128),
    kernel: int = 5,
    dense: tuple[int, ...] = (64,),
    dropout: float = 0.3,
    pooling: str = "mean",
) -> Any:
    """Build a one-dimensional convolutional network: convolution, pooling, dense.

    Parameters
    ----------
    columns, labels : int
        Width of the features, and number of emotions.
    sequence : bool, default True
        True: over frames ``(batch, frames, columns)``. False: over one vector, as a sequence of single values.
    filters : tuple of int
        Width of each convolution; behind each but the last, time is halved.
    kernel : int, default 5
        Length of a convolution in steps.
    dense : tuple of int
        Widths of the dense layers.
    dropout : float, default 0.3
        Share of outputs dropped in training, 0 to 1.
    pooling : "mean" or "attention"
        How time becomes one vector.

    Returns
    -------
    keras.Model
        From features to probabilities ``(batch, labels)``, with a layer ``logits``.
    """
    inputs, x, mask = _entered(columns, sequence)
    x, mask = _convolved(x, mask, filters, kernel, dropout)
    x = pooled(x, mask, pooling)
    return keras.Model(inputs, answers(_dense(x, dense, dropout), labels), name="cnn")


def cnn_lstm(
    *,
    columns: int,
    labels: int,
    sequence: bool = True,
    filters: tuple[int, ...] = (64, 128),
    kernel: int = 5,
    units: int = 96,
    dense: tuple[int, ...] = (64,),
    dropout: float = 0.3,
    pooling: str = "mean",
) -> Any:
    """Build a convolutional network whose frames are read by an LSTM; as :func:`cnn` in everything else.

    Parameters
    ----------
    columns, labels, sequence, filters, kernel, dense, dropout, pooling
        As for :func:`cnn`.
    units : int, default 96
        Width of the LSTM's state.
    """
    inputs, x, mask = _entered(columns, sequence)
    x, mask = _convolved(x, mask, filters, kernel, dropout)
    x = layers.LSTM(units, return_sequences=True)(x)  # (batch, frames, units)
    x = pooled(x, mask, pooling)
    return keras.Model(inputs, answers(_dense(x, dense, dropout), labels), name="cnn_lstm")


def cnn2d(
    *,
    columns: int,
    labels: int,
    sequence: bool = True,
    filters: tuple[int, ...] = (24, 48, 96, 128),
    width: int = 128,
    dropout: float = 0.3,
    pooling: str = "attention",
    level: bool = True,
    halve: bool = False,
) -> Any:
    """Build a two-dimensional convolutional network over a log-mel spectrogram.

    Parameters
    ----------
    columns, labels : int
        Number of mel bands, and of emotions.
    sequence : bool, default True
        It reads spectrograms only; False is refused.
    filters : tuple of int
        Width of each convolution; behind each the bands are halved, and time behind the first three.
    width : int, default 128
        Width of a frame before the pooling.
    dropout : float, default 0.3
        Share of outputs dropped in training, 0 to 1.
    pooling : "mean" or "attention"
        How time becomes one vector.
    level : bool, default True
        Whether an utterance's mean level is taken out first, so that gain changes nothing.
    halve : bool, default False
        Whether pairs of frames are averaged first: half the work, and for frames of 10 ms no loss that was seen.
    """
    if not sequence:
        raise ValueError("cnn2d reads a spectrogram; choose a feature recipe over frames, such as 'logmel'.")
    features, lengths, mask = sequence_inputs(columns)
    x = features
    if level:
        frames = ops.sum(mask, axis=1, keepdims=True)  # (batch, 1, 1)
        x = x - ops.sum(ops.mean(x, axis=2, keepdims=True) * mask, axis=1, keepdims=True) / frames
    x = standardise(x) * mask
    if halve:
        share = layers.AveragePooling1D(2, padding="same")(mask)  # of a pair that is the utterance's own
        x = layers.AveragePooling1D(2, padding="same")(x) / ops.maximum(share, 0.5)
        mask = ops.ceil(share)
    x = ops.expand_dims(x, -1)  # (batch, frames, bands, 1)
    own = ops.expand_dims(mask, -1)  # (batch, frames, 1, 1)
    for number, count in enumerate(filters):
        x = layers.Conv2D(count, 3, padding="same", use_bias=False)(x)
        x = layers.Activation("relu")(layers.BatchNormalization()(x)) * own
        pace = 2 if number < 3 else 1
        x = layers.MaxPooling2D((pace, 2), padding="same")(x)
        own = layers.MaxPooling2D((pace, 1), padding="same")(own)
        x = layers.SpatialDropout2D(dropout / 3)(x)
    x = layers.Reshape((-1, x.shape[-1] * x.shape[-2]))(x)  # (batch, frames, bands · filters)
    x = layers.Dropout(dropout)(layers.Dense(width, activation="relu")(x))
    x = layers.Dropout(dropout)(pooled(x, own[:, :, :, 0], pooling))
    return keras.Model({"features": features, "lengths": lengths}, answers(x, labels), name="cnn2d")


def _entered(columns: int, sequence: bool) -> tuple[Any, Any, Any]:
    """Give inputs, standardised steps and their mask, of frames or of one vector read as steps of one value."""
    if sequence:
        features, lengths, mask = sequence_inputs(columns)
        return {"features": features, "lengths": lengths}, standardise(features) * mask, mask
    features = keras.Input((columns,), name="features")
    x = layers.Reshape((columns, 1))(standardise(features))
    return features, x, ops.ones_like(x)


def _convolved(x: Any, mask: Any, filters: tuple[int, ...], kernel: int, dropout: float) -> tuple[Any, Any]:
    """Convolve, keeping what is not a frame at zero, and halve time between."""
    for number, count in enumerate(filters):
        if number:
            x = layers.MaxPooling1D(2, padding="same")(x)
            mask = layers.MaxPooling1D(2, padding="same")(mask)
        x = layers.Conv1D(count, kernel, padding="same", use_bias=False)(x)
        x = layers.Activation("relu")(layers.BatchNormalization()(x)) * mask  # (batch, frames, count)
        x = layers.SpatialDropout1D(dropout / 2)(x)
    return x, mask


def _dense(x: Any, widths: tuple[int, ...], dropout: float) -> Any:
    for width in widths:
        x = layers.Dropout(dropout)(layers.Dense(width, activation="relu")(x))
    return x
