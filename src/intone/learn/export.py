"""Writes model files: a trained model as ONNX, with its card inside, proved equal before it gets its name."""

import contextlib
import io
import logging
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from sklearn.pipeline import Pipeline

from intone.errors import ModelError
from intone.features import Inputs
from intone.hear import engines
from intone.hear.answering import softmax
from intone.hear.engines import AGAIN, KNOWN
from intone.hear.modelfile import METADATA_KEY, Card
from intone.learn import again
from intone.learn.classical import for_export

Floats = NDArray[np.float32]
NETWORK_TOLERANCE, CLASSICAL_TOLERANCE = 1e-5, 1e-4
"""Largest difference between a probability of the model and of its model file."""
OPSET = 18
"""Version of ONNX's operators that classical models are written in."""


def network(to_logits: Any, card: Card, path: Path, *, proof: Inputs, expected: Floats) -> None:
    """Write a network as a model file.

    Parameters
    ----------
    to_logits : keras.Model
        From features, frames and lengths, or a waveform and lengths, to a dict of outputs by the names that they get in
        the file: ``logits``, and ``embedding`` where there is one.
    card : Card
        What the file says of itself.
    path : pathlib.Path
        The file appears whole or not at all.
    proof : Inputs
        Features on which the written file must agree with the network.
    expected : numpy.ndarray of float32, shape (utterances, labels)
        The network's logits for them.

    Raises
    ------
    ModelError
        The file's probabilities differ from the network's by more than 1e-5.
    """

    def draft(target: Path) -> None:
        to_logits(proof[slice(0, 1)].beside(proof.baseline).feed())  # Keras exports only what has been called
        with _quiet():
            to_logits.export(target, format="onnx", verbose=False)
        model = onnx.load(target)
        _rename(
            model, _inputs(model.graph, proof), sorted(to_logits.output)
        )  # the order in which Keras flattens a dict
        if proof.baseline is not None:
            # An input with an initializer may be left out: then the speaker is one of whom nothing has been heard.
            default = engines.nobody(proof.baseline.shape[1] // 2 - 1)
            model.graph.initializer.append(numpy_helper.from_array(default, "baseline"))
            again.add(model)
        onnx.save(model, target)

    _written(draft, card, path, proof, expected, NETWORK_TOLERANCE)


def classical(pipeline: Pipeline, card: Card, path: Path, *, proof: Inputs, expected: Floats, faintest: float) -> None:
    """Write a scikit-learn pipeline as a model file; as :func:`network` in everything else.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        Fitted, with probabilities; its classes are indices into the card's labels.
    card, path, proof, expected
        As for :func:`network`; the tolerance is 1e-4.
    faintest : float
        Least probability; logits are the logarithms of the probabilities.
    """
    from skl2onnx import to_onnx

    def draft(target: Path) -> None:
        with warnings.catch_warnings():
            # skl2onnx reads attributes of SVC that scikit-learn 1.9 has deprecated; its users can do nothing about it.
            warnings.simplefilter("ignore", FutureWarning)
            model = to_onnx(
                for_export(pipeline),
                proof.values[:1],
                options={"zipmap": False},
                target_opset={"": OPSET, "ai.onnx.ml": 3},
            )
        _with_logits(model, np.asarray(pipeline.classes_), len(card.labels), faintest)
        onnx.save(model, target)

    _written(draft, card, path, proof, expected, CLASSICAL_TOLERANCE)


def _written(
    draft: Callable[[Path], None], card: Card, path: Path, proof: Inputs, expected: Floats, tolerance: float
) -> None:
    """Draft, dress with the card, prove, and only then give the file its name."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        target = Path(folder) / "model.onnx"
        draft(target)
        model = onnx.load(target)
        for value in (*model.graph.input, *model.graph.output):
            value.type.tensor_type.shape.dim[0].dim_param = _rows(value.name)
        model.graph.name, model.graph.doc_string, model.producer_name = card.name, "", "intone"
        del model.metadata_props[:]
        model.metadata_props.add(key=METADATA_KEY, value=card.to_json())
        onnx.checker.check_model(model)
        onnx.save(model, target)
        run, _ = engines.from_onnx(target, threads=0)
        apart = np.abs(softmax(run(proof)["logits"].astype(np.float64)) - softmax(expected.astype(np.float64))).max()
        if not apart <= tolerance:
            raise ModelError(f"{path.name}: the model file's probabilities differ from the model's by {apart:.1e}.")
        target.replace(path)


def _rows(name: str) -> str:
    """Name what a value has a row for; a baseline may be one for all, and what was heard before is of other sounds."""
    if name == "baseline":
        return "speakers"
    return "heard" if name == AGAIN or name.startswith(KNOWN) else "batch"


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the converter's chatter off the screen; its errors are exceptions."""
    logger = logging.getLogger("tf2onnx")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logger.setLevel(before)


def _inputs(graph: Any, proof: Inputs) -> list[str]:
    """Tell a graph's inputs by what they hold: lengths are whole numbers, and a baseline has a width of its own."""
    (sound,) = set(proof.named()) - {"lengths", "baseline"}
    width = None if proof.baseline is None else proof.baseline.shape[1]
    found = []
    for each in graph.input:
        kind = each.type.tensor_type
        last = kind.shape.dim[len(kind.shape.dim) - 1].dim_value
        found.append("lengths" if kind.elem_type == TensorProto.INT64 else "baseline" if last == width else sound)
    return found


def _rename(model: Any, inputs: list[str], outputs: list[str]) -> None:
    """Give inputs and outputs, in the graph's order, the names of the design."""
    graph = model.graph
    names = dict(zip([value.name for value in graph.input], inputs, strict=True))
    names |= dict(zip([value.name for value in graph.output], outputs, strict=True))
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    for value in (*graph.input, *graph.output):
        value.name = names[value.name]


def _with_logits(model: Any, classes: NDArray[np.int64], labels: int, faintest: float) -> None:
    """Put logarithms behind a classifier's probabilities, and spread its classes over all the labels."""
    _rename(model, ["features"], ["answer", "probabilities"])
    graph = model.graph
    spread = np.zeros((len(classes), labels), dtype=np.float32)
    spread[np.arange(len(classes)), classes] = 1
    graph.initializer.extend(
        [
            helper.make_tensor("spread", TensorProto.FLOAT, spread.shape, spread.ravel()),
            helper.make_tensor("faintest", TensorProto.FLOAT, [], [faintest]),
        ]
    )
    graph.node.extend(
        [
            helper.make_node("MatMul", ["probabilities", "spread"], ["every_label"]),
            helper.make_node("Max", ["every_label", "faintest"], ["audible"]),
            helper.make_node("Log", ["audible"], ["logits"]),
        ]
    )
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", labels]))
