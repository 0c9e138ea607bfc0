"""The encoder's model file: it answers as the network does, alone and in a batch, and whatever the length."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnxruntime
import pytest

import intone
from intone.emotions import Emotion
from intone.features import Inputs
from intone.hear import engines, modelfile
from intone.hear.audio import Waveform
from intone.hear.modelfile import Card
from intone.learn import candidate
from intone.learn.learners import Network
from intone.learn.networks.encoder import encoder
from tests.learn.test_encoder import TINY, at, noise

pytestmark = pytest.mark.xdist_group("keras")
CARD = Card(
    name="tiny", labels=tuple(map(str, Emotion)), input="waveform", feature_recipe="", corpora={}, speakers=(),
    licence="MIT", recipe="", recipe_sha256="",
)  # fmt: skip
SOUNDS = [noise(samples, seed=samples) for samples in (1_600, 7_999, 16_001, 30_000)]


@pytest.fixture(scope="module")
def network() -> Any:
    keras.utils.set_random_seed(2)
    return encoder(labels=7, backbone=TINY, layers=2)


@pytest.fixture(scope="module")
def file(network: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / f"tiny{modelfile.SUFFIX}"
    Network(network).write(CARD, path, proof=Inputs.of_sounds(SOUNDS))
    return path


def test_logits_and_embedding_are_the_networks(network: Any, file: Path) -> None:
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    assert {entry.name: entry.type for entry in session.get_inputs()} == {
        "waveform": "tensor(float)",
        "lengths": "tensor(int64)",
    }
    whole = Inputs.of_sounds(SOUNDS)
    together = session.run(["logits", "embedding"], whole.named())
    for found, expected in zip(together, at(network, "logits", "embedding")(whole.feed()), strict=True):
        assert found.shape == expected.shape
        assert np.abs(found - expected).max() <= 1e-4
    for row, sound in enumerate(SOUNDS):
        alone = session.run(["logits", "embedding"], Inputs.of_sounds([sound]).named())
        for one, all_of_them in zip(alone, together, strict=True):
            assert np.abs(one[0] - all_of_them[row]).max() <= 1e-4


def test_a_recogniser_and_a_candidate_hear_with_it(network: Any, file: Path) -> None:
    sounds = [Waveform(sound) for sound in SOUNDS]
    hearing = intone.load(file)
    expected = at(network, "probabilities")(Inputs.of_sounds(SOUNDS).feed())[0]
    for row, heard in enumerate(hearing.predict_batch(sounds)):
        assert list(heard.scores.values()) == pytest.approx(expected[row], abs=1e-4)
        assert hearing.predict(sounds[row]).scores == pytest.approx(heard.scores, abs=1e-4)
    assert candidate.load(file).logits(sounds).shape == (4, 7)


def test_the_run_folders_keras_file_hears_the_same(network: Any, file: Path) -> None:
    network.save(file.with_name("model.keras"))
    file.with_name("card.json").write_text(CARD.to_json(), encoding="utf-8")
    sounds = [Waveform(sound) for sound in SOUNDS]
    for one, other in zip(
        *(intone.load(path).predict_batch(sounds) for path in (file, file.with_name("model.keras"))), strict=True
    ):
        assert one.scores == pytest.approx(other.scores, abs=1e-5)


def test_a_long_sound_is_heard_in_pieces_of_one_length_beside_short_ones(file: Path) -> None:
    engine, text = engines.from_onnx(file, threads=1)
    assert json.loads(text)["input"] == "waveform"
    longest = 0.0

    def watched(inputs: Inputs) -> engines.Floats:
        nonlocal longest
        longest = max(longest, inputs.values.shape[1] / 16_000)
        assert inputs.values.size <= 120 * 16_000
        return engine(inputs)

    long, short = noise(70 * 16_000), noise(20_000, seed=1)
    logits = engines.hearing(watched, CARD, name="tiny")([Waveform(short), Waveform(long), Waveform(short)])
    pieces = [engine(Inputs.of_sounds([piece]))[0] for piece in np.array_split(long, 3)]
    assert longest == pytest.approx(70 / 3, abs=0.001)
    assert np.allclose(logits[1], np.mean(pieces, axis=0), atol=1e-4)
    assert np.allclose(logits[[0, 2]], engine(Inputs.of_sounds([short])), atol=1e-4)


def test_level_changes_no_answer(file: Path) -> None:
    hearing = intone.load(file)
    quiet, loud = (hearing.predict(gain * SOUNDS[3], rate=16_000) for gain in (np.float32(0.1), np.float32(10)))
    assert quiet.scores == pytest.approx(loud.scores, abs=1e-3)
