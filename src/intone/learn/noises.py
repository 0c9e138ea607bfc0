"""Sounds that are no speech, made anew by a seed: what the detector of speech learns to let pass.

Each is a function of how many samples at 16 kHz it shall make, and a generator that decides all else; its level means
nothing. :data:`HELD_OUT` is for tests: no detector that ships has learned from these kinds.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from intone.hear.audio import RATE

Wide = NDArray[np.float64]
Random = np.random.Generator
WAVE = 4096
"""Samples of one period in a table of a wave; the steps between them lie 60 dB below it, as noises do anyway."""


def coloured(count: int, random: Random) -> Wide:
    """Make noise whose spectrum falls by a power of the frequency, from white to brown, some with a hump."""
    shape_of = np.maximum(np.fft.rfftfreq(count, 1 / RATE), 30)
    shape = shape_of ** -random.uniform(0, 1.2)
    if random.random() < 0.5:
        shape = shape * (1 + 10 * np.exp(-(np.log2(shape_of / random.uniform(100, 4000)) ** 2) * 4))
    return _shaped(shape, count, random)


def _shaped(shape: Wide, count: int, random: Random) -> Wide:
    noise = np.fft.irfft(np.fft.rfft(random.normal(size=count)) * shape, count)
    return np.asarray(noise / noise.std())


def _band(count: int, random: Random) -> Wide:
    """Make noise of one band, half an octave to four octaves wide."""
    hertz = np.maximum(np.fft.rfftfreq(count, 1 / RATE), 1)
    away = np.log2(hertz / random.uniform(150, 5000)) / random.uniform(0.25, 2)
    return _shaped(np.exp(-0.5 * away**2), count, random)


def harmonics(hertz: Wide, orders: int, *, slope: float = 1.0) -> Wide:
    """Make a tone of a gliding pitch ``(samples,)`` with harmonics that fall by a power of their order."""
    phase = np.arange(WAVE) * (2 * np.pi / WAVE)
    wave = np.sum([np.sin(order * phase) / order**slope for order in range(1, orders + 1)], axis=0)
    place = np.cumsum(hertz) * (WAVE / RATE)
    return np.asarray(wave[place.astype(np.int64) % WAVE])


def events(count: int, random: Random, a_second: float) -> Wide:
    """Give 1 where something happens, at random moments so often a second, and else 0."""
    return (random.random(count) < a_second / RATE).astype(np.float64)


def convolved(struck: Wide, answer: Wide) -> Wide:
    """Let each event sound as ``answer`` does."""
    size = len(struck) + len(answer)
    return np.asarray(np.fft.irfft(np.fft.rfft(struck, size) * np.fft.rfft(answer, size), size)[: len(struck)])


def _swelling(count: int, random: Random) -> Wide:
    beats = np.sin(2 * np.pi * random.uniform(0.05, 1) * np.arange(count) / RATE)
    return coloured(count, random) * (1 + random.uniform(0, 0.8) * beats)


def _wind(count: int, random: Random) -> Wide:
    """Make gusts: deep noise whose strength wanders."""
    gusts = np.arange(0, count + RATE, int(random.uniform(0.15, 1) * RATE))
    slow = np.interp(np.arange(count), gusts, random.normal(size=len(gusts)))
    hertz = np.maximum(np.fft.rfftfreq(count, 1 / RATE), 20)
    return _shaped(hertz ** -random.uniform(0.8, 1.8), count, random) * np.exp(random.uniform(0.3, 1.5) * slow)


def _hum(count: int, random: Random) -> Wide:
    pitch = np.full(count, float(random.choice([50, 60, 100, 120])))
    return harmonics(pitch, int(random.integers(2, 20)), slope=random.uniform(0.3, 2))


def _clicks(count: int, random: Random) -> Wide:
    struck = random.normal(size=count) * events(count, random, random.uniform(0.5, 6))
    answer = np.exp(-np.arange(4000) / random.uniform(20, 800))
    if random.random() < 0.5:
        answer = answer * random.normal(size=len(answer))
    return np.asarray(convolved(struck, answer) + 0.02 * random.normal(size=count))


def _keyboard(count: int, random: Random) -> Wide:
    """Make keys being struck in bursts, each going down and up."""
    typing = np.repeat(random.random(count // RATE + 1) < 0.6, RATE)[:count]
    struck = events(count, random, random.uniform(4, 12)) * typing * random.uniform(0.3, 1, count)
    struck[1600:] += 0.4 * struck[:-1600]
    key = random.normal(size=1200) * np.exp(-np.arange(1200) / random.uniform(30, 250))
    return convolved(struck, key)


def _thuds(count: int, random: Random) -> Wide:
    """Make doors, steps and what falls to the floor: short deep noise, some with the ring of a board."""
    times = np.arange(RATE) / RATE
    answer = np.cumsum(random.normal(size=RATE)) * np.exp(-times / random.uniform(0.02, 0.15)) / 30
    answer += np.sin(2 * np.pi * random.uniform(60, 400) * times) * np.exp(-times / random.uniform(0.02, 0.2))
    struck = random.normal(size=count) * events(count, random, random.uniform(0.2, 2))
    return convolved(struck, answer)


def _bursts(count: int, random: Random) -> Wide:
    """Make breaths, coughs, rustling and splashes: noise that rises and dies away."""
    rise, fall = np.exp(random.uniform(np.log(0.002), np.log(0.3), 2))
    times = np.arange(int(min(1.5, 6 * (rise + fall)) * RATE)) / RATE
    hill = (1 - np.exp(-times / rise)) * np.exp(-times / fall)
    strength = convolved(random.uniform(0.2, 1, count) * events(count, random, random.uniform(0.4, 4)), hill)
    return strength * (_band(count, random) + 0.5 * coloured(count, random))


def _machine(count: int, random: Random) -> Wide:
    wavering = np.sin(2 * np.pi * random.uniform(0.1, 3) * np.arange(count) / RATE)
    pitch = random.uniform(20, 300) * (1 + 0.02 * wavering)
    turning = harmonics(pitch, int(random.integers(5, 30)), slope=random.uniform(0.2, 1.5))
    return turning + random.uniform(0.1, 2) * coloured(count, random)


def _notes(count: int, random: Random) -> Wide:
    """Make music of a kind: tones and chords that begin, last and fade, some over a beat."""
    length = int(random.uniform(0.1, 1.0) * RATE)
    number = -(-count // length)
    pitch = np.repeat(random.choice([110, 220, 440]) * 2 ** (random.integers(0, 24, number) / 12), length)[:count]
    pitch = pitch * (1 + random.uniform(0, 0.01) * np.sin(2 * np.pi * 5.5 * np.arange(count) / RATE))
    fade = np.exp(-np.resize(np.arange(length) / length, count) * random.uniform(0, 6))
    chord = random.choice([1, 3])
    slope = random.uniform(0.5, 2)
    tones = [harmonics(pitch * ratio, int(random.integers(1, 12)), slope=slope) for ratio in (1, 1.26, 1.5)[:chord]]
    rests = np.repeat(random.random(number) < random.uniform(0.5, 1), length)[:count]
    music = np.sum(tones, axis=0) * fade * rests
    if random.random() < 0.3:
        beat = np.exp(-np.resize(np.arange(length) / length, count) * random.uniform(5, 40))
        music = music + random.uniform(0.1, 1) * beat * random.normal(size=count)
    return np.asarray(music)


def _beeps(count: int, random: Random) -> Wide:
    """Make what devices and telephones signal with: one tone or two, on and off."""
    a_second, share = random.uniform(0.3, 5), random.uniform(0.1, 0.8)
    on = (np.arange(count) * (a_second / RATE)) % 1 < share
    number = int(count * a_second / RATE) + 1
    step = np.minimum((np.arange(count) * (a_second / RATE)).astype(np.int64), number - 1)
    first, second = random.uniform(400, 3000, (2, number if random.random() < 0.4 else 1))
    tones = [harmonics(np.resize(each, number)[step], int(random.integers(1, 4))) for each in (first, second)]
    tone = tones[0] + float(random.random() < 0.4) * tones[1]
    if random.random() < 0.3:  # a bell that is struck so many times a second, as in a ringing telephone
        tone = tone * (np.sin(2 * np.pi * random.uniform(12, 30) * np.arange(count) / RATE) > 0)
    return np.asarray(tone * np.convolve(on, np.ones(80) / 80, "same"))


TRAINING: dict[str, Callable[[int, Random], Wide]] = {
    "beeps": _beeps,
    "bursts": _bursts,
    "clicks": _clicks,
    "coloured": _swelling,
    "hum": _hum,
    "keyboard": _keyboard,
    "machine": _machine,
    "notes": _notes,
    "thuds": _thuds,
    "wind": _wind,
}
"""Kinds that a detector learns from, by name."""


def _rain(count: int, random: Random) -> Wide:
    drop = random.normal(size=160) * np.exp(-np.arange(160) / 25)
    return convolved(random.normal(size=count) * events(count, random, 300), drop) + 0.05 * random.normal(size=count)


def _siren(count: int, random: Random) -> Wide:
    glide = np.sin(2 * np.pi * random.uniform(0.2, 0.8) * np.arange(count) / RATE)
    return harmonics(800 * 2 ** (0.5 * glide), 4)


def _bell(count: int, random: Random) -> Wide:
    times = np.arange(2 * RATE) / RATE
    pitch = random.uniform(300, 700)
    rings = [np.sin(2 * np.pi * pitch * ratio * times) * np.exp(-times * ratio) for ratio in (1, 2.76, 5.4, 8.9)]
    return convolved(events(count, random, 0.7), np.sum(rings, axis=0))


def _crickets(count: int, random: Random) -> Wide:
    times = np.arange(count) / RATE
    chirps = (np.sin(2 * np.pi * 30 * times) > 0) * ((times * random.uniform(1, 3)) % 1 < 0.5)
    return np.asarray(np.sin(2 * np.pi * random.uniform(3500, 5000) * times) * chirps)


def _saw(count: int, random: Random) -> Wide:
    strokes = np.maximum(np.sin(2 * np.pi * random.uniform(1, 2) * np.arange(count) / RATE), 0)
    return strokes * (_band(count, random) * harmonics(np.full(count, random.uniform(60, 120)), 20, slope=0.3))


HELD_OUT: dict[str, Callable[[int, Random], Wide]] = {
    "bell": _bell,
    "crickets": _crickets,
    "rain": _rain,
    "saw": _saw,
    "siren": _siren,
}
"""Kinds that a detector is tested with, by name."""
