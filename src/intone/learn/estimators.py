"""Every model of the field as scikit-learn expects an estimator, so that its folds, searches and scorers work on them.

The classical models are scikit-learn's own pipelines; the networks are trained as ``intone train`` trains them.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_array, check_random_state, check_X_y
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from intone.errors import UsageError, unknown
from intone.features import Inputs
from intone.hear.answering import softmax
from intone.learn import classical, fit, networks, recipe
from intone.learn.learners import MODELS, Network, family

__all__ = ["MODELS", "NetworkClassifier", "estimator"]

TRAINING = (
    "epochs",
    "batch",
    "learning_rate",
    "schedule",
    "weight_decay",
    "label_smoothing",
    "crop",
    "masks",
    "stretch",
)
"""The settings of :class:`intone.learn.recipe.TrainingPart` that do not change the sounds themselves."""
OPTION = "options__"
"""Before the name of a network's own option, where scikit-learn names parameters."""
RULES = {"dtype": np.float32, "ensure_all_finite": "allow-nan"}
"""What scikit-learn checks of an array; NaN is what could not be measured."""


def estimator(kind: str, *, reduce: str = "", keep: int = 0, random_state: int = 1, **settings: Any) -> BaseEstimator:
    """Build an untrained model that follows scikit-learn's contract.

    Parameters
    ----------
    kind : str
        One of :data:`intone.learn.MODELS`.
    reduce : str, optional
        A selection or reduction of the columns, for classical models; see :data:`intone.learn.classical.REDUCTIONS`.
    keep : int
        How many columns it leaves.
    random_state : int, default 1
        Decides all that is random in it.
    **settings
        Of a classical model: the classifier's own, as scikit-learn names them. Of a network: its own, such as
        ``units``, and those of :class:`NetworkClassifier`, such as ``epochs``.

    Returns
    -------
    NetworkClassifier or sklearn.pipeline.Pipeline
        The parameters that a search may vary are listed by its ``get_params()``. Which of scikit-learn's checks a
        pipeline does not meet is told in ``docs/estimators.md``.

    Raises
    ------
    UsageError
        There is no such model or setting, or a network was to reduce its columns.

    Examples
    --------
    >>> estimator("logistic", C=0.1).named_steps.keys()
    dict_keys(['fill', 'scale', 'classify'])
    >>> estimator("lstm", unit=64)
    Traceback (most recent call last):
    intone.errors.UsageError: There is no setting of the network lstm 'unit'. Did you mean 'units'? Accepted: batch, ...
    """
    if family(kind) == "classical":
        return classical.build(kind, settings, reduce=reduce, keep=keep, seed=random_state)
    if reduce:
        raise UsageError(f"reduce is for classical models; {kind} is a network.")
    own, shared = networks.options_of(kind), {*TRAINING, "standardise"}
    for name in settings:
        if name not in own | shared:
            raise unknown(f"setting of the network {kind}", name, own | shared)
    options = {name: value for name, value in settings.items() if name in own}
    how = {name: value for name, value in settings.items() if name in shared}
    return NetworkClassifier(kind, options=options or None, random_state=random_state, **how)


class NetworkClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A network of Intone as a scikit-learn classifier.

    ``X`` is one array: vectors ``(utterances, columns)``, or sequences ``(utterances, frames, columns)`` padded with
    frames of NaN at the end, as :meth:`intone.features.Inputs.to_array` gives them; ``cnn2d`` takes sequences alone.
    NaN elsewhere is what could not be measured, and counts as the mean. ``y`` holds labels of any kind.

    Parameters
    ----------
    network : str, default "lstm"
        One of :data:`intone.learn.networks.NETWORKS`.
    options : mapping, optional
        The network's own options, such as ``{"units": 64}``. A search may vary each: ``options__units``.
    epochs, batch, learning_rate, schedule, weight_decay, label_smoothing, crop, masks, stretch
        As in a recipe; see :class:`intone.learn.recipe.TrainingPart`.
    standardise : bool, default True
        Whether each column is brought to mean 0 and deviation 1, as measured on what is learned from.
    random_state : int, RandomState or None, default 1
        Decides all that is random. The same number gives the same network, that of a recipe with this seed.

    Attributes
    ----------
    classes_ : numpy.ndarray, shape (labels,)
        The labels, sorted: the columns of ``predict_proba``.
    n_features_in_ : int
        Width of a vector or of a frame.
    feature_names_in_ : numpy.ndarray of str
        Names of the columns, where ``X`` was a table that names them.
    sequence_ : bool
        Whether it learned from sequences.
    network_ : keras.Model
        Trained, from features to probabilities; ``network_.save("model.keras")`` keeps it.
    loss_curve_ : list of float
        The loss of each epoch.

    Notes
    -----
    Fitting seeds the global random generators of Python, NumPy and the backend. All of scikit-learn's checks
    (``check_estimator``) are met.

    Examples
    --------
    >>> from sklearn.model_selection import GroupKFold, cross_val_score
    >>> generator, y = np.random.default_rng(0), np.array(["angry", "calm"] * 12)
    >>> X = generator.normal(y[:, np.newaxis] == "angry", 0.2, (24, 3))
    >>> model = NetworkClassifier("cnn", options={"filters": [4], "dense": []}, epochs=10, batch=4, learning_rate=0.05)
    >>> speakers = np.repeat(["ann", "bob", "eve"], 8)
    >>> cross_val_score(model, X, y, groups=speakers, cv=GroupKFold(3)).tolist()
    [1.0, 1.0, 1.0]
    """

    def __init__(
        self,
        network: str = "lstm",
        *,
        options: Mapping[str, Any] | None = None,
        epochs: int = 50,
        batch: int = 64,
        learning_rate: float = 0.001,
        schedule: str = "constant",
        weight_decay: float = 0.0,
        label_smoothing: float = 0.0,
        crop: int = 0,
        masks: int = 0,
        stretch: float = 0.0,
        standardise: bool = True,
        random_state: int | np.random.RandomState | None = 1,
    ) -> None:
        self.network = network
        self.options = options
        self.epochs = epochs
        self.batch = batch
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.weight_decay = weight_decay
        self.label_smoothing = label_smoothing
        self.crop = crop
        self.masks = masks
        self.stretch = stretch
        self.standardise = standardise
        self.random_state = random_state

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Give the parameters by name; ``deep`` gives each of the network's options that is set too."""
        params: dict[str, Any] = super().get_params(deep=deep)
        if deep and isinstance(self.options, Mapping):  # set_params may have been given anything; fit will say so
            params |= {f"{OPTION}{name}": value for name, value in self.options.items()}
        return params

    def set_params(self, **params: Any) -> "NetworkClassifier":
        """Set parameters by name; ``options__units`` sets the option ``units`` and leaves the others."""
        options = {name.removeprefix(OPTION): params[name] for name in params if name.startswith(OPTION)}
        super().set_params(**{name: value for name, value in params.items() if not name.startswith(OPTION)})
        if options:
            self.options = {**(self.options or {}), **options}
        return self

    def fit(self, X: Any, y: Any) -> "NetworkClassifier":
        """Train on ``X`` with the labels ``y``, shape ``(utterances,)``.

        Raises
        ------
        UsageError
            There is no such network or option, or a setting is out of range.
        ValueError
            The data are not as the class says, or of one label alone.
        """
        training = recipe.training_part(
            {name: _plain(getattr(self, name)) for name in TRAINING}, f"{type(self).__name__}:"
        )
        values, answers = self._checked(X, y, reset=True)
        check_classification_targets(answers)
        self.classes_, truth = np.unique(answers, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"All utterances are of one class, '{self.classes_[0]}'; there must be two at least.")
        inputs = Inputs.from_array(values)
        lesson = fit.Lesson(
            train=inputs,
            truth=truth,
            watched=inputs[:0],
            watched_truth=truth[:0],
            labels=len(self.classes_),
            seed=self._seed(),
        )
        losses: list[float] = []
        part = recipe.NetworkPart(self.network, {name: _plain(value) for name, value in (self.options or {}).items()})
        self.network_ = fit.fit(
            lesson,
            part,
            training,
            standardise=self.standardise,
            tick=lambda _done, _total, last: losses.append(last["loss"]),
        )
        self.loss_curve_, self.sequence_ = losses, values.ndim == 3
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Give a probability for each of ``classes_``, shape ``(utterances, labels)``."""
        check_is_fitted(self)
        values, _ = self._checked(X, None, reset=False)
        if (values.ndim == 3) != self.sequence_:
            shape = "(utterances, frames, columns)" if self.sequence_ else "(utterances, columns)"
            raise ValueError(f"X has {values.ndim} dimensions; {self.network} has learned from {shape}.")
        logits = Network(self.network_).logits(Inputs.from_array(values))
        return softmax(logits.astype(np.float64))

    def predict(self, X: Any) -> NDArray[Any]:
        """Give the most probable of ``classes_`` for each utterance."""
        probable = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_[probable])

    def _checked(self, X: Any, y: Any, *, reset: bool) -> tuple[NDArray[np.float32], Any]:
        """Check the data as scikit-learn does, and learn or compare the number and the names of its columns."""
        X = X if hasattr(X, "ndim") else np.asarray(X)
        if X.ndim != 3:
            if reset:
                values, y = validate_data(self, X, y, **RULES)
                return values, y
            return validate_data(self, X, reset=False, **RULES), None
        if reset:
            values, y = check_X_y(X, y, allow_nd=True, estimator=self, **RULES)
        else:
            values = check_array(X, allow_nd=True, estimator=self, **RULES)
        # validate_data counts the columns on axis 1, where sequences have their frames; so it sees the first frames.
        validate_data(self, values[:, 0], skip_check_array=True, reset=reset)
        return values, y

    def _seed(self) -> int:
        if isinstance(self.random_state, int | np.integer):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        return tags


def _plain(value: Any) -> Any:
    """Turn NumPy's numbers, of which grids are often made, into Python's, which recipes know."""
    return value.item() if isinstance(value, np.generic) else value
