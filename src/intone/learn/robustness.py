"""Robustness: what remains of a model's answers in noise, over the telephone, in a room, and at another level."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from intone.errors import SoundError
from intone.hear import audio
from intone.hear.audio import RATE, Samples, Waveform
from intone.learn import augment, codecs
from intone.learn.answers import Whole
from intone.learn.splits import Mask

PER_EMOTION = 20
"""The most utterances of each emotion that are heard: each condition costs all their features anew."""
SEED = 7
BATCH = 64
"""How many sounds are heard at a time."""
ROOM_SECONDS, ROOM_LEVEL = 0.6, 0.7
"""Reverberation time (RT60) of the room, and how loud its echo is beside the direct sound."""
OPUS_BITS = 12_000
"""Bit/s: what a voice message is sent at where the network is poor."""
REFUSED = -1
"""The answer to a sound of which a change left nothing that can be heard."""

Hear = Callable[[Sequence[Waveform]], NDArray[Any]]
"""Gives logits ``(sounds, labels)``."""


@dataclass(frozen=True)
class Condition:
    """A change of the sound: what it is called, and what it does."""

    title: str
    change: Callable[[Samples, np.random.Generator], Samples]


@dataclass(frozen=True)
class Row:
    """What was scored under one condition; ``changed`` is the share of answers unlike those to the clean sound."""

    condition: str
    ua: float
    accuracy: float
    changed: float


@dataclass(frozen=True)
class Robustness:
    """A model's answers under every condition, the clean sound first.

    Attributes
    ----------
    tested_on : str
        Whose utterances these are.
    utterances, speakers : int
        How many.
    rows : tuple of Row
        One for each condition.
    missing : tuple of str
        Conditions that this machine cannot make, each in a sentence.
    """

    tested_on: str
    utterances: int
    speakers: int
    rows: tuple[Row, ...]
    missing: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Give a dictionary for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> "Robustness":
        """Read it back from its dictionary."""
        rows = tuple(Row(**row) for row in stored["rows"])
        return cls(**{**stored, "rows": rows, "missing": tuple(stored["missing"])})


def noise(decibels: float) -> Callable[[Samples, np.random.Generator], Samples]:
    """Give what adds pink noise, as of most rooms, ``decibels`` below the sound."""

    def add(samples: Samples, generator: np.random.Generator) -> Samples:
        spectrum = np.fft.rfft(generator.standard_normal(len(samples)))
        spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))  # power falls with frequency
        spectrum[0] = 0
        return augment.at_snr(samples, np.fft.irfft(spectrum, len(samples)).astype(np.float32), decibels)

    return add


def gain(decibels: float) -> Callable[[Samples, np.random.Generator], Samples]:
    """Give what makes a sound louder by ``decibels``, without clipping."""

    def amplify(samples: Samples, _generator: np.random.Generator) -> Samples:
        return (samples * 10 ** (decibels / 20)).astype(np.float32)

    return amplify


def room(samples: Samples, generator: np.random.Generator) -> Samples:
    """Put it into a room whose echo, noise that dies away, falls by 60 dB in 0.6 s."""
    length = int(ROOM_SECONDS * RATE)
    echo = generator.standard_normal(length) * 10 ** (-3 * np.arange(length) / length)
    echo *= ROOM_LEVEL / np.sqrt(np.sum(echo**2))
    echo[0] += 1
    return np.asarray(fftconvolve(samples, echo)[: len(samples)], dtype=np.float32)


def opus(samples: Samples, _generator: np.random.Generator) -> Samples:
    """Send it through Opus at 12 kbit/s."""
    return codecs.opus(samples, OPUS_BITS)


CLEAN = "clean"
CONDITIONS: dict[str, Condition] = {
    "noise-20": Condition("noise, 20 dB below the voice", noise(20)),
    "noise-10": Condition("noise, 10 dB below the voice", noise(10)),
    "noise-0": Condition("noise as loud as the voice (0 dB)", noise(0)),
    "telephone": Condition("telephone band, 300 to 3400 Hz", augment.telephone),
    "opus": Condition("Opus at 12 kbit/s", opus),
    "room": Condition("room that echoes for 0.6 s", room),
    "quieter": Condition("20 dB quieter", gain(-20)),
    "louder": Condition("20 dB louder", gain(20)),
}


def missing() -> dict[str, str]:
    """Say which conditions this machine cannot make, and why."""
    if codecs.has_opus():
        return {}
    return {"opus": "Opus was left out: the libsndfile of this machine cannot encode it."}


def sample(table: pd.DataFrame, rows: Mask, *, most: int = PER_EMOTION) -> NDArray[np.intp]:
    """Choose at most ``most`` utterances of each emotion among ``rows``, spread over the speakers by chance.

    Parameters
    ----------
    table : pandas.DataFrame
        One row an utterance, with its ``emotion``.
    rows : numpy.ndarray of bool
        The test utterances.
    most : int, default 20
        Of each emotion.

    Returns
    -------
    numpy.ndarray of int
        Rows of the table, in its order; the same each time.
    """
    generator = np.random.default_rng(SEED)
    emotions = table["emotion"].to_numpy()
    chosen = [
        generator.permutation(np.flatnonzero(rows & (emotions == emotion)))[:most] for emotion in sorted(set(emotions))
    ]
    return np.sort(np.concatenate(chosen))


def measure(hear: Hear, paths: Sequence[Path], truth: Whole, *, tested_on: str, speakers: int) -> Robustness:
    """Let a model hear sounds under every condition.

    Parameters
    ----------
    hear : callable
        The model: from waveforms to logits.
    paths : sequence of pathlib.Path
        The sounds; each has been heard before, so that none is refused as it is.
    truth : numpy.ndarray of int64, shape (sounds,)
        The right labels.
    tested_on : str
        Whose utterances these are.
    speakers : int
        How many speakers they have.

    Returns
    -------
    Robustness
        The same each time: what is drawn depends on the sound and the condition alone.
    """
    sounds = [audio.load(path).samples for path in paths]
    clean = answers_to(hear, sounds)
    rows = [_row(CLEAN, clean, clean, truth)]
    impossible = missing()
    for number, (name, condition) in enumerate(CONDITIONS.items()):
        if name not in impossible:
            changed = [condition.change(samples, _generator(samples, number)) for samples in sounds]
            rows.append(_row(condition.title, answers_to(hear, changed), clean, truth))
    return Robustness(tested_on, len(sounds), speakers, tuple(rows), tuple(impossible.values()))


def _generator(samples: Samples, condition: int) -> np.random.Generator:
    """Give a generator that depends on the sound, and not on the order in which sounds come."""
    return np.random.default_rng([int(hashlib.sha256(samples.tobytes()).hexdigest()[:15], 16), condition])


def answers_to(hear: Hear, sounds: Sequence[Samples]) -> Whole:
    """Give the answers as indices; :data:`REFUSED` to a sound that a change left too little of to be heard."""
    given = np.full(len(sounds), REFUSED, dtype=np.int64)
    for start in range(0, len(sounds), BATCH):
        batch: dict[int, Waveform] = {}
        for number, samples in enumerate(sounds[start : start + BATCH], start):
            try:
                batch[number] = Waveform(samples)
            except SoundError:  # the change left nothing to hear, which counts as a wrong answer
                continue
        if batch:
            given[list(batch)] = hear(list(batch.values())).argmax(axis=1)
    return given


def _row(title: str, given: Whole, clean: Whole, truth: Whole) -> Row:
    right = given == truth
    recalls = [right[truth == label].mean() for label in np.unique(truth)]
    return Row(title, float(np.mean(recalls)), float(right.mean()), float((given != clean).mean()))
