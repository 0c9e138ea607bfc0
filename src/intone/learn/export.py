"""Writes model files: a Keras network as ONNX, with its card inside, proved equal before it gets its name."""

import contextlib
import io
import logging
import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from intone.errors import ModelError
from intone.hear.modelfile import METADATA_KEY, Card

TOLERANCE = 1e-5
"""Largest difference between a probability of the network and of its model file."""


def to_model_file(network: Any, card: Card, path: Path, *, proof: NDArray[np.float32]) -> None:
    """Write ``network`` as a model file.

    Parameters
    ----------
    network : keras.Model
        From features to probabilities, with a layer ``logits``.
    card : Card
        What the file says of itself.
    path : pathlib.Path
        The file appears whole or not at all.
    proof : numpy.ndarray of float32, shape (utterances, columns)
        Features on which the written file must agree with the network.

    Raises
    ------
    ModelError
        The file's probabilities differ from the network's by more than 1e-5.
    """
    to_logits = keras.Model(network.input, network.get_layer("logits").output)
    to_logits(proof[:1])  # Keras exports only what has been called
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        draft = Path(folder) / "model.onnx"
        with _quiet():
            to_logits.export(draft, format="onnx", verbose=False)
        _dress(draft, card)
        _prove(draft, network, proof, path.name)
        draft.replace(path)


@contextlib.contextmanager
def _quiet() -> Any:
    """Keep the converter's chatter off the screen; its errors are exceptions."""
    logger = logging.getLogger("tf2onnx")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logger.setLevel(before)


def _dress(draft: Path, card: Card) -> None:
    """Give inputs and outputs the names of the design, a free batch size, and put the card in."""
    model = onnx.load(draft)
    graph = model.graph
    names = {graph.input[0].name: "features", graph.output[0].name: "logits"}
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    for value in (graph.input[0], graph.output[0]):
        value.name = names[value.name]
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    graph.name, graph.doc_string, model.producer_name = card.name, "", "intone"
    del model.metadata_props[:]
    model.metadata_props.add(key=METADATA_KEY, value=card.to_json())
    onnx.checker.check_model(model)
    onnx.save(model, draft)


def _prove(draft: Path, network: Any, proof: NDArray[np.float32], name: str) -> None:
    session = onnxruntime.InferenceSession(str(draft), providers=["CPUExecutionProvider"])
    logits = session.run(["logits"], {"features": proof})[0].astype(np.float64)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    expected = np.asarray(network.predict_on_batch(proof), dtype=np.float64)
    apart = float(np.abs(powers / powers.sum(axis=1, keepdims=True) - expected).max())
    if not apart <= TOLERANCE:
        raise ModelError(f"{name}: the model file's probabilities differ from the network's by {apart:.1e}.")
