"""The encoder's model file: it answers as the network does, alone and in a batch, and whatever the length."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnxruntime
import pytest

import intone
from intone.emotions import Emotion
from intone.errors import UsageError
from intone.features import Inputs
from intone.hear import engines, modelfile, pieces
from intone.hear.audio import Waveform
from intone.hear.modelfile import Card
from intone.learn import candidate, networks, quantise
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


def test_a_long_sound_in_which_nobody_speaks_is_heard_in_pieces_of_one_length(file: Path) -> None:
    engine, text = engines.from_onnx(file, threads=1)
    assert json.loads(text)["input"] == "waveform"
    longest = 0.0

    def watched(inputs: Inputs) -> Mapping[str, engines.Floats]:
        nonlocal longest
        longest = max(longest, inputs.values.shape[1] / 16_000)
        assert len(inputs.values) == 1
        return engine(inputs)

    long, short = noise(70 * 16_000), noise(20_000, seed=1)
    heard = engines.hearing(watched, CARD, name="tiny")([Waveform(short), Waveform(long), Waveform(short)])
    parts = [engine(Inputs.of_sounds([piece])) for _, piece in pieces.pieces(long, 0)]
    assert longest == pytest.approx(70 / 12, abs=0.02)
    for name, found in (("logits", heard.logits), ("embedding", heard.embedding)):
        assert found is not None
        assert np.allclose(found[1], np.mean([part[name][0] for part in parts], axis=0), atol=1e-4)
        assert np.allclose(found[[0, 2]], engine(Inputs.of_sounds([short]))[name], atol=1e-4)
    assert heard.attention is not None
    assert [len(weights) for weights in heard.attention] == [63, 3500, 63]
    assert [weights.sum() for weights in heard.attention] == pytest.approx([1, 1, 1], abs=1e-4)


def test_attention_lies_where_the_sound_is_and_nowhere_else(network: Any, tmp_path: Path) -> None:
    path = tmp_path / f"trimmed{modelfile.SUFFIX}"
    Network(network).write(replace(CARD, trim=40.0), path, proof=Inputs.of_sounds(SOUNDS))
    hearing = intone.load(path)
    still = np.zeros(16_000, dtype=np.float32)
    heard = hearing.predict(np.concatenate([still, SOUNDS[2], still]), rate=16_000)
    assert heard.attention is not None
    assert len(heard.attention) == 151
    assert heard.attention.sum() == pytest.approx(1, abs=1e-4)
    assert heard.attention[:46].sum() + heard.attention[105:].sum() == 0  # windows reach over its ends


def test_an_embedding_is_the_sounds_own(network: Any, file: Path) -> None:
    vector = intone.load(file).embed(SOUNDS[1], rate=16_000)
    assert np.abs(vector - at(network, "embedding")(Inputs.of_sounds([SOUNDS[1]]).feed())[0][0]).max() <= 1e-4
    with pytest.raises(UsageError, match="gives no embedding"):
        intone.load("intone-classic").embed(SOUNDS[1], rate=16_000)


def test_in_eight_bits_it_is_smaller_and_answers_alike(file: Path, tmp_path: Path) -> None:
    small = tmp_path / "small.intone.onnx"
    assert quantise.write(file, small) < 0.02
    assert file.stat().st_size - small.stat().st_size > 700_000  # of a tiny network, mostly the waves of its spectrum
    assert intone.load(small).card == intone.load(file).card
    engine, _ = engines.from_onnx(small, threads=1)
    together = engine(Inputs.of_sounds(SOUNDS))["logits"]
    for row, sound in enumerate(SOUNDS):
        assert np.abs(engine(Inputs.of_sounds([sound]))["logits"][0] - together[row]).max() <= 1e-4


def test_a_network_with_loops_is_not_kept_in_eight_bits(tmp_path: Path) -> None:
    network = Network(networks.build("gru", {}, columns=40, labels=7, sequence=True))
    frames = Inputs.of([np.ones((30, 40), np.float32)])
    card = replace(CARD, input="features", feature_recipe="mfcc40-frames")
    network.write(card, tmp_path / "gru.intone.onnx", proof=frames)
    with pytest.raises(UsageError, match="has loops"):
        quantise.write(tmp_path / "gru.intone.onnx", tmp_path / "small.onnx")


def test_a_forest_is_not_kept_in_eight_bits(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="only networks"):
        quantise.write(modelfile.find("intone-classic"), tmp_path / "small.onnx")
    assert not list(tmp_path.iterdir())


def test_level_changes_no_answer(file: Path) -> None:
    hearing = intone.load(file)
    quiet, loud = (hearing.predict(gain * SOUNDS[3], rate=16_000) for gain in (np.float32(0.1), np.float32(10)))
    assert quiet.scores == pytest.approx(loud.scores, abs=1e-3)
