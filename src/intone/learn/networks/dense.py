"""A dense network: layers that see an utterance's whole vector of features at once."""

from typing import Any

import keras
from keras import layers

from intone.learn.networks.blocks import answers, standardise


def dnn(
    *,
    columns: int,
    labels: int,
    sequence: bool = False,
    dense: tuple[int, ...] = (256, 128),
    dropout: float = 0.5,
) -> Any:
    """Build a dense network with batch normalisation and dropout.

    Parameters
    ----------
    columns, labels : int
        Width of the features, and number of emotions.
    sequence : bool, default False
        It reads one vector an utterance; True is refused.
    dense : tuple of int
        Widths of the layers.
    dropout : float, default 0.5
        Share of each layer's outputs dropped in training, 0 to 1; of the features themselves 40 % as much.

    Returns
    -------
    keras.Model
        From features ``(batch, columns)`` to probabilities ``(batch, labels)``, with a layer ``logits``.
    """
    if sequence:
        raise ValueError("dnn reads one vector an utterance; choose a feature recipe without frames, such as 'full'.")
    features = keras.Input((columns,), name="features")
    x = layers.Dropout(0.4 * dropout)(standardise(features))
    for width in dense:
        x = layers.Activation("relu")(layers.BatchNormalization()(layers.Dense(width, use_bias=False)(x)))
        x = layers.Dropout(dropout)(x)
    return keras.Model(features, answers(x, labels), name="dnn")
