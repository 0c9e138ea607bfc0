"""`intone features` as a user types it."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
import typer
from typer.testing import CliRunner, Result

from intone.cli.features import features
from intone.errors import UsageError
from intone.features import RECIPES, extract, recipe

app = typer.Typer()
app.command()(features)


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    folder = tmp_path / "sounds"
    folder.mkdir()
    for number in (1, 2, 3):
        time = np.arange(8000) / 16_000
        soundfile.write(folder / f"{number}.wav", 0.3 * np.sin(2 * np.pi * 100 * number * time), 16_000)
    return folder


def run(tmp_path: Path, *words: str | Path) -> Result:
    return CliRunner(env={"INTONE_CACHE": str(tmp_path / "cache")}).invoke(app, [str(word) for word in words])


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_a_table_is_printed_a_row_for_each_recording(tmp_path: Path, sounds: Path) -> None:
    result = run(tmp_path, sounds, "--recipe", "mfcc40")
    assert result.exit_code == 0
    table = rows(result.stdout)
    assert [Path(row["path"]).name for row in table] == ["1.wav", "2.wav", "3.wav"]
    expected = extract(sounds / "2.wav", "mfcc40").values
    np.testing.assert_allclose([float(table[1][name]) for name in recipe("mfcc40").names], expected, rtol=1e-6)


def test_what_was_measured_is_kept_and_can_be_cleared(tmp_path: Path, sounds: Path) -> None:
    first = run(tmp_path, sounds, "--out", tmp_path / "a.csv")
    kept = list((tmp_path / "cache").rglob("*.f4"))
    assert first.exit_code == 0
    assert len(kept) == 3
    np.full(180, 7, dtype="<f4").tofile(kept[0])  # a mark: the second table must show it
    run(tmp_path, sounds, "--out", tmp_path / "b.csv")
    assert (tmp_path / "b.csv").read_text().count("7.0") >= 180
    run(tmp_path, "--clear-cache")
    assert not list((tmp_path / "cache").rglob("*.f4"))
    run(tmp_path, sounds, "--out", tmp_path / "c.csv", "--no-cache")
    assert (tmp_path / "c.csv").read_text() == (tmp_path / "a.csv").read_text()
    assert not list((tmp_path / "cache").rglob("*.f4"))


def test_parquet_holds_the_same(tmp_path: Path, sounds: Path) -> None:
    pytest.importorskip("pyarrow", reason="needs pyarrow, of the dev extra")
    pandas = pytest.importorskip("pandas")
    assert run(tmp_path, sounds, "--out", tmp_path / "t.parquet").exit_code == 0
    table = pandas.read_parquet(tmp_path / "t.parquet")
    assert list(table.columns) == ["path", *RECIPES["classic"].names]
    assert len(table) == 3


def test_one_that_cannot_be_heard_is_named_and_the_rest_measured(tmp_path: Path, sounds: Path) -> None:
    (sounds / "broken.wav").write_bytes(b"RIFF....")
    result = run(tmp_path, sounds, sounds / "gone.wav")
    assert result.exit_code == 1
    assert "broken.wav" in result.stderr
    assert "gone.wav" in result.stderr
    assert len(rows(result.stdout)) == 3


def test_a_recipe_of_ones_own(tmp_path: Path, sounds: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("name = 'mine'\n[[measures]]\nfeature = 'centroid'\nstatistics = ['p50']\n")
    result = run(tmp_path, sounds, "--recipe", path)
    assert list(rows(result.stdout)[0]) == ["path", "centroid.p50"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--recipe", "clasik", "x.wav"], "Did you mean 'classic'"),
        (["--out", "table.xls", "x.wav"], "csv or"),
        (["--recipe", "logmel", "x.wav"], "over time"),
        (["--recipe", "gone.toml", "x.wav"], "cannot be read"),
        (["--plot", "x.png"], "one recording; 0"),
        (["--plot", "x.doc", "x.wav"], "written as .png"),
        ([], "one of the two"),
        (["--corpus", "tess", "x.wav"], "one of the two"),
    ],
)
def test_wrong_usage_is_told(tmp_path: Path, words: list[str], message: str) -> None:
    result = run(tmp_path, *words)
    assert isinstance(result.exception, UsageError)
    assert message in str(result.exception)


def test_a_recording_is_drawn(tmp_path: Path, sounds: Path) -> None:
    pytest.importorskip("matplotlib")
    assert run(tmp_path, sounds / "1.wav", "--plot", tmp_path / "one.png").exit_code == 0
    assert (tmp_path / "one.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "one.png").stat().st_size > 10_000


@pytest.mark.corpora
def test_a_corpus_is_measured_with_what_its_names_say(tmp_path: Path, corpora_root: Path) -> None:
    result = run(tmp_path, "--corpus", "emodb", "--corpora", corpora_root, "--recipe", "mfcc40", "--no-cache")
    table = rows(result.stdout)
    assert result.exit_code == 0
    assert len(table) == 535
    assert {"speaker", "emotion", "mfcc_40.mean"} <= set(table[0])


def test_what_a_corpus_leaves_out_is_told(tmp_path: Path, sounds: Path) -> None:
    corpus = tmp_path / "tess"
    (corpus / "again").mkdir(parents=True)
    for name in ("OAF_back_fear.wav", "OAF_back_bored.wav", "again/OAF_back_fear.wav"):
        (corpus / name).write_bytes((sounds / "1.wav").read_bytes())
    result = run(tmp_path, "--corpus", "tess", "--corpora", tmp_path, "--recipe", "mfcc40", "--no-cache")
    assert result.exit_code == 0
    assert len(rows(result.stdout)) == 1
    told = [line for line in result.stderr.splitlines() if line.startswith("Left out: ")]
    assert "unknown emotion 'bored'" in told[0]
    assert "only the first is kept" in told[1]
    assert "Warning" not in result.stderr
