"""Pretrained weights of a speech encoder: found on this machine or on the Hugging Face hub, and put into a network."""

import hashlib
import json
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from intone.errors import MissingExtraError, ModelError, UsageError, unknown
from intone.learn.networks import whisper

Floats = NDArray[np.float32]
CONFIG, WEIGHTS = "config.json", "model.safetensors"
FOLDER = "INTONE_BACKBONES"
"""Environment variable: a folder in which ``openai/whisper-tiny.en`` is looked for as ``whisper-tiny.en``."""
PREFIX = "model.encoder."
POSITIONS_TOLERANCE = 2e-3
"""Half precision keeps a sine to 5e-4."""


@dataclass(frozen=True, eq=False)
class Backbone:
    """The weights of a Whisper encoder, as float32, by Hugging Face's names without ``model.encoder.``.

    Attributes
    ----------
    name : str
        The folder or hub id that they came from.
    tensors : mapping of str to numpy.ndarray of float32
        Matrices are ``(out, in)`` and kernels ``(out, in, 3)``, as PyTorch keeps them.
    width, heads, feed_forward, layers : int
        The encoder's shape.
    """

    name: str
    tensors: Mapping[str, Floats] = field(repr=False)
    width: int
    heads: int
    feed_forward: int
    layers: int

    def fill(self, network: Any) -> None:
        """Put the weights into a network's layers, by the names that :mod:`intone.learn.networks.whisper` gives."""
        for layer in network.layers:
            stem = self._stem(layer.name)
            if stem is not None:
                names = ("weight", "bias") if f"{stem}.bias" in self.tensors else ("weight",)
                try:
                    # PyTorch keeps what a product sums over last, Keras first.
                    layer.set_weights([self.tensors[f"{stem}.{name}"].T for name in names])
                except KeyError as error:
                    raise ModelError(f"{self.name}: the weights lack the tensor {PREFIX}{error.args[0]}.") from error

    def _stem(self, layer: str) -> str | None:
        if layer in _CONVOLUTIONS:
            return _CONVOLUTIONS[layer]
        word, _, rest = layer.partition("_")
        number, _, part = rest.partition("_")
        return f"layers.{int(number) - 1}.{_PARTS[part]}" if word == "layer" and part in _PARTS else None


_CONVOLUTIONS = {"convolution_1": "conv1", "convolution_2": "conv2"}
_PARTS = {
    "attention_norm": "self_attn_layer_norm",
    "q": "self_attn.q_proj",
    "k": "self_attn.k_proj",
    "v": "self_attn.v_proj",
    "out": "self_attn.out_proj",
    "norm": "final_layer_norm",
    "fc1": "fc1",
    "fc2": "fc2",
}


def check(kind: str, given: Mapping[str, Any], accepted: Collection[str]) -> None:
    """Refuse options of a network on a backbone that it does not have, and a backbone that is not to be had.

    Raises
    ------
    UsageError
        There is no such option or value, or the backbone is not named, or there is none of that name.
    ModelError
        What is named is no such backbone.
    """
    for option in given:
        if option not in accepted:
            raise unknown(f"option of the network {kind}", option, accepted)
    if type(given.get("weighed", False)) is not bool:
        raise UsageError(f"[network] weighed is {given['weighed']!r}; accepted are true and false.")
    for option in ("averaged", "parts"):
        number = given.get(option, 1)
        if type(number) is not int or not 1 <= number <= 20:
            raise UsageError(f"[network] {option} is {number!r}; accepted is a whole number from 1 to 20.")
    if not isinstance(given.get("backbone"), str):
        raise UsageError(f"[network] {kind} needs 'backbone', a folder or an id such as 'openai/whisper-tiny.en'.")
    read(given["backbone"])


def read(name: str | Path) -> Backbone:
    """Read a backbone from a folder, or by its id on the Hugging Face hub.

    Parameters
    ----------
    name : str or path
        A folder with ``config.json`` and ``model.safetensors`` in the layout of ``openai/whisper-tiny.en``, or such an
        id: it is looked for under the folder that ``INTONE_BACKBONES`` names, and then on the hub, whose files are kept
        in its own cache.

    Raises
    ------
    UsageError
        There is neither a folder nor a model on the hub of that name, or the hub cannot be reached.
    ModelError
        The files hold no Whisper encoder that this version can use.
    MissingExtraError
        The package ``safetensors`` or ``huggingface_hub`` is not installed.
    """
    config_path, weights_path = _found(str(name))
    try:
        from safetensors import SafetensorError
        from safetensors.numpy import load_file
    except ImportError as error:
        raise MissingExtraError(f"{name}: reading weights needs safetensors: pip install 'intone[learn]'.") from error
    try:
        config = json.loads(config_path.read_text(encoding="utf-8"))
        shape = [
            int(config[key]) for key in ("d_model", "encoder_attention_heads", "encoder_ffn_dim", "encoder_layers")
        ]
        bands = int(config["num_mel_bins"])
        stored = load_file(weights_path)
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise ModelError(f"{name}: not a Whisper model in Hugging Face's layout ({error!r}).") from error
    if bands != whisper.BANDS:
        raise ModelError(f"{name}: the encoder hears {bands} mel bands; accepted is {whisper.BANDS}.")
    tensors = {
        key.removeprefix(PREFIX): np.asarray(value, dtype=np.float32)
        for key, value in stored.items()
        if key.startswith(PREFIX)
    }
    _check_positions(tensors.get("embed_positions.weight"), str(name))
    return Backbone(str(name), tensors, *shape)


def digest(name: str | Path) -> str:
    """Give the SHA-256 of a backbone's weights, found as :func:`read` finds them: another of the same name has another.

    Raises
    ------
    UsageError, MissingExtraError
        As for :func:`read`.
    """
    _, weights = _found(str(name))
    with weights.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_positions(stored: Floats | None, name: str) -> None:
    """Refuse an encoder whose positions were learned: the network computes Whisper's sinusoids."""
    if stored is None:
        raise ModelError(f"{name}: the file holds no tensors {PREFIX}*; it is not a Whisper encoder.")
    turns = np.arange(len(stored))[:, np.newaxis] * whisper.sinusoids(stored.shape[1])
    apart = np.abs(stored - np.concatenate([np.sin(turns), np.cos(turns)], axis=1)).max()
    if not apart <= POSITIONS_TOLERANCE:
        raise ModelError(f"{name}: the encoder's positions are not Whisper's sinusoids (they differ by {apart:.2g}).")


def _found(name: str) -> tuple[Path, Path]:
    """Give the paths of configuration and weights."""
    places = [Path(name)]
    if os.environ.get(FOLDER):
        places.append(Path(os.environ[FOLDER]) / name.rpartition("/")[2])
    for folder in places:
        if folder.is_dir():
            return folder / CONFIG, folder / WEIGHTS
    try:
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError
    except ImportError as error:
        raise MissingExtraError(
            f"{name}: the hub's models need huggingface_hub: pip install 'intone[learn]'."
        ) from error
    try:
        return Path(hf_hub_download(name, CONFIG)), Path(hf_hub_download(name, WEIGHTS))
    except (OSError, HFValidationError, HfHubHTTPError) as error:
        reason = str(error).strip().splitlines()[0]
        raise UsageError(
            f"{name}: neither a folder here, nor under {FOLDER}, nor a model that the Hugging Face hub gave ({reason})."
        ) from error
