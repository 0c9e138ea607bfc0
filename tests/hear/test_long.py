"""A long recording is answered as well as an utterance, by voices that the model has never heard."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import intone
from intone.hear import audio
from intone.hear.audio import RATE, Sound
from tests import composed

pytestmark = [pytest.mark.corpora, pytest.mark.xdist_group("conversations")]
CORPORA = ("ased", "emodb", "ravdess")
PAUSES = (0.2, 0.6)
"""Seconds between two utterances, from and to."""


def of_one_emotion(paths: Sequence[str], seconds: float, random: np.random.Generator) -> composed.Floats:
    """Put utterances one after the other, over the noise of a quiet room, until they are so long."""
    parts: list[composed.Floats] = []
    while sum(map(len, parts)) < seconds * RATE:
        parts.append(audio.load(Path(str(random.choice(paths)))).samples)
        parts.append(np.zeros(round(random.uniform(*PAUSES) * RATE), np.float32))
    whole = np.concatenate(parts)[: round(seconds * RATE)]
    return whole + np.float32(10 ** (composed.QUIET / 20)) * composed.pink(len(whole), random)


@cache
def ua(root: Path, seconds: float | None) -> float:
    """Give the mean recall of recordings, one of each voice and emotion; without a length, of their utterances."""
    table = pd.concat([composed.unheard(root, corpus) for corpus in CORPORA])
    random, recogniser, right = np.random.default_rng(1), intone.load(), dict[str, list[float]]()
    for (_, emotion), own in table.groupby(["speaker", "emotion"]):
        paths = sorted(own["path"])
        sounds: Sequence[Sound] = paths if seconds is None else [of_one_emotion(paths, seconds, random)]
        found = recogniser.predict_batch(sounds, rate=None if seconds is None else RATE)
        share = np.mean([heard.emotion == emotion for heard in found])
        right.setdefault(str(emotion), []).append(float(share))
    return float(np.mean([np.mean(shares) for shares in right.values()]))


@pytest.mark.parametrize("seconds", [12, 30, 75])
def test_it_is_told_as_well_as_its_single_utterances(corpora_root: Path, seconds: float) -> None:
    assert ua(corpora_root, seconds) >= ua(corpora_root, None) - 0.03
