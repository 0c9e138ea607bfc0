"""The field's classical models: scikit-learn pipelines, kept with skops and exported to model files.

Each is a pipeline: what could not be measured, such as the pitch of a whisper, is filled with the mean; then comes
scaling, an optional selection or reduction of features, and a classifier that gives probabilities. All of it is fitted
on the training part of a fold and on nothing else.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_selection import RFE, SelectKBest, f_classif, mutual_info_classif
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from intone.errors import UsageError, unknown


def _with_probabilities(machine: Any, seed: int) -> Any:
    """Fit probabilities to a machine's margins (Platt 1999), in parts drawn by chance.

    Recordings come sorted by speaker. Parts cut in that order would each be of other voices than the machine was
    trained on, and margins of such voices, fitted label by label, change which label wins.
    """
    parts = StratifiedKFold(3, shuffle=True, random_state=seed)
    return CalibratedClassifierCV(machine, ensemble=False, cv=parts)


def _svm(seed: int, **options: Any) -> Any:
    """Calibrate an RBF machine by Platt's method: a support vector machine has no probabilities of its own."""
    machine = SVC(random_state=seed, **({"C": 10.0, "class_weight": "balanced"} | options))
    return _with_probabilities(machine, seed)


def _linear_svm(seed: int, **options: Any) -> Any:
    machine = LinearSVC(random_state=seed, **({"C": 0.01, "class_weight": "balanced"} | options))
    return _with_probabilities(machine, seed)


def _forest(seed: int, **options: Any) -> Any:
    return RandomForestClassifier(
        random_state=seed, **({"n_estimators": 300, "min_samples_leaf": 2, "class_weight": "balanced"} | options)
    )


def _boosting(seed: int, **options: Any) -> Any:
    defaults = {"n_estimators": 150, "max_depth": 3, "subsample": 0.5, "max_features": "sqrt"}
    return GradientBoostingClassifier(random_state=seed, **(defaults | options))


def _neighbours(_seed: int, **options: Any) -> Any:
    if options.get("weights", "uniform") != "uniform":
        # skl2onnx writes every neighbour's vote alike, whatever the weights: the model file would say something else.
        raise UsageError("neighbours: weights must be 'uniform'; others cannot be written into a model file.")
    return KNeighborsClassifier(**({"n_neighbors": 9} | options))


def _logistic(seed: int, **options: Any) -> Any:
    defaults = {"C": 0.05, "class_weight": "balanced", "max_iter": 2000}
    return LogisticRegression(random_state=seed, **(defaults | options))


def _discriminant(_seed: int, **options: Any) -> Any:
    return LinearDiscriminantAnalysis(**({"solver": "eigen", "shrinkage": 0.5} | options))


def _mlp(seed: int, **options: Any) -> Any:
    defaults = {"hidden_layer_sizes": (128,), "alpha": 1.0, "max_iter": 120}
    return MLPClassifier(random_state=seed, **(defaults | options))


CLASSIFIERS: dict[str, Callable[..., Any]] = {
    "svm": _svm,
    "linear-svm": _linear_svm,
    "forest": _forest,
    "boosting": _boosting,
    "discriminant": _discriminant,
    "neighbours": _neighbours,
    "logistic": _logistic,
    "mlp": _mlp,
}
"""The classical models by name."""
TREES = frozenset({"boosting", "forest"})
"""Models to which scale is nothing; left unscaled, their thresholds are met by the very values that they were learned
on, and the model file, which computes in float32, takes the same branches."""


def _mutual_information(columns: Any, labels: Any) -> Any:
    return mutual_info_classif(columns, labels, random_state=0)


REDUCTIONS: dict[str, Callable[[int], Any]] = {
    "anova": lambda count: SelectKBest(f_classif, k=count),
    "mutual-information": lambda count: SelectKBest(_mutual_information, k=count),
    "elimination": lambda count: RFE(LogisticRegression(C=0.05, max_iter=500), n_features_to_select=count, step=0.2),
    "pca": lambda count: PCA(count, random_state=0),
    "lda": lambda count: LinearDiscriminantAnalysis(n_components=count),
}
"""Selections and reductions of features by name; each is told how many columns to leave."""


def build(kind: str, options: Mapping[str, Any], *, reduce: str = "", keep: int = 0, seed: int = 1) -> Pipeline:
    """Build an untrained classical model.

    Parameters
    ----------
    kind : str
        One of :data:`CLASSIFIERS`.
    options : mapping
        The classifier's own options, as scikit-learn names them.
    reduce : str, optional
        One of :data:`REDUCTIONS`, or empty for none.
    keep : int
        How many columns the reduction leaves.
    seed : int, default 1
        Decides what is random in it.

    Returns
    -------
    sklearn.pipeline.Pipeline
        With the steps ``fill``, ``scale`` (but for trees), ``reduce`` where asked for, and ``classify``.

    Raises
    ------
    UsageError
        There is no such model, reduction or option.

    Examples
    --------
    >>> build("svm", {}, reduce="anova", keep=20).named_steps.keys()
    dict_keys(['fill', 'scale', 'reduce', 'classify'])
    >>> build("swm", {})
    Traceback (most recent call last):
    intone.errors.UsageError: There is no classical model 'swm'. Did you mean 'svm'? Accepted: boosting, ...
    """
    if kind not in CLASSIFIERS:
        raise unknown("classical model", kind, CLASSIFIERS)
    steps: list[tuple[str, Any]] = [("fill", SimpleImputer(keep_empty_features=True))]
    if reduce or kind not in TREES:
        steps.append(("scale", StandardScaler()))
    if reduce:
        if reduce not in REDUCTIONS:
            raise unknown("reduction", reduce, REDUCTIONS)
        steps.append(("reduce", REDUCTIONS[reduce](keep)))
    try:
        steps.append(("classify", CLASSIFIERS[kind](seed, **options)))
    except TypeError as error:
        raise UsageError(f"The model {kind} cannot be built with {dict(options)}: {error}") from error
    return Pipeline(steps)


def for_export(fitted: Pipeline) -> Pipeline:
    """Give a pipeline that says the same and that skl2onnx can write: a reduction by LDA becomes its matrix."""
    steps = []
    for name, step in fitted.steps:
        if name == "reduce" and isinstance(step, LinearDiscriminantAnalysis):
            count = min(step.scalings_.shape[1], step._max_components)  # what transform() itself keeps
            matrix = PCA(count)
            matrix.mean_, matrix.components_ = step.xbar_, step.scalings_[:, :count].T
            matrix.explained_variance_ = np.ones(count)
            matrix.n_components_, matrix.n_features_in_ = count, step.n_features_in_
            steps.append((name, matrix))
        else:
            steps.append((name, step))
    return Pipeline(steps)
