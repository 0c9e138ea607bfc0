"""The page tells what stored runs are worth, a random split never alone, and runs that lack something are made anew."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from intone.learn import ledger, page, stored
from intone.learn import recipe as recipes
from intone.learn.robustness import CONDITIONS, Robustness, Row

RESULTS = Path(__file__).parents[2] / "results"
TRIED = Robustness("t", 140, 2, tuple(
    Row(title, 0.5, 0.5, changed)
    for title, changed in zip(("clean", *(one.title for one in CONDITIONS.values())),
                              (0.0, *(0.1234 + number / 10 for number in range(len(CONDITIONS)))), strict=True)
))  # fmt: skip


def amend(path: Path, **entries: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))


def kept(results: Path, name: str, *, parameters: int | None = None) -> Path:
    """Keep a stored run as if it were made today."""
    folder = results / name
    shutil.copytree(RESULTS / name, folder)
    amend(folder / "metrics.json", parameters=parameters)
    amend(folder / "environment.json", run_seconds=5400.0, training_seconds=317.5, cores=2)
    (folder / "robustness.json").write_text(json.dumps(TRIED.to_dict()))
    return folder


def cells(text: str, begins: str) -> list[str]:
    """Give the cells of the first row of a table that begins so."""
    (row, *_) = [line for line in text.splitlines() if line.startswith(f"| {begins}")]
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_the_table_on_top_tells_the_random_split_beside_unseen_voices(tmp_path: Path) -> None:
    kept(tmp_path, "tess-lstm", parameters=123_456)
    kept(tmp_path, "emodb-logistic")
    text = page.of(tmp_path)
    unseen, shared = json.loads((tmp_path / "tess-lstm" / "metrics.json").read_text())["protocols"]
    row = cells(text, "[tess-lstm]")
    assert row[1:5] == ["lstm, tess", "7", "mfcc40", "123,456"]
    assert row[5] == f"{100 * shared['mean']['ua']:.2f} / {100 * shared['mean']['accuracy']:.2f}"
    assert row[6:8] == [f"**{100 * unseen['mean']['ua']:.2f}**", "– (2 speakers)"]
    alone = cells(text, "[emodb-logistic]")
    found = stored.read(tmp_path / "emodb-logistic").figures("leave-one-speaker-out").intervals.ua
    assert alone[4:6] == ["–", "–"]
    assert alone[7] == f"{100 * found.low:.2f} to {100 * found.high:.2f} (10 speakers)"
    assert text.index("| [tess-lstm]") < text.index("## emodb-logistic")


def test_each_run_tells_its_time_and_what_twenty_decibels_change(tmp_path: Path) -> None:
    folder = kept(tmp_path, "tess-lstm")
    text = page.of(tmp_path)
    assert "The run took 1.50 hours on 2 cores, 5.3 minutes of it training." in text
    assert cells(text, "clean") == ["clean", "50.00", "–"]
    for number, condition in enumerate(CONDITIONS.values()):
        assert cells(text, condition.title)[1:] == ["50.00", f"{12.34 + 10 * number:.2f}"]
    (folder / "robustness.json").unlink()
    assert "In noise and at other levels: –" in page.of(tmp_path)


def test_confidence_is_told_where_somebody_was_kept_to_fit_it_on(tmp_path: Path) -> None:
    kept(tmp_path, "tess-lstm")
    folder = kept(tmp_path, "intone-classic")
    text = page.of(tmp_path)
    found = stored.read(folder).figures("unseen-speakers")
    assert cells(text, "[intone-classic]")[8] == f"{found.calibration.ece:.3f}"
    assert f"ECE {found.calibration.ece:.3f} after calibration" in text
    assert found.coverage.answered is not None
    assert found.coverage.risk is not None
    assert (
        f"{100 * found.coverage.answered:.2f} % are answered, {100 - 100 * found.coverage.risk:.2f} % of these" in text
    )
    if not recipes.read(RESULTS / "tess-lstm" / "recipe.toml").split.validation:
        assert cells(text, "[tess-lstm]")[8] == "–"
        assert "The confidence is not calibrated" in text


@pytest.mark.parametrize("lacks", ["robustness.json", "logits.npz", "parameters", "recipe", "nothing"])
def test_a_stored_run_that_lacks_something_is_made_anew(tmp_path: Path, lacks: str) -> None:
    folder = kept(tmp_path, "tess-svm")
    plan = recipes.read(folder / "recipe.toml")
    if lacks.endswith((".json", ".npz")):
        (folder / lacks).unlink()
    elif lacks == "parameters":
        metrics = json.loads((folder / "metrics.json").read_text())
        del metrics["parameters"]
        (folder / "metrics.json").write_text(json.dumps(metrics))
    elif lacks == "recipe":
        amend(folder / "metrics.json", recipe_sha256="of another")
    assert ledger.is_kept(plan, tmp_path) == (lacks == "nothing")


def test_what_the_confidence_was_fitted_on_is_kept_where_there_is_any(tmp_path: Path) -> None:
    finished = kept(tmp_path, "tess-svm")
    (finished / "report.html").touch()
    (finished / stored.VALIDATION).unlink(missing_ok=True)
    ledger.keep(finished, tmp_path / "a")
    assert {path.name for path in (tmp_path / "a").iterdir()} == set(ledger.KEPT)
    (finished / stored.VALIDATION).touch()
    ledger.keep(finished, tmp_path / "a")
    assert {path.name for path in (tmp_path / "a").iterdir()} == {*ledger.KEPT, stored.VALIDATION}


def test_the_page_tells_of_fused_runs_and_the_readme_shows_what_was_chosen(tmp_path: Path) -> None:
    for name, parameters in (("tess-cnn", 10), ("tess-svm", 20)):
        kept(tmp_path, name, parameters=parameters)
    choice = {"fused": {"both": ["tess-cnn", "tess-svm"]}, "readme": ["both"]}
    (tmp_path / "page.json").write_text(json.dumps(choice))
    text = page.of(tmp_path)
    assert cells(text, "[both]")[1:5] == ["fused, tess", "7", "–", "30"]
    assert "The log-probabilities of tess-cnn and tess-svm, averaged; together 30 parameters." in text
    readme = page.with_table(f"before\n{page.MARKS[0]}\n{page.MARKS[1]}\nafter", tmp_path)
    assert {line.split(" | ")[0] for line in readme.splitlines() if line.startswith("| both")} == {"| both"}
    assert "| tess-cnn |" not in readme
    shared, unseen = cells(text, "[both]")[5:7]
    assert float(shared.split(" / ")[0]) > 98  # what each of the two has at least
    assert 0 < float(unseen.strip("*")) < 100
