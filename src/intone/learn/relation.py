"""Training the relative network: voices are heard once, and its head learns from them in episodes."""

import hashlib
from functools import lru_cache
from inspect import signature
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from intone.emotions import Emotion
from intone.errors import UsageError, unknown
from intone.features import Inputs, Sounds
from intone.hear import engines
from intone.learn import batches, fit, stages
from intone.learn.episodes import Cast, vectors
from intone.learn.fit import Lesson, Tick
from intone.learn.networks import backbone
from intone.learn.networks.blocks import FAR_BELOW
from intone.learn.networks.relative import relative
from intone.learn.recipe import NetworkPart, TrainingPart

Floats = NDArray[np.float32]
KIND = "relative"
"""What recipes call the network."""
REST = tuple(str(emotion) for emotion in Emotion).index(str(Emotion.NEUTRAL))
"""Which label a speaker at rest has; the seven come first among a recipe's."""


OPTIONS = set(signature(relative).parameters) - {"labels", "start"}
"""Its options in a recipe."""


def check(network: NetworkPart, training: TrainingPart) -> None:  # noqa: ARG001  # as the encoder's
    """Refuse what cannot be carried out, before anything is heard.

    Raises
    ------
    UsageError
        There is no such option, or the backbone is not named or not to be had.
    """
    for option in network.options:
        if option not in OPTIONS:
            raise unknown(f"option of the network {KIND}", option, OPTIONS)
    if not isinstance(network.options.get("backbone"), str):
        raise UsageError(f"[network] {KIND} needs 'backbone', a folder or an id such as 'openai/whisper-tiny.en'.")
    backbone.read(network.options["backbone"])


class Relative:
    """A trained relative network, cut where the speaker's baseline comes in."""

    def __init__(self, whole: Any, upper: Any) -> None:
        self.whole = whole
        self._voice = _to_voice(whole)
        self._head = keras.Model(upper.input, upper.get_layer("logits").output)

    def voices(self, sounds: Sounds) -> Floats:
        """Give the voices of sounds, ``(sounds, width)``."""
        return _heard(self._voice, sounds)

    def answers(self, voices: Floats, baselines: Floats) -> Floats:
        """Give logits ``(utterances, labels)`` of voices beside baselines."""
        given = {"voice": voices, "baseline": np.broadcast_to(baselines, (len(voices), baselines.shape[1]))}
        found: Floats = keras.ops.convert_to_numpy(self._head(given, training=False))
        return found


def train(
    lesson: Lesson[Sounds], network: NetworkPart, training: TrainingPart, *, tick: Tick, folder: Path
) -> Relative:
    """Train a relative network on the training part of a fold; the arguments are those of :func:`intone.learn.fit.fit`.

    It takes seconds, and is begun anew where it was stopped.
    """
    keras.utils.set_random_seed(lesson.seed)
    options = {**network.options, "backbone": backbone.read(network.options["backbone"])}
    whole = _built(options, lesson.labels)
    origin = lesson.origin
    if origin is None:
        raise UsageError(f"{KIND} learns from speakers; the lesson does not tell whose its utterances are.")
    raw = _known(_to_voice(whole), lesson.train, network)
    centre, spread = _population(raw, origin)
    whole.get_layer("voice").set_weights([centre, spread])
    voices = ((raw - centre) / np.sqrt(spread + 1e-8)).astype(np.float32)
    upper = _built({**options, "start": "voice"}, lesson.labels)
    head = _trainer(upper, lesson.labels)
    size = training.per_epoch or len(voices)
    steps = -(-size // training.batch)
    head.compile(
        optimizer=keras.optimizers.AdamW(
            fit.rate(training, steps * training.epochs), weight_decay=training.weight_decay
        ),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=training.label_smoothing),
        metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")],
    )
    history = []
    for epoch in range(training.epochs):
        fit.seed_dropout(head, lesson.seed, epoch)
        history.append({"epoch": epoch + 1, **_epoch(head, lesson, training, voices, origin, epoch)})
        tick(epoch + 1, training.epochs, history[-1])
    pd.DataFrame(history).to_csv(folder / fit.HISTORY, index=False)
    stages.carry_over(head, whole)
    return Relative(whole, upper)


def _epoch(
    head: Any, lesson: Lesson[Sounds], training: TrainingPart, voices: Floats, origin: pd.DataFrame, epoch: int
) -> dict[str, float]:
    random = np.random.default_rng([lesson.seed, epoch])
    cast = Cast(origin["speaker"].tolist(), lesson.truth, REST)
    shares = batches.shares(origin, lesson.truth) if training.balance == "corpora" else None
    size = training.per_epoch or len(voices)
    order = random.choice(len(voices), size, p=shares) if shares is not None else random.permutation(len(voices))[:size]
    possible = batches.answerable(origin, lesson.truth, lesson.labels)
    beside = np.where(possible, 0, -FAR_BELOW).astype(np.float32)
    targets = np.eye(lesson.labels, dtype=np.float32)[lesson.truth]
    told, weights = list[tuple[float, float]](), list[int]()
    for start in range(0, size, training.batch):
        rows = order[start : start + training.batch]
        drawn = [cast.drawn_for_training(row, random) for row in rows.tolist()]
        baselines = vectors(voices, [found for found, _ in drawn], [rest for _, rest in drawn])
        given = {"voice": voices[rows], "baseline": baselines, "beside": beside[rows]}
        step = head.train_on_batch(given, targets[rows], return_dict=True)
        told.append((float(step["accuracy"]), float(step["loss"])))
        weights.append(len(rows))
    accuracy, loss = np.average(told, axis=0, weights=weights)
    return {"accuracy": float(accuracy), "loss": float(loss)}


def _population(voices: Floats, origin: pd.DataFrame) -> tuple[Floats, Floats]:
    """Give the mean and the variance of voices over all speakers, each corpus alike."""
    corpora = origin["corpus"].to_numpy()
    own = [voices[corpora == corpus].astype(np.float64) for corpus in sorted(set(corpora))]
    centre = np.mean([some.mean(axis=0) for some in own], axis=0)
    spread = np.mean([np.square(some - centre).mean(axis=0) for some in own], axis=0)
    return centre.astype(np.float32), spread.astype(np.float32)


def _built(options: dict[str, Any], labels: int) -> Any:
    try:
        return relative(labels=labels, **options)
    except (TypeError, ValueError) as error:
        shown = {name: value for name, value in options.items() if name != "backbone"}
        raise UsageError(f"The network {KIND} cannot be built with {shown}: {error}") from error


def _trainer(upper: Any, labels: int) -> Any:
    """Put a further input ``beside`` to a network, which is added to its logits in training."""
    beside = keras.Input((labels,), name="beside")
    return keras.Model(
        {**upper.input, "beside": beside}, keras.layers.Add()([upper.get_layer("logits").output, beside])
    )


def _to_voice(whole: Any) -> Any:
    given = {name: whole.input[name] for name in ("waveform", "lengths")}
    return keras.Model(given, {"voice": whole.get_layer("voice").output})


def _heard(to_voice: Any, sounds: Sounds) -> Floats:
    def engine(inputs: Inputs) -> dict[str, Floats]:
        found = keras.ops.convert_to_numpy(to_voice(inputs.feed(), training=False)["voice"])
        return {"logits": found, "voice": found}

    return engines.heard_in_pieces(engine, sounds.values).logits


@lru_cache(maxsize=1)
def _shelf(backbone_and_layer: tuple[Any, ...]) -> dict[str, Floats]:  # noqa: ARG001  # the key
    return {}


def _known(to_voice: Any, sounds: Sounds, network: NetworkPart) -> Floats:
    """Give voices before they are standardised; folds share their sounds, and what is frozen hears each once."""
    shelf = _shelf((network.options["backbone"], network.options.get("layer")))
    digests = [hashlib.sha256(sound.tobytes()).hexdigest() for sound in sounds.values]
    new = {digest: sound for digest, sound in zip(digests, sounds.values, strict=True) if digest not in shelf}
    if new:
        shelf |= dict(zip(new, _heard(to_voice, Sounds(tuple(new.values()))), strict=True))
    return np.stack([shelf[digest] for digest in digests])
