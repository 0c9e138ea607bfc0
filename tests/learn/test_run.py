"""A run leaves everything or nothing that looks finished, the same numbers each time, and a model that agrees."""

import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest

import intone
from intone.errors import CorpusError, UsageError
from intone.learn import place, run, scores, stored
from intone.learn import recipe as recipes
from intone.learn.recipe import TrainingRecipe
from intone.learn.robustness import CONDITIONS, Robustness
from tests.sung import RECIPE

pytestmark = pytest.mark.xdist_group("keras")
LEFT = {
    "recipe.toml", "files.csv", "history.csv", "metrics.json", "environment.json", "logits.npz", "accuracy.png",
    "loss.png", "confusion.png", "model.keras", "card.json", "sung.intone.onnx", "report.html",
    "figures.json", "robustness.json", "validation.npz",
}  # fmt: skip


@pytest.fixture(scope="module")
def finished(sung_tess: Path, small_recipe: TrainingRecipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "sung"
    run.train(small_recipe, sung_tess, out)
    return out


def metrics_of(folder: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((folder / "metrics.json").read_text())
    return found


def test_a_finished_run_holds_everything(finished: Path) -> None:
    assert {path.name for path in finished.iterdir()} == LEFT
    assert not place.partial_of(finished).exists()


def test_the_honest_protocol_stands_first_beside_the_leaking_one(finished: Path) -> None:
    entries = json.loads((finished / "metrics.json").read_text())["protocols"]
    assert [entry["leaks_speakers"] for entry in entries] == [False, True]
    assert set(entries[0]["folds"]) == {"tess-OAF", "tess-YAF"}


def test_every_figure_follows_from_what_is_stored(finished: Path) -> None:
    metrics = json.loads((finished / "metrics.json").read_text())
    again = scores.of_folder(finished, metrics["labels"])
    assert json.loads(json.dumps(again)) == metrics["protocols"]


def test_the_confidence_follows_from_the_stored_validation_parts(finished: Path) -> None:
    kept = stored.read(finished)
    assert {key: len(given) for key, given in kept.validation.items()} == {"random/random/seed-5": 14}
    assert kept.refitted() == {key: fitted for key, fitted in kept.metrics["confidence"].items() if fitted}


def test_a_classical_run_without_validation_fits_no_confidence_and_tries_its_robustness_too(
    sung_tess: Path, tmp_path: Path
) -> None:
    text = RECIPE.replace('kind = "lstm"\nunits = 8\ndense = [16]\ndropout = 0.1', 'kind = "logistic"')
    plain = recipes.parse(text.replace("validation = 0.2\n", ""))
    metrics = run.train(plain, sung_tess, tmp_path / "sung")
    kept = stored.read(tmp_path / "sung")
    assert kept.validation == kept.refitted() == {}
    assert set(metrics["confidence"]) == set(kept.logits)
    assert not any(metrics["confidence"].values())
    assert metrics["parameters"] is None
    tried = Robustness.from_dict(kept.json("robustness.json"))
    assert len(tried.rows) == 1 + len(CONDITIONS)
    assert tried.rows[0].changed == 0 < max(row.changed for row in tried.rows)


def test_a_network_says_how_many_parameters_it_has(finished: Path) -> None:
    network = keras.models.load_model(finished / "model.keras")
    assert metrics_of(finished)["parameters"] == network.count_params() > 0


def test_accuracy_is_the_share_of_right_answers_over_all_folds(finished: Path) -> None:
    files, logits = pd.read_csv(finished / "files.csv"), np.load(finished / "logits.npz")
    metrics = json.loads((finished / "metrics.json").read_text())
    for entry in metrics["protocols"]:
        right = total = 0
        for key in (key for key in logits.files if key.startswith(entry["protocol"] + "/")):
            truth = files["emotion"][files[key] == "test"].map(metrics["labels"].index).to_numpy()
            right += int((logits[key].argmax(axis=1) == truth).sum())
            total += len(truth)
        assert entry["mean"]["accuracy"] == pytest.approx(right / total)


def test_file_lists_say_who_stood_where(finished: Path) -> None:
    files = pd.read_csv(finished / "files.csv")
    assert files["sha256"].is_unique
    column = files["leave-one-speaker-out/tess-OAF/seed-5"]
    assert set(files["speaker"][column == "test"]) == {"tess-OAF"}
    assert set(files["speaker"][column == "train"]) == {"tess-YAF"}
    assert files["random/random/seed-5"].value_counts().to_dict() == {"train": 70, "test": 28, "validation": 14}


def test_same_recipe_and_seed_give_identical_metrics(
    finished: Path, sung_tess: Path, small_recipe: TrainingRecipe, tmp_path: Path
) -> None:
    run.train(small_recipe, sung_tess, tmp_path / "sung")
    assert (tmp_path / "sung" / "metrics.json").read_bytes() == (finished / "metrics.json").read_bytes()
    assert (tmp_path / "sung" / "history.csv").read_bytes() == (finished / "history.csv").read_bytes()


class StoppedError(Exception):
    """Stands for a kill, at a point that the test chooses."""


@pytest.mark.parametrize("epochs_before_the_stop", [1, 2, 4])
def test_a_stopped_run_looks_unfinished_and_resumes_to_the_same_numbers(
    finished: Path, sung_tess: Path, small_recipe: TrainingRecipe, tmp_path: Path, epochs_before_the_stop: int
) -> None:
    out, epochs = tmp_path / "sung", 0

    def stop(what: str, done: int, total: int, remark: str) -> None:
        nonlocal epochs
        epochs += what != "Listening"
        if epochs == epochs_before_the_stop:
            raise StoppedError

    with pytest.raises(StoppedError):
        run.train(small_recipe, sung_tess, out, progress=stop)
    assert not out.exists()
    with pytest.raises(UsageError, match="--resume"):
        run.train(small_recipe, sung_tess, out)
    run.train(small_recipe, sung_tess, out, resume=True)
    assert metrics_of(out) == metrics_of(finished)
    assert (out / "history.csv").read_bytes() == (finished / "history.csv").read_bytes()


def test_a_stopped_run_is_not_gone_on_with_over_other_recordings(
    sung_tess: Path, small_recipe: TrainingRecipe, tmp_path: Path
) -> None:
    root = tmp_path / "corpora"
    shutil.copytree(sung_tess, root)

    def stop(what: str, done: int, total: int, remark: str) -> None:
        if what != "Listening":
            raise StoppedError

    with pytest.raises(StoppedError):
        run.train(small_recipe, root, tmp_path / "sung", progress=stop)
    next(root.rglob("*.wav")).unlink()
    with pytest.raises(UsageError, match="the corpora have changed"):
        run.train(small_recipe, root, tmp_path / "sung", resume=True)


def test_what_fails_before_the_training_leaves_nothing(small_recipe: TrainingRecipe, tmp_path: Path) -> None:
    with pytest.raises(CorpusError):
        run.train(small_recipe, tmp_path / "nowhere", tmp_path / "runs" / "sung")
    assert list(tmp_path.iterdir()) == []


def test_a_run_is_never_overwritten_nor_resumed_with_another_recipe(
    finished: Path, sung_tess: Path, small_recipe: TrainingRecipe, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="finished run"):
        run.train(small_recipe, sung_tess, finished)
    with pytest.raises(UsageError, match="no stopped run"):
        run.train(small_recipe, sung_tess, tmp_path / "new", resume=True)
    partial = place.partial_of(tmp_path / "other")
    partial.mkdir()
    (partial / "recipe.toml").write_text("name = 'other'")
    with pytest.raises(UsageError, match="another recipe"):
        run.train(small_recipe, sung_tess, tmp_path / "other", resume=True)


def test_network_and_model_file_agree(finished: Path, sung_tess: Path) -> None:
    sounds = sorted(sung_tess.rglob("*.wav"))[::5]
    from_keras = intone.load(finished / "model.keras").predict_batch(sounds)
    from_file = intone.load(finished).predict_batch(sounds)
    for one, other in zip(from_keras, from_file, strict=True):
        assert one.scores == pytest.approx(other.scores, abs=1e-5)


def test_alone_and_in_a_batch_a_file_gets_the_same_answer(finished: Path, sung_tess: Path) -> None:
    hearing = intone.load(finished)
    sounds = sorted(sung_tess.rglob("*.wav"))[:40]
    for sound, together in zip(sounds, hearing.predict_batch(sounds), strict=True):
        assert hearing.predict(sound).scores == pytest.approx(together.scores, abs=1e-4)


def test_the_card_says_what_was_learned_from_and_what_it_is_worth(finished: Path, small_recipe: TrainingRecipe) -> None:
    card = intone.load(finished).card
    assert card.recipe_sha256 == small_recipe.sha256
    assert card.speakers == ("tess-OAF", "tess-YAF")
    assert "non-commercial" in card.licence
    assert "14 utterances" in card.calibrated_on
    assert card.scores[0].leaks_speakers is False
    assert card.scores[-1].leaks_speakers is True


def test_broken_and_repeated_recordings_are_named_and_left_out(
    sung_tess: Path, small_recipe: TrainingRecipe, tmp_path: Path
) -> None:
    shutil.copytree(sung_tess, tmp_path / "corpora")
    folder = tmp_path / "corpora" / "tess" / "OAF_angry"
    (folder / "OAF_back_angry.wav").write_bytes(b"RIFF and nothing more")
    shutil.copy(folder / "OAF_bar_angry.wav", folder / "OAF_base_angry.wav")
    run.train(small_recipe, tmp_path / "corpora", tmp_path / "sung")
    left_out = json.loads((tmp_path / "sung" / "metrics.json").read_text())["left_out"]
    assert len(left_out) == 2
    assert "OAF_back_angry.wav" in left_out[0]
    assert "the same sound as" in left_out[1]
    assert "OAF_base_angry.wav" in left_out[1]


def test_a_corpus_of_which_nothing_can_be_heard_is_an_error(
    sung_tess: Path, small_recipe: TrainingRecipe, tmp_path: Path
) -> None:
    folder = tmp_path / "tess"
    folder.mkdir()
    (folder / "OAF_back_angry.wav").write_bytes(b"not sound")
    with pytest.raises(CorpusError, match="not one of the 1 recordings"):
        run.train(small_recipe, tmp_path, tmp_path / "out")


def test_networks_and_their_options_are_answered_with_the_nearest(sung_tess: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Did you mean 'lstm'"):
        run.train(recipes.parse(RECIPE.replace('"lstm"', '"lsmt"')), sung_tess, tmp_path / "a")
    with pytest.raises(UsageError, match="Did you mean 'units'"):
        run.train(recipes.parse(RECIPE.replace("units", "unit")), sung_tess, tmp_path / "b")
