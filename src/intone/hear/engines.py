"""What runs a model (ONNX Runtime, or Keras for the ``.keras`` file of a run folder), and how it is given sounds."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from intone import features
from intone.errors import MissingExtraError, ModelError, UsageError
from intone.features import Inputs
from intone.hear import modelfile
from intone.hear.audio import RATE, Waveform
from intone.hear.modelfile import Card
from intone.hear.pieces import pieces, sounding
from intone.hear.streamed import Audible, Slices
from intone.machine import return_memory

Floats = NDArray[np.float32]
OUTPUTS = ("logits", "embedding", "attention", "voice")
"""What a model may give; see :class:`Heard`."""
KNOWN, AGAIN = "known_", "again"
"""What the inputs begin with that say what was heard before, and the output that answers from them."""
STEP = RATE // 50
"""Samples of sound to a step of attention: 20 ms."""
TOGETHER = 4
"""How many sounds Keras's networks are given at a time. ONNX Runtime is no faster for it, and what is given alone is
answered the same to the last digit, whatever else is heard."""
AHEAD = 64
"""How many sounds or pieces are cut before the model hears them."""


@dataclass(frozen=True, eq=False)
class Heard:
    """What a model gives of some sounds.

    Attributes
    ----------
    logits : numpy.ndarray of float32, shape (sounds, labels)
    embedding : numpy.ndarray of float32, shape (sounds, width), or None
        What the model hears in each, as a vector; None where the model gives none.
    attention : tuple of numpy.ndarray of float32, shape (steps,), or None
        For each sound, how much each 20 ms of it counted; each sums to 1. None where the model gives none.
    voice : numpy.ndarray of float32, shape (sounds, width), or None
        What a speaker's baseline is made of; None where the model knows no baselines.
    strangeness : numpy.ndarray of float32, shape (sounds,), or None
        The mean square of the voice's numbers, of some or of all, which tells what is no speech; of a long sound the
        mean over its pieces, since in the mean of their voices it would be less. None where there is no voice.
    """

    logits: Floats
    embedding: Floats | None = None
    attention: tuple[Floats, ...] | None = None
    voice: Floats | None = None
    strangeness: Floats | None = None


class Hearing(Protocol):
    """Turns sounds into what a model gives of them, beside the baseline of their speaker where there is one."""

    def __call__(self, sounds: Sequence[Audible], baseline: Floats | None = None, /) -> Heard:
        """Hear; the baseline is ``(1, numbers)``."""


class Again(Protocol):
    """Answers from what was heard, beside another baseline."""

    def __call__(self, heard: Heard, baseline: Floats | None = None, /) -> Floats:
        """Give logits ``(sounds, labels)`` of sounds heard in one piece; the baseline is ``(1 or sounds, numbers)``."""


class Engine(Protocol):
    """Something that runs a model on a batch of inputs."""

    def __call__(self, inputs: Inputs) -> Mapping[str, Floats]:
        """Give what the model gives, by name.

        ``logits`` ``(batch, labels)``, and where the model has them ``embedding`` ``(batch, width)``, ``attention``
        ``(batch, steps, heads)`` and ``voice`` ``(batch, width)``.
        """


def hearing(engine: Engine, card: Card, *, name: str, threads: int = 1) -> Hearing:
    """Give what turns sounds into logits, by way of the input that a model's card asks for.

    A model of waveforms is given sounds of more than 6.2 s by stretches of speech; longer ones count more in the mean
    of their answers.

    Parameters
    ----------
    engine : Engine
        Runs the model.
    card : Card
        The model's.
    name : str
        The model's, for messages.
    threads : int, default 1
        How many sounds or pieces are heard at a time.

    Raises
    ------
    ModelError
        This version of Intone cannot give the model what its card asks for.
    """
    if card.rate != RATE:
        raise ModelError(f"{name}: the model hears sound at {card.rate} Hz; this version of Intone accepts {RATE}.")
    if card.input == "waveform":
        return lambda sounds, baseline=None: heard_in_pieces(
            engine,
            [sound.samples for sound in sounds],
            baseline,
            below_db=card.trim,
            threads=threads,
            strange=card.strange_numbers,
        )
    try:
        recipe = features.recipe(features.FeatureRecipe.from_toml(card.feature_recipe))
    except UsageError as error:
        raise ModelError(f"{name}: the feature recipe on the model's card cannot be used: {error}") from error

    def by_features(sounds: Sequence[Audible], _baseline: Floats | None = None, /) -> Heard:
        wholes = (sound if isinstance(sound, Waveform) else Waveform(sound.samples[:], sound.name) for sound in sounds)
        return Heard(engine(Inputs.of([measured(whole, recipe, card.trim) for whole in wholes]))["logits"])

    return by_features


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
    return samples[sounding(samples, below_db)]


def heard_in_pieces(
    engine: Engine,
    sounds: Sequence[Slices],
    baseline: Floats | None = None,
    *,
    below_db: float = 0.0,
    threads: int = 1,
    together: int = 1,
    strange: Sequence[tuple[int, int]] = (),
) -> Heard:
    """Give a model of waveforms sounds of any length; see :func:`hearing`.

    Silent ends, quieter by ``below_db``, are left out, and of a long sound what is no speech; see
    :func:`intone.hear.pieces.pieces`. A piece is cut when its turn is near, and those of one sound in their order, so
    that a :class:`~intone.hear.streamed.Streamed` one is gone through once. So many are given to the model
    ``together``, like lengths beside each other, and on so many ``threads`` at a time. ``strange`` is the card's
    ``strange_numbers``.
    """
    parts: list[list[slice]] = [[] for _ in sounds]
    cut = _cut(sounds, parts, below_db)
    given: list[dict[str, Floats]] = []

    def hear(some: Sequence[Floats]) -> list[dict[str, Floats]]:
        outputs = engine(Inputs.of_sounds(some).beside(baseline))
        return [{name: got[row] for name, got in outputs.items()} for row in range(len(some))]

    near = list(islice(cut, AHEAD))
    with hearers(threads if len(near) > together else 1) as pool:
        while near:
            order = sorted(range(len(near)), key=lambda number: -len(near[number]))
            batches = [order[first : first + together] for first in range(0, len(order), together)]
            groups = [[near[number] for number in batch] for batch in batches]
            answers = pool.map(hear, groups) if pool else map(hear, groups)
            found = dict(zip(chain(*batches), chain(*answers), strict=True))
            given += [found[number] for number in range(len(near))]
            near = list(islice(cut, AHEAD))
    ends = np.cumsum([len(own) for own in parts]).tolist()
    heard = [given[end - len(own) : end] for own, end in zip(parts, ends, strict=True)]
    shares = [_shares(own) for own in parts]

    def averaged(name: str, of: Callable[[Floats], Any] = np.asarray) -> Floats:
        rows = [[of(got[name]) for got in own] for own in heard]
        return np.stack([np.tensordot(share, row, 1) for row, share in zip(rows, shares, strict=True)])

    return Heard(
        averaged("logits"),
        averaged("embedding") if "embedding" in given[0] else None,
        tuple(map(_attended, sounds, parts, shares, heard)) if "attention" in given[0] else None,
        averaged("voice") if "voice" in given[0] else None,
        averaged("voice", lambda voice: _mean_square(voice, strange)) if "voice" in given[0] else None,
    )


def _mean_square(voice: Floats, ranges: Sequence[tuple[int, int]]) -> Floats:
    if not ranges:
        return np.asarray(np.square(voice).mean())
    last = max(behind for _, behind in ranges)
    if last > len(voice):
        raise ModelError(f"The model's card names {last} numbers of a voice, of which the model gives {len(voice)}.")
    return np.asarray(np.square(np.concatenate([voice[first:behind] for first, behind in ranges])).mean())


def _cut(sounds: Sequence[Slices], parts: Sequence[list[slice]], below_db: float) -> Iterator[Floats]:
    """Cut the pieces of sounds as they are asked for, and note down which parts of each they are."""
    for sound, own in zip(sounds, parts, strict=True):
        for part, samples in pieces(sound, below_db):
            own.append(part)
            yield samples


@contextmanager
def hearers(threads: int) -> Iterator[Executor | None]:
    """Give what hears on so many threads; on one, nothing is needed."""
    if threads == 1:
        yield None
        return
    pool = ThreadPoolExecutor(threads, thread_name_prefix="intone-hear")
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)  # a Ctrl-C waits for what is under way, and for nothing else


def _shares(parts: Sequence[slice]) -> Floats:
    """Say what share of what is heard of a sound each piece is."""
    lengths = np.array([part.stop - part.start for part in parts], np.float32)
    return np.asarray(lengths / lengths.sum())


def _attended(sound: Slices, parts: Sequence[slice], shares: Floats, heard: Sequence[Mapping[str, Floats]]) -> Floats:
    """Place the attention to each piece where it lies in its sound; to what was left out none is paid."""
    whole = np.zeros(-(-len(sound) // STEP), np.float32)
    for piece, share, got in zip(parts, shares, heard, strict=True):
        steps = -(-(piece.stop - piece.start) // STEP)
        # Neither begins nor ends need lie on a step, so that the last may lie half a step behind its sound.
        places = np.minimum(round(piece.start / STEP) + np.arange(steps), len(whole) - 1)
        np.add.at(whole, places, share * got["attention"][:steps].mean(axis=1))
    return whole


def nobody(width: int) -> Floats:
    """Give the baseline ``(1, 2 · width + 2)`` of a speaker of whom nothing has been heard."""
    return np.concatenate([np.zeros(width), np.ones(width), [0, 0]]).astype(np.float32)[np.newaxis]


class OnnxModel:
    """A model file that ONNX Runtime has opened; :func:`from_onnx` makes one."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._outputs = [output.name for output in session.get_outputs()]
        self._inputs = [given.name for given in session.get_inputs()] + [
            given.name for given in session.get_overridable_initializers()
        ]
        # ValueError: no input or output of that name.
        self._refusals: tuple[type[Exception], ...] = (*_onnx_errors(), ValueError)

    def __call__(self, inputs: Inputs) -> Mapping[str, Floats]:
        """Give what the model gives; see :class:`Engine`."""
        known = [name for name in self._outputs if name in OUTPUTS]
        return self._run(known if "logits" in known else ["logits"], inputs.named())

    @property
    def answers_again(self) -> bool:
        """Whether the file can answer from what it has heard."""
        return AGAIN in self._outputs

    def again(self, heard: Heard, baseline: Floats | None = None, /) -> Floats:
        """Answer from what was heard, beside another baseline ``(1 or sounds, numbers)``.

        It is as if it were heard anew where it was heard in one piece; of a longer sound the answer of its mean differs
        from the mean of its pieces' answers.
        """
        import onnxruntime

        given = {f"{KNOWN}embedding": heard.embedding, f"{KNOWN}voice": heard.voice, "baseline": baseline}
        fed = {name: values for name, values in given.items() if name in self._inputs and values is not None}
        # The sound is asked for and not looked at.
        fed |= {"waveform": np.zeros((1, STEP), np.float32), "lengths": np.array([STEP])}
        options = onnxruntime.RunOptions()
        options.only_execute_path_to_fetches = True
        return self._run([AGAIN], fed, options)[AGAIN]

    def _run(self, names: list[str], fed: Mapping[str, Any], options: Any = None) -> dict[str, Floats]:
        try:
            found = self._session.run(names, fed, options)
        except self._refusals as error:
            reason = str(error).splitlines()[0]
            raise ModelError(f"the network and the card of the model do not fit ({reason}).") from error
        return dict(zip(names, found, strict=True))


def opened(path: Path, *, threads: int) -> "tuple[OnnxModel | Engine, str]":
    """Open a model file or the ``.keras`` file of a run folder; give what runs it, and the text of its card.

    Raises
    ------
    MissingExtraError, ModelError
        As for :func:`from_onnx` and :func:`from_keras`.
    """
    return from_keras(path) if path.suffix == ".keras" else from_onnx(path, threads=threads)


def from_onnx(path: Path, *, threads: int) -> tuple[OnnxModel, str]:
    """Open a model file; give what runs it, and the text of its card.

    Raises
    ------
    ModelError
        The file is not ONNX, or has no card.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # The further optimisations take longer than they save: a third of the time to open a model, for 1 % of its pace.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    # A plan of the memory for each length that is heard saves no time, and takes a third more of it.
    options.enable_mem_pattern = False
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
    return_memory()
    return OnnxModel(session), text


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
    network = keras.Model(model.input, {each.name: each.output for each in model.layers if each.name in OUTPUTS})

    def run(inputs: Inputs) -> Mapping[str, Floats]:
        given = inputs.feed()
        if isinstance(model.input, dict) and "baseline" in model.input and inputs.baseline is None:
            width = model.input["baseline"].shape[-1] // 2 - 1
            given["baseline"] = np.tile(nobody(width), (len(inputs), 1))
        found = network.predict_on_batch(given)
        return {name: np.asarray(values, dtype=np.float32) for name, values in found.items()}

    return run, text
