"""Every network and classical model trains, is saved, exported, and answers the same alone and in a batch."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import intone
from intone.errors import UsageError
from intone.features import Inputs
from intone.hear.answering import softmax
from intone.learn import fit, learners, networks
from intone.learn import recipe as recipes
from intone.learn.fit import Lesson
from intone.learn.recipe import TrainingRecipe
from tests.sung import RECIPE

pytestmark = pytest.mark.xdist_group("keras")
NETWORKS: list[tuple[str, dict[str, Any]]] = [
    ("lstm", {"units": 8, "dense": [8]}),
    ("gru", {"units": 8, "dense": [8], "pooling": "attention"}),
    ("cnn", {"filters": [8, 8], "dense": [8]}),
    ("cnn-lstm", {"filters": [8, 8], "units": 8}),
    ("cnn2d", {"filters": [4, 8], "width": 8}),
    ("cnn2d", {"filters": [4, 8], "width": 8, "halve": True}),
]
CLASSICAL = ["svm", "linear-svm", "forest", "boosting", "neighbours", "logistic", "discriminant", "mlp"]


def recipe(kind: str, *, epochs: int = 2, extra: str = "") -> TrainingRecipe:
    text = RECIPE.replace('kind = "lstm"\nunits = 8\ndense = [16]\ndropout = 0.1', f'kind = "{kind}"')
    return recipes.parse(text.replace("epochs = 3", f"epochs = {epochs}").replace("[training]", f"[training]\n{extra}"))


def spoken(
    count: int, seed: int = 0
) -> tuple[
    list["np.ndarray[tuple[int, ...], np.dtype[np.float32]]"], "np.ndarray[tuple[int, ...], np.dtype[np.int64]]"
]:
    """Give sequences of differing lengths whose columns tell their label."""
    generator = np.random.default_rng(seed)
    truth = np.arange(count) % 3
    parts = [generator.standard_normal((int(generator.integers(9, 40)), 12)).astype(np.float32) for _ in truth]
    for part, label in zip(parts, truth, strict=True):
        part[:, label] += 3
    return parts, truth


def lesson(inputs: Inputs, truth: "np.ndarray[tuple[int, ...], np.dtype[np.int64]]") -> Lesson[Inputs]:
    return Lesson(train=inputs, truth=truth, watched=inputs[:0], watched_truth=truth[:0], labels=7, seed=1)


@pytest.mark.parametrize(
    ("kind", "options"), NETWORKS, ids=[kind + "-halved" * ("halve" in options) for kind, options in NETWORKS]
)
def test_a_network_learns_and_its_padding_and_neighbours_change_nothing(
    kind: str, options: dict[str, Any], tmp_path: Path
) -> None:
    parts, truth = spoken(60)
    plan = recipes.TrainingRecipe(**{**vars(recipe(kind, epochs=25)), "network": recipes.NetworkPart(kind, options)})
    model = learners.train(lesson(Inputs.of(parts), truth), plan, folder=tmp_path, tick=lambda *_: None)
    others, answers = spoken(30, seed=1)
    together = model.logits(Inputs.of(others))
    assert (together.argmax(axis=1) == answers).mean() > 0.9
    alone = np.concatenate([model.logits(Inputs.of([part])) for part in others])
    assert np.abs(softmax(together.astype(float)) - softmax(alone.astype(float))).max() < 1e-4


@pytest.mark.parametrize("kind", ["gru", "cnn-lstm", "cnn2d"])
def test_a_network_over_frames_hears_the_same_from_its_model_file(kind: str, sung_tess: Path, tmp_path: Path) -> None:
    from intone.learn import run

    frames = RECIPE.replace('recipe = "mfcc40"', 'recipe = "logmel"').replace('name = "sung"', f'name = "{kind}"')
    text = frames.replace('kind = "lstm"\nunits = 8\ndense = [16]\ndropout = 0.1', f'kind = "{kind}"')
    training = 'crop = 30\nmasks = 1\ncopies = 1\naugment = ["noise", "speed", "gain", "telephone", "reverberation"]'
    text = text.replace("[training]", f"[training]\n{training}").replace("epochs = 3", "epochs = 1")
    run.train(recipes.parse(text), sung_tess, tmp_path / kind)
    hearing = intone.load(tmp_path / kind)
    sounds = [path.read_bytes() for path in sorted(sung_tess.rglob("*.wav"))[::20]]
    long = [np.tile(intone.hear.audio.load(sound).samples, count) for count, sound in enumerate(sounds, start=1)]
    by_keras = intone.load(tmp_path / kind / "model.keras").predict_batch(long, rate=16_000)
    for sound, together, other in zip(long, hearing.predict_batch(long, rate=16_000), by_keras, strict=True):
        assert hearing.predict(sound, rate=16_000).scores == pytest.approx(together.scores, abs=1e-4)
        assert together.scores == pytest.approx(other.scores, abs=1e-5)


@pytest.mark.parametrize("kind", CLASSICAL)
def test_a_classical_model_learns_what_is_there_to_learn(kind: str, tmp_path: Path) -> None:
    parts, truth = spoken(90)
    others, answers = spoken(60, seed=1)
    vectors, unheard = (Inputs(np.stack([part.mean(axis=0) for part in some])) for some in (parts, others))
    model = learners.train(lesson(vectors, truth), recipe(kind), folder=tmp_path, tick=lambda *_: None)
    logits = model.logits(unheard)
    assert logits.shape == (60, 7)
    assert (logits.argmax(axis=1) == answers).mean() > 0.9
    assert np.exp(logits[:, 3:]).max() < 1e-6  # labels that it never met


@pytest.mark.parametrize("kind", ["logistic", "svm", "lstm"])
def test_what_could_not_be_measured_counts_as_the_mean(kind: str, tmp_path: Path) -> None:
    parts, truth = spoken(60)
    values = np.stack([part.mean(axis=0) for part in parts])
    model = learners.train(lesson(Inputs(values), truth), recipe(kind), folder=tmp_path, tick=lambda *_: None)
    unmeasured, average = values.copy(), values.copy()
    unmeasured[:, 7] = np.nan
    average[:, 7] = values[:, 7].mean()
    assert np.allclose(model.logits(Inputs(unmeasured)), model.logits(Inputs(average)), atol=1e-3)


def test_a_classical_model_refuses_frames_and_a_network_a_reduction(tmp_path: Path) -> None:
    parts, truth = spoken(12)
    with pytest.raises(UsageError, match="one vector an utterance"):
        learners.train(lesson(Inputs.of(parts), truth), recipe("svm"), folder=tmp_path, tick=lambda *_: None)
    reducing = recipes.parse(RECIPE.replace('recipe = "mfcc40"', 'recipe = "mfcc40"\nreduce = "pca"\nkeep = 3'))
    with pytest.raises(UsageError, match="for classical models"):
        learners.train(lesson(Inputs.of(parts), truth), reducing, folder=tmp_path, tick=lambda *_: None)


def test_an_unknown_model_is_answered_with_the_nearest_of_all(tmp_path: Path) -> None:
    parts, truth = spoken(12)
    with pytest.raises(UsageError, match="Did you mean 'forest'"):
        learners.train(lesson(Inputs.of(parts), truth), recipe("forrest"), folder=tmp_path, tick=lambda *_: None)


def test_gain_changes_nothing_for_a_network_that_takes_the_level_out() -> None:
    network = networks.build("cnn2d", {"filters": [4], "width": 8}, columns=12, labels=3, sequence=True)
    parts, _ = spoken(4)
    quiet, loud = (Inputs.of([part + level for part in parts]).feed() for level in (0, 20))
    assert np.allclose(network(quiet), network(loud), atol=1e-5)


def test_the_standardising_layer_holds_the_training_parts_statistics_and_no_padding() -> None:
    parts, truth = spoken(30)
    plan = recipe("gru", epochs=1)
    network = fit.fit(lesson(Inputs.of(parts), truth), plan.network, plan.training, tick=lambda *_: None)
    mean, variance = network.get_layer("standardise").get_weights()
    own = np.concatenate(parts).astype(np.float64)
    assert np.allclose(mean, own.mean(axis=0), atol=1e-5)
    assert np.allclose(variance, own.var(axis=0), atol=1e-4)


def test_a_dense_network_learns_from_whole_vectors_and_refuses_frames(tmp_path: Path) -> None:
    parts, truth = spoken(60)
    plan = recipes.TrainingRecipe(
        **{**vars(recipe("dnn", epochs=60)), "network": recipes.NetworkPart("dnn", {"dense": [16]})}
    )
    vectors = Inputs.of([part.mean(axis=0) for part in parts])
    model = learners.train(lesson(vectors, truth), plan, folder=tmp_path, tick=lambda *_: None)
    others, answers = spoken(30, seed=1)
    assert (model.logits(Inputs.of([part.mean(axis=0) for part in others])).argmax(axis=1) == answers).mean() > 0.9
    with pytest.raises(UsageError, match="one vector an utterance"):
        networks.build("dnn", {}, columns=12, labels=3, sequence=True)
