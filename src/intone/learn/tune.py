"""Fine-tuning a pretrained encoder on sounds: each is heard anew in every epoch.

The sound is changed as a whole, its log-mel frames are computed once for a step, stretches of them are hidden, and what
stands above them is trained: its pretrained layers at a lower learning rate of their own. What is random is drawn from
the seed, the epoch and the utterance alone, so that a training that was stopped and gone on with ends the same.
"""

import math
from collections.abc import Mapping
from inspect import signature
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from intone.errors import UsageError
from intone.features import Inputs, Sounds
from intone.hear import engines
from intone.learn import augment, fit, relation, stages
from intone.learn.batches import Batches, trainer
from intone.learn.fit import Lesson, Tick
from intone.learn.networks import backbone
from intone.learn.networks.encoder import POOLED, encoder, freeze, probe, stage
from intone.learn.networks.relative import strange_numbers
from intone.learn.recipe import NetworkPart, TrainingPart

Floats = NDArray[np.float32]
KIND = "encoder"
"""What recipes call the network."""
PROBE_BATCH, PROBE_RATE, PROBE_DECAY = 64, 0.001, 0.05
"""How the head alone is taught."""
OPTIONS = set(signature(encoder).parameters) - {"labels", "start"} | {"frozen"}
"""Its options in a recipe: the encoder's own, and the stage below which nothing learns."""


def check(network: NetworkPart, training: TrainingPart) -> None:
    """Refuse what cannot be carried out, before anything is heard.

    Raises
    ------
    UsageError
        There is no such option or augmentation, the backbone is not named or not to be had, or ``frozen`` is no stage.
    """
    augment.check(training.fresh)
    frozen = network.options.get("frozen", 0)
    if type(frozen) is not int or frozen < 0:
        raise UsageError(f"[network] frozen is {frozen!r}; accepted is a stage, from 0 on, below which nothing learns.")
    voice, layers = network.options.get("voice"), network.options.get("layers", 3)
    heard = voice if isinstance(voice, list) else [voice]
    fitting = [type(number) is int and type(layers) is int and 0 <= number <= layers for number in heard]
    if voice is not None and not (heard and all(fitting)):
        raise UsageError(f"[network] voice is {voice!r}; accepted are layers that are used, 0 to {layers}.")
    for option in ("weighed", "averaged"):
        if network.options.get(option) and voice is None:
            raise UsageError(f"[network] {option} without voice: no head is told of the speaker.")
    backbone.check(KIND, network.options, OPTIONS)  # hours may lie between this and its use


def tune(
    lesson: Lesson[Sounds], network: NetworkPart, training: TrainingPart, *, tick: Tick, folder: Path | None = None
) -> Any:
    """Train an encoder on the training part of a fold; the arguments are those of :func:`intone.learn.fit.fit`.

    Returns
    -------
    keras.Model or Told
        From waveforms to probabilities; with the option ``voice`` it can be told what a speaker sounds like otherwise.
    """
    keras.utils.set_random_seed(lesson.seed)
    options, versions = dict(network.options), lesson
    frozen, voice = options.pop("frozen", 0), options.pop("voice", None)
    told = {"weighed": options.pop("weighed", False), "averaged": options.pop("averaged", 1)}
    options["backbone"] = backbone.read(options["backbone"])
    if voice is not None:  # what knows no speakers hears everything anew; copies are the second head's
        lesson = relation.without_copies(lesson, training.copies)
    whole = _built(options, labels=lesson.labels)
    front = keras.Model(whole.input, whole.get_layer("log_mel").output)
    batches = Batches(lesson, training, front)
    history, steps = pd.DataFrame(), training.epochs + (0 if voice is None else relation.steps(training))
    if folder is not None and (folder / fit.CHECKPOINT).exists():
        model = keras.models.load_model(folder / fit.CHECKPOINT, custom_objects={"Paced": Paced})
        history = pd.read_csv(folder / fit.HISTORY, float_precision="round_trip").iloc[
            : int(model.optimizer.iterations) // len(batches)
        ]
    else:
        upper = _built(options, labels=lesson.labels, start="log_mel")
        if training.probe:
            stages.carry_over(_probed(whole, batches, lesson, training, options), upper)
            # Batches of like length differ from the whole; what was found on the whole is kept.
            upper.get_layer("pool_scale").trainable = False
        model = trainer(upper.input, upper.get_layer("logits").output)
        freeze(model, below=frozen)
        _compile(model, training, steps=len(batches) * training.epochs)
    for epoch in range(len(history), training.epochs):
        fit.seed_dropout(model, lesson.seed, epoch)
        line = fit.learned(model, batches.of(epoch))
        if len(lesson.watched):
            stages.carry_over(model, whole)
            line |= _watched(whole, lesson)
        history = pd.concat([history, pd.DataFrame([{"epoch": epoch + 1, **line}])], ignore_index=True)
        if folder is not None:
            fit.leave(model, history, folder)
        tick(epoch + 1, steps, line)
    if training.averaging:
        model.optimizer.finalize_variable_values(model.trainable_variables)
    stages.carry_over(model, whole)
    if voice is None:
        return whole
    keras.utils.set_random_seed(lesson.seed)
    return relation.completed(
        whole,
        _built(options, labels=lesson.labels, voice=voice, **told),
        versions,
        training,
        strange=strange_numbers([voice] if isinstance(voice, int) else voice, options["backbone"].width),
        folder=folder,
        tick=lambda done, total, line: tick(training.epochs + done, training.epochs + total, line),
        **told,
    )


def _probed(
    whole: Any, batches: Batches, lesson: Lesson[Sounds], training: TrainingPart, options: Mapping[str, Any]
) -> Any:
    """Give a head that was taught alone what the pretrained layers tell of the training sounds, before these are tuned.

    A head that knows nothing would first pull what was pretrained out of shape (Kumar et al. 2022, "Fine-tuning can
    distort pretrained features and underperform out-of-distribution", arXiv:2202.10054).
    """
    cut = keras.Model(whole.input, {"logits": whole.get_layer(POOLED).output})
    vectors = logits(cut, lesson.train)
    given = {name: options[name] for name in ("embedding", "dropout") if name in options}
    head = probe(labels=lesson.labels, width=vectors.shape[1], **given)
    model = trainer(head.input, head.output)
    steps = math.ceil(len(vectors) / PROBE_BATCH)
    model.compile(
        optimizer=keras.optimizers.AdamW(
            keras.optimizers.schedules.CosineDecay(PROBE_RATE, steps * training.probe), weight_decay=PROBE_DECAY
        ),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")],
    )
    for epoch in range(training.probe):
        fit.seed_dropout(model, lesson.seed, epoch)
        random = np.random.default_rng([lesson.seed, epoch])
        order = random.choice(len(vectors), len(vectors), p=batches.shares, replace=batches.shares is not None)
        fit.learned(
            model,
            (
                ({POOLED: vectors[rows], "beside": batches.beside[rows]}, batches.targets[rows])
                for rows in np.array_split(order, steps)
            ),
        )
    return head


def logits(to_logits: Any, sounds: Sounds) -> Floats:
    """Give logits ``(utterances, labels)``, as a recogniser would: sounds of more than 6.2 s by stretches of speech.

    Parameters
    ----------
    to_logits : keras.Model
        From waveforms to a dict with ``logits``.
    sounds : Sounds
        Of any length.
    """

    def engine(inputs: Inputs) -> Mapping[str, Floats]:
        return {"logits": keras.ops.convert_to_numpy(to_logits(inputs.feed(), training=False)["logits"])}

    return engines.heard_in_pieces(engine, sounds.values, together=engines.TOGETHER).logits


def _built(options: Mapping[str, Any], **more: Any) -> Any:
    try:
        return encoder(**options, **more)
    except (TypeError, ValueError) as error:
        raise UsageError(f"The network {KIND} cannot be built with {dict(options)}: {error}") from error


def _compile(model: Any, training: TrainingPart, *, steps: int) -> None:
    share = training.backbone_rate / training.learning_rate if training.backbone_rate else 1.0
    averaged = {"use_ema": True, "ema_momentum": training.averaging} if training.averaging else {}
    model.compile(
        optimizer=Paced(fit.rate(training, steps), backbone_share=share, decay=training.weight_decay, **averaged),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")],
        jit_compile=keras.backend.backend() == "jax",  # TensorFlow's compiler would begin anew for each length
    )


class Paced(keras.optimizers.Adam):  # type: ignore[misc]  # Keras has no types
    """AdamW at two paces: pretrained layers learn at a share of the rate, and biases and scales do not decay.

    Adam forgets how large a gradient is, so that scaling the gradients instead would change nothing.

    Parameters
    ----------
    learning_rate : float or schedule
        Of the layers that are not pretrained.
    backbone_share : float, default 1
        Times this for those that are.
    decay : float, default 0
        Weight decay, times the rate.
    **settings
        Those of Keras's Adam.
    """

    def __init__(self, learning_rate: Any, *, backbone_share: float = 1.0, decay: float = 0.0, **settings: Any) -> None:
        super().__init__(learning_rate, **settings)
        self.backbone_share, self.decay = backbone_share, decay

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Take a step with one variable."""
        layer = self._trainable_variables[self._get_variable_index(variable)].path.split("/")[-2]
        own = learning_rate * (1.0 if stage(layer) is None else self.backbone_share)
        if self.decay and len(variable.shape) > 1:
            self.assign_sub(variable, variable * keras.ops.cast(own * self.decay, variable.dtype))
        super().update_step(gradient, variable, own)

    def get_config(self) -> dict[str, Any]:
        """Give what makes an equal one."""
        return {**super().get_config(), "backbone_share": self.backbone_share, "decay": self.decay}


def _watched(whole: Any, lesson: Lesson[Sounds]) -> dict[str, float]:
    to_logits = keras.Model(whole.input, {"logits": whole.get_layer("logits").output})
    found = logits(to_logits, lesson.watched).astype(np.float64)
    truth = lesson.watched_truth
    surprise = np.logaddexp.reduce(found, axis=1) - found[np.arange(len(truth)), truth]
    return {"val_accuracy": float((found.argmax(axis=1) == truth).mean()), "val_loss": float(surprise.mean())}
