"""The waves of a spectrum are computed when a file is opened, and give what was kept."""

from pathlib import Path

import keras
import numpy as np
import onnx
import onnxruntime
import pytest

from intone.features import Inputs
from intone.hear import modelfile
from intone.learn import waves
from intone.learn.condense import condense
from intone.learn.learners import Network
from intone.learn.networks.encoder import encoder
from tests.learn.test_encoder import TINY, noise
from tests.learn.test_encoder_file import CARD

pytestmark = pytest.mark.xdist_group("keras")
SOUNDS = Inputs.of_sounds([noise(samples, seed=samples) for samples in (1_600, 16_001)])


def test_waves_are_computed_and_no_longer_kept(tmp_path: Path) -> None:
    keras.utils.set_random_seed(2)
    path = tmp_path / f"tiny{modelfile.SUFFIX}"
    Network(encoder(labels=7, backbone=TINY, layers=1)).write(CARD, path, proof=SOUNDS)
    model = onnx.load(path)
    condense(model)

    def logits() -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        return np.asarray(session.run(["logits"], SOUNDS.named())[0])

    before, size = logits(), model.ByteSize()
    assert waves.computed(model)
    onnx.checker.check_model(model)
    assert np.abs(logits() - before).max() < 2e-5
    assert size - model.ByteSize() > 600_000
    assert not waves.computed(model)
