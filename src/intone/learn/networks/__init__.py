"""The networks by name; each is one page and a function of its own options."""

from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any

from intone.errors import UsageError, unknown
from intone.learn.networks.convolutional import cnn, cnn2d, cnn_lstm
from intone.learn.networks.dense import dnn
from intone.learn.networks.recurrent import gru, lstm

NETWORKS: dict[str, Callable[..., Any]] = {
    "cnn": cnn,
    "cnn2d": cnn2d,
    "cnn-lstm": cnn_lstm,
    "dnn": dnn,
    "gru": gru,
    "lstm": lstm,
}


def build(kind: str, options: Mapping[str, Any], *, columns: int, labels: int, sequence: bool = False) -> Any:
    """Build a network by name.

    Parameters
    ----------
    kind : str
        One of :data:`NETWORKS`.
    options : mapping
        The network's own options, as a training recipe gives them.
    columns, labels : int
        Width of its input and output.
    sequence : bool, default False
        Whether the input is a sequence of frames, or one vector.

    Returns
    -------
    keras.Model
        Untrained, from features to probabilities.

    Raises
    ------
    UsageError
        There is no such network, or it has no such option, or the option's value does not fit.

    Examples
    --------
    >>> build("lstm", {"layers": 3}, columns=40, labels=7)
    Traceback (most recent call last):
    intone.errors.UsageError: There is no option of the network lstm 'layers'. Accepted: dense, dropout, pooling, units.
    """
    known = options_of(kind)
    for option in options:
        if option not in known:
            raise unknown(f"option of the network {kind}", option, known)
    try:
        return NETWORKS[kind](columns=columns, labels=labels, sequence=sequence, **options)
    except (TypeError, ValueError) as error:
        raise UsageError(f"The network {kind} cannot be built with {dict(options)}: {error}") from error


def options_of(kind: str) -> set[str]:
    """Name the options of a network.

    Raises
    ------
    UsageError
        There is no such network.

    Examples
    --------
    >>> sorted(options_of("gru"))
    ['dense', 'dropout', 'pooling', 'units']
    """
    if kind not in NETWORKS:
        raise unknown("network", kind, NETWORKS)
    return set(signature(NETWORKS[kind]).parameters) - {"columns", "labels", "sequence"}
