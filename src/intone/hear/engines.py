"""What runs a model: ONNX Runtime for model files, and Keras itself for the ``.keras`` file of a run folder."""

import os
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from intone.errors import MissingExtraError, ModelError
from intone.features import Inputs
from intone.hear import modelfile

Floats = NDArray[np.float32]


class Engine(Protocol):
    """Something that turns a batch of inputs into logits."""

    def __call__(self, inputs: Inputs) -> Floats:
        """Give logits ``(batch, labels)``."""


def from_onnx(path: Path, *, threads: int) -> tuple[Engine, str]:
    """Open a model file; give what runs it, and the text of its card.

    Raises
    ------
    ModelError
        The file is not ONNX, or has no card.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # errors only: they come back as exceptions, and are said once
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except _onnx_errors() as error:
        reason = str(error).splitlines()[0]
        raise ModelError(f"{path}: not a model file that ONNX Runtime can open ({reason}).") from error
    text = session.get_modelmeta().custom_metadata_map.get(modelfile.METADATA_KEY)
    if text is None:
        raise ModelError(
            f"{path}: an ONNX file without Intone's card; 'intone train' leaves model files that have one."
        )
    refusals: tuple[type[Exception], ...] = (*_onnx_errors(), ValueError)  # ValueError: no input or output of that name

    def run(inputs: Inputs) -> Floats:
        try:
            logits: Floats = session.run(["logits"], inputs.named())[0]
        except refusals as error:
            reason = str(error).splitlines()[0]
            raise ModelError(f"the network and the card of the model do not fit ({reason}).") from error
        return logits

    return run, text


def _onnx_errors() -> tuple[type[Exception], ...]:
    """Gather what ONNX Runtime raises: its errors share no parent below Exception."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    kinds = (kind for kind in vars(state).values() if isinstance(kind, type) and issubclass(kind, Exception))
    return tuple(kinds)


def from_keras(path: Path) -> tuple[Engine, str]:
    """Open the ``.keras`` file of a run folder; give what runs it, and the text of the card beside it.

    Raises
    ------
    ModelError
        The file is not a Keras model, or there is no card beside it.
    MissingExtraError
        Keras is not installed.
    """
    try:
        text = path.with_name("card.json").read_text(encoding="utf-8")
    except OSError as error:
        raise ModelError(f"{path}: there is no card.json beside it; a finished run folder has both.") from error
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's notes; what fails comes as an exception
    try:
        import keras
    except ImportError as error:
        raise MissingExtraError(f"{path}: a .keras file needs Keras: pip install 'intone[learn]'.") from error
    try:
        model: Any = keras.models.load_model(path, compile=False)
    except (OSError, ValueError, TypeError) as error:
        # Keras words a damaged file over many lines, or as one that is not there.
        raise ModelError(f"{path}: not a Keras model that can be loaded ({type(error).__name__}).") from error
    network = keras.Model(model.input, model.get_layer("logits").output)

    def run(inputs: Inputs) -> Floats:
        return np.asarray(network.predict_on_batch(inputs.feed()), dtype=np.float32)

    return run, text
