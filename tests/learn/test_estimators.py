"""Every model keeps scikit-learn's contract, proved by its own suite; its folds and searches work on all."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_predict, cross_val_score
from sklearn.utils.estimator_checks import check_estimator

from intone.errors import UsageError
from intone.features import Inputs
from intone.hear.answering import softmax
from intone.learn import MODELS, NetworkClassifier, estimator, learners
from intone.learn import recipe as recipes
from intone.learn.fit import Lesson
from tests.sung import RECIPE

pytestmark = pytest.mark.xdist_group("keras")
SMALL: dict[str, dict[str, Any]] = {
    "lstm": {"units": 4, "dense": [4]},
    "gru": {"units": 4, "dense": []},
    "cnn": {"filters": [8], "kernel": 3, "dense": []},
    "cnn-lstm": {"filters": [4], "units": 4, "dense": []},
    "cnn2d": {"filters": [4], "width": 4},
    "dnn": {"dense": [8]},
    "forest": {"n_estimators": 12},
    "boosting": {"n_estimators": 8},
    "mlp": {"max_iter": 60},
}
QUICK = {"epochs": 4, "batch": 512, "learning_rate": 0.2, "dropout": 0.0}
NETWORKS = [kind for kind in MODELS if learners.family(kind) == "network"]
CLASSICAL = [kind for kind in MODELS if learners.family(kind) == "classical"]
STEPS = "a pipeline fits its steps in place (scikit-learn excepts its own Pipeline in the same words)"
UNMET = {
    "check_estimators_overwrite_params": STEPS,
    "check_dont_overwrite_parameters": STEPS,
    "check_estimators_nan_inf": "NaN is what could not be measured, and is filled; infinity is refused",
}
MACHINES = {
    "check_supervised_y_2d": "CalibratedClassifierCV(ensemble=False) takes a column of labels for several labels"
}
UNMET_BY = {
    "svm": MACHINES,
    "linear-svm": MACHINES,
    "discriminant": {"check_classifiers_one_label": "a discriminant analysis fails where there is one label alone"},
}
"""The checks of scikit-learn that are not met, and why; docs/estimators.md tells them to users."""


@pytest.fixture(autouse=True, scope="module")
def eager() -> Iterator[None]:
    """Run step by step: tracing a graph takes longer than all the steps of networks this small."""
    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(before)


def said(seed: int = 0) -> tuple[Inputs, NDArray[np.str_], NDArray[np.str_]]:
    """Give sequences of differing lengths, their emotions and their speakers: each says all three eight times."""
    generator = np.random.default_rng(seed)
    emotions = np.tile(["fear", "anger", "neutral"], 16)
    parts = [generator.standard_normal((int(generator.integers(4, 12)), 3)).astype(np.float32) for _ in emotions]
    for part, emotion in zip(parts, emotions, strict=True):
        part[:, ("anger", "fear", "neutral").index(emotion)] += 3
    return Inputs.of(parts), emotions, np.repeat(["ann", "bob"], 24)


def vectors(inputs: Inputs) -> NDArray[np.float32]:
    return np.asarray(np.nanmean(inputs.to_array(), axis=1))


def small(kind: str, **settings: Any) -> Any:
    return estimator(kind, **{**(QUICK if kind in NETWORKS else {}), **SMALL.get(kind, {}), **settings})


def check(model: Any, unmet: dict[str, str]) -> None:
    # Each check is met or skipped by scikit-learn for a want of its own; what is said to be unmet is so indeed.
    results = check_estimator(model, expected_failed_checks=unmet, on_skip=None, on_fail="raise")
    assert {entry["check_name"] for entry in results if entry["status"] == "xfail"} == set(unmet)
    assert sum(entry["status"] == "passed" for entry in results) > 45


def test_networks_meet_every_check_of_scikit_learn() -> None:
    check(small("cnn"), {})


@pytest.mark.parametrize("kind", CLASSICAL)
def test_classical_models_meet_the_checks_of_scikit_learn(kind: str) -> None:
    check(small(kind), UNMET | UNMET_BY.get(kind, {}))


@pytest.mark.parametrize("kind", ["cnn", "dnn", *CLASSICAL])
def test_models_are_validated_over_vectors_of_speakers_they_have_not_heard(kind: str) -> None:
    inputs, emotions, speakers = said()
    scores = cross_val_score(small(kind), vectors(inputs), emotions, groups=speakers, cv=GroupKFold(2))
    assert scores.mean() > 0.6


@pytest.mark.parametrize("kind", sorted({*NETWORKS} - {"dnn"}))  # a dense network takes vectors alone
def test_every_network_is_validated_over_sequences_of_speakers_it_has_not_heard(kind: str) -> None:
    inputs, emotions, speakers = said()
    heard = cross_val_predict(small(kind), inputs.to_array(), emotions, groups=speakers, cv=GroupKFold(2))
    assert (heard == emotions).mean() > 0.6


def test_a_search_varies_how_a_network_learns_and_its_own_options() -> None:
    inputs, emotions, speakers = said()
    grid = {"options__filters": [[2], [8]], "learning_rate": np.array([1e-8, 0.1])}
    search = GridSearchCV(small("cnn"), grid, cv=GroupKFold(2), error_score="raise")
    search.fit(vectors(inputs), emotions, groups=speakers)
    assert search.best_params_["learning_rate"] == 0.1
    assert search.best_estimator_.options == {"filters": search.best_params_["options__filters"], "kernel": 3,
                                              "dense": [], "dropout": 0.0}  # fmt: skip
    assert search.predict_proba(vectors(inputs)).shape == (len(inputs), 3)


def test_a_search_varies_a_classical_model() -> None:
    inputs, emotions, speakers = said()
    grid = {"classify__C": [0.05, 1.0], "reduce__k": [1, 3]}
    search = GridSearchCV(estimator("logistic", reduce="anova", keep=3), grid, cv=GroupKFold(2))
    search.fit(vectors(inputs), emotions, groups=speakers)
    assert search.best_params_["reduce__k"] == 3  # one column cannot tell three emotions
    assert len(search.cv_results_["params"]) == 4


def test_a_seed_gives_the_network_that_a_recipe_of_this_seed_gives(tmp_path: Path) -> None:
    inputs, emotions, _ = said()
    model = small("gru", epochs=3, batch=16, learning_rate=0.1, random_state=3)
    first = model.fit(inputs.to_array(), emotions).predict_proba(inputs.to_array())
    assert model.classes_.tolist() == ["anger", "fear", "neutral"]
    assert len(model.loss_curve_) == 3
    np.testing.assert_array_equal(clone(model).fit(inputs.to_array(), emotions).predict_proba(inputs.to_array()), first)
    other = clone(model).set_params(random_state=4).fit(inputs.to_array(), emotions)
    assert np.abs(other.predict_proba(inputs.to_array()) - first).max() > 1e-3
    text = RECIPE.replace('kind = "lstm"\nunits = 8\ndense = [16]\ndropout = 0.1',
                          'kind = "gru"\nunits = 4\ndense = []\ndropout = 0.0')  # fmt: skip
    plan = recipes.parse(text)
    training = recipes.training_part({"epochs": 3, "batch": 16, "learning_rate": 0.1}, "here:")
    plan = recipes.TrainingRecipe(**{**vars(plan), "training": training})
    truth = np.searchsorted(model.classes_, emotions)
    lesson = Lesson(inputs, truth, inputs[:0], truth[:0], labels=3, seed=3)
    trained = learners.train(lesson, plan, folder=tmp_path, tick=lambda *_: None)
    np.testing.assert_allclose(softmax(trained.logits(inputs).astype(np.float64)), first, atol=1e-6)


def test_padding_changes_nothing_and_what_could_not_be_measured_is_no_padding() -> None:
    inputs, emotions, _ = said()
    array = inputs.to_array()
    model = small("gru").fit(array, emotions)
    longer = np.pad(array, ((0, 0), (0, 9), (0, 0)), constant_values=np.nan)
    np.testing.assert_allclose(model.predict_proba(longer), model.predict_proba(array), atol=1e-5)
    unmeasured = array.copy()
    unmeasured[:, 0] = np.nan
    assert np.isfinite(model.predict_proba(unmeasured)).all()


def test_a_random_state_of_scikit_learn_is_drawn_from() -> None:
    inputs, emotions, _ = said()
    first, second = (
        small("cnn", random_state=np.random.RandomState(5)).fit(vectors(inputs), emotions).loss_curve_ for _ in "ab"
    )
    assert first == second


def test_what_does_not_fit_is_said() -> None:
    inputs, emotions, _ = said()
    for model in (small("cnn"), small("logistic")):
        with pytest.raises(ValueError, match="infinity"):
            model.fit(np.where(np.arange(3) == 1, np.inf, vectors(inputs)), emotions)
    with pytest.raises(ValueError, match=r"has learned from \(utterances, columns\)"):
        small("cnn").fit(vectors(inputs), emotions).predict(inputs.to_array())
    with pytest.raises(ValueError, match="X has 2 features, but NetworkClassifier is expecting 3"):
        small("gru").fit(inputs.to_array(), emotions).predict(inputs.to_array()[:, :, :2])
    with pytest.raises(UsageError, match="NetworkClassifier: epochs is 0; accepted is 1 to 100000"):
        small("cnn", epochs=0).fit(vectors(inputs), emotions)
    with pytest.raises(UsageError, match="Did you mean 'cosine'"):
        small("cnn", schedule="cosin").fit(vectors(inputs), emotions)
    with pytest.raises(UsageError, match="choose a feature recipe over frames"):
        small("cnn2d").fit(vectors(inputs), emotions)
    with pytest.raises(UsageError, match="Did you mean 'units'"):
        NetworkClassifier("lstm", options={"unit": 3}).fit(vectors(inputs), emotions)
    with pytest.raises(UsageError, match="reduce is for classical models; lstm is a network"):
        estimator("lstm", reduce="pca", keep=2)
    with pytest.raises(UsageError, match=r"There is no model 'forrest'\. Did you mean 'forest'"):
        estimator("forrest")
