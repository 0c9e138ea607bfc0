"""The relative network: how a voice differs from what it sounds like otherwise, on frozen layers of a speech encoder.

An utterance's *voice* is the mean and the deviation over time of one layer's output, each number brought to the mean
and deviation that it has over the training. A *baseline* says what a speaker's utterances have been so far: the mean
and the variance of their voices, how many they were, and whether the speaker was at rest in them.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import keras
from keras import layers, ops

from intone.learn.networks import backbone as backbones
from intone.learn.networks import whisper
from intone.learn.networks.backbone import Backbone
from intone.learn.networks.blocks import masked_mean

TRUST_MEAN, TRUST_SPREAD = 2.0, 3.5
"""How many utterances of a speaker weigh as much as all speakers do, for their mean and their variance."""
LEAST_VARIANCE = 0.02
"""Of a voice's number, as a share of that over all speakers."""


def relative(
    *,
    labels: int,
    backbone: str | Path | Backbone,
    layer: int | Sequence[int] = 2,
    hidden: int = 256,
    dropout: float = 0.3,
    start: Literal["voice"] | None = None,
) -> Any:
    """Build a network on frozen layers of a Whisper encoder, with its weights, and a head that knows the speaker.

    Its layers ``voice`` ``(batch, width)``, twice as wide as the layers heard, ``logits`` and ``probabilities``
    ``(batch, labels)`` are there to be looked at. Only the head learns.

    Parameters
    ----------
    labels, backbone
        As for :func:`intone.learn.networks.encoder.encoder`.
    layer : int or sequence of int, default 2
        Behind which of the backbone's transformer layers the voice is taken; 0 is behind the convolutions.
    hidden : int, default 256
        Width of the head.
    dropout : float, default 0.3
        Share of the head's inputs dropped in training, 0 to 1.
    start : "voice", optional
        Where the network begins. Left out, it hears sound: ``waveform`` ``(batch, samples)`` at 16 kHz and ``lengths``
        ``(batch,)``, as the encoder does; with ``"voice"`` it is given that.

    Returns
    -------
    keras.Model
        From sound or voices, and ``baseline`` ``(batch or 1, 2 · width + 2)``, to probabilities. A baseline holds the
        mean of the voices, their variance, their number, and 1 for a speaker at rest;
        :func:`intone.hear.engines.nobody` is that of nobody.
    """
    weights = backbone if isinstance(backbone, Backbone) else backbones.read(backbone)
    heard = (layer,) if isinstance(layer, int) else tuple(layer)
    if not heard or not all(0 <= number <= weights.layers for number in heard):
        raise ValueError(f"layer is {layer}; accepted are 0 to {weights.layers}, which the backbone has.")
    width = 2 * weights.width * len(heard)
    baseline = keras.Input((2 * width + 2,), name="baseline")
    if start == "voice":
        voice = keras.Input((width,), name="voice")
        inputs = {"voice": voice, "baseline": baseline}
    else:
        waveform = keras.Input((None,), name="waveform")
        lengths = keras.Input((), dtype="int64", name="lengths")
        inputs = {"waveform": waveform, "lengths": lengths, "baseline": baseline}
        x, mask = whisper.convolved(*whisper.log_mel(waveform, lengths), weights.width)
        states = [x]
        for number in range(1, max(heard) + 1):
            x = whisper.transformer_layer(
                x, mask, f"layer_{number}", heads=weights.heads, feed_forward=weights.feed_forward
            )
            states.append(x)
        voice = voice_of(beside_each_other([states[number] for number in heard]), mask)
    logits = relative_logits(voice, baseline, labels, hidden=hidden, dropout=dropout, name="logits")
    network = keras.Model(inputs, layers.Softmax(name="probabilities")(logits), name="relative")
    whisper.set_fixed(network)
    weights.fill(network)
    return network


def beside_each_other(states: Sequence[Any]) -> Any:
    """Join what several layers give, ``(batch, frames, width)`` each, frame by frame."""
    return states[0] if len(states) == 1 else ops.concatenate(states, axis=-1)


def voice_of(x: Any, mask: Any) -> Any:
    """Give the mean and the deviation over an utterance's own frames, as they stand among those of the training."""
    mean = masked_mean(x, mask)
    deviation = ops.sqrt(masked_mean(ops.square(x - ops.expand_dims(mean, 1)), mask) + 1e-8)
    # A batch normalisation that never learns; the training puts the numbers in.
    return layers.BatchNormalization(center=False, scale=False, epsilon=1e-8, trainable=False, name="voice")(
        ops.concatenate([mean, deviation], axis=-1)
    )


def relative_logits(voice: Any, baseline: Any, labels: int, *, hidden: int, dropout: float, name: str) -> Any:
    """Give the logits ``(batch, labels)`` of voices beside baselines; the layer that gives them gets the name."""
    width = voice.shape[-1]
    mean, variance = baseline[:, :width], baseline[:, width : 2 * width]
    count, rest = baseline[:, 2 * width : 2 * width + 1], baseline[:, 2 * width + 1 :]
    own, spread = count / (count + TRUST_MEAN), count / (count + TRUST_SPREAD)
    usual = own * mean
    range_of = ops.sqrt(ops.maximum(spread * variance + 1 - spread, LEAST_VARIANCE))
    apart = (voice - usual) / range_of
    # Sums of products rather than a product of what is joined: a baseline may be one for the whole batch.
    x = layers.Dense(hidden, name="relative_apart")(layers.Dropout(dropout)(apart))
    x = x + layers.Dense(hidden, use_bias=False, name="relative_usual")(layers.Dropout(dropout)(usual))
    x = x + layers.Dense(hidden, use_bias=False, name="relative_count")(ops.log(1 + count))
    x = x + layers.Dense(hidden, use_bias=False, name="relative_rest")(rest)
    return layers.Dense(labels, name=name)(layers.Dropout(dropout)(whisper.gelu(x)))
