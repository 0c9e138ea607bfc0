"""The encoder: the first layers of a pretrained speech encoder, gathered by attention, and a small head."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import keras
from keras import layers, ops

from intone.learn.networks import backbone as backbones
from intone.learn.networks import whisper
from intone.learn.networks.backbone import Backbone
from intone.learn.networks.blocks import FAR_BELOW, masked_mean, sequence_inputs
from intone.learn.networks.relative import beside_each_other, directions_of, relative_logits, voice_of

HIDDEN, APART_DROPOUT = 128, 0.5
"""Width and dropout of the second head."""
MAIN_SHARE = {False: 1 / 2, True: 1 / 5}
"""How much the head that knows no speakers counts, by whether the second is two, ``weighed``. Beside two it helps only
with voices like those of the training, in speech that is mostly of one emotion."""
POOLED = "pooled"
"""The layer where an utterance has become one vector: below it lies what was pretrained, and the attention."""


def encoder(
    *,
    labels: int,
    backbone: str | Path | Backbone,
    layers: int = 3,
    mix: int = 1,
    start: int | Literal["log_mel"] | None = None,
    heads: int = 4,
    embedding: int = 256,
    dropout: float = 0.5,
    voice: int | Sequence[int] | None = None,
    weighed: bool = False,
    averaged: int = 1,
) -> Any:
    """Build a network on the first layers of a Whisper encoder, with its weights.

    Its layers ``attention`` ``(batch, frames, heads)``, ``embedding`` ``(batch, embedding)``, ``logits`` and
    ``probabilities`` ``(batch, labels)`` are there to be looked at. A frame of ``attention`` is 20 ms, and its weights
    sum to 1 over time. The backbone's layers are named as :mod:`intone.learn.networks.whisper` names them
    (``convolution_1``, ``layer_1_q``, …), the head's ``pool_…``, ``embedding`` and ``logits``.

    Parameters
    ----------
    labels : int
        Number of emotions.
    backbone : str, path or Backbone
        A folder or hub id, as :func:`intone.learn.networks.backbone.read` takes it, or what that gave.
    layers : int, default 3
        How many of the backbone's transformer layers are used.
    mix : int, default 1
        How many of these, from the last down, the head hears side by side.
    start : int or "log_mel", optional
        Where the network begins. Left out, it hears sound: ``waveform`` ``(batch, samples)`` at 16 kHz, zero behind an
        utterance's own ``lengths`` ``(batch,)`` samples, at most 30 s. A number ``k``: it is given hidden states,
        ``features`` ``(batch, frames, width)``, as they stand after the first ``k`` layers, 0 meaning behind the
        convolutions, and ``lengths`` counts frames; see :mod:`intone.learn.stages`. ``"log_mel"``: it is given what the
        layer of that name gives, 80 columns wide and with a frame for each 160 samples; see :mod:`intone.learn.tune`.
    heads : int, default 4
        How many ways of weighting time are pooled side by side.
    embedding : int, default 256
        Width of the embedding.
    dropout : float, default 0.5
        Share of the head's inputs dropped in training, 0 to 1.
    voice : int or sequence of int, optional
        Left out, the network knows no speakers. Otherwise log-probabilities of two heads are averaged, weighed by
        :data:`MAIN_SHARE`. The layer ``main`` gives the logits of the head above; a second head, as in
        :mod:`intone.learn.networks.relative`, hears the voice behind this transformer layer, or these, beside the
        speaker's ``baseline``, a further input.
    weighed : bool, default False
        Whether that second head is two, weighed, as by :func:`intone.learn.networks.relative.relative_logits`.
    averaged : int, default 1
        How many heads answer in the place of the second, or of each of two, and are averaged; see there.

    Returns
    -------
    keras.Model
        From sound or hidden states to probabilities.
    """
    weights = backbone if isinstance(backbone, Backbone) else backbones.read(backbone)
    below = start if isinstance(start, int) else 0
    if not below <= layers <= weights.layers:
        raise ValueError(f"layers is {layers}; accepted are {below} to {weights.layers}, which the backbone has.")
    if not 1 <= mix <= layers - below + 1:
        raise ValueError(f"mix is {mix}; accepted are 1 to {layers - below + 1}, the layers that there are to hear.")
    if start is None:
        waveform = keras.Input((None,), name="waveform")
        lengths = keras.Input((), dtype="int64", name="lengths")
        inputs = {"waveform": waveform, "lengths": lengths}
        x, mask = whisper.convolved(*whisper.log_mel(waveform, lengths), weights.width)
    else:
        x, lengths, mask = sequence_inputs(whisper.BANDS if start == "log_mel" else weights.width)
        inputs = {"features": x, "lengths": lengths}
        if start == "log_mel":
            x, mask = whisper.convolved(x, mask, weights.width)
    voices = () if voice is None else (voice,) if isinstance(voice, int) else tuple(voice)
    if not all(below <= number <= layers for number in voices):
        raise ValueError(f"voice is {voice}; accepted are {below} to {layers}, the layers that are used.")
    states = {below: x}
    for number in range(below + 1, layers + 1):
        states[number] = x = whisper.transformer_layer(
            x, mask, f"layer_{number}", heads=weights.heads, feed_forward=weights.feed_forward
        )
    x = beside_each_other([states[number] for number in range(layers - mix + 1, layers + 1)])
    vector = _pooled(x, mask, heads)
    logits = _head(vector, labels, embedding, dropout, name="main" if voices else "logits")
    if voices:
        directions = directions_of(labels, weighed=weighed)
        own = voice_of(beside_each_other([states[number] for number in voices]), mask, directions)
        inputs["baseline"] = baseline = keras.Input((2 * own.shape[-1] + 2,), name="baseline")
        other = _beside(own, baseline, labels, directions=directions, averaged=averaged)
        logits = _both(logits, other, MAIN_SHARE[weighed])
    network = keras.Model(inputs, keras.layers.Softmax(name="probabilities")(logits), name="encoder")
    whisper.set_fixed(network)
    weights.fill(network)
    return network


def freeze(network: Any, *, below: int) -> None:
    """Let the convolutions and the transformer layers before layer ``below`` (the first is 1) not learn, all others do.

    Examples
    --------
    ``freeze(network, below=3)`` trains the third layer and the head.
    """
    for layer in network.layers:
        number = stage(layer.name)
        if number is not None:
            layer.trainable = number >= below


def stage(layer: str) -> int | None:
    """Tell which of the backbone's layers a Keras layer belongs to: 0 for the convolutions; None for all others.

    Examples
    --------
    >>> [stage(layer) for layer in ("fourier", "convolution_1", "layer_2_fc1", "embedding")]
    [None, 0, 2, None]
    """
    word, _, rest = layer.partition("_")
    if word == "convolution":
        return 0
    return int(rest.partition("_")[0]) if word == "layer" and rest[:1].isdigit() else None


def second_head(*, labels: int, width: int, weighed: bool = False, averaged: int = 1) -> Any:
    """Build the head that hears voices beside baselines, by itself, to be trained; see ``voice``.

    The voices are ``(batch, width)`` as the transformer layers give them; where it is ``weighed``, directions come
    behind them.
    """
    directions = directions_of(labels, weighed=weighed)
    width += directions
    voice = keras.Input((width,), name="voice")
    baseline = keras.Input((2 * width + 2,), name="baseline")
    logits = _beside(voice, baseline, labels, directions=directions, averaged=averaged)
    return keras.Model({"voice": voice, "baseline": baseline}, logits, name="second_head")


def probe(*, labels: int, width: int, embedding: int = 256, dropout: float = 0.5) -> Any:
    """Build an encoder's head by itself, from what stands behind its layer ``pooled``, ``(batch, width)``."""
    vector = keras.Input((width,), name=POOLED)
    return keras.Model({POOLED: vector}, _head(vector, labels, embedding, dropout, name="logits"), name="probe")


def _beside(voice: Any, baseline: Any, labels: int, **built: Any) -> Any:
    return relative_logits(voice, baseline, labels, hidden=HIDDEN, dropout=APART_DROPOUT, name="apart", **built)


def _both(main: Any, other: Any, share: float) -> Any:
    main, other = (ops.log_softmax(logits, axis=-1) for logits in (main, other))
    return layers.Add(name="logits")([share * main, (1 - share) * other])


def _head(vector: Any, labels: int, embedding: int, dropout: float, *, name: str) -> Any:
    # Utterances differ in a tenth of what these numbers are: unscaled, the head would learn their mean for long.
    x = layers.BatchNormalization(momentum=0.98, name="pool_scale")(vector)
    x = layers.Dense(embedding, name="embedding")(layers.Dropout(dropout)(x))
    return layers.Dense(labels, name=name)(layers.Dropout(dropout)(whisper.gelu(x)))


def _pooled(x: Any, mask: Any, heads: int, *, width: int = 64) -> Any:
    """Gather time by attention with several heads: means and deviations, ``(batch, 2 · heads · width of x)``.

    Okabe, Koshinaka and Shinoda (2018), "Attentive statistics pooling for deep speaker embedding", arXiv:1803.10963.
    """
    thought = layers.Dense(width, activation="tanh", name="pool_hidden")(x)
    # It begins with all frames alike, which the head can learn from before anything is fine-tuned.
    energy = layers.Dense(heads, kernel_initializer="zeros", name="pool_energy")(thought) - (1 - mask) * FAR_BELOW
    weight = layers.Softmax(axis=1, name="attention")(energy)
    # Around the plain mean, since the square of a distant one would swallow a small deviation in float32.
    centre = ops.expand_dims(masked_mean(x, mask), 1)  # (batch, 1, columns)
    around = (x - centre) * mask
    over_time = ops.transpose(weight, (0, 2, 1))  # (batch, heads, frames)
    mean = ops.matmul(over_time, around)  # (batch, heads, columns)
    variance = ops.matmul(over_time, ops.square(around)) - ops.square(mean)
    deviation = ops.sqrt(ops.maximum(variance, 0) + 1e-5)
    return layers.Reshape((2 * heads * x.shape[-1],), name=POOLED)(ops.concatenate([mean + centre, deviation], axis=1))
