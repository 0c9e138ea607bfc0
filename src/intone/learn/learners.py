"""One way to train and to leave any model of the field, be it a network or a classical one."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

import keras
import numpy as np
import pandas as pd
import skops.io
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from intone.errors import UsageError, unknown
from intone.features import Inputs, Sounds
from intone.hear import engines, pieces
from intone.hear.engines import Heard
from intone.hear.modelfile import Card
from intone.learn import augment, classical, codecs, episodes, export, fit, networks, relation, tune
from intone.learn.dataset import WAVEFORM
from intone.learn.fit import Lesson, Tick
from intone.learn.networks import backbone
from intone.learn.recipe import TrainingRecipe
from intone.learn.relation import Told

Floats = NDArray[np.float32]
Family: TypeAlias = Literal["network", "classical"]
BLOCK = 256
"""How many utterances are answered at a time."""
PROOF = 32
"""How many sounds a network that hears them is proved on: they are one batch, padded to the longest."""
STRANGE = 0.01
"""Share of the validation part's speech that may be taken for something else."""
FAINTEST = 1e-7
"""A classical model's probability of zero becomes this, so that it has a logarithm."""


class Trained(Protocol):
    """A trained model."""

    @property
    def parameters(self) -> int | None:
        """How many numbers it has learned; None where that is no measure of it, as of a forest's."""

    def logits(self, inputs: Any) -> Floats:
        """Give logits ``(utterances, labels)``; the inputs are of the kind that it was trained on."""

    def save(self, folder: Path) -> None:
        """Write the model as its own library reads it, into a run folder."""

    def write(self, card: Card, path: Path, *, proof: Any) -> None:
        """Write the model file, and prove on ``proof`` that it agrees."""


class Network:
    """A trained Keras network."""

    def __init__(self, network: Any) -> None:
        self._network = network
        given = {layer.name: layer.output for layer in network.layers if layer.name in engines.OUTPUTS}
        self._to_logits = keras.Model(network.input, given)

    @property
    def parameters(self) -> int:
        """How many numbers it holds, those by which it standardises included."""
        return int(self._network.count_params())

    def logits(self, inputs: Inputs) -> Floats:
        """Give logits ``(utterances, labels)``."""
        parts = [
            self._to_logits(inputs[slice(start, start + BLOCK)].feed(), training=False)["logits"]
            for start in range(0, len(inputs), BLOCK)
        ]
        return np.concatenate([keras.ops.convert_to_numpy(part) for part in parts])

    def save(self, folder: Path) -> None:
        """Write ``model.keras``."""
        self._network.save(folder / "model.keras")

    def write(self, card: Card, path: Path, *, proof: Inputs) -> None:
        """Write the model file."""
        export.network(self._to_logits, card, path, proof=proof, expected=self.logits(proof))


class SoundNetwork(Network):
    """A trained network that hears the sound itself."""

    def logits(self, inputs: Any) -> Floats:
        """Give logits ``(utterances, labels)``."""
        return tune.logits(self._to_logits, inputs)

    def write(self, card: Card, path: Path, *, proof: Any) -> None:
        """Write the model file, and prove it on a batch."""
        some = _short(proof).padded()
        given = self._to_logits(some.feed(), training=False)["logits"]
        export.network(self._to_logits, card, path, proof=some, expected=keras.ops.convert_to_numpy(given))


class ToldNetwork:
    """A trained network that hears the sound itself, beside its speaker's baseline."""

    def __init__(self, network: Told) -> None:
        self._network = network

    @property
    def parameters(self) -> int:
        """How many numbers it holds."""
        return int(self._network.whole.count_params())

    def logits(self, inputs: Any) -> Floats:
        """Give logits ``(utterances, labels)`` without any baseline."""
        heard = self._network.hear(inputs)
        return self._network.answers(heard, engines.nobody(_voices(heard).shape[1]))

    def beside_baselines(self, inputs: Any, table: pd.DataFrame, labels: Sequence[str]) -> dict[str, Floats]:
        """Answer a test beside baselines of several kinds; see :func:`intone.learn.episodes.tested`."""
        heard = self._network.hear(inputs)
        return episodes.tested(table, labels, _voices(heard), partial(self._network.answers, heard))

    def strangeness(self, inputs: Any) -> Floats:
        """Give the mean square of the numbers of each utterance's voice that tell what is no speech."""
        found = self._network.hear(inputs).strangeness
        assert found is not None
        return found

    @property
    def strange_numbers(self) -> tuple[tuple[int, int], ...]:
        """Which these are; see :class:`intone.hear.modelfile.Card`."""
        return self._network.strange

    def save(self, folder: Path) -> None:
        """Write ``model.keras``."""
        self._network.whole.save(folder / "model.keras")

    def write(self, card: Card, path: Path, *, proof: Any) -> None:
        """Write the model file, and prove it on a batch beside a baseline of some of it."""
        some = _short(proof)
        heard = self._network.hear(some)
        voices = _voices(heard)
        baseline = episodes.vectors(voices, [np.arange(min(3, len(voices)))], [False])
        whole = self._network.whole
        outputs = {layer.name: layer.output for layer in whole.layers if layer.name in engines.OUTPUTS}
        export.network(
            keras.Model(whole.input, outputs), card, path, proof=some.padded().beside(baseline),
            expected=self._network.answers(heard, baseline),
        )  # fmt: skip


def _short(proof: Sounds) -> Sounds:
    """Give some sounds, of longer ones as much as the model is given at a time."""
    return Sounds(tuple(sound[: pieces.LONGEST] for sound in proof.values[:PROOF]))


def _voices(heard: Heard) -> Floats:
    assert heard.voice is not None
    return heard.voice


class Classical:
    """A trained scikit-learn pipeline, which has learned ``labels`` of which its training held some or all."""

    def __init__(self, pipeline: Pipeline, labels: int) -> None:
        self._pipeline, self._labels = pipeline, labels

    @property
    def parameters(self) -> None:
        """None: machines, trees and neighbours keep examples and thresholds, which do not compare with weights."""
        return

    def logits(self, inputs: Inputs) -> Floats:
        """Give the logarithms of its probabilities ``(utterances, labels)``; a label never trained has the faintest."""
        found = np.full((len(inputs), self._labels), FAINTEST)
        found[:, self._pipeline.classes_] = self._pipeline.predict_proba(inputs.values)
        return np.asarray(np.log(np.maximum(found, FAINTEST)), dtype=np.float32)

    def save(self, folder: Path) -> None:
        """Write ``model.skops``, which loads without running foreign code."""
        skops.io.dump(self._pipeline, folder / "model.skops")

    def write(self, card: Card, path: Path, *, proof: Inputs) -> None:
        """Write the model file."""
        export.classical(self._pipeline, card, path, proof=proof, expected=self.logits(proof), faintest=FAINTEST)


MODELS: dict[str, Family] = {
    **dict.fromkeys(networks.NETWORKS, "network"),
    **dict.fromkeys(classical.CLASSIFIERS, "classical"),
}
"""Every model of the field by name, and what it is: a Keras network or a scikit-learn pipeline."""


def family(kind: str) -> Family:
    """Say what a model of :data:`MODELS` is.

    Raises
    ------
    UsageError
        There is no such model.

    Examples
    --------
    >>> family("lstm"), family("svm")
    ('network', 'classical')
    """
    if kind not in MODELS:
        raise unknown("model", kind, MODELS)
    return MODELS[kind]


def check(recipe: TrainingRecipe) -> None:
    """Refuse a recipe whose model cannot take what it is to hear, or that sets what its model does not know.

    Raises
    ------
    UsageError
        It is such a recipe.
    """
    kind, training, meaningless = recipe.network.kind, recipe.training, dict[str, Any]()
    if kind in (tune.KIND, relation.KIND):
        if kind == tune.KIND:
            tune.check(recipe.network, training)
        else:
            backbone.check(kind, recipe.network.options, relation.OPTIONS)
        if recipe.features.recipe != WAVEFORM:
            raise UsageError(f"{kind} hears the sound itself; its recipe needs [features] recipe = '{WAVEFORM}'.")
        meaningless = {
            "[features] reduce": recipe.features.reduce,
            "[training] stretch": training.stretch,
            "[training] per_epoch without balance": training.per_epoch and training.balance == "none",
        }
        if kind == relation.KIND:
            names = ("backbone_rate", "averaging", "fresh", "label_smoothing", "masks", "crop", "probe")
            meaningless |= {f"[training] {name}": getattr(training, name) for name in names}
    else:
        family(kind)
        if recipe.features.recipe == WAVEFORM:
            raise UsageError(
                f"{kind} learns from features; the sound itself is heard by {tune.KIND} and {relation.KIND}."
            )
        meaningless = {
            "[training] backbone_rate": training.backbone_rate,
            "[training] averaging": training.averaging,
            "[training] probe": training.probe,
            "[training] fresh": training.fresh,
            "[training] balance": training.balance != "none",
            "[training] per_epoch": training.per_epoch,
        }
    augment.check(training.augment)
    if "codec" in (*training.fresh, *training.augment):
        codecs.check()
    for key, value in meaningless.items():
        if value:
            raise UsageError(f"{key} means nothing to {kind}; leave it out.")


def strangest(model: Trained, held: Any) -> tuple[float, tuple[tuple[int, int], ...]]:
    """Give what a card says of strangeness: what one utterance in a hundred of a validation part exceeds, and of what.

    It is 0, and of nothing, where nothing tells it.
    """
    if not isinstance(model, ToldNetwork) or not len(held):
        return 0.0, ()
    return float(np.quantile(model.strangeness(held), 1 - STRANGE)), model.strange_numbers


def train(lesson: Lesson[Any], recipe: TrainingRecipe, *, folder: Path, tick: Tick) -> Trained:
    """Train what the recipe names: one of the networks, or one of the classical models.

    Parameters
    ----------
    lesson : Lesson
        The training part of a fold.
    recipe : TrainingRecipe
        What to train, and how.
    folder : pathlib.Path
        For checkpoints.
    tick : callable
        Told about the epochs of a network.

    Raises
    ------
    UsageError
        There is no such model, or it cannot take features of this kind.
    """
    kind = recipe.network.kind
    check(recipe)
    if kind == tune.KIND:
        tuned = tune.tune(lesson, recipe.network, recipe.training, folder=folder, tick=tick)
        return ToldNetwork(tuned) if isinstance(tuned, Told) else SoundNetwork(tuned)
    if kind == relation.KIND:
        return ToldNetwork(relation.train(lesson, recipe.network, recipe.training, folder=folder, tick=tick))
    if family(kind) == "network":
        if recipe.features.reduce:
            raise UsageError(f"[features] reduce is for classical models; {kind} is a network.")
        standardise = recipe.features.standardise
        network = fit.fit(lesson, recipe.network, recipe.training, standardise=standardise, folder=folder, tick=tick)
        return Network(network)
    if lesson.train.lengths is not None:
        raise UsageError(f"{kind} takes one vector an utterance; the feature recipe gives one a frame.")
    pipeline = classical.build(
        kind, recipe.network.options, reduce=recipe.features.reduce, keep=recipe.features.keep, seed=lesson.seed
    )
    return Classical(pipeline.fit(lesson.train.values, lesson.truth), lesson.labels)
