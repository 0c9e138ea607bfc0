"""What ``intone batch`` refuses, says and shows."""

import importlib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from intone.archive import Progress
from intone.cli.batch import NAMED, _line
from intone.cli.commands import app
from intone.errors import UsageError
from tests.archived import intone, pieces


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--baselines", "speaker"], "accepted is a column of the manifest, as by=speaker"),
        (["--baselines", "by="], "accepted is a column of the manifest"),
        (["--hindsight"], "say --timeline too"),
        (["--prior", "bliss=0.5"], "bliss"),
        (["--model", "intone-tny"], "Did you mean 'intone-tiny'"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_written(
    examples: Path, tmp_path: Path, words: list[str], says: str
) -> None:
    done = CliRunner().invoke(app, ["batch", str(examples), "--out", str(tmp_path / "out"), *words])
    assert isinstance(done.exception, UsageError)
    assert says in str(done.exception)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("out", ["s3://bucket/results", __file__])
def test_tables_go_into_a_folder_of_this_machine(examples: Path, out: str) -> None:
    done = CliRunner().invoke(app, ["batch", str(examples), "--out", out])
    assert "accepted for --out is a folder of this machine" in str(done.exception)


def test_what_is_not_installed_is_said(examples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = importlib.import_module("intone.archive.run")  # the package has a function of that name
    monkeypatch.setattr(run, "find_spec", lambda name: None if name == "pyarrow" else name)
    done = CliRunner().invoke(app, ["batch", str(examples), "--out", str(tmp_path / "out")])
    assert str(done.exception) == "An archive's tables need pyarrow: pip install 'intone[archive]'."


def test_a_sentence_says_what_it_came_to_and_a_few_errors_are_named(examples: Path, tmp_path: Path) -> None:
    pieces(examples, tmp_path / "calls", 1)
    for number in range(NAMED + 2):
        (tmp_path / "calls" / f"broken-{number}.wav").write_text(f"no sound {number}")
    done = intone("batch", tmp_path / "calls", "--out", tmp_path / "out")
    assert done.returncode == 1
    assert b"13 recordings: 1 heard, 0 copies, 0 done before, 12 errors; 0:00 of sound in " in done.stdout
    said = done.stderr.decode().splitlines()
    assert len(said) == NAMED + 1
    assert "2 more errors; all are in" in said[-1]


def test_progress_tells_pace_and_what_is_left() -> None:
    so_far = Progress(found=300, done=90, known=10, seconds=7200, taken=36, bytes_heard=100, bytes_left=50)
    assert _line(so_far) == "100 of 300+ recordings, 200 hours of sound an hour, more than 0:18 left"
    assert _line(Progress(found=3, listed=True)) == "0 of 3 recordings"
