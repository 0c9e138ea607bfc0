"""Classical models: nothing of a test part reaches what is fitted, and every one of them fits into a model file."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline

from intone.errors import UsageError
from intone.features import Inputs
from intone.hear import engines
from intone.hear.answering import softmax
from intone.hear.modelfile import Card
from intone.learn import classical
from intone.learn.learners import Classical

LABELS, COLUMNS, KEPT, EACH = 4, 12, 3, 30
QUICK: dict[str, dict[str, Any]] = {
    "forest": {"n_estimators": 12},
    "boosting": {"n_estimators": 8},
    "mlp": {"max_iter": 30},
}
SELECTIONS = ("anova", "mutual-information", "elimination")
"""The reductions that choose among columns, and can say which."""
TRUE, LEAK = 4, 7
"""The column that tells labels apart everywhere, and the one that does so in the test part alone."""


def planted(*, test: bool, seed: int = 1) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Give a part of a table in which column TRUE knows the label, and in a test part column LEAK much better."""
    rng = np.random.default_rng(seed + test)
    truth = np.repeat(np.arange(LABELS), EACH * (5 if test else 1))
    values = rng.standard_normal((len(truth), COLUMNS))
    values[:, TRUE] += 0.9 * truth
    if test:
        values[:, LEAK] += 50 * truth
    return values.astype(np.float32), truth


def built(kind: str, *, reduce: str = "", keep: int = 0) -> Pipeline:
    return classical.build(kind, QUICK.get(kind, {}), reduce=reduce, keep=keep)


@pytest.mark.parametrize("reduce", SELECTIONS)
def test_a_selection_never_sees_the_test_part(reduce: str) -> None:
    train, test = planted(test=False), planted(test=True)
    values, truth = np.concatenate((train[0], test[0])), np.concatenate((train[1], test[1]))
    folds = [(np.arange(len(train[0])), np.arange(len(train[0]), len(values)))]
    scores = GridSearchCV(built("logistic", reduce=reduce, keep=1), {}, cv=folds, refit=False).fit(values, truth)
    honest = built("logistic", reduce=reduce, keep=1).fit(*train)
    chosen = honest.named_steps["reduce"].get_support(indices=True)
    assert chosen.tolist() == [TRUE]
    assert scores.cv_results_["mean_test_score"][0] == honest.score(*test)
    # The plant is a leak indeed: fitted on all rows, the same selection takes it.
    leaky = built("logistic", reduce=reduce, keep=1).fit(values, truth)
    assert leaky.named_steps["reduce"].get_support(indices=True).tolist() == [LEAK]


@pytest.mark.parametrize("reduce", ["pca", "lda"])
def test_a_projection_never_sees_the_test_part(reduce: str) -> None:
    train, test = planted(test=False), planted(test=True)
    fitted = built("logistic", reduce=reduce, keep=1).fit(*train)
    before = fitted.predict_proba(train[0])
    fitted.predict(test[0])  # to be heard is not to be learned from
    np.testing.assert_array_equal(before, fitted.predict_proba(train[0]))
    np.testing.assert_allclose(fitted.named_steps["scale"].mean_, train[0].mean(axis=0, dtype=np.float64), atol=1e-6)
    # Along the leak the test part is spread fifty times wider; a projection that had seen it would follow.
    step = fitted.named_steps["reduce"]
    direction = np.abs(step.components_[0] if reduce == "pca" else step.scalings_[:, 0])
    assert direction[LEAK] < 0.9 * np.linalg.norm(direction)
    if reduce == "lda":
        assert direction.argmax() == TRUE


def test_noise_scores_at_chance_when_columns_are_selected_inside_the_folds() -> None:
    # Selected on all rows, the best of 2000 columns of noise tell labels that have nothing to do with them.
    rng = np.random.default_rng(4)
    values, truth = rng.standard_normal((60, 2000)), np.tile([0, 1], 30)
    model = classical.build("logistic", {}, reduce="anova", keep=10)
    assert cross_val_score(model, values, truth, cv=5).mean() < 0.65
    best = model.fit(values, truth).named_steps["reduce"].get_support()
    assert cross_val_score(classical.build("logistic", {}), values[:, best], truth, cv=5).mean() > 0.8


@pytest.mark.parametrize("kind", classical.CLASSIFIERS)
def test_scikit_learn_can_search_and_validate_every_model(kind: str) -> None:
    values, truth = planted(test=False)
    assert cross_val_score(built(kind, reduce="anova", keep=KEPT), values, truth, cv=3).mean() > 1.3 / LABELS
    search = GridSearchCV(built(kind, reduce="anova", keep=KEPT), {"reduce__k": [1, KEPT]}, cv=2).fit(values, truth)
    assert search.best_params_["reduce__k"] in (1, KEPT)
    assert search.best_estimator_.predict_proba(values).shape == (len(values), LABELS)


@pytest.mark.parametrize("reduce", ["", *classical.REDUCTIONS])
@pytest.mark.parametrize("kind", classical.CLASSIFIERS)
def test_every_model_and_reduction_becomes_a_model_file(tmp_path: Path, kind: str, reduce: str) -> None:
    values, truth = planted(test=False)
    fresh = Inputs(planted(test=False, seed=5)[0])
    # Not every fold holds every label: the file has columns for all that the recipe names.
    labels = ("one", "two", "never heard", "three", "four")
    model = Classical(
        built(kind, reduce=reduce, keep=KEPT * bool(reduce)).fit(values, truth + (truth > 1)), len(labels)
    )
    card = Card(
        name="planted",
        labels=labels,
        input="features",
        feature_recipe="",
        corpora={},
        speakers=(),
        licence="",
        recipe="",
        recipe_sha256="",
    )
    model.write(card, tmp_path / "model.onnx", proof=Inputs(values[:20]))
    run, _ = engines.from_onnx(tmp_path / "model.onnx", threads=1)
    given = run(fresh)["logits"]
    heard, meant = (softmax(logits.astype(np.float64)) for logits in (given, model.logits(fresh)))
    np.testing.assert_allclose(heard, meant, atol=1e-4)
    assert heard[:, 2].max() < 1e-4
    np.testing.assert_allclose(run(fresh[:1])["logits"], given[:1], atol=1e-4)


def test_a_reduction_that_does_not_exist_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="Did you mean 'anova'"):
        classical.build("svm", {}, reduce="anove", keep=3)


def test_an_option_that_does_not_exist_is_named() -> None:
    with pytest.raises(UsageError, match="svm cannot be built"):
        classical.build("svm", {"depth": 3})
