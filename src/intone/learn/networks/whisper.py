"""Whisper's encoder: from a waveform to log-mel frames, through two convolutions and transformer layers.

Radford et al. (2022), "Robust speech recognition via large-scale weak supervision", arXiv:2212.04356. Two things differ
from the original. The sound is not padded to 30 s: an utterance of ``n`` samples has ``ceil(n / 160)`` frames of its
own, everything else is zero, also behind each convolution, and is never attended to. And the level is the utterance's
own: the loudest band of its loudest frame always has the same value, so that gain changes nothing.

A mask is ``(batch, frames, 1)``: 1 for an utterance's own frames, 0 for padding. Layers that hold fixed numbers (the
Fourier transform, the mel filters, the positions) are ordinary ones that never learn, so that a saved network opens
with plain Keras; :func:`set_fixed` gives them their numbers.
"""

import math
from typing import Any

import numpy as np
from keras import layers, ops

from intone.features.filterbanks import mel_filters
from intone.learn.networks.blocks import FAR_BELOW

WINDOW, HOP, BANDS = 400, 160, 80
"""Samples of a window and from one to the next, and mel bands, as Whisper has them at 16 kHz."""
FLOOR = 1e-8
"""Power that is 80 dB below an utterance's loudest band counts as this."""
LOUDEST = 1.0
"""The decimal logarithm that an utterance's loudest band is brought to.

Chosen, not tuned: as recorded, 60 utterances each had medians of 0.4 (TESS) and -0.4 (RAVDESS), 95th percentiles of
1.3 and 1.6. What is trained with one value hears wrongly with another."""
FAINTEST = 1e-30
"""Keeps digital silence from a division by zero."""
MAX_SECONDS = 30
"""Whisper has learned nothing of later positions; a longer sound is cut by whoever asks."""
LONGEST_WAVE = 10_000.0
"""Of the positions' sines and cosines (Vaswani et al. 2017)."""
EPSILON = 1e-5


def log_mel(waveform: Any, lengths: Any) -> tuple[Any, Any]:
    """Turn samples ``(batch, samples)`` into Whisper's log-mel frames ``(batch, frames, 80)``, and give their mask.

    ``samples`` are zeros behind an utterance's own ``lengths`` ``(batch,)``; at least 201 are needed.
    """
    mirrored = ops.take(waveform, list(range(WINDOW // 2, 0, -1)), axis=1)  # what Whisper hears before the beginning
    behind = ops.pad(waveform, ((0, 0), (0, WINDOW // 2 - 1)))  # just enough for ceil(samples / 160) windows
    sound = ops.expand_dims(ops.concatenate([mirrored, behind], axis=1), -1)
    waves = layers.Conv1D(2 * _BINS, WINDOW, strides=HOP, use_bias=False, trainable=False, name="fourier")(sound)
    power = layers.Dense(BANDS, use_bias=False, trainable=False, name="mel")(ops.square(waves))  # (batch, frames, 80)
    begins = HOP * _counted(power)
    mask = ops.cast(begins < ops.reshape(ops.cast(lengths, "float32"), (-1, 1, 1)), "float32")
    loudest = ops.max(power * mask, axis=(1, 2), keepdims=True)
    decades = ops.log10(ops.maximum(power / ops.maximum(loudest, FAINTEST), FLOOR))  # -8 to 0
    return layers.Multiply(name="log_mel")([(decades + (LOUDEST + 4)) / 4, mask]), mask


def convolved(frames: Any, mask: Any, width: int) -> tuple[Any, Any]:
    """Convolve twice, halving time, and add the positions: ``(batch, ceil(frames / 2), width)``, and its mask."""
    x = gelu(layers.Conv1D(width, 3, padding="same", name="convolution_1")(frames)) * mask
    # Keras's own padding of a stride of two would depend on whether the batch's longest is even.
    x = layers.Conv1D(width, 3, strides=2, name="convolution_2")(layers.ZeroPadding1D(1)(x))
    mask = mask[:, ::2]
    x = gelu(x) * mask
    steps = _counted(ops.expand_dims(x[0], 0))  # (1, frames, 1)
    turns = layers.Dense(width // 2, use_bias=False, trainable=False, name="positions")(steps)
    return layers.Add(name="convolutions")([x, ops.concatenate([ops.sin(turns), ops.cos(turns)], axis=-1)]), mask


def transformer_layer(x: Any, mask: Any, name: str, *, heads: int, feed_forward: int) -> Any:
    """Attend to an utterance's own frames, then think about each: ``(batch, frames, width)`` to the same."""
    width = x.shape[-1]
    y = layers.LayerNormalization(epsilon=EPSILON, name=f"{name}_attention_norm")(x)
    query = _split(layers.Dense(width, name=f"{name}_q")(y), heads)  # (batch, heads, frames, width / heads)
    key = _split(layers.Dense(width, use_bias=False, name=f"{name}_k")(y), heads)
    value = _split(layers.Dense(width, name=f"{name}_v")(y), heads)
    energy = ops.matmul(query, ops.transpose(key, (0, 1, 3, 2))) / math.sqrt(width // heads)
    own = ops.transpose(ops.expand_dims(mask, -1), (0, 2, 3, 1))  # (batch, 1, 1, frames)
    weight = ops.softmax(energy - (1 - own) * FAR_BELOW, axis=-1)  # (batch, heads, frames, frames)
    heard = ops.transpose(ops.matmul(weight, value), (0, 2, 1, 3))
    heard = layers.Reshape((-1, width))(heard)  # (batch, frames, width)
    x = x + layers.Dense(width, name=f"{name}_out")(heard)
    y = layers.LayerNormalization(epsilon=EPSILON, name=f"{name}_norm")(x)
    y = gelu(layers.Dense(feed_forward, name=f"{name}_fc1")(y))
    return layers.Add(name=name)([x, layers.Dense(width, name=f"{name}_fc2")(y)])


def gelu(x: Any) -> Any:
    """Give GELU by the error function; Keras's own becomes ONNX's ``Erfc``, which ONNX Runtime does not know."""
    return x * (ops.erf(x / math.sqrt(2)) + 1) * 0.5


def set_fixed(network: Any) -> None:
    """Give the layers that hold fixed numbers theirs."""
    for layer in network.layers:
        if layer.name in _FIXED:
            layer.set_weights([_FIXED[layer.name](layer.get_weights()[0].shape)])


def sinusoids(width: int) -> Any:
    """Give the angles that a position's sines and cosines turn by from frame to frame, ``(width / 2,)``."""
    half = width // 2
    return np.exp(-math.log(LONGEST_WAVE) / (half - 1) * np.arange(half))


def _counted(x: Any) -> Any:
    """Count the frames of ``(batch, frames, …)`` 0, 1, 2, …: ``(batch, frames, 1)``."""
    return ops.cumsum(ops.ones_like(x[:, :, :1]), axis=1) - 1


def _split(x: Any, heads: int) -> Any:
    width = x.shape[-1]
    return ops.transpose(layers.Reshape((-1, heads, width // heads))(x), (0, 2, 1, 3))


_BINS = WINDOW // 2 - 1
"""Bins of a spectrum between 0 Hz and 8 kHz; at both of these every mel filter is zero."""


def waves() -> Any:
    """Give cosines and sines under a periodic Hann window, ``(400, 398)``: of a window's samples, for each bin."""
    steps = np.arange(WINDOW)[:, np.newaxis]
    turns = 2 * np.pi * steps * np.arange(1, _BINS + 1) / WINDOW
    window = np.sin(np.pi * steps / WINDOW) ** 2
    return window * np.concatenate([np.cos(turns), np.sin(turns)], axis=1)


def _fourier(shape: tuple[int, ...]) -> Any:
    return waves().reshape(shape)


def _mel(shape: tuple[int, ...]) -> Any:
    """Give the mel filters twice: the squares of cosine and sine parts are summed in the same product."""
    return np.tile(mel_filters(BANDS, WINDOW)[1:-1], (2, 1)).reshape(shape)


def _turns(shape: tuple[int, ...]) -> Any:
    return sinusoids(2 * shape[-1]).reshape(shape)


_FIXED = {"fourier": _fourier, "mel": _mel, "positions": _turns}
