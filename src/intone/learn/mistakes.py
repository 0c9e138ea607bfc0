"""Mistakes: the answers that were wrong and the surest of it, with a look at their sound."""

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from matplotlib.image import imsave

from intone import features
from intone.errors import SoundError
from intone.features import FeatureRecipe, Measure
from intone.hear import audio
from intone.learn.answers import Answers

COUNT = 10
BANDS, COLUMNS = 64, 160
"""Mel bands, and the most frames, of a picture: enough to see a melody, too few to hear a voice."""
FRAME = 1024
"""Samples of a frame at 16 kHz (64 ms)."""
DECIBELS = 70.0
"""The range of the colours below the loudest band."""


@dataclass(frozen=True)
class Mistake:
    """One wrong answer: whose, what it was, what was heard and how surely; and its spectrogram as PNG, or nothing."""

    path: str
    speaker: str
    truth: str
    given: str
    confidence: float
    seed: str
    picture: bytes = field(default=b"", repr=False)


def surest(answers: Answers, sound: Callable[[str], Path] | None = None, *, count: int = COUNT) -> tuple[Mistake, ...]:
    """Find the most confident wrong answers, each utterance once.

    Parameters
    ----------
    answers : Answers
        The answers to a test.
    sound : callable, optional
        Where the recording of a path lies, for the pictures; a recording that is gone has none.
    count : int, default 10
        How many.
    """
    wrong = np.flatnonzero(~answers.right)
    ranked = wrong[np.argsort(-answers.confidence[wrong], kind="stable")]
    first = answers.table["path"].iloc[ranked].drop_duplicates().index[:count]
    return tuple(_mistake(answers, int(row), sound) for row in first)


def _mistake(answers: Answers, row: int, sound: Callable[[str], Path] | None) -> Mistake:
    told = answers.table.iloc[row]
    return Mistake(
        path=str(told["path"]),
        speaker=str(told["speaker"]),
        truth=answers.labels[answers.truth[row]],
        given=answers.labels[answers.given[row]],
        confidence=float(answers.confidence[row]),
        seed=str(told["seed"]),
        picture=spectrogram(sound(str(told["path"]))) if sound else b"",
    )


def spectrogram(path: Path) -> bytes:
    """Draw the mel bands of a recording, low in resolution: a PNG, or nothing where it cannot be heard any more."""
    try:
        waveform = audio.load(path)
    except SoundError:
        return b""
    hop = max(len(waveform.samples) // COLUMNS, FRAME // 16)
    recipe = FeatureRecipe("picture", (Measure("logmel", count=BANDS),), frame=max(FRAME, hop), hop=hop)
    levels = features.extract(waveform, recipe).values.T
    png = io.BytesIO()
    imsave(png, levels, cmap="magma", origin="lower", vmin=levels.max() - DECIBELS, format="png")
    return png.getvalue()
