"""``intone live`` as a user runs it, with a recording for a microphone."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

import intone
from tests.hear.test_delivery import server

INTONE = str(Path(sys.executable).with_name("intone"))


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([INTONE, "live", *map(str, words)], capture_output=True, text=True, check=False)


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
