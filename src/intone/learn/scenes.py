"""Scenes: stretches of noise in which somebody speaks, or nobody, and what of them is speech."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from intone.hear import voice
from intone.hear.audio import RATE
from intone.learn import augment, noises

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Wide = NDArray[np.float64]

SECONDS = 16
"""Of a scene, in whole ticks."""
BELOW_DB, ABOVE_FLOOR_DB = 35.0, 8.0
"""A frame is speech that lies no further below the utterance's loudest, and so far above its quietest."""
CLOSED = 15
"""Frames: a shorter gap within speech is speech, a stop consonant for instance."""
CLICK = 8
"""Frames: what is shorter and by itself is a click of the lips or the table."""
BABBLE = "babble"
"""A noise made of many of the scenes' own voices."""
KINDS = (*noises.TRAINING, BABBLE, BABBLE, "coloured", "coloured")
"""From which noises are drawn: the usual ones of rooms and streets more often than others."""


def spoken_frames(samples: Floats) -> Bools:
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


def _runs(spoken: Bools) -> list[list[int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], spoken, [False]]).astype(int)))
    found: list[list[int]] = edges.reshape(-1, 2).tolist()
    return found


class Scenes:
    """Makes scenes of some voices.

    Parameters
    ----------
    speech : sequence of numpy.ndarray of float32, shape (samples,)
        Clean utterances at 16 kHz.
    seed : int
        Of everything that is drawn.
    """

    def __init__(self, speech: Sequence[Floats], seed: int) -> None:
        self._speech, self._seed = speech, seed
        self._spoken = [spoken_frames(samples) for samples in speech]

    def made(self, number: int) -> tuple[Floats, Bools]:
        """Make a scene: sound ``(samples,)`` of whole ticks, and for each frame whether it is speech."""
        random = np.random.default_rng([self._seed, number])
        count = SECONDS * RATE
        sound, spoken = np.zeros(count, np.float32), np.zeros(count // voice.FRAME, np.bool_)
        at = 0 if random.random() < 0.1 else _pause(random)
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
            at += -(-len(samples) // voice.FRAME) * voice.FRAME + _pause(random)
        if spoken.any() and random.random() < 0.2:
            sound = augment.reverberation(sound, random)[:count]
        return self._over_noise(sound, spoken, random), spoken

    def _over_noise(self, sound: Floats, spoken: Bools, random: np.random.Generator) -> Floats:
        active = np.repeat(spoken, voice.FRAME)[: len(sound)]
        loud = float(np.sqrt(np.square(sound[active], dtype=np.float64).mean())) if active.any() else 0.1
        for _ in range(int(random.integers(1, 4))):
            kind = KINDS[int(random.integers(len(KINDS)))]
            below = random.uniform(-5, 35) if kind != BABBLE else random.uniform(5, 35)
            added = self._noise(kind, len(sound), random) * _when(len(sound), random)
            sound = sound + _at(added, loud * 10 ** (-below / 20))
        sound = sound + np.float32(loud * 10 ** (random.uniform(-75, -35) / 20)) * random.standard_normal(
            len(sound), dtype=np.float32
        )
        if random.random() < 0.15:
            sound = augment.telephone(sound, random)
        return _recorded(sound, random)

    def _noise(self, kind: str, count: int, random: np.random.Generator) -> Wide:
        if kind == BABBLE:
            voices = [self._speech[row] for row in random.integers(len(self._speech), size=int(random.integers(6, 14)))]
            return np.asarray(np.sum([np.resize(samples / samples.std(), count) for samples in voices], axis=0))
        return noises.TRAINING[kind](count, random)


def _pause(random: np.random.Generator) -> int:
    seconds = random.uniform(0, 0.3) if random.random() < 0.2 else random.uniform(0.3, 3)
    return int(seconds * RATE) // voice.FRAME * voice.FRAME


def _at(noise: Wide, level: float) -> Floats:
    """Bring a noise to a level, as a mean over where it sounds: one that comes and goes is no louder for it."""
    power = np.square(noise[: len(noise) // 1600 * 1600]).reshape(-1, 1600).mean(axis=1)
    sounding = power > power.max(initial=0) / 1000
    usual = np.sqrt(power[sounding].mean()) if sounding.any() else 1.0
    return np.asarray(noise * (level / max(usual, 1e-9)), dtype=np.float32)


def _when(count: int, random: np.random.Generator) -> Wide:
    """Say how strong a noise is at each moment: half of them are there throughout, others come and go."""
    if random.random() < 0.5:
        return np.ones(count)
    length = int(random.uniform(0.3, 6) * RATE)
    on = np.repeat(random.random(-(-count // length)) < 0.5, length)[:count].astype(np.float64)
    soft = int(random.choice([40, 800, 8000]))
    sums = np.cumsum(np.pad(on, (soft, 0), mode="edge"))
    return np.asarray((sums[soft:] - sums[:-soft]) / soft)


def _recorded(sound: Floats, random: np.random.Generator) -> Floats:
    """Record it at some level, seldom clipped, seldom with an offset, seldom with nothing below a gate."""
    sound = sound * np.float32(10 ** (random.uniform(-45, 0) / 20) / max(np.abs(sound).max(), 1e-9))
    if random.random() < 0.05:
        sound = np.clip(4 * sound, -1, 1)
    if random.random() < 0.05:
        sound = np.where(np.convolve(np.abs(sound), np.ones(800) / 800, "same") < 0.003, 0, sound)
    return np.asarray(sound + random.uniform(-0.01, 0.01) * (random.random() < 0.1), dtype=np.float32)
