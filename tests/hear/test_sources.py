"""A recording as a source of live sound: whole, and no sooner than it would have been spoken."""

from pathlib import Path

import numpy as np
import pytest

from intone.errors import SoundError
from intone.hear import audio
from intone.hear.sources import CHUNK_SECONDS, Chunk, Recording


class Clock:
    """Time that passes where somebody sleeps, or works."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_it_gives_the_whole_recording_in_short_chunks(examples: Path) -> None:
    chunks = [chunk for chunk in Recording(str(examples / "plain.flac")) if isinstance(chunk, Chunk)]
    assert max(chunk.duration for chunk in chunks) <= CHUNK_SECONDS
    whole = audio.load(examples / "plain.flac").samples
    assert np.array_equal(np.concatenate([chunk.samples for chunk in chunks]), whole)


def test_in_real_time_no_chunk_comes_before_it_was_spoken_and_who_is_late_catches_up(examples: Path) -> None:
    clock = Clock()
    began, spoken = clock.now, 0.0
    for number, chunk in enumerate(
        Recording(str(examples / "plain.flac"), realtime=True, clock=clock, sleep=clock.sleep)
    ):
        assert isinstance(chunk, Chunk)
        spoken += chunk.duration
        if number < 10 or number > 20:
            assert clock.now - began == pytest.approx(spoken, abs=1e-6)
        if number == 10:
            clock.now += 0.55  # its listener was busy


def test_what_is_no_recording_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "notes.wav").write_text("no sound")
    with pytest.raises(SoundError, match=r"notes\.wav"):
        Recording(str(tmp_path / "notes.wav"))
