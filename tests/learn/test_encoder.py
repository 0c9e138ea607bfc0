"""The encoder agrees with Hugging Face's Whisper, and neither gain nor padding nor neighbours change what it hears."""

import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from intone.errors import ModelError, UsageError
from intone.learn.networks import backbone, whisper
from intone.learn.networks.encoder import encoder, freeze

pytestmark = pytest.mark.xdist_group("keras")
TINY = Path(__file__).with_name("whisper-random")
"""A tiny encoder with random weights; ``whisper_reference.py`` makes it, and what Hugging Face hears with it."""
STAGES = ("log_mel", "convolutions", "layer_1", "layer_2", "layer_3")
Floats = NDArray[np.float32]


@pytest.fixture(scope="module")
def network() -> Any:
    keras.utils.set_random_seed(1)
    return encoder(labels=7, backbone=TINY, layers=3)


def noise(samples: int, *, level: float = 0.1, seed: int = 0) -> Floats:
    """Give noise that swells, so that its frames differ."""
    swell = np.sin(np.linspace(0, 7, samples)) ** 2
    return (level * swell * np.random.default_rng(seed).standard_normal(samples)).astype(np.float32)


def given(*sounds: Floats, behind: int = 0) -> dict[str, NDArray[Any]]:
    """Put sounds into one batch, each followed by zeros."""
    waveform = np.zeros((len(sounds), max(map(len, sounds)) + behind), dtype=np.float32)
    for row, sound in zip(waveform, sounds, strict=True):
        row[: len(sound)] = sound
    return {"waveform": waveform, "lengths": np.array([len(sound) for sound in sounds])}


def at(network: Any, *layers: str) -> Any:
    """Look at what layers give, instead of the network's end."""
    part = keras.Model(network.input, {layer: network.get_layer(layer).output for layer in layers})

    def look(inputs: Any) -> list[Any]:
        found = part(inputs, training=False)
        return [keras.ops.convert_to_numpy(found[layer]) for layer in layers]

    return look


# --- Agreement --------------------------------------------------------------------------------------------------------


def test_front_end_and_layers_agree_with_hugging_face(network: Any) -> None:
    with np.load(TINY / "expected.npz") as stored:
        samples = stored["samples"].astype(np.float32) / 32_768
        expected = [stored["log_mel"], *stored["states"]]
    seconds = len(expected[0]) / 100
    whole = np.pad(samples, (0, int(seconds * 16_000) - len(samples)))  # as Whisper pads to 30 s
    for stage, found, right in zip(STAGES, at(network, *STAGES)(given(whole)), expected, strict=True):
        assert np.abs(found[0] - right).max() <= 1e-3, stage


def test_unpadded_frames_are_hugging_faces_and_the_others_zero(network: Any) -> None:
    with np.load(TINY / "expected.npz") as stored:
        samples, expected = stored["samples"].astype(np.float32) / 32_768, stored["log_mel"]
    frames = -(-len(samples) // 160)
    found = at(network, "log_mel")(given(samples, behind=3_000))[0][0]
    assert np.abs(found[:frames] - expected[:frames]).max() <= 1e-3
    assert not found[frames:].any()


# --- What changes nothing ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("decibels", [-40, -20, 20])
def test_gain_changes_no_logit(network: Any, decibels: int) -> None:
    sounds = [noise(7_777), noise(5_000, level=0.01, seed=1)]
    logits = at(network, "logits")
    plain, changed = (logits(given(*(gain * s for s in sounds)))[0] for gain in (1, np.float32(10 ** (decibels / 20))))
    assert np.abs(plain - changed).max() <= 1e-3


@pytest.mark.parametrize("samples", [1_599, 1_600, 1_601, 1_759, 1_760, 1_761, 1_919, 1_920, 1_921, 2_080, 2_081])
def test_padding_and_neighbours_change_nothing(network: Any, samples: int) -> None:
    sound = noise(samples, level=0.001)
    look = at(network, "log_mel", "layer_3", "attention", "embedding", "logits")
    alone = look(given(sound))
    assert alone[0].shape[1] == -(-samples // 160)
    assert alone[1].shape[1] == alone[2].shape[1] == -(-samples // 320)
    for behind in (0, 159, 160, 5_000):
        beside = look(given(sound, noise(samples + behind, level=0.9, seed=2), noise(1_600, seed=3), behind=behind))
        for one, other in zip(alone[:3], beside[:3], strict=True):
            assert np.abs(one[0] - other[0][: len(one[0])]).max() <= 1e-4
        assert not beside[2][0][len(alone[2][0]) :].any()  # no attention to padding
        for one, other in zip(alone[3:], beside[3:], strict=True):
            assert np.abs(one[0] - other[0]).max() <= 1e-4


def test_attention_sums_to_one_over_time(network: Any) -> None:
    weights = at(network, "attention")(given(noise(9_000), noise(4_000)))[0]
    assert weights.shape == (2, 29, 4)
    assert np.allclose(weights.sum(axis=1), 1, atol=1e-5)


# --- Building, saving, learning ---------------------------------------------------------------------------------------


def test_a_saved_network_opens_with_plain_keras(network: Any, tmp_path: Path) -> None:
    network.save(tmp_path / "model.keras")
    opened = keras.models.load_model(tmp_path / "model.keras")
    inputs = given(noise(8_000), noise(3_000, seed=1))
    for one, other in zip(*(at(model, "logits", "embedding")(inputs) for model in (network, opened)), strict=True):
        assert np.abs(one - other).max() <= 1e-6


def test_only_what_is_not_frozen_learns() -> None:
    network = encoder(labels=3, backbone=TINY, layers=2)
    freeze(network, below=2)
    before = {layer.name: layer.get_weights() for layer in network.layers}
    network.compile(optimizer="adam", loss="categorical_crossentropy")
    inputs = given(*(noise(4_000 + 100 * seed, seed=seed) for seed in range(6)))
    network.fit(inputs, np.eye(3, dtype=np.float32)[[0, 1, 2, 0, 1, 2]], epochs=1, verbose=0)
    moved = {
        layer.name
        for layer in network.layers
        if any((one != other).any() for one, other in zip(layer.get_weights(), before[layer.name], strict=True))
    }
    assert {"layer_2_q", "layer_2_fc2", "pool_energy", "embedding", "logits"} <= moved
    assert not [name for name in moved if name.startswith(("layer_1", "convolution"))]
    assert not moved & {"fourier", "mel", "positions"}


def test_more_layers_than_there_are_are_refused() -> None:
    with pytest.raises(ValueError, match="accepted are 0 to 3"):
        encoder(labels=7, backbone=TINY, layers=4)


# --- The backbone -----------------------------------------------------------------------------------------------------


def test_a_hub_id_is_looked_for_in_the_named_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(backbone.FOLDER, str(TINY.parent))
    found = backbone.read(f"somebody/{TINY.name}")
    assert (found.width, found.heads, found.feed_forward, found.layers) == (16, 2, 24, 3)


def test_a_backbone_that_is_nowhere_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(backbone.FOLDER, raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(UsageError, match=r"no such/place: neither a folder"):
        backbone.read("no such/place")


@pytest.mark.parametrize(
    ("file", "content"), [("config.json", b"{}"), ("config.json", b"["), ("model.safetensors", b"no tensors")]
)
def test_a_folder_that_holds_something_else_is_refused(tmp_path: Path, file: str, content: bytes) -> None:
    shutil.copytree(TINY, tmp_path / "other")
    (tmp_path / "other" / file).write_bytes(content)
    with pytest.raises(ModelError, match="Hugging Face's layout"):
        backbone.read(tmp_path / "other")


def test_learned_positions_are_refused(tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    shutil.copytree(TINY, tmp_path / "other")
    path = tmp_path / "other" / "model.safetensors"
    tensors = load_file(path)
    tensors["model.encoder.embed_positions.weight"] = tensors["model.encoder.embed_positions.weight"] + np.float16(0.1)
    save_file(tensors, path)
    with pytest.raises(ModelError, match="not Whisper's sinusoids"):
        backbone.read(tmp_path / "other")


def test_weights_that_lack_a_layer_are_refused(tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    shutil.copytree(TINY, tmp_path / "other")
    path = tmp_path / "other" / "model.safetensors"
    save_file({name: found for name, found in load_file(path).items() if "layers.2." not in name}, path)
    with pytest.raises(ModelError, match=r"lack the tensor model\.encoder\.layers\.2\."):
        encoder(labels=7, backbone=tmp_path / "other", layers=3)


def test_sinusoids_are_whispers() -> None:
    assert whisper.sinusoids(8) == pytest.approx([1, 10_000 ** (-1 / 3), 10_000 ** (-2 / 3), 1e-4])
