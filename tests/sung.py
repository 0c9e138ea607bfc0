"""A small corpus that the tests sing themselves: each emotion is a melody that a network can learn in seconds."""

from pathlib import Path

import numpy as np
import soundfile

EMOTIONS = ("angry", "disgust", "fear", "happy", "neutral", "ps", "sad")
WORDS = ("back", "bar", "base", "bath", "bean", "beg", "bite", "boat")
RATE = 16_000


def sung(emotion: int, speaker: int, word: int) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    """Give 0.4 s of a tone with overtones; pitch tells the emotion, its fine tuning speaker and word."""
    generator = np.random.default_rng([emotion, speaker, word])
    times = np.arange(int(0.4 * RATE)) / RATE
    pitch = 110 * 1.4**emotion * (1 + 0.02 * speaker + 0.003 * word)
    tone = sum(np.sin(2 * np.pi * pitch * k * times) / k for k in (1, 2, 3))
    return np.asarray(0.2 * tone + 0.01 * generator.standard_normal(len(times)))


def sing(root: Path) -> None:
    """Write a folder ``tess`` of 112 recordings with the names of TESS, by two speakers."""
    for number, speaker in enumerate(("OAF", "YAF")):
        for code, emotion in enumerate(EMOTIONS):
            folder = root / "tess" / f"{speaker}_{emotion}"
            folder.mkdir(parents=True)
            for index, word in enumerate(WORDS):
                soundfile.write(folder / f"{speaker}_{word}_{emotion}.wav", sung(code, number, index), RATE)


RECIPE = """
name = "sung"

[corpora]
names = ["tess"]

[features]
recipe = "mfcc40"

[network]
kind = "lstm"
units = 8
dense = [16]
dropout = 0.1

[split]
protocol = "random"
test = 0.25
validation = 0.2
beside = "leave-one-speaker-out"

[training]
epochs = 3
batch = 16
learning_rate = 0.01
seeds = [5]
"""
