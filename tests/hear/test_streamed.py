"""A recording that is decoded part by part is the same as one that is decoded at once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

import intone
from intone.errors import NotFiniteError, SilentSoundError, TooLongError, TruncatedSoundError
from intone.features import prepare
from intone.hear import audio, engines, pieces
from intone.hear.audio import Waveform
from intone.hear.streamed import Streamed


@pytest.fixture(scope="module")
def call(tmp_path_factory: pytest.TempPathFactory, examples: Path) -> Path:
    """Give 25 s from a telephone, which begins and ends in near silence."""
    sound = np.concatenate([soundfile.read(path)[0] for path in sorted(examples.glob("*.flac"))])
    quiet = np.random.default_rng(0).normal(0, 1e-4, 16_000)
    path = tmp_path_factory.mktemp("long") / "call.wav"
    soundfile.write(path, np.concatenate([quiet, sound, quiet])[:: 16_000 // 8_000], 8_000)
    return path


@pytest.fixture(scope="module")
def both(call: Path) -> Iterator[tuple[Streamed, Waveform]]:
    yield Streamed(call, name="call"), audio.load(call, name="call")


@given(st.lists(st.tuples(st.integers(0, 500_000), st.integers(0, 200_000)), min_size=1, max_size=8))
def test_any_parts_in_any_order_are_those_of_the_whole(
    both: tuple[Streamed, Waveform], parts: list[tuple[int, int]]
) -> None:
    streamed, whole = both
    assert (len(streamed.samples), streamed.duration) == (len(whole.samples), whole.duration)
    for start, length in parts:
        part = slice(start, start + length)
        assert len(streamed.samples[start + length + 1 : start]) == 0
        assert np.array_equal(streamed.samples[part], whole.samples[part])


def test_blocks_are_told_of_once_as_they_are_decoded(call: Path) -> None:
    blocks: list[audio.Samples] = []
    streamed, whole = Streamed(call, name="call", decoded=blocks.append), audio.load(call).samples
    for part in (slice(0, 100_000), slice(200_000, 300_000), slice(0, 10)):  # the last has it decoded anew
        assert np.array_equal(streamed.samples[part], whole[part])
    assert 300_000 <= sum(map(len, blocks)) < len(whole)
    assert len(streamed) == len(whole)
    assert np.array_equal(streamed.samples[:], whole)
    assert np.array_equal(np.concatenate(blocks), whole)


def test_in_order_it_is_decoded_once(call: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[object] = []
    blocks = audio.blocks

    def counted(sound: audio.Sound, **options: Any) -> Iterator[audio.Samples]:
        begun.append(sound)
        return blocks(sound, **options)

    monkeypatch.setattr(pieces, "TRIMMED", 5 * audio.RATE)  # what is longer is not looked through for its ends first
    whole = audio.load(call).samples
    monkeypatch.setattr(audio, "blocks", counted)
    streamed = Streamed(call, name="call")
    cut = list(pieces.pieces(streamed, 40.0))
    assert len(cut) > 3
    assert all(np.array_equal(samples, whole[part]) for part, samples in cut)
    assert streamed.duration == len(whole) / audio.RATE
    assert begun == [call]


def test_a_file_is_decoded_from_where_it_stood(call: Path) -> None:
    with call.open("rb") as file:
        streamed = Streamed(file, name="call")
        assert np.array_equal(streamed.samples[:], audio.load(call).samples)
        assert np.array_equal(streamed.samples[100_000:200_000], audio.load(call).samples[100_000:200_000])


def test_all_of_it_is_decoded_once(call: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[object] = []
    blocks = audio.blocks

    def counted(sound: audio.Sound, **options: Any) -> Iterator[audio.Samples]:
        begun.append(sound)
        return blocks(sound, **options)

    whole = audio.load(call).samples
    monkeypatch.setattr(audio, "blocks", counted)
    assert np.array_equal(Streamed(call, name="call").samples[:], whole)
    assert begun == [call]


def test_what_cannot_be_decoded_is_said_each_time(tmp_path: Path, call: Path) -> None:
    sound, rate = soundfile.read(call, dtype="float32")
    sound[150_000] = np.nan
    soundfile.write(tmp_path / "broken.wav", sound, rate, subtype="FLOAT")
    streamed = Streamed(tmp_path / "broken.wav", name="broken")
    assert len(streamed.samples[0:1000]) == 1000
    for _ in range(2):
        with pytest.raises(NotFiniteError, match="broken"):
            streamed.samples[300_000:310_000]
        with pytest.raises(NotFiniteError, match="broken"):
            len(streamed)


def test_it_is_heard_as_the_whole_is(both: tuple[Streamed, Waveform], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "AHEAD", 3)
    monkeypatch.setattr(prepare, "PART", 70_000)
    recogniser = intone.load("intone-tiny")
    (ours, theirs), vectors = recogniser.predict_and_embed(both)
    assert vectors is not None
    assert ours.to_dict() == theirs.to_dict()
    assert np.array_equal(vectors[0], vectors[1])


def test_models_of_features_are_given_the_whole(both: tuple[Streamed, Waveform]) -> None:
    (ours, theirs), _ = intone.load("intone-classic").predict_and_embed(both)
    assert ours.to_dict() == theirs.to_dict()


def test_what_is_no_sound_is_refused_as_ever(call: Path, tmp_path: Path) -> None:
    with pytest.raises(TooLongError, match="are more than the 5 s"):
        Streamed(call, name="call", max_seconds=5).samples[0:10]
    soundfile.write(tmp_path / "silent.wav", np.zeros(16_000), 16_000)
    with pytest.raises(SilentSoundError):
        len(Streamed(tmp_path / "silent.wav", name="silent"))


def test_a_file_that_becomes_shorter_is_said_to(call: Path, tmp_path: Path) -> None:
    sound, rate = soundfile.read(call)
    soundfile.write(tmp_path / "changing.wav", sound, rate)
    streamed = Streamed(tmp_path / "changing.wav", name="changing")
    assert len(streamed) == len(sound) * 2
    soundfile.write(tmp_path / "changing.wav", sound[: len(sound) // 2], rate)
    with pytest.raises(TruncatedSoundError, match="changing: the file has become shorter"):
        streamed.samples[:]
