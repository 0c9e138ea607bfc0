"""What ``intone live`` keeps and shows."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from rich.console import Console

from intone.cli.live_files import Log, Recorder
from intone.cli.live_view import State, render
from intone.emotions import Emotion
from intone.errors import UsageError
from intone.hear.alerts import Alert, Condition
from intone.hear.sources import Chunk
from intone.results import Notice, Segment, Update

SCORES = dict.fromkeys(Emotion, 0.02) | {Emotion.ANGER: 0.88}
ANGRY = Segment(2.0, 4.5, Emotion.ANGER, SCORES, unsure=False)


def noise(seconds: float, rate: int) -> Chunk:
    return Chunk(np.random.default_rng(0).normal(0, 0.1, round(seconds * rate)).astype(np.float32), rate)


def test_a_recording_is_whole_after_each_piece(tmp_path: Path) -> None:
    failures: list[str] = []
    recorder = Recorder(tmp_path / "out.wav", failures.append)
    chunk = noise(0.1, 16_000)
    for count in (1, 2, 3):
        recorder.write(chunk)
        sound, rate = soundfile.read(tmp_path / "out.wav", dtype="float32")
        assert (len(sound), rate) == (count * 1600, 16_000)
        assert sound[-1600:] == pytest.approx(chunk.samples, abs=1 / 32_000)
    recorder.close()
    assert failures == []


def test_another_rate_goes_on_in_another_file(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "out.wav", lambda _: None)
    (tmp_path / "out-2.wav").touch()
    for rate in (16_000, 48_000):
        recorder.write(noise(0.1, rate))
    recorder.close()
    assert recorder.written == [tmp_path / "out.wav", tmp_path / "out-3.wav"]
    assert soundfile.info(tmp_path / "out-3.wav").samplerate == 48_000


@pytest.mark.filterwarnings("error")
def test_loud_and_broken_samples_are_written_as_they_can_be(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "out.wav", lambda _: None)
    recorder.write(Chunk(np.array([2, -2, np.nan, np.inf, 0.5, 3e38], np.float32), 16_000))
    recorder.close()
    assert soundfile.read(tmp_path / "out.wav")[0] == pytest.approx([1, -1, 0, 1, 0.5, 1], abs=1e-4)


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "out.wav").touch()
    for name, says in (("out.wav", "there already"), ("out.mp3", "ends in .wav"), ("no/out.wav", "no folder")):
        with pytest.raises(UsageError, match=says):
            Recorder(tmp_path / name, lambda _: None)
    with pytest.raises(UsageError, match="this is a folder"):
        Log(tmp_path, lambda _: None)


def test_a_full_disk_is_said_once_and_ends_nothing() -> None:
    failures: list[str] = []
    log = Log(Path("/dev/full"), failures.append)
    for _ in range(3):
        log.write({"at": 1.0})
    assert len(failures) == 1
    assert "No space left" in failures[0]


def test_a_log_goes_on_where_it_was_cut_off(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text('{"at": 1}\n{"at"')
    log = Log(tmp_path / "log.jsonl", lambda _: None)
    log.write({"at": 2})
    log.close()
    lines = (tmp_path / "log.jsonl").read_text().splitlines()
    assert [json.loads(lines[0]), json.loads(lines[2])] == [{"at": 1}, {"at": 2}]


def shown(state: State, width: int) -> str:
    text = io.StringIO()
    Console(file=text, width=width).print(render(state))
    return text.getvalue()


def state() -> State:
    found = State("USB Microphone")
    found.heard(noise(4.6, 16_000))
    found.updated(Update(at=4.6, segment=ANGRY, final=True))
    found.updated(Update(at=4.6, notice=Notice("clipping", "The sound is clipped.")))
    found.alerted(Alert(Condition.parse("anger > 0.7 for 2s"), 4.5, 2.0, 2.5, ANGRY))
    return found


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_the_view_says_what_is_heard_at_any_width(width: int) -> None:
    plain = shown(state(), width)
    for word in ("anger", "88%", "-20 dBFS", "0:04", "The sound is clipped.", "ALERT anger > 0.7 for 2s"):
        assert word in " ".join(plain.split())
    assert max(map(len, plain.splitlines())) <= width


def test_in_silence_the_view_listens_and_remembers() -> None:
    later = state()
    later.heard(Chunk(np.zeros(16_000 * 3, np.float32), 16_000))
    text = shown(later, 80)
    assert "listening" in text
    assert "silent" in text
    assert "█" in text.split("the last minute")[1]
    for _ in range(70):
        later.heard(Chunk(np.zeros(16_000, np.float32), 16_000))
    assert "█" not in shown(later, 80).split("the last minute")[1]


def test_the_view_shows_doubt() -> None:
    doubtful = State("")
    doubtful.heard(noise(4.6, 16_000))
    doubtful.updated(Update(4.6, Segment(2.0, 4.5, Emotion.FEAR, SCORES, unsure=True)))
    assert "unsure (fear?)" in shown(doubtful, 80)
