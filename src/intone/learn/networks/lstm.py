"""The field's classic: the averages of 40 MFCCs, read by an LSTM as if they were a sequence of 40 steps."""

from typing import Any

import keras
from keras import layers


def lstm(
    *,
    columns: int,
    labels: int,
    units: int = 128,
    dense: tuple[int, ...] = (256, 128, 64, 32),
    dropout: float = 0.2,
) -> Any:
    """Build the network.

    Parameters
    ----------
    columns : int
        Width of the feature vector, which becomes the length of the sequence.
    labels : int
        Number of emotions.
    units : int, default 128
        Width of the LSTM's state.
    dense : tuple of int
        Widths of the dense layers behind it.
    dropout : float, default 0.2
        Share of each dense layer's outputs that is dropped in training, 0 to 1.

    Returns
    -------
    keras.Model
        From features ``(batch, columns)`` to probabilities ``(batch, labels)``; its layer ``logits`` gives the values
        before the softmax.
    """
    features = keras.Input((columns,), name="features")  # (batch, columns)
    x = standardise(features)
    x = layers.Reshape((columns, 1))(x)  # (batch, steps, 1)
    x = layers.LSTM(units)(x)  # (batch, units)
    x = layers.BatchNormalization()(x)
    for width in dense:
        x = layers.Dense(width, activation="relu")(x)
        x = layers.Dropout(dropout)(x)
    logits = layers.Dense(labels, name="logits")(x)  # (batch, labels)
    return keras.Model(features, layers.Softmax(name="probabilities")(logits), name="lstm")


def standardise(features: Any) -> Any:
    """Bring each column to mean 0 and deviation 1, by the statistics that :func:`intone.learn.fit.fit` puts in.

    A batch normalisation that never learns is just that, and unlike Keras's ``Normalization`` it survives the export.
    """
    return layers.BatchNormalization(center=False, scale=False, epsilon=1e-8, trainable=False, name="standardise")(
        features
    )
