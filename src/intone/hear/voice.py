"""Speech activity: which stretches of 10 ms are speech.

How far each band of the spectrum rises above its own floor, and the shape of the spectrum, are judged by a small
network that was trained against noise (:mod:`intone.learn.activity`). It hears ticks of one length, so that how sound
arrives cannot change what is found, and keeps a few seconds of band levels, whatever the length of the sound.
"""

from collections import deque
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from intone.features.filterbanks import mel_filters

Floats = NDArray[np.float32]

FRAME = 160
"""Samples of a frame: 10 ms."""
TICK = 4_000
"""Samples of a tick: 0.25 s."""
THRESHOLD = 0.5
"""From this probability on a frame is taken for speech."""
WINDOW, FOURIER = 400, 512
"""Samples of the window around a frame, and of its Fourier transform."""
BEFORE = (WINDOW - FRAME) // 2
"""Samples by which a window reaches over its frame on either side."""
MEL, FIRST, BANDS = 40, 1, 26
"""Of so many bands up to 8 kHz those are looked at that a telephone lets through, 75 Hz to 3.8 kHz."""
OFFSETS = np.arange(-24, 9, 4)
"""Which frames a frame is judged by: a quarter of a second of the past, and 0.08 s of what follows."""
PAST, AHEAD = int(-OFFSETS[0]), int(OFFSETS[-1])
MEMORY = 16
"""A band's floor is the least that it had in so many ticks, 4 s (Martin 2001, "Noise power spectral density estimation
based on optimal smoothing and minimum statistics", IEEE Trans. Speech Audio Process. 9(5)) ..."""
SMOOTH = 5
"""... as a mean over so many frames."""
FAINTEST = -65.0
"""No floor lies lower (dB), or the faintest noise after digital silence would stand out."""
RANGE = 40.0
"""More above the floor makes no difference (dB)."""
TOGETHER = 9
"""So few frames are judged at a time that NumPy starts no threads for them: they would be in the model's way."""
WEIGHTS = "voice.npz"


class Detector:
    """Tells speech from other sound, tick after tick, from the past and a tenth of a second of what follows.

    Parameters
    ----------
    weights : dict of numpy.ndarray, optional
        The network's; those that come with Intone where they are left out.
    """

    def __init__(self, weights: dict[str, Floats] | None = None) -> None:
        self._network = _Network(weights or shipped())
        self._bands = Bands()
        self._waiting = np.zeros((PAST, 2 * BANDS), np.float32)

    def push(self, tick: Floats) -> Floats:
        """Hear a tick, ``(TICK,)``; give the probabilities of speech of the frames that became known, in order."""
        return self._judged(self._bands.push(tick))

    def finish(self, rest: Floats) -> Floats:
        """Hear what is left, less than a tick; give the probabilities of all frames that are left."""
        left = self._bands.finish(rest)
        ahead = np.repeat((left if len(left) else self._waiting)[-1:], AHEAD, axis=0)
        return self._judged(np.concatenate([left, ahead]))

    def _judged(self, bands: Floats) -> Floats:
        self._waiting = np.concatenate([self._waiting, bands])
        count = max(len(self._waiting) - PAST - AHEAD, 0)
        chances = self._network(context(self._waiting, count))
        self._waiting = self._waiting[count:]
        return chances


class Bands:
    """Measures what the network judges by, tick after tick: for each frame, ``2 · BANDS`` numbers."""

    def __init__(self) -> None:
        self._samples = np.zeros(BEFORE, np.float32)
        self._least: deque[Floats] = deque(maxlen=MEMORY)

    def push(self, samples: Floats) -> Floats:
        """Give the frames whose windows are whole, ``(frames, 2 · BANDS)``."""
        samples = np.concatenate([self._samples, samples])
        count = max((len(samples) - WINDOW) // FRAME + 1, 0)
        self._samples = samples[count * FRAME :].copy()
        if not count:
            return np.zeros((0, 2 * BANDS), np.float32)
        windows = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::FRAME][:count]
        return self._relative(levels(windows))

    def finish(self, samples: Floats) -> Floats:
        """Give the frames that are left; silence follows."""
        over = len(self._samples) - BEFORE + len(samples)
        frames = -(-over // FRAME)
        return self.push(np.concatenate([samples, np.zeros(frames * FRAME - over + BEFORE, np.float32)]))

    def _relative(self, level: Floats) -> Floats:
        width = min(SMOOTH, len(level))
        sums = np.cumsum(np.concatenate([np.zeros((1, BANDS)), level]), axis=0)
        self._least.append(((sums[width:] - sums[:-width]) / width).min(axis=0).astype(np.float32))
        floor = np.maximum(np.min(self._least, axis=0), FAINTEST)
        above = np.clip(level - floor, -5, RANGE)
        shape = level - level.mean(axis=1, keepdims=True)
        return np.asarray(np.concatenate([above, shape], axis=1) / 10, dtype=np.float32)


def levels(windows: Floats) -> Floats:
    """Give the levels of bands (dB) in windows ``(frames, WINDOW)``."""
    power = np.square(np.abs(np.fft.rfft(windows * _hann(), FOURIER))).astype(np.float32)
    return np.asarray(10 * np.log10(power @ _filters() + 1e-10), dtype=np.float32)


def context(bands: Floats, count: int) -> Floats:
    """Lay beside each of ``count`` frames, the first of which is number PAST, those that it is judged by."""
    rows = np.arange(PAST, PAST + count)[:, np.newaxis] + OFFSETS
    return np.asarray(bands[rows].reshape(count, len(OFFSETS) * bands.shape[1]))


@cache
def shipped() -> dict[str, Floats]:
    """Give the weights that come with Intone."""
    with (files("intone") / "models" / WEIGHTS).open("rb") as file, np.load(file, allow_pickle=False) as stored:
        found: dict[str, Floats] = {name: stored[name].astype(np.float32) for name in stored.files}
    return found


class _Network:
    """A perceptron with two hidden layers, on numbers brought to the mean and deviation of the training."""

    def __init__(self, weights: dict[str, Floats]) -> None:
        self._weights = weights

    def __call__(self, rows: Floats) -> Floats:
        parts = [self._judged(rows[start : start + TOGETHER]) for start in range(0, len(rows), TOGETHER)]
        return np.concatenate([np.zeros(0, np.float32), *parts])

    def _judged(self, rows: Floats) -> Floats:
        weights = self._weights
        x = (rows - weights["mean"]) / weights["deviation"]
        for layer in ("1", "2"):
            x = np.maximum(x @ weights[f"kernel_{layer}"] + weights[f"bias_{layer}"], 0)
        logits = (x @ weights["kernel_3"] + weights["bias_3"])[:, 0]
        return np.asarray(1 / (1 + np.exp(-np.clip(logits, -30, 30))), dtype=np.float32)


@cache
def _hann() -> Floats:
    return np.asarray(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW), dtype=np.float32)


@cache
def _filters() -> Floats:
    """Give the bands' filters ``(bins, bands)``, each of which sums to 1."""
    filters = mel_filters(MEL, FOURIER)[:, FIRST : FIRST + BANDS]
    return np.asarray(filters / filters.sum(axis=0), dtype=np.float32)
