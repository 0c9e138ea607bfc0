"""What the detector of speech is worth: on monologues of speakers new to it, over noise, and on sound without speech.

Utterances follow each other with pauses of 0.5 to 2.5 s. The noise lies so many dB below the speech's mean power, taken
over the frames that are speech. A frame's truth is told by the level of the clean utterance
(:func:`intone.learn.scenes.spoken_frames`).
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from intone.hear import audio, voice
from intone.hear.audio import RATE
from intone.learn import noises
from intone.learn.scenes import spoken_frames

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Spans = list[tuple[float, float]]

CORPORA = ("ased", "emodb", "emovo", "nemo", "ravdess")
"""In which there are speakers that the model which ships has not trained on."""
CONVERSED = "ravdess"
"""Whose utterances, begun and ended in silence, boundaries are scored on."""
DECIBELS: tuple[float | None, ...] = (None, 20.0, 10.0, 0.0)
"""How far the noise lies below the speech; None: a quiet room alone."""
QUIET_DB = 60.0
PAUSES = (0.5, 2.5)
SECONDS, ALONE_SECONDS = 60, 60
"""Of a monologue, and of a sound without speech."""
SEED = 1001
"""No scene of the training has it."""
GAP, LEAST, WITHIN = 0.4, 0.2, 0.25
"""Seconds: shorter gaps are closed, then shorter segments dropped; a boundary is met no further away."""
USUAL = ("coloured", "machine", "wind")
"""Kinds of noise, of those that it learned from, that are there throughout; others come and go."""


def monologue(paths: Sequence[str], seconds: float, *, seed: Sequence[int]) -> tuple[Floats, Bools, Spans]:
    """Compose utterances with pauses; give the sound, which of its frames are speech, and from when to when each is."""
    random, parts, spoken, spans = np.random.default_rng(seed), list[Floats](), list[Bools](), Spans()
    frames = 0
    while frames * voice.FRAME < seconds * RATE:
        pause = round(random.uniform(*PAUSES) * RATE / voice.FRAME)
        samples = audio.load(Path(str(random.choice(np.array(paths))))).samples
        own = spoken_frames(samples)
        first, last = np.flatnonzero(own)[[0, -1]].tolist()
        said = samples[first * voice.FRAME : (last + 1) * voice.FRAME]
        parts += [np.zeros(pause * voice.FRAME, np.float32), np.pad(said, (0, -len(said) % voice.FRAME))]
        spoken += [np.zeros(pause, np.bool_), own[first : last + 1]]
        spans.append(((frames + pause) / 100, (frames + pause + last + 1 - first) / 100))
        frames += pause + last + 1 - first
    return np.concatenate(parts), np.concatenate(spoken), spans


def noisy(sound: Floats, spoken: Bools, kind: str, decibels: float | None, *, seed: Sequence[int]) -> Floats:
    """Lay a noise under a monologue, so many dB below its speech, in a quiet room."""
    random = np.random.default_rng(seed)
    active = np.square(sound[np.repeat(spoken, voice.FRAME)], dtype=np.float64).mean()
    room = random.normal(size=len(sound)) * 10 ** (-QUIET_DB / 20)
    if decibels is not None:
        noise = (noises.TRAINING | noises.HELD_OUT)[kind](len(sound), random)
        room = room + noise / noise.std() * 10 ** (-decibels / 20)
    return np.asarray(sound + np.sqrt(active) * room, dtype=np.float32)


def segments(told: Bools) -> Spans:
    """Give stretches of speech in seconds, gaps closed and what is too short dropped."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], told.astype(np.int8), [0]]))).reshape(-1, 2) / 100
    joined: list[list[float]] = []
    for start, end in edges.tolist():
        if joined and start - joined[-1][1] < GAP:
            joined[-1][1] = end
        else:
            joined.append([start, end])
    return [(start, end) for start, end in joined if end - start >= LEAST]


def boundary_f1(found: Spans, true: Spans) -> float:
    """Score where segments begin and end: each true boundary is met once, by one of its kind no further than WITHIN."""
    met = sum(matched([span[side] for span in found], [span[side] for span in true], WITHIN) for side in (0, 1))
    return met / (len(found) + len(true))


def matched(found: Sequence[float], true: Sequence[float], within: float) -> int:
    """Count how many moments can be paired, each once, no further apart than this; both in the order of time."""
    count, left = 0, list(found)
    for moment in true:
        near = next((other for other in left if abs(other - moment) <= within), None)
        if near is not None:
            count += 1
            left = [other for other in left if other > near]
    return count


Judge = Callable[[Floats], Bools]
"""Says of each frame of a sound whether it is speech."""


def errors(judge: Judge, whole: tuple[Floats, Bools, Spans], kinds: Sequence[str], number: int) -> dict[str, Any]:
    """Give what is missed and what is false (%), and the F1 of boundaries, over each noise and without."""
    sound, spoken, spans = whole
    found: dict[str, Any] = {}
    for decibels in DECIBELS:
        rows = []
        for place, kind in enumerate(kinds if decibels is not None else kinds[:1]):
            told = judge(noisy(sound, spoken, kind, decibels, seed=[SEED, number, place]))
            rows.append((1 - told[spoken].mean(), told[~spoken].mean(), boundary_f1(segments(told), spans)))
        missed, false, f1 = np.mean(rows, axis=0).tolist()
        name = "quiet" if decibels is None else f"{decibels:g} dB"
        found[name] = {"missed": 100 * missed, "false": 100 * false, "boundary_f1": f1}
    return found


def alone(judge: Judge) -> dict[str, float]:
    """Give how much of a minute of each noise alone is taken for speech (%)."""
    found, random = {}, np.random.default_rng([SEED, 0])
    for kind, make in sorted((noises.TRAINING | noises.HELD_OUT).items()):
        noise = make(ALONE_SECONDS * RATE, random)
        room = 1e-4 * random.normal(size=len(noise))
        found[kind] = 100 * float(judge((0.1 * noise / noise.std() + room).astype(np.float32)).mean())
    return found


def scores(weights: dict[str, Floats] | None, tables: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """Score a detector on the recordings of some corpora by speakers new to it, one monologue of each."""

    def judge(sound: Floats) -> Bools:
        return np.asarray(voice.chances(sound, weights) >= voice.THRESHOLD)

    speakers = [
        (corpus, name, table.loc[table["speaker"] == name, "path"].tolist())
        for corpus, table in tables.items()
        for name in sorted(set(table["speaker"]))
    ]
    learned, held = dict[str, Any](), dict[str, Any]()
    for number, (_, name, paths) in enumerate(speakers):
        whole = monologue(paths, SECONDS, seed=[SEED, number])
        learned[name] = errors(judge, whole, USUAL, number)
        held[name] = errors(judge, whole, sorted(noises.HELD_OUT), number)
    conversed = [name for corpus, name, _ in speakers if corpus == CONVERSED]
    return {
        "threshold": voice.THRESHOLD,
        "seed": SEED,
        "noises": {"learned": list(USUAL), "held_out": sorted(noises.HELD_OUT)},
        "speakers": {"learned": learned, "held_out": held},
        "mean": {
            "learned": _mean(learned.values()),
            "held_out": _mean(held.values()),
            f"{CONVERSED}, learned": _mean([learned[name] for name in conversed]),
        },
        "alone": alone(judge),
    }


def _mean(rows: Any) -> dict[str, dict[str, float]]:
    rows = list(rows)
    return {
        condition: {score: float(np.mean([row[condition][score] for row in rows])) for score in rows[0][condition]}
        for condition in (rows[0] if rows else {})
    }
