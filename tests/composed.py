"""Conversations of which everything is known: utterances of a corpus, one after the other, over noise.

As in life three quarters of the time are neutral, and an emotion lasts: neutral stretches of several utterances take
turns with emotional ones. Nothing is kept on disk.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import intone
from intone import corpora
from intone.emotions import Emotion
from intone.hear import audio
from intone.hear.audio import RATE
from intone.hear.voice import FRAME
from intone.learn.activity_scores import matched
from intone.learn.scenes import spoken_frames

Floats = NDArray[np.float32]
QUIET = -70.0
"""Level of a quiet room (dB below full scale)."""
FADE = round(0.02 * RATE)
NEUTRAL_STRETCH, EMOTIONAL_STRETCH = (8, 14), (3, 5)
"""How many utterances a stretch has, from and to."""
SHORTEST_PAUSE, LONGEST_PAUSE = 0.6, 2.0
"""Seconds between two utterances."""


@dataclass(frozen=True)
class Spoken:
    """An utterance in a conversation: when it is spoken (seconds), and how."""

    start: float
    end: float
    emotion: Emotion
    stretch: int
    channel: int = 1


@dataclass(frozen=True, eq=False)
class Conversation:
    """Sound at 16 kHz ``(samples,)`` or ``(samples, channels)``, and what is said in it."""

    samples: Floats
    spoken: tuple[Spoken, ...]

    @property
    def turns(self) -> list[float]:
        """When another emotion begins, in the order of time."""
        pairs = zip(self.spoken, self.spoken[1:], strict=False)
        return [later.start for earlier, later in pairs if earlier.emotion is not later.emotion]


def unheard(root: Path, corpus: str = "ravdess") -> pd.DataFrame:
    """Give the recordings of a corpus by speakers that the model that ships has not trained on."""
    table = corpora.only_seven(corpora.read(corpus, root), calm_is_neutral=True).table
    return table[~table["speaker"].isin(intone.load().card.speakers)].reset_index(drop=True)


def conversation(
    table: pd.DataFrame, speaker: str, seconds: float, *, seed: int, noise_db: float | None = None
) -> Conversation:
    """Compose a monologue.

    Parameters
    ----------
    table : pandas.DataFrame
        Recordings, as :func:`intone.corpora.read` gives them.
    speaker : str
        Whose are used.
    seconds : float
        About how long it is to be.
    seed : int
        Of everything that is drawn.
    noise_db : float, optional
        How far the noise lies below the median utterance, in dB, as in a room where some is said loudly and some
        quietly; a quiet room where it is left out.
    """
    random = np.random.default_rng(seed)
    own = table[table["speaker"] == speaker]
    parts, spoken, at = [_pause(random)], list[Spoken](), 0
    at = len(parts[0])
    for stretch, emotion in enumerate(_emotions(own, random)):
        paths = own.loc[own["emotion"] == str(emotion), "path"].to_numpy()
        count = int(
            random.integers(*(NEUTRAL_STRETCH if emotion is Emotion.NEUTRAL else EMOTIONAL_STRETCH), endpoint=True)
        )
        for path in random.choice(paths, count, replace=count > len(paths)):
            sound = _sounding(Path(path))
            spoken.append(Spoken(at / RATE, (at + len(sound)) / RATE, emotion, stretch))
            parts += [sound, _pause(random)]
            at += len(sound) + len(parts[-1])
        if at >= seconds * RATE:
            break
    samples = np.concatenate(parts)
    return Conversation(_in_room(samples, spoken, noise_db, random), tuple(spoken))


def call(table: pd.DataFrame, speakers: Sequence[str], seconds: float, *, seed: int) -> Conversation:
    """Compose a call of two who take turns stretch by stretch, each on a channel of its own."""
    one, two = (conversation(table, speaker, seconds, seed=seed + number) for number, speaker in enumerate(speakers))
    length = min(len(one.samples), len(two.samples))
    samples = np.stack([one.samples[:length], two.samples[:length]], axis=1)
    spoken = []
    for number, whole in enumerate((one, two)):
        for said in whole.spoken:
            start, end = round(said.start * RATE), round(said.end * RATE)
            if said.stretch // 2 % 2 == number and end < length:
                spoken.append(Spoken(said.start, said.end, said.emotion, said.stretch, number + 1))
            else:
                samples[start:end, number] *= 1e-3  # the other one's turn
    return Conversation(samples, tuple(sorted(spoken, key=lambda said: said.start)))


def _emotions(own: pd.DataFrame, random: np.random.Generator) -> "list[Emotion]":
    """Give neutral and each other emotion in turn, the others in an order that is drawn anew each time round."""
    others = [
        emotion for emotion in Emotion if emotion is not Emotion.NEUTRAL and (own["emotion"] == str(emotion)).any()
    ]
    order: list[Emotion] = []
    for _ in range(200):
        for number in random.permutation(len(others)).tolist():
            order += [Emotion.NEUTRAL, others[number]]
    return order


def _pause(random: np.random.Generator) -> Floats:
    return np.zeros(round(random.uniform(SHORTEST_PAUSE, LONGEST_PAUSE) * RATE), np.float32)


def _sounding(path: Path) -> Floats:
    """Give an utterance from where it can be heard to where it can no longer, softened at both ends."""
    whole = audio.load(path).samples
    frames = np.flatnonzero(spoken_frames(whole))
    sound = whole[frames[0] * FRAME : (frames[-1] + 1) * FRAME].copy()
    ramp = np.linspace(0, 1, FADE, dtype=np.float32)
    sound[:FADE] *= ramp
    sound[-FADE:] *= ramp[::-1]
    return sound


def _in_room(samples: Floats, spoken: Sequence[Spoken], noise_db: float | None, random: np.random.Generator) -> Floats:
    level = 10 ** (QUIET / 20)
    if noise_db is not None:
        own = [samples[round(said.start * RATE) : round(said.end * RATE)] for said in spoken]
        level = float(np.median([np.sqrt(np.square(each, dtype=np.float64).mean()) for each in own]))
        level *= 10 ** (-noise_db / 20)
    return samples + np.float32(level) * pink(len(samples), random)


def pink(count: int, random: np.random.Generator) -> Floats:
    """Make noise whose power falls with the frequency, as that of rooms and streets does, with a deviation of 1."""
    spectrum = np.fft.rfft(random.normal(size=count))
    spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), count * 50 / RATE))
    noise = np.fft.irfft(spectrum, count)
    return np.asarray(noise / noise.std(), dtype=np.float32)


def moments_f1(found: Sequence[float], true: Sequence[float], within: float) -> float:
    """Score moments: each true one is met once, by one that is found no further away."""
    return 2 * matched(found, true, within) / (len(found) + len(true)) if len(found) or len(true) else 1.0


def time_weighted_ua(timeline: intone.Timeline, spoken: Sequence[Spoken]) -> float:
    """Give the mean over emotions of the share of their time, as spoken, that has a segment of this emotion."""
    right, whole = dict.fromkeys(Emotion, 0.0), dict.fromkeys(Emotion, 0.0)
    for said in spoken:
        whole[said.emotion] += said.end - said.start
        for segment in timeline.segments:
            shared = min(segment.end, said.end) - max(segment.start, said.start)
            if shared > 0 and segment.emotion is said.emotion and segment.channel == said.channel:
                right[said.emotion] += shared
    return float(np.mean([right[emotion] / whole[emotion] for emotion in Emotion if whole[emotion]]))
