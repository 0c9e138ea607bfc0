"""``intone timeline`` as a user runs it."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

INTONE = str(Path(sys.executable).with_name("intone"))


def run(*words: str | Path, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([INTONE, *map(str, words)], capture_output=True, input=stdin, check=False)


def test_a_table_a_picture_and_a_file_come_of_one_recording(examples: Path, tmp_path: Path) -> None:
    done = run("timeline", examples / "kennedy.flac", "--plot", tmp_path / "one.png")
    assert done.returncode == 0, done.stderr
    shown = done.stdout.decode()
    assert "s of speech:" in shown
    assert "anger" in shown
    assert (tmp_path / "one.png").read_bytes().startswith(b"\x89PNG")
    assert run("timeline", examples / "kennedy.flac", "--out", tmp_path / "one.TextGrid").returncode == 0
    assert (tmp_path / "one.TextGrid").read_text().startswith('File type = "ooTextFile"')


def test_json_and_formats_go_to_standard_output(examples: Path) -> None:
    said = json.loads(run("timeline", examples / "kennedy.flac", "--json").stdout)
    assert set(said["segments"][0]) == {"start", "end", "channel", "emotion", "confidence", "unsure", "scores"}
    assert run("timeline", examples / "kennedy.flac", "--format", "webvtt").stdout.startswith(b"WEBVTT\n")
    later = json.loads(run("timeline", examples / "kennedy.flac", "--json", "--hindsight").stdout)
    assert later["hindsight"] is True


def test_standard_input_is_heard(examples: Path) -> None:
    done = run("timeline", "-", "--json", stdin=(examples / "plain.flac").read_bytes())
    assert json.loads(done.stdout)["file"] == "<standard input>"


def test_channels_and_speakers_are_told_apart(examples: Path, tmp_path: Path) -> None:
    one, two = (soundfile.read(examples / f"{name}.flac")[0] for name in ("plain", "questioning"))
    length = len(one) + len(two)
    both = np.zeros((length, 2))
    both[: len(one), 0], both[len(one) :, 1] = one, two
    soundfile.write(tmp_path / "call.wav", both + np.random.default_rng(0).normal(0, 1e-4, both.shape), 16_000)
    said = json.loads(run("timeline", tmp_path / "call.wav", "--channels", "separate", "--json").stdout)
    assert {segment["channel"] for segment in said["segments"]} == {1, 2}
    assert said["talk"]["turns"] == {"1": 1, "2": 1}
    half = len(one) / 16_000
    (tmp_path / "who.rttm").write_text(
        f"SPEAKER call 1 0.0 {half:.3f} <NA> <NA> Ann <NA> <NA>\n"
        f"SPEAKER call 1 {half:.3f} {len(two) / 16_000:.3f} <NA> <NA> Bo <NA> <NA>\n"
    )
    said = json.loads(run("timeline", tmp_path / "call.wav", "--speakers", tmp_path / "who.rttm", "--json").stdout)
    assert {segment["speaker"] for segment in said["segments"]} == {"Ann", "Bo"}
    shown = run("timeline", tmp_path / "call.wav", "--speakers", tmp_path / "who.rttm").stdout.decode()
    assert "Voice Ann:" in shown


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--plot", "one.bmp"], "picture format"),
        (["--format", "textgird"], "Did you mean 'textgrid'"),
        (["--json", "--format", "csv"], "give one of them"),
        (["--out", "no/folder/one.vtt"], "no folder"),
        (["--out", "one.docx"], "ending '.docx'"),
        (["--speakers", "nobody.rttm"], "nobody.rttm"),
        (["--prior", "bliss=0.5"], "bliss"),
    ],
)
def test_what_does_not_fit_is_said_in_a_sentence(examples: Path, words: list[str], says: str) -> None:
    done = run("timeline", examples / "plain.flac", *words)
    assert done.returncode == 2
    assert says in done.stderr.decode()
    assert len(done.stderr.decode().splitlines()) == 1
    assert done.stdout == b""


def test_a_recording_that_cannot_be_heard_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.wav").write_text("no sound")
    done = run("timeline", tmp_path / "notes.wav")
    assert done.returncode == 1
    assert b"notes.wav: not sound" in done.stderr


def test_help_shows_how() -> None:
    shown = run("timeline", "--help").stdout.decode()
    assert "--channels separate" in shown
