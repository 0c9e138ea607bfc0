"""A graph that is said in larger operators computes what it did, and one that looks otherwise is left as it is."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

from intone.features import Inputs
from intone.hear import modelfile
from intone.learn.condense import condense
from intone.learn.learners import Network
from intone.learn.networks.encoder import encoder
from tests.learn.test_encoder import TINY, noise
from tests.learn.test_encoder_file import CARD

pytestmark = pytest.mark.xdist_group("keras")
SOUNDS = Inputs.of_sounds([noise(samples, seed=samples) for samples in (1_600, 7_999, 16_001, 30_000)])
LAYERS = 2


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    keras.utils.set_random_seed(2)
    path = tmp_path_factory.mktemp("models") / f"tiny{modelfile.SUFFIX}"
    Network(encoder(labels=7, backbone=TINY, layers=LAYERS)).write(CARD, path, proof=SOUNDS)
    return path


def operators(model: Any) -> list[str]:
    return [node.op_type for node in model.graph.node]


def answers(model: Any) -> list["np.ndarray[tuple[int, ...], np.dtype[np.float32]]"]:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return list(session.run(["logits", "embedding", "attention"], SOUNDS.named()))


def test_it_computes_what_it_did(exported: Path) -> None:
    model = onnx.load(exported)
    before, count = answers(model), len(model.graph.node)
    condense(model)
    onnx.checker.check_model(model)
    for one, other in zip(before, answers(model), strict=True):
        assert np.abs(one - other).max() < 2e-5
    assert len(model.graph.node) < count / 2
    assert operators(model).count("LayerNormalization") == 2 * LAYERS
    assert operators(model).count("MultiHeadAttention") == LAYERS
    assert operators(model).count("Gelu") == LAYERS + 3  # two behind the convolutions, one in the head
    assert not {"Erf", "Conv"} & set(operators(model))


@pytest.mark.parametrize(("constant", "kept"), [(0.5, "Erf"), (1e9, "Softmax")])
def test_what_looks_otherwise_is_left(exported: Path, constant: float, kept: str) -> None:
    """A quarter of ``x · (erf(x / √2) + 1)`` is no GELU, and a mask that takes off little is none."""
    model, instead = onnx.load(exported), {0.5: 0.25, 1e9: 0.5}[constant]
    as_exported = operators(model).count(kept)
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype == np.float32 and values.size == 1 and float(values.ravel()[0]) == constant:
            tensor.CopyFrom(numpy_helper.from_array(np.full_like(values, instead), tensor.name))
    before = answers(model)
    condense(model)
    for one, other in zip(before, answers(model), strict=True):
        assert np.allclose(one, other, atol=2e-5)
    assert operators(model).count(kept) == as_exported
