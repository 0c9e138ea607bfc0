"""Speech activity: which stretches of 10 ms are speech.

How far each band of the spectrum rises above its own floor, the shape of the spectrum, and how strongly it has a pitch,
are judged by a small convolutional network that was trained against noise (:mod:`intone.learn.activity`). It hears
ticks of one length, so that how sound arrives cannot change what is found, and remembers :data:`MEMORY_SECONDS` and no
more, whatever the length of the sound.
"""

from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from intone.features.filterbanks import mel_filters
from intone.hear.audio import RATE

Floats = NDArray[np.float32]

FRAME = 160
"""Samples of a frame: 10 ms."""
TICK = 4_000
"""Samples of a tick: 0.25 s."""
TOGETHER = 16
"""Ticks that are best heard at once where they are there: a call of NumPy takes longer than what it does for one."""
THRESHOLD = 0.5
"""From this probability on a frame is taken for speech."""
WINDOW, FOURIER = 400, 512
"""Samples of the window around a frame, and of its Fourier transform."""
BEFORE = (WINDOW - FRAME) // 2
"""Samples by which a window reaches over its frame on either side."""
MEL, BANDS = 40, 30
"""Of so many bands up to 8 kHz the lowest are looked at, up to 4.7 kHz: hardly more than a telephone lets through."""
LOWEST, HIGHEST, LAGS = 73.0, 400.0, 48
"""Pitches (Hz) between which a voice is looked for, and at how many periods."""
PITCHES = 3
"""Ranges of the period, in each of which the strongest counts."""
NUMBERS = 2 * BANDS + PITCHES
"""What the network is given of a frame."""
SPECTRA = 50
"""Spectra that are made at a time: for arrays of more than 128 kB glibc asks the system each time, which takes three
times as long as to fill them."""
AHEAD = 8
"""Frames of what follows that a frame is judged by, 0.08 s; its window takes another 7.5 ms."""
MEMORY = 16
"""A band's floor is the least that it had in so many ticks, 4 s (Martin 2001, "Noise power spectral density estimation
based on optimal smoothing and minimum statistics", IEEE Trans. Speech Audio Process. 9(5)) ..."""
SMOOTH = 5
"""... as a mean over so many frames."""
FAINTEST = np.float32(-80)
"""No floor lies lower (dB), or the faintest noise after digital silence would stand out; white noise of 16-bit
rounding has -79."""
LEAST, RANGE = np.float32(-5), np.float32(40)
"""Less and more above the floor make no difference (dB)."""
SCALE = np.float32(0.1)
"""What levels are multiplied by, to be about as wide as all else."""
LOUDEST = np.float32(1e6)
"""Samples beyond this (full scale is 1) count as this, or one of a broken source would be infinite in the power, and
not a number in all that follows."""
FAINT, FAINT_TICKS = np.float32(-25), 4
"""Where no band got louder than this (dB) for so many ticks, nobody is heard: it is a voice from the other channel of a
call, 60 dB down. A voice at this limit has about -68 dB of full scale in its loudest frame, 15 dB less than in the
faintest of 720 recordings of six corpora."""
TAPS, SPREADS = 4, (1, 4, 16, 40)
"""Frames that a layer of the network looks at, and how far apart they are; the last is the newest."""
PAST = (TAPS - 1) * sum(SPREADS)
"""Frames of the past that the network looks at, those that are AHEAD among them."""
MEMORY_SECONDS = MEMORY * TICK / RATE + PAST * FRAME / RATE + TICK / RATE
"""What lies further back than this changes nothing: floor, network, and the tick in which both lie."""
MOST_TOGETHER = 65_536 * 4
"""Multiplications of a product from which on OpenBLAS starts threads, which would be in the model's way: none here has
so many, ``interface/gemm.c`` says where they begin."""
WEIGHTS = "voice.npz"


class Detector:
    """Tells speech from other sound, tick after tick, from the past and a tenth of a second of what follows.

    Parameters
    ----------
    weights : dict of numpy.ndarray, optional
        The network's; those that come with Intone where they are left out.

    Examples
    --------
    >>> detector = Detector()
    >>> len(detector.push(np.zeros(TICK, np.float32))), len(detector.push(np.zeros(TICK, np.float32)))
    (16, 25)
    >>> len(detector.finish(np.zeros(1, np.float32)))
    10
    """

    def __init__(self, weights: dict[str, Floats] | None = None) -> None:
        self._network = Network(weights or shipped())
        self._bands = Bands()
        self._last = np.zeros((0, NUMBERS), np.float32)
        self._early = AHEAD  # answers that are about frames before the first

    def push(self, ticks: Floats) -> Floats:
        """Hear a tick or several, ``(ticks · TICK,)``; give the chances of speech of the frames that became known.

        How many are heard at once changes no bit of what is found: each tick is still a product of its own.
        """
        first = TICK if self._bands.new else 0  # which has a frame less than all others
        found = [self._judged(*self._bands.heard(part)) for part in (ticks[:first], ticks[first:]) if len(part)]
        return np.concatenate(found) if found else np.zeros(0, np.float32)

    def finish(self, rest: Floats) -> Floats:
        """Hear what is left, less than a tick; give the probabilities of all frames that are left."""
        left, audible = self._bands.finish(rest)
        last = left[-1:] if len(left) else self._last
        return self._judged(np.concatenate([left, *[last] * AHEAD]), audible)

    def _judged(self, rows: Floats, audible: NDArray[np.bool_]) -> Floats:
        if not len(rows):
            return np.zeros(0, np.float32)
        self._last = rows[-1:]
        chances = self._network.push(rows, len(audible))
        chances.reshape(len(audible), -1)[~audible] = 0
        early, self._early = self._early, max(self._early - len(rows), 0)
        return chances[early:]


def chances(sound: Floats, weights: dict[str, Floats] | None = None) -> Floats:
    """Give the probability of speech of each frame of a whole sound ``(samples,)``, as a :class:`Detector` does.

    Examples
    --------
    >>> chances(np.zeros(8_050, np.float32)).shape
    (51,)
    """
    detector, ready = Detector(weights), len(sound) // TICK * TICK
    step = TOGETHER * TICK
    parts = [detector.push(sound[start : min(start + step, ready)]) for start in range(0, ready, step)]
    return np.concatenate([*parts, detector.finish(sound[ready:])])


class Bands:
    """Measures what the network judges by, tick after tick: for each frame, :data:`NUMBERS`."""

    def __init__(self) -> None:
        self._samples = np.zeros(BEFORE, np.float32)
        self._least = np.full((MEMORY - 1, BANDS), np.inf, np.float32)
        self._loudest = np.full(FAINT_TICKS - 1, -np.inf, np.float32)
        self.new = True

    def push(self, samples: Floats) -> Floats:
        """Give the frames whose windows are whole, ``(frames, NUMBERS)``; see :meth:`heard`."""
        return self.heard(samples)[0]

    def heard(self, samples: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        """Give the frames whose windows are whole, ``(frames, NUMBERS)``, and of each tick whether it is audible.

        That is, whether anything of the last second could be heard by somebody. Several ticks have as many frames each,
        which they have from the second on; less than a tick counts as one.
        """
        ticks = max(len(samples) // TICK, 1)
        samples = np.concatenate([self._samples, np.minimum(np.maximum(samples, -LOUDEST), LOUDEST)])
        count = max((len(samples) - WINDOW) // FRAME + 1, 0)
        self._samples = samples[count * FRAME :].copy()
        if not count:
            return np.zeros((0, NUMBERS), np.float32), np.zeros(0, np.bool_)
        self.new = False
        power = _powers(samples, count).reshape(ticks, count // ticks, -1)
        rows = np.empty((ticks, count // ticks, NUMBERS), np.float32)
        audible = self._relative(10 * np.log10(power @ _filters() + np.float32(1e-10)), rows)
        rows[..., 2 * BANDS :] = pitches(power)
        return rows.reshape(count, NUMBERS), audible

    def finish(self, samples: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        """Give what :meth:`heard` gives for the frames that are left; silence follows."""
        over = len(self._samples) - BEFORE + len(samples)
        frames = -(-over // FRAME)
        return self.heard(np.concatenate([samples, np.zeros(frames * FRAME - over + BEFORE, np.float32)]))

    def _relative(self, level: Floats, rows: Floats) -> NDArray[np.bool_]:
        """Write levels ``(ticks, frames, BANDS)`` (dB) above their floor, and about their mean, into the rows."""
        ticks, frames, _ = level.shape
        width = min(SMOOTH, frames)
        means = level[:, : frames - width + 1].copy()
        for at in range(1, width):
            means += level[:, at : frames - width + 1 + at]
        least = np.concatenate([self._least, means.min(axis=1) / width])
        loudest = np.concatenate([self._loudest, level.max(axis=(1, 2))])
        self._least, self._loudest = least[ticks:].copy(), loudest[ticks:].copy()
        floor = np.maximum(-_most(-least, MEMORY), FAINTEST)[:, np.newaxis]
        above, shape = rows[..., :BANDS], rows[..., BANDS : 2 * BANDS]
        np.minimum(np.maximum(level - floor, LEAST), RANGE, out=above)
        np.subtract(level, level @ _mean(), out=shape)
        rows[..., : 2 * BANDS] *= SCALE
        return np.asarray(_most(loudest, FAINT_TICKS) > FAINT)


def _powers(samples: Floats, count: int) -> Floats:
    """Give the power spectra of so many frames, ``(frames, bins)``."""
    windows = np.lib.stride_tricks.as_strided(samples, (count, WINDOW), (4 * FRAME, 4), writeable=False)
    power = np.empty((count, FOURIER // 2 + 1), np.float32)
    for start in range(0, count, SPECTRA):
        spectra = np.fft.rfft(windows[start : start + SPECTRA] * _hann(), FOURIER)
        np.add(np.square(spectra.real), np.square(spectra.imag), out=power[start : start + SPECTRA])
    return power


def _most(values: Floats, ticks: int) -> Floats:
    """Give the most of each so many ticks on end, a power of 2."""
    step = 1
    while step < ticks:
        values = np.maximum(values[:-step], values[step:])
        step *= 2
    return values


def pitches(power: Floats) -> Floats:
    """Say how strongly spectra ``(…, frames, bins)`` have a pitch, in each of :data:`PITCHES` ranges of its period.

    It is the autocorrelation of a spectrum whose formants are flattened by a root, 1 where all of it is in step.
    """
    waves = _waves()
    size = np.sqrt(power[..., 2 : 2 + len(waves)])
    alike = size @ waves
    strongest = alike.reshape(*alike.shape[:-1], PITCHES, -1).max(axis=-1)
    strongest *= 4 / (size.sum(axis=-1, keepdims=True) + np.float32(1e-9))  # 4: as wide as the other numbers
    return np.asarray(strongest, dtype=np.float32)


@cache
def shipped() -> dict[str, Floats]:
    """Give the weights that come with Intone."""
    with (files("intone") / "models" / WEIGHTS).open("rb") as file, np.load(file, allow_pickle=False) as stored:
        found: dict[str, Floats] = {name: stored[name].astype(np.float32) for name in stored.files}
    return found


class Network:
    """Convolutions over time that see the past alone, each added to what it was given (He et al. 2016, residual nets).

    What it says of a frame it says AHEAD frames later.
    """

    def __init__(self, weights: dict[str, Floats]) -> None:
        self._weights = weights
        width = len(weights["bias_0"])
        self._kept = [np.zeros(((TAPS - 1) * spread, width), np.float32) for spread in SPREADS]

    def push(self, rows: Floats, ticks: int = 1) -> Floats:
        """Give the probability for each of some more frames ``(frames, NUMBERS)``, of so many ticks of like length."""
        weights, count = self._weights, len(rows)
        x = rows.reshape(ticks, -1, rows.shape[1]) @ weights["kernel_0"]  # (ticks, frames, width)
        x += weights["bias_0"]
        np.maximum(x, 0, out=x)
        for layer, spread in enumerate(SPREADS, start=1):
            heard = np.concatenate([self._kept[layer - 1], x.reshape(count, -1)])
            self._kept[layer - 1] = heard[count:].copy()
            further = _beside(heard, spread, count).reshape(ticks, count // ticks, -1) @ weights[f"kernel_{layer}"]
            further += weights[f"bias_{layer}"]
            np.maximum(further, 0, out=further)
            x += further
        logits = (x @ weights["kernel_out"] + weights["bias_out"]).reshape(count)
        return np.asarray(1 / (1 + np.exp(-np.clip(logits, -30, 30))), dtype=np.float32)


def _beside(heard: Floats, spread: int, count: int) -> Floats:
    """Lay beside each of the last ``count`` frames those that a layer looks at, ``(count, TAPS · width)``."""
    row, column = heard.strides
    steps = (row, spread * row, column)
    taps = np.lib.stride_tricks.as_strided(heard, (count, TAPS, heard.shape[1]), steps, writeable=False)
    return taps.reshape(count, -1)


@cache
def _hann() -> Floats:
    return np.asarray(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW), dtype=np.float32)


@cache
def _mean() -> Floats:
    """Give what levels are multiplied by for their mean, ``(BANDS, 1)``: faster than to ask NumPy for it."""
    return np.full((BANDS, 1), 1 / BANDS, np.float32)


@cache
def _filters() -> Floats:
    """Give the bands' filters ``(bins, bands)``, each of which sums to 1."""
    filters = mel_filters(MEL, FOURIER)[:, :BANDS]
    return np.ascontiguousarray(filters / filters.sum(axis=0), dtype=np.float32)


@cache
def _waves() -> Floats:
    """Give for bins 60 Hz to 4 kHz, ``(bins, LAGS)``, cosines that are in step with the harmonics of each pitch."""
    periods = RATE / np.geomspace(HIGHEST, LOWEST, LAGS)
    bins = np.arange(2, FOURIER // 4 + 1)
    return np.asarray(np.cos(2 * np.pi * np.outer(bins, periods) / FOURIER), dtype=np.float32)
