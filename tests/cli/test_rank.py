"""`intone features rank` as a user types it, on a corpus whose melodies are its emotions."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from intone.cli.commands import app


def run(cache: Path, corpora: Path, *words: str | Path) -> Result:
    environment = {"INTONE_CACHE": str(cache), "INTONE_CORPORA": str(corpora)}
    return CliRunner(env=environment).invoke(app, [str(word) for word in words], catch_exceptions=False)


def test_the_melody_is_what_tells_sung_emotions_apart(tmp_path: Path, sung_tess: Path) -> None:
    words = ("features", "rank", "--corpus", "tess", "--recipe", "prosody")
    shown = run(tmp_path, sung_tess, *words, "--top", "3", "--plot", tmp_path / "rank.png")
    assert shown.exit_code == 0, shown.stderr
    assert "tess: 112 recordings, 7 emotions, 2 speakers" in shown.stdout
    assert len([line for line in shown.stdout.splitlines() if " · " in line]) == 3
    assert (tmp_path / "rank.png").stat().st_size > 10_000
    kept = list(tmp_path.rglob("*.f4"))
    assert len(kept) == 112
    whole = run(tmp_path, sung_tess, *words, "--json")
    table = [json.loads(line) for line in whole.stdout.splitlines()]
    best = {row["feature"]: row for row in table}["semitones.mean"]
    assert best["eta2"] > 0.9
    assert best["speaker_low"] > 0.9
    assert [row["eta2"] for row in table] == sorted((row["eta2"] for row in table), reverse=True)


def test_a_folder_named_rank_can_still_be_measured(
    tmp_path: Path, examples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = sorted(examples.glob("*.flac"))[0]
    (tmp_path / "rank").mkdir()
    shutil.copy(recording, tmp_path / "rank")
    monkeypatch.chdir(tmp_path)
    measured = run(tmp_path, tmp_path, "features", "./rank", "--recipe", "mfcc40")
    assert measured.exit_code == 0
    assert measured.stdout.startswith("path,mfcc_01.mean")
    assert recording.name in measured.stdout


def test_a_corpus_must_be_named(tmp_path: Path) -> None:
    assert run(tmp_path, tmp_path, "features", "rank").exit_code == 2
