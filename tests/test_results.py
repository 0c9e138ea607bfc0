"""Every published figure follows from a stored run, and no stored run leaks."""

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

import intone
from intone import corpora
from intone.learn import page, scores
from intone.learn import recipe as recipes
from intone.learn import stored as runs
from intone.learn.robustness import CONDITIONS, Robustness
from intone.learn.splits import PROTOCOLS

HOME = Path(__file__).parents[1]
STORED = sorted(path.parent for path in (HOME / "results").glob("*/metrics.json"))


@pytest.fixture(params=STORED, ids=lambda folder: folder.name)
def stored(request: pytest.FixtureRequest) -> Path:
    folder: Path = request.param
    return folder


def test_there_is_a_stored_run_for_each_recipe() -> None:
    assert {folder.name for folder in STORED} == {path.stem for path in (HOME / "recipes").glob("*.toml")}


def test_the_recipes_for_who_has_other_rights_hold_what_they_say() -> None:
    prepared = {path.stem: recipes.read(path) for path in (HOME / "recipes" / "prepared").glob("*.toml")}
    assert {name: plan.name for name, plan in prepared.items()} == {name: name for name in prepared}
    assert all(corpora.describe(name).commercial for name in prepared["intone-tiny-commercial"].corpora.names)
    assert "tess" not in prepared["intone-tiny-without-tess"].corpora.names


def test_the_figures_follow_from_the_logits(stored: Path) -> None:
    metrics = json.loads((stored / "metrics.json").read_text(encoding="utf-8"))
    again = json.loads(json.dumps(scores.of_folder(stored, metrics["labels"])))
    assert again == metrics["protocols"]


def test_the_run_is_of_the_recipe_that_is_published(stored: Path) -> None:
    metrics = json.loads((stored / "metrics.json").read_text(encoding="utf-8"))
    assert recipes.read(HOME / "recipes" / f"{stored.name}.toml").sha256 == metrics["recipe_sha256"]


def test_no_sound_and_no_speaker_stands_on_two_sides(stored: Path) -> None:
    files = pd.read_csv(stored / "files.csv", keep_default_na=False)
    assert files["sha256"].is_unique
    for fold in (str(column) for column in files if "/" in str(column)):
        if not PROTOCOLS[fold.split("/")[0]].leaks_speakers:
            sides = [set(files["speaker"][files[fold] == side]) for side in ("train", "validation", "test")]
            assert not sides[0] & sides[1]
            assert not sides[0] & sides[2]
            assert not sides[1] & sides[2]


def test_the_confidence_follows_from_the_validation_parts(stored: Path) -> None:
    kept = runs.read(stored)
    if "parameters" not in kept.metrics:  # made before runs stored them
        return
    fitted = {key: found for key, found in kept.metrics["confidence"].items() if found}
    assert set(fitted) == {key for key in kept.logits if (kept.files[key] == "validation").any()}
    again = kept.refitted()
    assert set(again) == set(fitted)
    for key, found in fitted.items():
        assert again[key] == pytest.approx(found, rel=1e-4)
    refitted = replace(kept, metrics={**kept.metrics, "confidence": again})
    for protocol in kept.protocols:
        told, found_again = (run.figures(protocol).calibration.ece for run in (kept, refitted))
        assert found_again == pytest.approx(told, abs=1e-3)


def test_each_run_was_tried_in_noise_and_at_other_levels(stored: Path) -> None:
    kept = runs.read(stored)
    if "parameters" not in kept.metrics:  # made before every run was
        return
    tried = Robustness.from_dict(kept.json("robustness.json"))
    assert [row.condition for row in tried.rows[1:]] == [one.title for one in CONDITIONS.values()]
    assert not tried.missing


def test_tess_is_remembered_as_well_as_the_fields_projects_do_in_six_minutes() -> None:
    metrics = json.loads((HOME / "results" / "tess-lstm" / "metrics.json").read_text(encoding="utf-8"))
    unseen, random = metrics["protocols"]
    assert set(unseen["folds"]) == {"tess-OAF", "tess-YAF"}
    assert set(random["seeds"]) == {"1", "2", "3"}
    assert random["mean"]["accuracy"] >= 0.979
    made = json.loads((HOME / "results" / "tess-lstm" / "environment.json").read_text(encoding="utf-8"))
    assert made["cores"] <= 2
    assert made["training_seconds"] <= 360


def test_the_model_that_ships_is_that_of_its_stored_run() -> None:
    card = intone.load().card
    metrics = json.loads((HOME / "results" / card.name / "metrics.json").read_text(encoding="utf-8"))
    assert card.recipe_sha256 == metrics["recipe_sha256"]
    (entry,) = metrics["protocols"]
    assert {score.corpora: score.ua for score in card.scores} == pytest.approx(
        {name: part["ua"] for name, part in entry["corpora"].items()}
    )


def test_the_page_says_what_is_stored() -> None:
    assert (HOME / "docs" / "results.md").read_text(encoding="utf-8") == page.of(HOME / "results")


def test_the_readme_says_what_is_stored() -> None:
    text = (HOME / "README.md").read_text(encoding="utf-8")
    assert page.with_table(text, HOME / "results") == text
