"""``intone live`` as a user runs it, with a recording for a microphone."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import soundfile

import intone
from tests.hear.test_delivery import server

INTONE = str(Path(sys.executable).with_name("intone"))
LIMIT_SECONDS = 120
"""A command that takes longer hangs."""


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [INTONE, "live", *map(str, words)], capture_output=True, text=True, check=False, timeout=LIMIT_SECONDS
    )


def test_a_recording_is_heard_as_its_timeline(examples: Path, tmp_path: Path) -> None:
    done = run("--input", examples / "kennedy.flac", "--json", "--record", tmp_path / "out.wav")
    assert done.returncode == 0, done.stderr
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert records[0]["type"] == "start"
    finals = [record["segment"] for record in records if record["type"] == "final"]
    timeline = intone.load(threads=1).timeline(examples / "kennedy.flac")
    assert [(one["start"], one["end"]) for one in finals] == [(one.start, one.end) for one in timeline.segments]
    assert [record["type"] for record in records].count("interim") > 10
    assert soundfile.info(tmp_path / "out.wav").duration == pytest.approx(timeline.duration, abs=0.01)


def test_alerts_reach_the_log_a_program_and_a_web_address(examples: Path, tmp_path: Path) -> None:
    told = tmp_path / "told.py"
    told.write_text(f"import sys; open({str(tmp_path / 'told.json')!r}, 'a').write(sys.stdin.read())\n")
    with server(503, 200) as (url, posted):
        done = run(
            "--input", examples / "kennedy.flac", "--plain", "--log", tmp_path / "log.jsonl",
            "--alert", "anger > 0.6 for 1s",
            "--exec", f"'{sys.executable}' '{told}'", "--webhook", url,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "ALERT  anger > 0.6 for 1s" in done.stdout
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    alerts = [record for record in log if record["type"] == "alert"]
    assert alerts
    assert [json.loads(line) for line in (tmp_path / "told.json").read_text().splitlines()] == alerts
    assert posted[1:] == alerts  # the first attempt was told to come back


def test_a_program_that_fails_is_said_and_counts(examples: Path) -> None:
    done = run("--input", examples / "kennedy.flac", "--plain", "--alert", "anger > 0.5", "--exec", "false")
    assert done.returncode == 1
    assert "failed with code 1" in done.stderr


def test_ctrl_c_ends_it_with_the_last_segment_and_whole_files(examples: Path, tmp_path: Path) -> None:
    words = ["--input", str(examples / "kennedy.flac"), "--realtime", "--json", "--record", str(tmp_path / "out.wav")]
    with subprocess.Popen([INTONE, "live", *words], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = next(line for line in process.stdout if '"interim"' in line)
        process.send_signal(signal.SIGINT)
        rest = [json.loads(line) for line in process.stdout]
    assert process.returncode == 0
    assert json.loads(first)["at"] < 11
    assert rest[-1]["type"] == "final"
    assert 0.5 < soundfile.info(tmp_path / "out.wav").duration < 11


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--alert", "angre > 0.5"], "Did you mean 'anger'"),
        (["--exec", "true"], "needs an --alert"),
        (["--realtime"], "goes with --input"),
        (["--input", "x.wav", "--device", "1"], "goes without --input"),
        (["--json", "--plain"], "accepted is one of them"),
        (["--record", "out.mp3"], "ends in .wav"),
        (["--log", "no/folder/log.jsonl"], "no folder"),
    ],
)
def test_what_does_not_fit_is_said_in_a_sentence(words: list[str], says: str) -> None:
    done = run(*words)
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stdout == ""


def test_a_recording_that_is_not_there_is_named() -> None:
    done = run("--input", "no-such.wav")
    assert done.returncode == 1
    assert "no-such.wav" in done.stderr


LIBRARY = '''
"""Stands in for sounddevice: a microphone that plays a recording, is pulled out, and comes back at another rate."""

import os
from types import SimpleNamespace

import numpy as np
import soundfile
import soxr

sound, rate = soundfile.read(os.environ["HEARD"], dtype="float32")
halves = [(sound[: 6 * rate], rate), (soxr.resample(sound[6 * rate :], rate, 48000), 48000)]


class PortAudioError(Exception):
    pass


class InputStream:
    def __init__(self, *, blocksize, callback, **_):
        self.blocksize, self.callback, self.active = blocksize, callback, True

    def start(self):
        samples, _ = halves.pop(0)
        for start in range(0, len(samples), self.blocksize):
            block = samples[start : start + self.blocksize, np.newaxis]
            self.callback(block, len(block), None, SimpleNamespace(input_overflow=False))
        self.active = False

    def close(self):
        pass


def query_devices(device=None, kind=None):
    at = halves[0][1] if halves else 0
    found = {"index": 3, "name": "USB Microphone", "max_input_channels": 1, "default_samplerate": float(at)}
    return found if kind else [found]


def _terminate():
    pass


def _initialize():
    if not halves:
        raise PortAudioError("it stays away")
'''


def test_a_microphone_that_is_pulled_out_and_comes_back_is_heard_on(examples: Path, tmp_path: Path) -> None:
    (tmp_path / "sounddevice.py").write_text(LIBRARY)
    paths = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [INTONE, "live", "--device", "usb", "--json", "--seconds", "10", "--record", str(tmp_path / "out.wav")],
        capture_output=True, text=True, check=False, timeout=LIMIT_SECONDS,
        env={**os.environ, "PYTHONPATH": paths, "HEARD": str(examples / "kennedy.flac")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert (records[0]["source"], records[0]["rate"]) == ("USB Microphone", 16_000)
    notices = [record["code"] for record in records if record["type"] == "notice"]
    assert notices == ["device-lost", "device-back", "rate"]
    assert "the microphone USB Microphone at 48000 Hz" in done.stderr
    finals = [record["segment"] for record in records if record["type"] == "final"]
    assert finals[-1]["end"] == pytest.approx(10, abs=0.5)
    assert soundfile.info(tmp_path / "out.wav").duration == pytest.approx(6)
    second = soundfile.info(tmp_path / "out-2.wav")
    assert (second.samplerate, second.duration) == (48_000, pytest.approx(4))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such terminals")
def test_on_a_terminal_it_shows_the_view_and_gives_the_cursor_back(examples: Path) -> None:
    import pty

    terminal, its_end = pty.openpty()
    shown: list[bytes] = []
    reader = threading.Thread(target=lambda: shown.extend(iter(lambda: _read(terminal), b"")))
    reader.start()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "60", "LINES": "40"}
    words = ["--input", str(examples / "kennedy.flac"), "--alert", "anger > 0.5"]
    done = subprocess.run(
        [INTONE, "live", *words], stdout=its_end, stderr=subprocess.PIPE, check=False, env=environment,
        timeout=LIMIT_SECONDS,
    )  # fmt: skip
    os.close(its_end)
    reader.join(LIMIT_SECONDS)
    os.close(terminal)
    assert (done.returncode, done.stderr) == (0, b"")
    text = b"".join(shown).decode()
    for word in ("the last minute", "dBFS", "surprise", "ALERT anger > 0.5"):
        assert word in text
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # Linux's way of saying that the other end is closed
        return b""
