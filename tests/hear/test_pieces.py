"""A long sound is heard stretch of speech by stretch of speech, and what is short as it is."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import intone
from intone.hear import audio, pieces
from intone.hear.audio import RATE


@pytest.fixture(scope="module")
def said(examples: Path) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    """Give what is said in the examples, with seconds of silence in between: about half a minute."""
    still = np.zeros(2 * RATE, np.float32)
    parts = [part for path in sorted(examples.glob("*.flac")) for part in (audio.load(path).samples, still)]
    return np.concatenate(parts)


def test_pauses_are_not_heard_and_no_piece_is_too_long(said: "np.ndarray[tuple[int], np.dtype[np.float32]]") -> None:
    found = pieces.pieces(said, 40.0)
    assert all(part.stop - part.start <= pieces.LONGEST for part in found)
    heard = np.zeros(len(said), bool)
    for part in found:
        heard[part] = True
    loud = np.abs(said) > 0.05
    assert (heard & loud).sum() > 0.95 * loud.sum()
    assert heard.mean() < 0.8


@given(seconds=st.floats(0.1, 20), below_db=st.sampled_from([0.0, 40.0]))
def test_where_nobody_speaks_all_of_a_sound_is_heard(seconds: float, below_db: float) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, round(seconds * RATE)).astype(np.float32)
    found = pieces.pieces(noise, below_db)
    assert found[0].start == 0
    assert len(noise) - 512 <= found[-1].stop <= len(noise)
    assert all(one.stop == other.start for one, other in pairwise(found))
    assert all(part.stop - part.start <= pieces.LONGEST for part in found)


def test_a_pause_before_a_short_utterance_changes_nothing(examples: Path) -> None:
    said, recogniser = audio.load(examples / "plain.flac").samples, intone.load()
    late = np.concatenate([np.zeros(7 * RATE, np.float32), said])
    alone, behind = (recogniser.predict(sound, rate=RATE) for sound in (said, late))
    assert behind.emotion == alone.emotion
    assert behind.scores == pytest.approx(alone.scores, abs=0.05)


def test_attention_is_paid_to_speech_alone(said: "np.ndarray[tuple[int], np.dtype[np.float32]]") -> None:
    heard = intone.load().predict(said, rate=RATE)
    assert heard.attention is not None
    assert len(heard.attention) == -(-len(said) // 320)
    assert heard.attention.sum() == pytest.approx(1, abs=1e-3)
    steps = np.array([np.abs(step).max() for step in np.array_split(said, len(heard.attention))])
    last_pause = heard.attention[-75:]
    assert steps[-75:].max() == last_pause.sum() == 0
