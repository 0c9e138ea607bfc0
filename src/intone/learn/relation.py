"""Training the relative network: voices are heard once, and its head learns from them in episodes."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from inspect import signature
from pathlib import Path
from typing import Any, TypeAlias

import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import log_softmax

from intone.emotions import Emotion
from intone.errors import UsageError
from intone.features import Inputs, Sounds
from intone.hear import engines
from intone.hear.engines import Heard
from intone.learn import augment, batches, fit, heads, spread, stages
from intone.learn.episodes import Cast, vectors
from intone.learn.fit import Lesson, Tick
from intone.learn.networks import backbone
from intone.learn.networks.encoder import MAIN_SHARE, second_head
from intone.learn.networks.relative import (
    BEYOND,
    DIRECTIONS,
    KNOWING,
    ONE_EMOTION,
    STANDING,
    TOLD,
    relative,
    strange_numbers,
    taught_by,
)
from intone.learn.recipe import NetworkPart, TrainingPart

Floats = NDArray[np.float32]
Ranges: TypeAlias = tuple[tuple[int, int], ...]
KIND = "relative"
"""What recipes call the network."""
MAIN = "main"
"""The layer of an encoder that gives the logits of its head that knows no speakers."""
SECOND = TrainingPart(
    epochs=20, batch=128, per_epoch=6000, learning_rate=0.001, schedule="one-cycle", weight_decay=0.02
)
"""How an encoder's second head is taught."""
_KNOWN: dict[tuple[str, ...], dict[str, Floats]] = {}
"""The voices that a backbone's layers have given, by the digests of their sounds."""
ANOTHER = 10_000
"""From the seed of a head to that of the next of its kind, further than the seeds of a recipe lie apart."""
REST = tuple(str(emotion) for emotion in Emotion).index(str(Emotion.NEUTRAL))
"""Which label a speaker at rest has; the seven come first among a recipe's."""

OPTIONS = set(signature(relative).parameters) - {"labels", "start"}
"""Its options in a recipe."""


class Told:
    """A trained network that can be told what the speaker sounds like otherwise, cut where that comes in.

    Parameters
    ----------
    whole : keras.Model
        From sound and a baseline to probabilities.
    head : keras.Model
        From voices and baselines to the logits of the head that knows the speaker.
    weighed : bool, default False
        As it was built.
    strange : tuple of (int, int), optional
        Its card's ``strange_numbers``.
    """

    def __init__(self, whole: Any, head: Any, *, weighed: bool = False, strange: Ranges = ()) -> None:
        self.whole, self.strange, self._head, self._weighed = whole, strange, head, weighed
        self._lower = _below(whole)

    def hear(self, sounds: Sounds) -> Heard:
        """Give the voices of sounds and, where there is a head that knows no speakers, its logits."""
        return _heard(self._lower, sounds, self.strange)

    def answers(self, heard: Heard, baselines: Floats) -> Floats:
        """Give logits ``(sounds, labels)`` of what was heard, beside baselines."""
        assert heard.voice is not None
        beside = np.broadcast_to(baselines, (len(heard.voice), baselines.shape[1]))
        given = {"voice": heard.voice, "baseline": beside}
        found: Floats = keras.ops.convert_to_numpy(self._head(given, training=False))
        if MAIN not in self._lower.output:
            return found
        main, other = (log_softmax(logits, axis=1) for logits in (heard.logits, found))
        share = MAIN_SHARE[self._weighed]
        return np.asarray(share * main + (1 - share) * other, dtype=np.float32)


def train(lesson: Lesson[Sounds], network: NetworkPart, training: TrainingPart, *, tick: Tick, folder: Path) -> Told:
    """Train a relative network on the training part of a fold; the arguments are those of :func:`intone.learn.fit.fit`.

    A head takes from ten seconds to a minute. Those of a finished fold are kept in its folder; a fold that was stopped
    begins all of its heads anew.
    """
    keras.utils.set_random_seed(lesson.seed)
    options = {**network.options, "backbone": backbone.read(network.options["backbone"])}
    whole = _built(options, lesson.labels)
    upper = _built({**options, "start": "voice"}, lesson.labels)
    head = keras.Model(upper.input, upper.get_layer("logits").output)
    if not heads.kept(whole, head, folder):
        heard = _known(_standing(whole), lesson.train, network)
        lesson = without_copies(lesson, training.copies)
        raw = heard.reshape(1 + training.copies, len(lesson.train), -1)
        history = taught(whole, head, raw, lesson, training, tick, averaged=network.options.get("averaged", 1))
        history.to_csv(folder / fit.HISTORY, index=False)
        heads.keep(whole, head, folder)
    layer = options.get("layer", signature(relative).parameters["layer"].default)
    strange = strange_numbers([layer] if isinstance(layer, int) else layer, options["backbone"].width)
    return Told(whole, head, weighed=network.options.get("weighed", False), strange=strange)


def completed(
    main: Any,
    whole: Any,
    lesson: Lesson[Sounds],
    training: TrainingPart,
    *,
    weighed: bool = False,
    averaged: int = 1,
    strange: Ranges = (),
    folder: Path | None = None,
    tick: Tick,
) -> Told:
    """Give a trained encoder its second head, which is taught here.

    Parameters
    ----------
    main : keras.Model
        The encoder that knows no speakers.
    whole : keras.Model
        One of the same shape, built with ``voice``.
    lesson : Lesson
        What the first was trained on, and copies of it behind.
    training : TrainingPart
        How the first was trained: the second hears the sounds as they are, their copies and, where there is something
        ``fresh``, a version that is changed so.
    weighed, averaged
        As the recipe has them.
    strange : tuple of (int, int), optional
        Its card's ``strange_numbers``.
    folder : pathlib.Path, optional
        Where the head is kept; one that lies there already is taken.
    tick : callable
        Told about each version that was heard, of nothing, and about each epoch, of so many :func:`steps`.
    """
    stages.carry_over(main, whole, renamed={"logits": MAIN})
    lower, own = _standing(whole), without_copies(lesson, training.copies)
    width = lower.output["voice"].shape[-1]
    head = second_head(labels=lesson.labels, width=width, weighed=weighed, averaged=averaged)
    if not heads.kept(whole, head, folder):
        total, heard = steps(training), list[Floats]()
        for sounds in _versions(lesson, own, training.fresh):
            heard.append(_voices(_heard(lower, sounds)))
            tick(len(heard), total, {})

        def later(done: int, _total: int, line: dict[str, float]) -> None:
            tick(len(heard) + done, total, line)

        part = replace(SECOND, balance=training.balance)
        taught(whole, head, np.stack(heard), own, part, later, averaged=averaged)
        heads.keep(whole, head, folder)
    return Told(whole, head, weighed=weighed, strange=strange)


def steps(training: TrainingPart) -> int:
    """Say how often a second head's progress is told: of each version heard, and of each epoch."""
    return 1 + training.copies + bool(training.fresh) + SECOND.epochs


def _versions(lesson: Lesson[Sounds], own: Lesson[Sounds], fresh: tuple[str, ...]) -> Iterator[Sounds]:
    """Give the sounds as they are, each copy of all and, where there is something ``fresh``, all changed so."""
    count = len(own.train)
    for start in range(0, len(lesson.train), count):
        yield lesson.train[slice(start, start + count)]
    if fresh:
        dice = [np.random.default_rng([lesson.seed, row]) for row in range(count)]
        pairs = zip(own.train.values, dice, strict=True)
        yield Sounds(tuple(augment.heard_anew(sound, fresh, random) for sound, random in pairs))


def taught(
    whole: Any,
    head: Any,
    raw: Floats,
    lesson: Lesson[Sounds],
    training: TrainingPart,
    tick: Tick,
    *,
    averaged: int = 1,
) -> pd.DataFrame:
    """Teach a head by episodes from voices that are not standardised yet, and put it into the whole network.

    The voices are ``(versions, utterances, width)``, where each sound was heard in several.

    Returns
    -------
    pandas.DataFrame
        The history: loss and accuracy by epoch, of several heads their mean.
    """
    origin = lesson.origin
    if origin is None:
        raise UsageError(f"{KIND} learns from speakers; the lesson does not tell whose its utterances are.")
    voices = _placed(whole, raw, lesson, training)
    directions = voices.shape[-1] - raw.shape[-1]
    # Taught by itself, each learns nothing from what the others are shown, and no decay of weights reaches the others.
    team = [(kind, turn) for turn in range(averaged) for kind in ((BEYOND, KNOWING) if directions else (TOLD,))]
    several = len(team) > 1
    outputs = [head.get_layer(taught_by(*one)).output for one in team] if several else [head.output]
    trainers = [_trainer(head.input, output, training, voices.shape[1]) for output in outputs]
    seeds = [lesson.seed + ANOTHER * turn for _, turn in team]
    # A difference is from sounds that are as they were: of several tempos a baseline would be of nobody.
    lessons = [
        Episodes(
            replace(lesson, seed=seed),
            training,
            voices[:1] if kind == BEYOND else voices,
            origin,
            varied=kind == BEYOND,
        )
        for seed, (kind, _) in zip(seeds, team, strict=True)
    ]
    history = []
    for epoch in range(training.epochs):
        found = []
        for trainer, episodes, seed in zip(trainers, lessons, seeds, strict=True):
            fit.seed_dropout(trainer, seed, epoch)
            found.append(fit.learned(trainer, episodes.of(epoch)))
        means = {name: float(np.mean([each[name] for each in found])) for name in found[0]}
        history.append({"epoch": epoch + 1, **means})
        tick(epoch + 1, training.epochs, history[-1])
    if directions:
        random = np.random.default_rng([lesson.seed, training.epochs])
        drawn = _drawn(lesson, training, random)
        learned = spread.one_emotion(voices[0, :, -directions:], lesson.truth, lessons[-1].cast, drawn, random)
        head.get_layer(ONE_EMOTION).set_weights(learned)
    stages.carry_over(head, whole)
    return pd.DataFrame(history)


def _trainer(inputs: dict[str, Any], logits: Any, training: TrainingPart, utterances: int) -> Any:
    """Build what is trained, compiled."""
    trainer = batches.trainer(inputs, logits)
    steps = -(-(training.per_epoch or utterances) // training.batch)
    trainer.compile(
        optimizer=keras.optimizers.AdamW(
            fit.rate(training, steps * training.epochs), weight_decay=training.weight_decay
        ),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")],
    )
    return trainer


def _placed(whole: Any, raw: Floats, lesson: Lesson[Sounds], training: TrainingPart) -> Floats:
    """Say of voices where they stand among those of the training and, if so built, how far along the directions."""
    assert lesson.origin is not None
    centre, variance = _population(np.concatenate(raw), pd.concat([lesson.origin] * len(raw)))
    whole.get_layer(STANDING).set_weights([centre, variance])
    standing: Floats = ((raw - centre) / np.sqrt(variance + 1e-8)).astype(np.float32)
    for layer in whole.layers:
        if layer.name == DIRECTIONS:
            rows = _drawn(lesson, training, np.random.default_rng(lesson.seed))
            speakers = lesson.origin["speaker"].to_numpy(dtype=str)
            along = spread.directions(standing[0], lesson.truth, speakers, rows, layer.units)
            _, variance = _population(np.concatenate(standing @ along), pd.concat([lesson.origin] * len(raw)))
            along /= np.sqrt(np.where(variance > 0, variance, 1))
            layer.set_weights([along])
            return np.concatenate([standing, standing @ along], axis=-1)
    return standing


def _drawn(lesson: Lesson[Sounds], training: TrainingPart, random: np.random.Generator) -> NDArray[np.intp]:
    """Draw utterances of the training part, as often as the recipe has them."""
    assert lesson.origin is not None
    even = batches.shares(lesson.origin, lesson.truth) if training.balance == "corpora" else None
    return random.choice(len(lesson.truth), spread.DRAWN, p=even)


def without_copies(lesson: Lesson[Sounds], copies: int) -> Lesson[Sounds]:
    """Take off what stands behind the sounds: a copy is another version of its original, and no other utterance."""
    count = len(lesson.train) // (1 + copies)
    first = np.arange(len(lesson.train)) < count
    origin = None if lesson.origin is None else lesson.origin.iloc[:count]
    return replace(lesson, train=lesson.train[first], truth=lesson.truth[:count], origin=origin)


class Episodes:
    """The training part of a lesson in batches: voices, each beside a baseline that is drawn anew in each epoch.

    So is which version of each is heard, for itself and in others' baselines. Where they are to be ``varied``, the
    baselines are of several emotions.

    Attributes
    ----------
    cast : Cast
        Who speaks.
    """

    def __init__(
        self, lesson: Lesson[Sounds], training: TrainingPart, voices: Floats, origin: pd.DataFrame, *, varied: bool
    ) -> None:
        self._seed, self._training, self._voices, self._varied = lesson.seed, training, voices, varied
        self.cast = Cast(origin["speaker"].tolist(), lesson.truth, REST)
        self._shares = batches.shares(origin, lesson.truth) if training.balance == "corpora" else None
        self._beside = batches.barring(batches.answerable(origin, lesson.truth, lesson.labels))
        self._targets = np.eye(lesson.labels, dtype=np.float32)[lesson.truth]

    def of(self, epoch: int) -> Iterator[tuple[dict[str, Any], Floats]]:
        """Give the batches of an epoch: what the head is given, and the targets."""
        random = np.random.default_rng([self._seed, epoch])
        versions, count = self._voices.shape[:2]
        heard = random.integers(versions, size=count) if versions > 1 else np.zeros(count, dtype=np.intp)
        voices = self._voices[heard, np.arange(count)]
        size = self._training.per_epoch or count
        even = self._shares is not None
        order = random.choice(count, size, p=self._shares) if even else random.permutation(count)[:size]
        for start in range(0, size, self._training.batch):
            rows = order[start : start + self._training.batch]
            drawn = [self.cast.drawn_for_training(row, random, varied=self._varied) for row in rows.tolist()]
            baselines = vectors(voices, [found for found, _ in drawn], [rest for _, rest in drawn])
            given = {"voice": voices[rows], "baseline": baselines, "beside": self._beside[rows]}
            yield given, self._targets[rows]


def _population(voices: Floats, origin: pd.DataFrame) -> tuple[Floats, Floats]:
    """Give the mean and the variance of voices over all speakers, each corpus alike."""
    corpora = origin["corpus"].to_numpy()
    own = [voices[corpora == corpus].astype(np.float64) for corpus in sorted(set(corpora))]
    centre = np.mean([some.mean(axis=0) for some in own], axis=0)
    variance = np.mean([np.square(some - centre).mean(axis=0) for some in own], axis=0)
    return centre.astype(np.float32), variance.astype(np.float32)


def _built(options: dict[str, Any], labels: int) -> Any:
    try:
        return relative(labels=labels, **options)
    except (TypeError, ValueError) as error:
        shown = {name: value for name, value in options.items() if name != "backbone"}
        raise UsageError(f"The network {KIND} cannot be built with {shown}: {error}") from error


def _below(whole: Any) -> Any:
    """Cut a network where the speaker's baseline comes in."""
    given = {name: whole.input[name] for name in ("waveform", "lengths")}
    found = {layer.name: layer.output for layer in whole.layers if layer.name in ("voice", MAIN)}
    return keras.Model(given, found)


def _standing(whole: Any) -> Any:
    """Cut a network where voices have no directions yet."""
    given = {name: whole.input[name] for name in ("waveform", "lengths")}
    return keras.Model(given, {"voice": whole.get_layer(STANDING).output})


def _heard(lower: Any, sounds: Sounds, strange: Ranges = ()) -> Heard:
    def engine(inputs: Inputs) -> dict[str, Floats]:
        found = lower(inputs.feed(), training=False)
        voice = keras.ops.convert_to_numpy(found["voice"])
        return {"voice": voice, "logits": keras.ops.convert_to_numpy(found[MAIN]) if MAIN in found else voice}

    return engines.heard_in_pieces(engine, sounds.values, together=engines.TOGETHER, strange=strange)


def _voices(heard: Heard) -> Floats:
    assert heard.voice is not None
    return heard.voice


def _known(lower: Any, sounds: Sounds, network: NetworkPart) -> Floats:
    """Give voices before they are standardised; folds share their sounds, and what is frozen hears each once."""
    key = tuple(str(network.options.get(option)) for option in ("backbone", "layer", "parts"))
    if key not in _KNOWN:
        _KNOWN.clear()
    shelf = _KNOWN.setdefault(key, {})
    digests = [hashlib.sha256(sound.tobytes()).hexdigest() for sound in sounds.values]
    new = {digest: sound for digest, sound in zip(digests, sounds.values, strict=True) if digest not in shelf}
    if new:
        shelf |= dict(zip(new, _heard(lower, Sounds(tuple(new.values()))).logits, strict=True))
    return np.stack([shelf[digest] for digest in digests])
