"""Trains the detector of speech, on speech of the corpora over noise that is made.

Run as ``python -m intone.learn.activity --corpora CORPORA``: it writes the weights that come with Intone
(:mod:`intone.hear.voice`). It learns from the speakers that the model which ships has trained on, so that the speakers
who test that one are new to it too. What is speech in a recording is told by its level, while it is clean.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from intone import corpora
from intone.features import prepare
from intone.hear import audio, loading, voice
from intone.hear.audio import RATE
from intone.learn import augment

Floats = NDArray[np.float32]
Wide = NDArray[np.float64]

SCENES, SCENE_SECONDS = 800, 16
UTTERANCES = 260
"""Most utterances of a corpus, drawn from all its speakers."""
HIDDEN = (48, 24)
EPOCHS, BATCH, RATE_OF_LEARNING = 6, 1024, 0.002
BELOW_DB, ABOVE_FLOOR_DB = 35.0, 8.0
"""A frame is speech that lies no further below the utterance's loudest, and so far above its quietest."""
CLOSED = 15
"""Frames: a shorter gap within speech is speech, a stop consonant for instance."""
CLICK = 8
"""Frames: what is shorter and by itself is a click of the lips or the table."""


def spoken_frames(samples: Floats) -> NDArray[np.bool_]:
    """Tell which frames of a clean recording are speech, by their level.

    Examples
    --------
    >>> sound = np.zeros(16_000, np.float32)
    >>> sound[4_800:8_000] = 0.5
    >>> np.flatnonzero(spoken_frames(sound))[[0, -1]].tolist()
    [30, 49]
    """
    frames = np.pad(samples, (0, -len(samples) % voice.FRAME)).reshape(-1, voice.FRAME)
    level = 10 * np.log10(np.square(frames, dtype=np.float64).mean(axis=1) + 1e-12)
    least = max(level.max() - BELOW_DB, min(np.quantile(level, 0.05), level.max() - 20) + ABOVE_FLOOR_DB)
    spoken = level >= least
    for (_, end), (start, _) in pairwise(_runs(spoken)):
        if start - end <= CLOSED:
            spoken[end:start] = True
    for start, end in _runs(spoken):
        if end - start < CLICK:
            spoken[start:end] = False
    return np.asarray(spoken)


def _runs(spoken: NDArray[np.bool_]) -> list[list[int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], spoken, [False]]).astype(int)))
    found: list[list[int]] = edges.reshape(-1, 2).tolist()
    return found


class Scenes:
    """Stretches of noise in which somebody speaks, or nobody, and what of them is speech."""

    def __init__(self, speech: Sequence[Floats], seed: int) -> None:
        self._speech, self._seed = speech, seed
        self._spoken = [spoken_frames(samples) for samples in speech]

    def made(self, number: int) -> tuple[Floats, NDArray[np.bool_]]:
        """Make a scene: sound ``(samples,)`` of whole ticks, and for each frame whether it is speech."""
        random = np.random.default_rng([self._seed, number])
        count = SCENE_SECONDS * RATE
        sound, spoken = np.zeros(count, np.float32), np.zeros(count // voice.FRAME, np.bool_)
        at = 0 if random.random() < 0.1 else self._pause(random)
        at = count if random.random() < 0.1 else at  # nobody speaks
        own = int(random.integers(len(self._speech)))
        while at < count:
            own = int(random.integers(len(self._speech))) if random.random() < 0.7 else own
            samples, frames = self._speech[own], self._spoken[own]
            if at + len(samples) > count:
                break
            gain = 10 ** (random.uniform(-6, 6) / 20)
            sound[at : at + len(samples)] += gain * samples / np.abs(samples).max()
            first = at // voice.FRAME
            spoken[first : first + len(frames)] |= frames[: len(spoken) - first]
            at += -(-len(samples) // voice.FRAME) * voice.FRAME + self._pause(random)
        if spoken.any() and random.random() < 0.25:
            change = (augment.reverberation, augment.telephone)[int(random.integers(2))]
            sound = change(sound, random)[:count]
        return self._over_noise(sound, spoken, random), spoken

    @staticmethod
    def _pause(random: np.random.Generator) -> int:
        seconds = random.uniform(0, 0.3) if random.random() < 0.2 else random.uniform(0.3, 3)
        return int(seconds * RATE) // voice.FRAME * voice.FRAME

    def _over_noise(self, sound: Floats, spoken: NDArray[np.bool_], random: np.random.Generator) -> Floats:
        active = np.repeat(spoken, voice.FRAME)[: len(sound)]
        loud = float(np.sqrt(np.square(sound[active], dtype=np.float64).mean())) if active.any() else 0.1
        for _ in range(int(random.integers(1, 4))):
            kind = KINDS[int(random.integers(len(KINDS)))]
            below = random.uniform(-3, 35) if kind != "babble" else random.uniform(5, 35)
            added = self._noise(kind, len(sound), random)
            level = loud * 10 ** (-below / 20) / max(added.std(), 1e-9)
            sound = sound + (level * added * _when(len(sound), random)).astype(np.float32)
        room = 10 ** (random.uniform(-90, -55) / 20)
        sound = sound + room * random.normal(size=len(sound)).astype(np.float32)
        sound = sound * np.float32(10 ** (random.uniform(-45, 0) / 20) / max(np.abs(sound).max(), 1e-9))
        if random.random() < 0.05:
            sound = np.clip(4 * sound, -1, 1)
        return np.asarray(sound + random.uniform(-0.01, 0.01) * (random.random() < 0.1), dtype=np.float32)

    def _noise(self, kind: str, count: int, random: np.random.Generator) -> Wide:
        if kind == "babble":
            voices = [self._speech[row] for row in random.integers(len(self._speech), size=int(random.integers(6, 12)))]
            return np.asarray(np.sum([np.resize(samples / samples.std(), count) for samples in voices], axis=0))
        return NOISES[kind](count, random)


def _when(count: int, random: np.random.Generator) -> Wide:
    """Say how strong a noise is at each moment: half of them are there throughout, others come and go."""
    if random.random() < 0.5:
        return np.ones(count)
    length = int(random.uniform(0.3, 6) * RATE)
    on = np.repeat(random.random(-(-count // length)) < 0.5, length)[:count].astype(np.float64)
    soft = int(random.choice([40, 800, 8000]))
    return np.asarray(np.convolve(on, np.ones(soft) / soft, "same"))


def coloured(count: int, random: np.random.Generator) -> Wide:
    """Make noise whose spectrum falls by a power of the frequency, from white to brown, some with a hump."""
    spectrum = np.fft.rfft(random.normal(size=count))
    hertz = np.maximum(np.fft.rfftfreq(count, 1 / RATE), 30)
    shape = hertz ** -random.uniform(0, 1.2)
    if random.random() < 0.5:
        shape = shape * (1 + 10 * np.exp(-(np.log2(hertz / random.uniform(100, 4000)) ** 2) * 4))
    noise = np.fft.irfft(spectrum * shape, count)
    return np.asarray(noise / noise.std())


def harmonics(hertz: Wide, orders: int) -> Wide:
    """Make a tone of a gliding pitch ``(samples,)`` with harmonics."""
    phase = 2 * np.pi * np.cumsum(hertz) / RATE
    return np.asarray(np.sum([np.sin(order * phase) / order for order in range(1, orders + 1)], axis=0))


def _swelling(count: int, random: np.random.Generator) -> Wide:
    beats = np.sin(2 * np.pi * random.uniform(0.05, 1) * np.arange(count) / RATE)
    return coloured(count, random) * (1 + random.uniform(0, 0.8) * beats)


def _hum(count: int, random: np.random.Generator) -> Wide:
    return harmonics(np.full(count, random.choice([50, 60, 100, 120])), int(random.integers(2, 20)))


def _clicks(count: int, random: np.random.Generator) -> Wide:
    struck = random.normal(size=count) * (random.random(count) < 3 / RATE)
    heard = np.convolve(struck, np.exp(-np.arange(2000) / random.uniform(40, 800)), "same")
    return np.asarray(heard + 0.02 * random.normal(size=count))


def _machine(count: int, random: np.random.Generator) -> Wide:
    wavering = np.sin(2 * np.pi * random.uniform(0.1, 3) * np.arange(count) / RATE)
    turning = harmonics(random.uniform(20, 300) * (1 + 0.02 * wavering), int(random.integers(5, 30)))
    return turning + random.uniform(0.1, 2) * coloured(count, random)


def _notes(count: int, random: np.random.Generator) -> Wide:
    """Make music of a kind, or a telephone: tones and chords that begin, last and fade."""
    length = int(random.uniform(0.1, 1.0) * RATE)
    number = -(-count // length)
    pitch = np.repeat(random.choice([110, 220, 440]) * 2 ** (random.integers(0, 24, number) / 12), length)[:count]
    fade = np.exp(-np.resize(np.arange(length) / length, count) * random.uniform(0, 6))
    chord = random.choice([1, 3])
    tones = [harmonics(pitch * ratio, int(random.integers(1, 10))) for ratio in (1, 1.26, 1.5)[:chord]]
    rests = np.repeat(random.random(number) < random.uniform(0.5, 1), length)[:count]
    return np.asarray(np.sum(tones, axis=0) * fade * rests)


NOISES: dict[str, Callable[[int, np.random.Generator], Wide]] = {
    "coloured": _swelling,
    "hum": _hum,
    "clicks": _clicks,
    "notes": _notes,
    "machine": _machine,
    "none": lambda count, _: np.zeros(count),
}
KINDS = ("coloured", "hum", "babble", "clicks", "notes", "machine", "none")
"""Those, and a babble of the training's own voices."""


# --- Training ---------------------------------------------------------------------------------------------------------


def speech(root: Path, *, seed: int) -> list[Floats]:
    """Give utterances of speakers whom the model that ships has trained on, each corpus alike."""
    known, random = set(loading.load().card.speakers), np.random.default_rng(seed)
    found: list[Floats] = []
    for name in loading.load().card.corpora:
        table = corpora.read(name, root)
        paths = table.loc[table["speaker"].isin(known), "path"].to_numpy()
        found += [_trimmed(path) for path in random.choice(paths, min(UTTERANCES, len(paths)), replace=False)]
    return found


def _trimmed(path: str) -> Floats:
    """Give a recording with a quarter of a second around its speech at most: pauses are made here."""
    samples = audio.load(path).samples
    sounding = prepare.sounding(samples, below_db=45)
    return samples[max(sounding.start - RATE // 4, 0) : sounding.stop + RATE // 4]


def lessons(scenes: Scenes, numbers: Sequence[int]) -> Iterator[tuple[Floats, NDArray[np.bool_]]]:
    """Give for each scene what the network is given ``(frames, numbers)``, and what is true."""
    for number in numbers:
        sound, spoken = scenes.made(number)
        bands = voice.Bands()
        parts = [bands.push(sound[start : start + voice.TICK]) for start in range(0, len(sound), voice.TICK)]
        whole = np.concatenate([np.zeros((voice.PAST, 2 * voice.BANDS), np.float32), *parts])
        count = len(whole) - voice.PAST - voice.AHEAD
        yield voice.context(whole, count), spoken[:count]


def train(root: Path, *, seed: int = 1) -> dict[str, Floats]:
    """Train the detector's network; give its weights as :class:`intone.hear.voice.Detector` takes them."""
    import keras

    keras.utils.set_random_seed(seed)
    scenes = Scenes(speech(root, seed=seed), seed)
    given, truth = (np.concatenate(parts) for parts in zip(*lessons(scenes, range(SCENES)), strict=True))
    mean, deviation = given.mean(axis=0), given.std(axis=0) + 1e-3
    network = keras.Sequential(
        [
            keras.Input((given.shape[1],)),
            *(keras.layers.Dense(width, activation="relu") for width in HIDDEN),
            keras.layers.Dense(1),
        ]
    )
    steps = EPOCHS * len(given) // BATCH
    network.compile(
        optimizer=keras.optimizers.AdamW(keras.optimizers.schedules.CosineDecay(RATE_OF_LEARNING, steps)),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[keras.metrics.BinaryAccuracy(threshold=0.0)],
    )
    network.fit((given - mean) / deviation, truth.astype(np.float32)[:, np.newaxis], BATCH, EPOCHS, verbose=2)
    layers = [layer for layer in network.layers if layer.weights]
    weights = {"mean": mean, "deviation": deviation}
    for number, layer in enumerate(layers, start=1):
        weights[f"kernel_{number}"], weights[f"bias_{number}"] = map(np.asarray, layer.get_weights())
    return weights


def main() -> None:
    """Train, and write the weights."""
    parser = argparse.ArgumentParser(description="Train the detector of speech.")
    parser.add_argument("--corpora", type=Path, required=True, help="the folder of the corpora")
    parser.add_argument("--out", type=Path, required=True, help="the file of weights, voice.npz")
    chosen = parser.parse_args()
    weights = train(chosen.corpora)
    small: dict[str, Any] = {name: values.astype(np.float16) for name, values in weights.items()}
    np.savez_compressed(chosen.out, **small)


if __name__ == "__main__":
    main()
