"""A long sound is heard stretch of speech by stretch of speech, and what is short as it is."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

import intone
from intone.features import Inputs
from intone.hear import audio, engines, pieces
from intone.hear.audio import RATE
from intone.hear.streamed import Slices, Streamed
from tests.composed import Floats


@pytest.fixture(scope="module")
def said(examples: Path) -> Floats:
    """Give what is said in the examples, with seconds of silence in between: about half a minute."""
    still = np.zeros(2 * RATE, np.float32)
    parts = [part for path in sorted(examples.glob("*.flac")) for part in (audio.load(path).samples, still)]
    return np.concatenate(parts)


def cut(samples: Slices, below_db: float) -> list[slice]:
    """Say where the pieces of a sound lie, each of which is that part of it."""
    found = list(pieces.pieces(samples, below_db))
    if isinstance(samples, np.ndarray):
        assert all(np.array_equal(piece, samples[part]) for part, piece in found)
    return [part for part, _ in found]


def test_pauses_are_not_heard_and_no_piece_is_too_long(said: Floats) -> None:
    found = cut(said, 40.0)
    assert all(part.stop - part.start <= pieces.LONGEST for part in found)
    heard = np.zeros(len(said), bool)
    for part in found:
        heard[part] = True
    loud = np.abs(said) > 0.05
    assert (heard & loud).sum() > 0.95 * loud.sum()
    assert heard.mean() < 0.8


@given(seconds=st.floats(0.1, 90), below_db=st.sampled_from([0.0, 40.0]))
def test_where_nobody_speaks_all_of_a_sound_is_heard(seconds: float, below_db: float) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, round(seconds * RATE)).astype(np.float32)
    found = cut(noise, below_db)
    assert found[0].start == 0
    assert len(noise) - (512 if below_db else 0) <= found[-1].stop <= len(noise)
    assert all(one.stop == other.start for one, other in pairwise(found))
    lengths = [part.stop - part.start for part in found]
    assert max(lengths) <= pieces.LONGEST
    assert len(found) == 1 or min(lengths) > 3 * RATE


@pytest.mark.parametrize("seconds", [20, 80])
def test_silence_around_what_is_too_faint_for_speech_is_not_heard(examples: Path, seconds: int) -> None:
    faint = np.float32(3e-4) * audio.load(examples / "plain.flac").samples
    still = np.zeros(seconds * RATE // 2, np.float32)
    found = cut(np.concatenate([still, faint, still]), 40.0)
    assert found[0].start >= len(still) - 2_048
    assert found[-1].stop <= len(still) + len(faint) + 2_048


def test_a_long_recording_is_gone_through_in_order(said: Floats, tmp_path: Path) -> None:
    """Whoever asks for an earlier part of a streamed recording has it decoded anew from its beginning."""
    soundfile.write(tmp_path / "long.wav", np.tile(said, 3), RATE)
    streamed = Streamed(tmp_path / "long.wav", name="long")

    class Watched:
        """Remembers where each part that is asked for begins and ends."""

        def __init__(self) -> None:
            self.asked: list[tuple[int, int]] = []

        def __len__(self) -> int:
            return len(streamed)

        def __getitem__(self, part: slice) -> Floats:
            found = np.asarray(streamed[part])
            self.asked.append((part.start, part.start + len(found)))
            return found

    watched = Watched()
    found = cut(watched, 40.0)
    assert len(found) > 10
    for order in (watched.asked, [(part.start, part.stop) for part in found]):
        assert all(one[1] <= other[0] for one, other in pairwise(order))


def test_a_longer_stretch_counts_for_more(examples: Path) -> None:
    parts = [audio.load(examples / f"{name}.flac").samples for name in ("slow-low-quiet", "fast-high-loud")]
    whole = np.concatenate([parts[0], np.zeros(2 * RATE, np.float32), parts[1]])
    found = cut(whole, 40.0)
    assert len(found) == 2
    lengths = np.array([part.stop - part.start for part in found])
    assert lengths[0] > 1.2 * lengths[1]

    def loudest(inputs: Inputs) -> dict[str, Floats]:
        return {"logits": np.abs(inputs.values).max(axis=1, keepdims=True)}

    peaks = [np.abs(whole[part]).max() for part in found]
    heard = engines.heard_in_pieces(loudest, [whole, whole[found[1]]], below_db=40.0, threads=2)
    assert heard.logits[:, 0] == pytest.approx([np.average(peaks, weights=lengths), peaks[1]])


@pytest.mark.parametrize("threads", [1, 3])
def test_neither_neighbours_nor_threads_change_a_digit(examples: Path, threads: int) -> None:
    recogniser = intone.load(threads=threads)
    files = sorted(examples.glob("*.flac"))
    together = recogniser.predict_batch(files)
    assert [heard.to_dict() for heard in together] == [intone.load(threads=2).predict(file).to_dict() for file in files]


def test_attention_is_paid_to_speech_alone(said: Floats) -> None:
    heard = intone.load().predict(said, rate=RATE)
    assert heard.attention is not None
    assert len(heard.attention) == -(-len(said) // 320)
    assert heard.attention.sum() == pytest.approx(1, abs=1e-3)
    loud = np.abs(np.pad(said, (0, -len(said) % 320))).reshape(-1, 320).max(axis=1) > 0.01
    near = np.convolve(loud, np.ones(81), "same") > 0  # margins, and what the detector takes for speech still
    assert (~near).mean() > 0.1
    assert heard.attention[~near].sum() == 0
