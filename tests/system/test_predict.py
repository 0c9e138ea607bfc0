"""``intone predict`` as a user runs it: the installed command, in a process of its own."""

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from intone import __version__
from intone.emotions import Emotion
from intone.hear.recogniser import BATCH

Done: TypeAlias = subprocess.CompletedProcess[str]
Run: TypeAlias = Callable[..., Done]
LIMIT_SECONDS = 120
"""A command that takes longer hangs."""


@pytest.fixture(scope="session")
def command() -> str:
    """Give the installed command's path."""
    found = shutil.which("intone", path=str(Path(sys.executable).parent))
    assert found, "the command is not installed beside this Python"
    return found


@pytest.fixture(scope="session")
def run(command: str, examples: Path) -> Run:
    """Run ``intone`` in the folder of the examples."""

    def run(
        *words: str | bytes | Path, env: dict[str, str] | None = None, cwd: Path | None = None, **options: Any
    ) -> Done:
        done = subprocess.run(
            [command, *words], capture_output=True, encoding="utf-8", errors="surrogateescape", cwd=cwd or examples,
            timeout=LIMIT_SECONDS, env={**os.environ, **(env or {})}, check=False, **options,
        )  # fmt: skip
        assert "Traceback" not in done.stderr
        return done

    return run


def answers(done: Done) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


# --- What is printed --------------------------------------------------------------------------------------------------


def test_a_table_for_people(run: Run) -> None:
    done = run("predict", "kennedy.flac", "plain.flac")
    assert (done.returncode, done.stderr) == (0, "")
    heads, _, *rows = [line for line in done.stdout.splitlines() if line.strip()]
    assert heads.split() == ["Recording", "Length", "Emotion", "Confidence", "Then"]
    assert [row.split()[0] for row in rows] == ["kennedy.flac", "plain.flac"]
    assert " 11.0 s " in rows[0]


def test_json_for_programs(run: Run) -> None:
    done = run("predict", "kennedy.flac", "none.wav", "plain.flac", "--json")
    assert done.returncode == 1
    first, refused, last = answers(done)
    assert (first["file"], last["file"]) == ("kennedy.flac", "plain.flac")
    for told in (first, last):
        assert list(told) == ["file", "emotion", "confidence", "unsure", "scores", "duration", "model"]
        assert list(told["scores"]) == [str(emotion) for emotion in Emotion]
        assert sum(told["scores"].values()) == pytest.approx(1)
        assert told["confidence"] == told["scores"][told["emotion"]] == max(told["scores"].values())
        assert isinstance(told["unsure"], bool)
    message = "none.wav: there is no such file."
    assert refused == {"file": "none.wav", "error": {"code": "not-found", "message": message}}
    assert done.stderr == f"intone: {message}\n"


def test_the_order_is_kept_over_batches(run: Run) -> None:
    given = ["plain.flac", "questioning.flac", "none.wav", "fast-high-loud.flac"] * BATCH
    done = run("predict", "--json", *given)
    assert [told["file"] for told in answers(done)] == given
    assert done.stderr.count("none.wav") == BATCH


def test_top(run: Run) -> None:
    assert len(answers(run("predict", "plain.flac", "--json", "--top", "2"))[0]["scores"]) == 2
    assert "Then" not in run("predict", "plain.flac", "--top", "1").stdout
    for wrong in ("0", "8", "two"):
        done = run("predict", "plain.flac", "--top", wrong)
        assert (done.returncode, done.stdout) == (2, "")
        assert "--top" in done.stderr


def test_version(run: Run) -> None:
    done = run("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"intone {__version__}\n", "")


def test_help_names_every_option(run: Run) -> None:
    done = run("predict", "--help")
    assert done.returncode == 0
    for option in ("--model", "--json", "--top", "--plot", "--play"):
        assert option in done.stdout


# --- What is given ----------------------------------------------------------------------------------------------------


def test_a_folder_is_searched(run: Run, examples: Path, tmp_path: Path) -> None:
    (tmp_path / "deep" / ".hidden").mkdir(parents=True)
    for name in ("b.flac", "deep/a.FLAC", ".c.flac", "deep/.hidden/d.flac", "e.txt"):
        shutil.copy(examples / "plain.flac", tmp_path / name)
    told = answers(run("predict", "--json", tmp_path))
    assert [one["file"] for one in told] == [str(tmp_path / "b.flac"), str(tmp_path / "deep" / "a.FLAC")]


def test_a_folder_without_recordings_is_named_and_the_rest_answered(run: Run, tmp_path: Path) -> None:
    done = run("predict", "--json", tmp_path, "plain.flac")
    refused, told = answers(done)
    assert done.returncode == 1
    assert refused["file"] == str(tmp_path)
    assert refused["error"]["code"] == "not-found"
    assert told["file"] == "plain.flac"


def test_standard_input(command: str, examples: Path) -> None:
    content = (examples / "plain.flac").read_bytes()
    done = subprocess.run(
        [command, "predict", "-", "--json"], input=content, capture_output=True, timeout=LIMIT_SECONDS, check=True
    )
    told = json.loads(done.stdout)
    assert told["file"] == "<standard input>"
    with (examples / "plain.flac").open("rb") as file:  # a file that is redirected can seek, a pipe cannot
        again = subprocess.run(
            [command, "predict", "-", "--json"], stdin=file, capture_output=True, timeout=LIMIT_SECONDS, check=True
        )
    assert json.loads(again.stdout) == told


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="this system has no such devices")
def test_standard_input_that_is_no_recording(run: Run) -> None:
    assert "<standard input>: the file is empty" in run("predict", "-", input="").stderr
    assert "<standard input>: not sound" in run("predict", "-", input="hello").stderr
    with Path("/dev/zero").open("rb") as endless:
        done = run("predict", "-", stdin=endless)
    assert (done.returncode, done.stdout) == (1, "")
    assert "<standard input>: this is a terminal or a device" in done.stderr


NAMES = [
    "two words.flac", "quote'd \"twice\".flac", "grinning 😀.flac", "two\nlines.flac", "[red]markup[bold].flac",
    ":smile:.flac", "$x_1$ \\frac.flac", "-dash.flac", "100% %s {0}.flac", "tab\there.flac", "Ünïcödé 漢字.flac",
    "\x1b[31mred.flac", "x" * 200 + ".flac", "*.flac", " .flac",
]  # fmt: skip


@pytest.fixture
def odd(tmp_path: Path, examples: Path) -> Path:
    """Give a folder of recordings with unusual names."""
    if os.name == "nt":
        pytest.skip("Windows does not have such names")
    for name in NAMES:
        shutil.copy(examples / "plain.flac", tmp_path / name)
    return tmp_path


def test_names_of_every_kind(run: Run, odd: Path) -> None:
    done = run("predict", "--json", "--", *NAMES, cwd=odd)
    assert (done.returncode, done.stderr) == (0, "")
    assert [told["file"] for told in answers(done)] == NAMES
    shown = run("predict", "--", *NAMES, cwd=odd).stdout
    assert "\x1b" not in shown
    for part in ("[red]markup[bold].flac", "two\\nlines.flac", ":smile:.flac", "\\x1b[31mred.flac"):
        assert part in shown


def test_a_name_with_a_leading_dash(run: Run, odd: Path) -> None:
    assert run("predict", "--", "-dash.flac", cwd=odd).returncode == 0
    assert run("predict", "./-dash.flac", cwd=odd).returncode == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has names that are not UTF-8")
def test_names_that_are_not_utf8(run: Run, tmp_path: Path, examples: Path) -> None:
    name = b"caf\xe9.flac"
    shutil.copy(examples / "plain.flac", tmp_path / os.fsdecode(name))
    done = run("predict", "--json", name, name + b"?", cwd=tmp_path)
    told, refused = answers(done)
    assert told["file"] == r"caf\xe9.flac"  # valid JSON has no place for a byte that is no character: it is escaped
    assert refused["file"] == r"caf\xe9.flac?"
    assert "caf\\udce9.flac?: there is no such file." in done.stderr
    assert "caf\\udce9.flac" in run("predict", name, cwd=tmp_path).stdout


@pytest.mark.parametrize(
    "env", [{"LC_ALL": "C"}, {"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONIOENCODING": "ascii"},
            {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}]
)  # fmt: skip
def test_terminals_without_unicode(run: Run, odd: Path, env: dict[str, str]) -> None:
    done = run("predict", odd, "nöne.wav", env=env)
    assert done.returncode == 1
    assert "grinning" in done.stdout
    assert done.stderr.count("\n") == 1
    assert "there is no such file." in done.stderr


# --- Pictures and sound -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["png", "PNG", "svg", "pdf"])
def test_a_picture(run: Run, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"call.{suffix}"
    done = run("predict", "plain.flac", "--plot", path)
    assert (done.returncode, done.stderr) == (0, f"Drew {path}\n")
    assert path.read_bytes()[:4] == {"png": b"\x89PNG", "svg": b"<?xm", "pdf": b"%PDF"}[suffix.lower()]


def test_pictures_of_recordings_with_odd_names(run: Run, odd: Path) -> None:
    for name in ("$x_1$ \\frac.flac", "two\nlines.flac", "Ünïcödé 漢字.flac"):
        done = run("predict", odd / name, "--plot", odd / "o.png")
        assert (done.returncode, done.stderr) == (0, f"Drew {odd / 'o.png'}\n")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["plain.flac", "--plot", "x.pgn"], "There is no picture format 'pgn'. Did you mean 'png'? Accepted: pdf, png"),
        (["plain.flac", "--plot", "x"], "There is no picture format ''."),
        (["plain.flac", "--plot", "no/such/folder/x.png"], "there is no folder no/such/folder"),
        (["plain.flac", "kennedy.flac", "--plot", "x.png"], "--plot draws one recording; 2 were given."),
        ([".", "--plot", "x.png"], "--plot draws one recording; 5 were given."),
    ],
)
def test_pictures_that_cannot_be_are_refused_before_the_work(run: Run, given: list[str], said: str) -> None:
    done = run("predict", *given)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("intone: ")
    assert said in done.stderr


def test_a_recording_that_cannot_be_heard_is_not_drawn(run: Run, tmp_path: Path) -> None:
    done = run("predict", "none.wav", "--plot", tmp_path / "x.png")
    assert done.returncode == 1
    assert not list(tmp_path.iterdir())


def test_no_loudspeaker_is_said_and_the_answer_given(run: Run) -> None:
    done = run("predict", "plain.flac", "--play")
    if done.returncode == 0:
        pytest.skip("this machine has an audio device")
    assert done.returncode == 1
    assert "plain.flac" in done.stdout
    assert done.stderr.startswith("intone: ")
    assert "PortAudio" in done.stderr or "no audio device" in done.stderr
    assert done.stderr.count("\n") == 1


# --- Wrong usage ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["predct", "plain.flac"], "Did you mean 'predict'?"), (["predict", "--jsn", "plain.flac"], "--json"),
        (["predict"], "Missing argument"), (["predict", "--model"], "--model"),
        (["predict", "--model", "intone-clasic", "plain.flac"], "Did you mean 'intone-classic'?"),
        (["predict", "-x.wav"], "No such option"),
        (["predict", "--prior", "neutral", "plain.flac"], "neutral=0.8"),
        (["predict", "--prior", "neutrl=0.5", "plain.flac"], "Did you mean 'neutral'?"),
        (["export", "--model", "intone-classic", "--to", "onix"], "onnx"),
        (["export", "--model", "intone-classic", "--out", "no/such/file.onnx"], "there is no folder no/such"),
    ],
)  # fmt: skip
def test_wrong_usage(run: Run, words: list[str], said: str) -> None:
    done = run(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_a_model_that_is_none(run: Run, tmp_path: Path) -> None:
    done = run("predict", "--model", tmp_path, "plain.flac")
    assert (done.returncode, done.stdout) == (1, "")
    assert str(tmp_path) in done.stderr
    done = run("predict", "--model", "plain.flac", "plain.flac")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("intone: plain.flac: not a model file")
    assert done.stderr.count("\n") == 1


def test_a_model_by_its_path(run: Run) -> None:
    from intone.hear import modelfile

    by_path = run("predict", "--json", "--model", modelfile.shipped()[modelfile.DEFAULT], "plain.flac")
    assert answers(by_path) == answers(run("predict", "--json", "plain.flac"))


def test_a_prior_moves_the_answer(run: Run) -> None:
    (as_trained,) = answers(run("predict", "--json", "fast-high-loud.flac"))
    (heard,) = answers(run("predict", "--json", "--prior", "fear=0.9,neutral=0.1", "fast-high-loud.flac"))
    assert as_trained["emotion"] != heard["emotion"] == "fear"


def test_what_a_speaker_sounds_like_otherwise(run: Run, tmp_path: Path) -> None:
    kept = tmp_path / "alice.json"
    done = run("baseline", "plain.flac", "no-such.wav", "questioning.flac", "--out", kept)
    assert done.returncode == 1, done.stderr
    assert "no-such.wav" in done.stderr
    assert "2 utterances" in done.stderr
    (beside,) = answers(run("predict", "--json", "plain.flac", "--baseline", kept))
    (plain,) = answers(run("predict", "--json", "plain.flac"))
    assert beside["scores"] != plain["scores"]
    refused = run("predict", "plain.flac", "--baseline", kept, "--model", "intone-classic")
    assert refused.returncode == 2
    assert "knows no speakers' baselines" in refused.stderr
    kept.write_text("{}", encoding="utf-8")
    refused = run("predict", "plain.flac", "--baseline", kept)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "alice.json: not a baseline" in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_a_model_exported_as_it_is_answers_the_same(run: Run, examples: Path, tmp_path: Path) -> None:
    done = run("export", "--model", "intone-classic", "--to", "onnx", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (file,) = tmp_path.iterdir()
    assert answers(run("predict", "--json", "--model", file, "plain.flac")) == answers(
        run("predict", "--json", "--model", "intone-classic", "plain.flac")
    )
    again = run("export", "--model", "intone-classic", "--to", "onnx", cwd=tmp_path)
    assert again.returncode == 2
    assert "is there already" in again.stderr


def test_one_speakers_turns_are_heard_beside_those_before(run: Run) -> None:
    given = ("--json", "plain.flac", "questioning.flac")
    followed, alone = answers(run("predict", "--one-speaker", *given)), answers(run("predict", *given))
    assert followed[0]["scores"] == pytest.approx(alone[0]["scores"], abs=1e-4)
    assert followed[1]["scores"] != pytest.approx(alone[1]["scores"], abs=1e-4)
    refused = run("predict", "--one-speaker", "--model", "intone-classic", "plain.flac")
    assert refused.returncode == 2
    assert "knows no speakers' baselines" in refused.stderr


# --- Stopping early ---------------------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name == "nt", reason="Windows closes pipes in another way")
@pytest.mark.parametrize("options", [["--json"], []])
def test_a_reader_that_stops_reading_is_no_traceback(command: str, examples: Path, options: list[str]) -> None:
    given = ["predict", *options, *["plain.flac"] * BATCH * 2]
    with subprocess.Popen([command, *given], cwd=examples, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read().decode()
        process.wait(LIMIT_SECONDS)
    assert said == ""


@pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl-C in another way")
def test_ctrl_c_ends_it_without_a_traceback(command: str, examples: Path) -> None:
    given = [command, "predict", "--json", *["plain.flac"] * BATCH, "-"]
    with subprocess.Popen(
        given, cwd=examples, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()  # it is running, and will soon wait for standard input, which never comes
        process.send_signal(signal.SIGINT)
        told, said = process.communicate(timeout=LIMIT_SECONDS)
    assert process.returncode == 130
    assert b"Traceback" not in said
    assert said.count(b"\n") <= 1
    assert told.count(b"\n") < BATCH + 1


def test_with_a_progress_bar_every_answer_still_goes_to_standard_output(
    command: str, tmp_path: Path, examples: Path
) -> None:
    for number in range(40):
        (tmp_path / f"{number:02d}.flac").symlink_to(examples.resolve() / "plain.flac")
    terminal, its_end = pty.openpty()
    shown: list[bytes] = []
    reader = threading.Thread(target=lambda: shown.extend(iter(lambda: _read(terminal), b"")))
    reader.start()
    with (tmp_path / "answers").open("wb") as answers:
        done = subprocess.run(
            [command, "predict", str(tmp_path), "--json"], stdout=answers, stderr=its_end, check=False, timeout=120
        )
    os.close(its_end)
    reader.join()
    os.close(terminal)
    assert done.returncode == 0
    lines = (tmp_path / "answers").read_text().splitlines()
    assert [Path(json.loads(line)["file"]).name for line in lines] == [f"{number:02d}.flac" for number in range(40)]
    assert b"Listening" in b"".join(shown)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # Linux's way of saying that the other end is closed
        return b""
