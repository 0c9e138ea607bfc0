"""What runs a model (ONNX Runtime, or Keras for the ``.keras`` file of a run folder), and how it is given sounds."""

import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from intone import features
from intone.errors import MissingExtraError, ModelError, UsageError
from intone.features import Inputs, prepare
from intone.hear import modelfile
from intone.hear.audio import MIN_SECONDS, RATE, Waveform
from intone.hear.modelfile import Card

Floats = NDArray[np.float32]
Hearing = Callable[[Sequence[Waveform]], Floats]
"""Turns sounds into logits ``(sounds, labels)``."""
MAX_SECONDS = 30.0
"""Longest piece that a model of waveforms is given: Whisper has learned no more, and memory grows with its square."""
BATCH_SECONDS = 120.0
"""Most that a model of waveforms is given at a time, padding included."""


class Engine(Protocol):
    """Something that turns a batch of inputs into logits."""

    def __call__(self, inputs: Inputs) -> Floats:
        """Give logits ``(batch, labels)``."""


def hearing(engine: Engine, card: Card, *, name: str) -> Hearing:
    """Give what turns sounds into logits, by way of the input that a model's card asks for.

    A model of waveforms is given sounds of more than 30 s in pieces of one length, whose logits are averaged.

    Parameters
    ----------
    engine : Engine
        Runs the model.
    card : Card
        The model's.
    name : str
        The model's, for messages.

    Raises
    ------
    ModelError
        This version of Intone cannot give the model what its card asks for.
    """
    if card.rate != RATE:
        raise ModelError(f"{name}: the model hears sound at {card.rate} Hz; this version of Intone accepts {RATE}.")
    if card.input == "waveform":
        return lambda sounds: heard_in_pieces(engine, [without_silence(sound.samples, card.trim) for sound in sounds])
    try:
        recipe = features.recipe(features.FeatureRecipe.from_toml(card.feature_recipe))
    except UsageError as error:
        raise ModelError(f"{name}: the feature recipe on the model's card cannot be used: {error}") from error
    return lambda sounds: engine(Inputs.of([measured(sound, recipe, card.trim) for sound in sounds]))


def measured(sound: Waveform, recipe: features.FeatureRecipe, trim: float) -> Floats:
    """Give the features of a sound without its silent ends, ``(columns,)`` or ``(frames, columns)``."""
    heard = Waveform(without_silence(sound.samples, trim), sound.name) if trim else sound
    return features.extract(heard, recipe=recipe).values


def without_silence(samples: Floats, below_db: float) -> Floats:
    """Cut off both ends of a sound what a model is not to hear, in training as afterwards.

    Parameters
    ----------
    samples : numpy.ndarray of float32, shape (samples,)
        At 16 kHz.
    below_db : float
        The card's ``trim``; 0 cuts nothing.

    Returns
    -------
    numpy.ndarray of float32, shape (up to samples,)
        The whole sound where less than 0.1 s would be left.
    """
    kept = prepare.trim(samples, below_db=below_db) if below_db else samples
    return kept if len(kept) >= MIN_SECONDS * RATE else samples


def heard_in_pieces(engine: Engine, sounds: Sequence[Floats]) -> Floats:
    """Give a model of waveforms sounds ``(samples,)`` of any length, like lengths together; see :func:`hearing`."""
    cut = [np.array_split(sound, math.ceil(len(sound) / (MAX_SECONDS * RATE))) for sound in sounds]
    pieces = [piece for some in cut for piece in some]
    # Like lengths together, so that little is padded.
    order = sorted(range(len(pieces)), key=lambda number: len(pieces[number]))
    logits: dict[int, Floats] = {}
    while order:
        longest = len(pieces[order[-1]])
        batch = order[-max(1, int(BATCH_SECONDS * RATE / longest)) :]
        del order[-len(batch) :]
        logits |= dict(zip(batch, engine(Inputs.of_sounds([pieces[number] for number in batch])), strict=True))
    ends = np.cumsum([len(some) for some in cut])
    return np.stack([
        np.mean([logits[number] for number in range(end - len(some), end)], axis=0)
        for some, end in zip(cut, ends, strict=True)
    ])  # fmt: skip


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
