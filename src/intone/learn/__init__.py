"""The half that learns: corpora to features, networks, training, evaluation and model files.

Examples
--------
>>> from intone.learn import MODELS, estimator
>>> estimator("gru", units=64, epochs=20)
NetworkClassifier(epochs=20, network='gru', options={'units': 64})
>>> ", ".join(sorted(MODELS))
'boosting, cnn, cnn-lstm, cnn2d, discriminant, dnn, forest, gru, linear-svm, logistic, lstm, mlp, neighbours, svm'
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from intone.learn.estimators import NetworkClassifier, estimator
    from intone.learn.learners import MODELS

__all__ = ["MODELS", "NetworkClassifier", "estimator"]


def __getattr__(name: str) -> Any:
    """Import Keras and scikit-learn when a model is asked for, and not for a recipe that is only read."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from intone.learn import estimators

    return getattr(estimators, name)
