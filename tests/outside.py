"""Sounds that are no speech, made: what a recogniser of emotions should be unsure of."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from intone.hear.audio import RATE

Samples = NDArray[np.float32]
Wide = NDArray[np.float64]


def sounds(seed: int) -> dict[str, Samples]:
    """Make twenty kinds of sound of 2 to 4 s, at one level."""
    random = np.random.default_rng(seed)
    count = int(random.uniform(2, 4) * RATE)
    times = np.arange(count) / RATE
    seconds = count / RATE
    white = random.normal(0, 1, count)
    spectrum, hertz = np.fft.rfft(white), np.maximum(np.fft.rfftfreq(count, 1 / RATE), 20)
    pink, brown = (_level(np.fft.irfft(spectrum / hertz**slope, count)) for slope in (0.5, 1))
    place = np.minimum((times / seconds * 8).astype(int), 7)
    notes = 220 * 2 ** (random.integers(0, 24, 8) / 12)

    def tone(pitch: float | NDArray[np.floating[Any]]) -> Wide:
        return np.asarray(np.sin(2 * np.pi * np.cumsum(np.broadcast_to(pitch, count)) / RATE))

    def harmonics(pitch: float | Wide, orders: int) -> Wide:
        return np.asarray(np.sum([tone(pitch * order) / order for order in range(1, orders + 1)], axis=0))

    def struck(times_a_second: float, decay: float) -> Wide:
        return np.asarray(np.exp(-((times * times_a_second) % 1) * decay))

    melody = harmonics(notes[place], 5)
    key = np.exp(-np.arange(400) / 60)
    made = {
        "white noise": white, "pink noise": pink, "brown noise": brown, "wind": brown * (1 + 0.8 * tone(0.4)),
        "rain": white * (random.random(count) < 0.02) + 0.1 * white, "hum": harmonics(50.0, 5),
        "engine": brown + harmonics(30.0, 11), "beeps": tone(1000.0) * ((times * 2) % 1 < 0.3),
        "dialling": (tone(697.0 + 77 * (place % 3)) + tone(1209.0 + 130 * (place % 2))) * ((times * 4) % 1 < 0.6),
        "sweep": tone(200 * 2 ** (4 * times / seconds)), "siren": tone(700 + 300 * tone(0.5)),
        "fax": tone(1100.0 + 1000 * np.repeat(random.integers(0, 2, count // 50 + 1), 50)[:count]),
        "chord": np.sum([tone(notes[0] * ratio) for ratio in (1, 1.26, 1.5, 2)], axis=0) * struck(1, 3),
        "bell": np.sum([tone(440 * ratio) for ratio in (1, 2.76, 5.4, 8.9)], axis=0) * struck(0.7, 4),
        "melody": melody * struck(8 / seconds, 3),
        "band": melody * struck(8 / seconds, 3) + 0.5 * white * struck(4, 30) + harmonics(55.0, 2),
        "clicks": white * struck(5, 300), "cough": pink * struck(1.3, 12),
        "keyboard": np.convolve(white * (random.random(count) < 0.0006), key, "same"),
        "crowd": np.sum([_voice(np.random.default_rng([seed, each]), times) for each in range(12)], axis=0),
    }  # fmt: skip
    hiss = random.normal(0, 1e-4, count)
    return {name: (0.1 * _level(sound) + hiss).astype(np.float32) for name, sound in made.items()}


def others(seed: int) -> dict[str, Samples]:
    """Make thirteen further kinds, which had no part in choosing how strangeness is measured."""
    random = np.random.default_rng(1000 + seed)
    count = int(random.uniform(2, 4) * RATE)
    times = np.arange(count) / RATE
    white = random.normal(0, 1, count)

    def tone(pitch: float | NDArray[np.floating[Any]]) -> Wide:
        return np.asarray(np.sin(2 * np.pi * np.cumsum(np.broadcast_to(pitch, count)) / RATE))

    def saw(pitch: float | NDArray[np.floating[Any]], orders: int) -> Wide:
        return np.asarray(np.sum([tone(pitch * order) / order for order in range(1, orders + 1)], axis=0))

    def struck(times_a_second: float, decay: float) -> Wide:
        return np.asarray(np.exp(-((times * times_a_second) % 1) * decay))

    guitar = np.concatenate(
        [_plucked(pitch, count // 6, random) for pitch in random.choice([110, 147, 196, 247, 330], 6)]
    )
    pitch = random.uniform(150, 300)
    sung = np.zeros(count)
    for order in range(1, 25):
        near = sum(np.exp(-(((order * pitch - formant) / 200) ** 2)) for formant in (600, 1100, 2500))
        sung += near * tone(order * pitch * (1 + 0.02 * np.sin(2 * np.pi * 5 * times))) / order
    made = {
        "whistle": tone(1500 + 200 * np.sin(2 * np.pi * 2 * times)), "guitar": np.pad(guitar, (0, count - len(guitar))),
        "drum roll": 0.5 * white * struck(14, 6) + tone(80.0) * struck(14, 5), "claps": white * struck(2.5, 60),
        "bark": (saw(350 * np.exp(-((times * 1.5) % 1) * 2), 11) + 0.5 * white) * struck(1.5, 9),
        "organ": saw(131.0, 7) + saw(165.0, 7) + saw(196.0, 7), "sung vowel": sung, "laugh": sung * struck(5, 5),
        "cricket": tone(4500.0) * (np.sin(2 * np.pi * 30 * times) > 0) * ((times * 2) % 1 < 0.5),
        "drops": (tone(1000.0) + tone(1500.0)) * struck(3, 40), "vacuum cleaner": 0.3 * white + saw(240.0, 9),
        "violin": saw(440 * (1 + 0.01 * np.sin(2 * np.pi * 6 * times)), 19),
        "traffic": np.convolve(white, np.ones(200) / 200, "same") * (1 + 0.9 * np.sin(2 * np.pi * 0.3 * times)),
    }  # fmt: skip
    hiss = random.normal(0, 1e-4, count)
    return {name: (0.1 * _level(sound) + hiss).astype(np.float32) for name, sound in made.items()}


def _plucked(pitch: float, count: int, random: np.random.Generator) -> Wide:
    """Pluck a string (Karplus and Strong 1983)."""
    string = random.normal(0, 1, int(RATE / pitch))
    heard = np.zeros(count)
    for place in range(count):
        here, beside = place % len(string), (place + 1) % len(string)
        heard[place] = string[here]
        string[here] = 0.498 * (string[here] + string[beside])
    return heard


def _level(sound: Wide) -> Wide:
    return np.asarray(sound / np.std(sound))


def _voice(random: np.random.Generator, times: Wide) -> Wide:
    """Make one voice of a crowd: harmonics below two formants, in syllables."""
    glide = np.sin(2 * np.pi * random.uniform(0.3, 2) * times + random.uniform(0, 6))
    pitch = random.uniform(90, 260) * 2 ** (0.2 * glide)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    sung = np.zeros_like(times)
    for order in range(1, 25):
        near = sum(np.exp(-(((order * pitch.mean() - formant) / 400) ** 2)) for formant in (500, 1500))
        sung += near * np.sin(order * phase) / order
    return np.asarray(sung * np.maximum(np.sin(2 * np.pi * random.uniform(2, 5) * times + random.uniform(0, 6)), 0))
