"""Augmentation: what training hears besides the recordings themselves; a test never does.

Sounds are changed before their features are computed (:func:`heard_anew`), sequences of features when a batch is made
(:func:`cropped`, :func:`masked`).
"""

from collections.abc import Callable

import numpy as np
import soxr
from numpy.typing import NDArray

from intone.errors import unknown
from intone.features.inputs import Inputs
from intone.hear.audio import RATE
from intone.learn import codecs

Samples = NDArray[np.float32]
MASK_SHARE = 0.15
"""The widest mask, as a share of the frames or columns that it is laid over."""
MOST_SEMITONES = 3
"""How far a pitch is shifted; further, and a voice's formants leave the range of human throats."""
WINDOW = 512
"""Samples (32 ms) that a stretched sound is put together from: two periods of the deepest voice, of 62 Hz."""
SEARCH = 256
"""Samples (16 ms) between which the best place for a window is looked for: one such period."""


def noise(samples: Samples, generator: np.random.Generator) -> Samples:
    """Add noise at 5 to 30 dB below the sound; its spectrum falls by a random power of frequency, white to brown."""
    spectrum = np.fft.rfft(generator.standard_normal(len(samples)))
    spectrum[1:] /= np.arange(1, len(spectrum)) ** generator.uniform(0, 1)
    added = np.fft.irfft(spectrum, len(samples))
    return at_snr(samples, added.astype(np.float32), float(generator.uniform(5, 30)))


def at_snr(samples: Samples, added: Samples, decibels: float) -> Samples:
    """Add ``added`` to ``samples`` so that their powers are ``decibels`` apart.

    Examples
    --------
    >>> tone, hiss = np.ones(100, np.float32), np.full(100, 3, np.float32)
    >>> bool(np.allclose(at_snr(tone, hiss, 20), 1.1))
    True
    """
    scale = np.sqrt(np.mean(samples**2) / np.maximum(np.mean(added**2), 1e-12)) * 10 ** (-decibels / 20)
    return np.asarray(samples + scale * added, dtype=np.float32)


def speed(samples: Samples, generator: np.random.Generator) -> Samples:
    """Play it 0.85 to 1.18 times as fast; pitch and formants move with it."""
    return _faster(samples, float(np.exp(generator.uniform(np.log(0.85), np.log(1.18)))))


def tempo(samples: Samples, generator: np.random.Generator) -> Samples:
    """Speak it 0.55 to 1.9 times as fast at the same pitch, but no shorter than half a second."""
    factor = float(np.exp(generator.uniform(np.log(0.55), np.log(1.9))))
    return stretched(samples, max(round(len(samples) / factor), min(len(samples), RATE // 2)))


def pitch(samples: Samples, generator: np.random.Generator) -> Samples:
    """Shift its pitch by up to three semitones, down or up, at the same length; formants move with it."""
    return shifted(samples, float(generator.uniform(-MOST_SEMITONES, MOST_SEMITONES)))


def shifted(samples: Samples, semitones: float) -> Samples:
    """Shift the pitch of a sound, at the same length: play it faster, and stretch what comes out.

    Parameters
    ----------
    samples : numpy.ndarray of float32, shape (samples,)
        At 16 kHz.
    semitones : float
        Above 0 is up; twelve are an octave.

    Returns
    -------
    numpy.ndarray of float32, shape (samples,)
        Every frequency of the sound, times two to the power of ``semitones / 12``.
    """
    return stretched(_faster(samples, 2 ** (semitones / 12)), len(samples))


def _faster(samples: Samples, factor: float) -> Samples:
    return np.asarray(soxr.resample(samples, RATE * factor, RATE), dtype=np.float32)


def stretched(samples: Samples, length: int) -> Samples:
    """Give a sound another length at the same pitch.

    WSOLA (Verhelst and Roelands 1993, doi:10.1109/ICASSP.1993.319366): windows of the sound are laid one over the
    other's end, each taken from near where it belongs, at the place that goes on most like the window before.

    Parameters
    ----------
    samples : numpy.ndarray of float32, shape (samples,)
        At 16 kHz.
    length : int
        How many samples it shall have.

    Returns
    -------
    numpy.ndarray of float32, shape (length,)
        As loud as before.

    Examples
    --------
    >>> tone = np.sin(2 * np.pi * 250 * np.arange(8000) / RATE).astype(np.float32)
    >>> longer = stretched(tone, 10_000)
    >>> len(longer), int(np.abs(np.fft.rfft(longer)).argmax() * RATE / len(longer))
    (10000, 249)
    """
    hop = WINDOW // 2
    fade = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)).astype(np.float32)  # two of them add to one
    around = np.pad(samples, (hop + SEARCH, 2 * WINDOW + SEARCH))
    laid = np.zeros(length + 2 * WINDOW, dtype=np.float32)
    place = SEARCH
    for start in range(0, length + hop, hop):
        first = start * len(samples) // length
        near = around[first : first + WINDOW + 2 * SEARCH]
        if start:
            next_one = around[place + hop : place + hop + WINDOW]
            place = first + int((np.correlate(near, next_one, mode="valid") / _loudness(near)).argmax())
        laid[start : start + WINDOW] += fade * around[place : place + WINDOW]
    return laid[hop : hop + length]


def gain(samples: Samples, generator: np.random.Generator) -> Samples:
    """Make it up to 15 dB quieter or louder, without clipping."""
    return (samples * 10 ** (generator.uniform(-15, 15) / 20)).astype(np.float32)


def telephone(samples: Samples, _generator: np.random.Generator) -> Samples:
    """Keep the telephone's band, 300 to 3400 Hz (ITU-T G.712), with smooth edges."""
    hertz = np.fft.rfftfreq(len(samples), 1 / RATE)
    rise = np.clip((hertz - 200) / 100, 0, 1)
    fall = np.clip((3700 - hertz) / 300, 0, 1)
    return np.fft.irfft(np.fft.rfft(samples) * rise * fall, len(samples)).astype(np.float32)


def equaliser(samples: Samples, generator: np.random.Generator) -> Samples:
    """Raise and lower its octaves by a few dB (with a deviation of 4), and tilt it by up to 2 dB an octave."""
    knots = np.array([60, 250, 500, 1000, 2000, 4000, 8000])
    decibels = generator.normal(0, 4, len(knots)) + generator.uniform(-2, 2) * np.log2(np.maximum(knots, 125) / 1000)
    hertz = np.maximum(np.fft.rfftfreq(len(samples), 1 / RATE), knots[0])
    gains = 10 ** (np.interp(np.log2(hertz), np.log2(knots), decibels) / 20)
    return np.fft.irfft(np.fft.rfft(samples) * gains, len(samples)).astype(np.float32)


def reverberation(samples: Samples, generator: np.random.Generator) -> Samples:
    """Put it into a room: noise that dies away over 0.1 to 0.6 s (RT60) behind the direct sound."""
    decay = float(generator.uniform(0.1, 0.6))
    length = int(decay * RATE)
    tail = generator.standard_normal(length) * 10 ** (-3 * np.arange(length) / length)
    tail *= generator.uniform(0.2, 0.7) / np.sqrt(np.sum(tail**2))
    tail[0] = 1
    size = len(samples) + length
    wet = np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(tail, size), size)
    return wet[: len(samples)].astype(np.float32)


def _loudness(samples: Samples) -> NDArray[np.float64]:
    """Give the norm of each window in a stretch of sound; without it, likeness would favour whatever is louder."""
    energy = np.cumsum(np.concatenate(([0.0], samples.astype(np.float64) ** 2)))
    return np.asarray(np.sqrt(np.maximum(energy[WINDOW:] - energy[:-WINDOW], 0) + 1e-9))


def codec(samples: Samples, generator: np.random.Generator) -> Samples:
    """Send it through a telephone's or messenger's codec: mu-law, GSM full rate, or Opus at 6 to 24 kbit/s."""
    kind = int(generator.integers(4))
    if kind == 0:
        return codecs.mu_law(samples)
    if kind == 1:
        return codecs.gsm(samples)
    return codecs.opus(samples, float(generator.uniform(6_000, 24_000)))


METHODS: dict[str, Callable[[Samples, np.random.Generator], Samples]] = {
    "codec": codec,
    "equaliser": equaliser,
    "gain": gain,
    "noise": noise,
    "pitch": pitch,
    "reverberation": reverberation,
    "speed": speed,
    "telephone": telephone,
    "tempo": tempo,
}
"""Changes of a sound by name; each draws its strength from the generator."""


def check(methods: tuple[str, ...]) -> None:
    """Refuse a name that is none of :data:`METHODS`, before anything is heard.

    Raises
    ------
    UsageError
        There is no method of that name.

    Examples
    --------
    >>> check(("noise", "nois"))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    intone.errors.UsageError: There is no augmentation 'nois'. Did you mean 'noise'? Accepted: codec, ...
    """
    for name in methods:
        if name not in METHODS:
            raise unknown("augmentation", name, METHODS)


def heard_anew(samples: Samples, methods: tuple[str, ...], generator: np.random.Generator) -> Samples:
    """Change a sound by each of the methods in turn, each with even odds.

    Parameters
    ----------
    samples : numpy.ndarray of float32, shape (samples,)
        At 16 kHz.
    methods : tuple of str
        Names of :data:`METHODS`.
    generator : numpy.random.Generator
        Decides everything.

    Raises
    ------
    UsageError
        There is no method of that name.
    """
    check(methods)
    for name in methods:
        if generator.random() < 0.5:
            samples = METHODS[name](samples, generator)
    return samples


def cropped(inputs: Inputs, frames: int, generator: np.random.Generator) -> Inputs:
    """Give sequences of just ``frames`` frames: longer ones are cut at random, shorter ones padded with zeros."""
    if inputs.lengths is None:
        return inputs
    values = np.zeros((len(inputs), frames, inputs.columns), dtype=np.float32)
    for row, whole, length in zip(values, inputs.values, inputs.lengths, strict=True):
        start = int(generator.integers(max(0, int(length) - frames) + 1))
        part = whole[start : min(start + frames, int(length))]
        row[: len(part)] = part
    return Inputs(values, np.minimum(inputs.lengths, frames))


def warped(inputs: Inputs, stretch: float, generator: np.random.Generator) -> Inputs:
    """Stretch or compress spectrograms in time, and over their bands as if each voice were another's.

    Vocal tract length perturbation: Jaitly and Hinton (2013), "Vocal tract length perturbation (VTLP) improves speech
    recognition"; here the whole mel axis is scaled, so that pitch moves with the formants.

    Parameters
    ----------
    inputs : Inputs
        Sequences.
    stretch : float
        Up to which share time is stretched or compressed, 0 to 0.5; the bands by up to half of it. 0 changes nothing.
    generator : numpy.random.Generator
        Decides how far, for each utterance by itself.
    """
    if inputs.lengths is None or not stretch:
        return inputs
    return Inputs.of([
        _scaled(row[: int(length)], *np.exp(generator.uniform(-stretch, stretch, 2) * (1, 0.5)))
        for row, length in zip(inputs.values, inputs.lengths, strict=True)
    ])  # fmt: skip


def _scaled(frames: Samples, time: float, bands: float) -> Samples:
    """Scale the two axes of a spectrogram ``(frames, bands)``, between whose cells it is taken to be straight."""
    for axis, places in (
        (0, np.linspace(0, len(frames) - 1, max(1, round(len(frames) * time)))),
        (1, np.minimum(np.arange(frames.shape[1]) * bands, frames.shape[1] - 1)),
    ):
        low = places.astype(np.intp)
        share = (places - low).astype(np.float32)[(slice(None), np.newaxis) if axis == 0 else np.newaxis]
        high = np.minimum(low + 1, frames.shape[axis] - 1)
        frames = (1 - share) * frames.take(low, axis) + share * frames.take(high, axis)
    return frames


def masked(inputs: Inputs, masks: int, generator: np.random.Generator) -> Inputs:
    """Hide stretches of time and of columns behind the utterance's mean.

    SpecAugment: Park et al. (2019), arXiv:1904.08779.

    Parameters
    ----------
    inputs : Inputs
        Sequences.
    masks : int
        How many masks over time, and how many over the columns, each utterance gets.
    generator : numpy.random.Generator
        Decides where, and how wide: up to 15 % of the utterance or of the columns.
    """
    if inputs.lengths is None or not masks:
        return inputs
    values = inputs.values.copy()
    for row, length in zip(values, inputs.lengths, strict=True):
        own = row[: int(length)]
        mean = own.mean(axis=0)
        for _ in range(masks):
            wide, start = _stretch(len(own), generator)
            own[start : start + wide] = mean
            wide, start = _stretch(own.shape[1], generator)
            own[:, start : start + wide] = mean[start : start + wide]
    return Inputs(values, inputs.lengths)


def _stretch(size: int, generator: np.random.Generator) -> tuple[int, int]:
    wide = int(generator.integers(int(MASK_SHARE * size) + 1))
    return wide, int(generator.integers(size - wide + 1))
