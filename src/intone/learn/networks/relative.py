"""The relative network: how a voice differs from what it sounds like otherwise, on frozen layers of a speech encoder.

An utterance's *voice* is the mean and the deviation over time of one layer's output, each number brought to the mean
and deviation that it has over the training. The means of parts may follow, and where two heads are weighed, a few sums
of all these, along which emotions differ. A *baseline* says what a speaker's utterances have been so far: the mean and
the variance of their voices, how many they were, and whether the speaker was at rest in them.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import keras
from keras import layers, ops

from intone.learn.episodes import MOST
from intone.learn.networks import backbone as backbones
from intone.learn.networks import whisper
from intone.learn.networks.backbone import Backbone
from intone.learn.networks.blocks import masked_mean

TRUST_MEAN, TRUST_SPREAD = 2.0, 3.5
"""How many utterances of a speaker weigh as much as all speakers do, for their mean and their variance."""
LEAST_VARIANCE = 0.02
"""Of a voice's number, as a share of that over all speakers."""
LEAST_SPREAD = 1e-4
"""Added to a variance along a direction, of which a logarithm is taken."""
IN_DOUBT = 1.0
"""Added to the log-odds that a baseline is of one emotion alone: not to see that costs more than to be wrong."""
LEAST_TOLD, MOST_TOLD = 1 / 3, 0.85
"""How much the head that is told everything counts beside a baseline of several emotions, and of one: a baseline may be
mostly of one, and what it seems to be may be wrong."""
STANDING, DIRECTIONS, ONE_EMOTION = "standing", "directions", "of_one_emotion"
BEYOND, KNOWING, TOLD = "beyond", "knowing", "told"
"""Layers that the training of :mod:`intone.learn.relation` looks for."""
LEAST_STRANGE = 2
"""From which of the backbone's layers on the voice tells what is no speech: to the one below, a synthesiser and another
microphone are as strange as a siren."""


def relative(
    *,
    labels: int,
    backbone: str | Path | Backbone,
    layer: int | Sequence[int] = 2,
    hidden: int = 256,
    dropout: float = 0.3,
    weighed: bool = False,
    averaged: int = 1,
    parts: int = 1,
    start: Literal["voice"] | None = None,
) -> Any:
    """Build a network on frozen layers of a Whisper encoder, with its weights, and a head that knows the speaker.

    Its layers ``voice`` ``(batch, width)``, twice as wide as the layers heard and more where an utterance has ``parts``
    or two heads are ``weighed``, ``logits`` and ``probabilities`` ``(batch, labels)`` are there to be looked at. Only
    the head learns.

    Parameters
    ----------
    labels, backbone
        As for :func:`intone.learn.networks.encoder.encoder`.
    layer : int or sequence of int, default 2
        Behind which of the backbone's transformer layers the voice is taken; 0 is behind the convolutions.
    hidden : int, default 256
        Width of the head.
    dropout : float, default 0.3
        Share of the head's inputs dropped in training, 0 to 1.
    weighed : bool, default False
        Whether two heads answer, weighed by how likely the baseline is of one emotion alone; see
        :func:`relative_logits`.
    averaged : int, default 1
        How many heads answer in the place of each, whose logarithms of probabilities are averaged. They differ in what
        they begin with and in what they are shown when.
    parts : int, default 1
        Into how many parts of equal length an utterance is cut, or each piece of a long one, whose means stand in its
        voice too; 1 leaves it whole.
    start : "voice", optional
        Where the network begins. Left out, it hears sound: ``waveform`` ``(batch, samples)`` at 16 kHz and ``lengths``
        ``(batch,)``, as the encoder does; with ``"voice"`` it is given that.

    Returns
    -------
    keras.Model
        From sound or voices, and ``baseline`` ``(batch or 1, 2 · width + 2)``, to probabilities. A baseline holds the
        mean of the voices, their variance, their number, and 1 for a speaker at rest;
        :func:`intone.hear.engines.nobody` is that of nobody.
    """
    weights = backbone if isinstance(backbone, Backbone) else backbones.read(backbone)
    heard = (layer,) if isinstance(layer, int) else tuple(layer)
    if not heard or not all(0 <= number <= weights.layers for number in heard):
        raise ValueError(f"layer is {layer}; accepted are 0 to {weights.layers}, which the backbone has.")
    directions = directions_of(labels, weighed=weighed)
    width = (2 if parts == 1 else 2 + parts) * weights.width * len(heard) + directions
    baseline = keras.Input((2 * width + 2,), name="baseline")
    if start == "voice":
        voice = keras.Input((width,), name="voice")
        inputs = {"voice": voice, "baseline": baseline}
    else:
        waveform = keras.Input((None,), name="waveform")
        lengths = keras.Input((), dtype="int64", name="lengths")
        inputs = {"waveform": waveform, "lengths": lengths, "baseline": baseline}
        x, mask = whisper.convolved(*whisper.log_mel(waveform, lengths), weights.width)
        states = [x]
        for number in range(1, max(heard) + 1):
            x = whisper.transformer_layer(
                x, mask, f"layer_{number}", heads=weights.heads, feed_forward=weights.feed_forward
            )
            states.append(x)
        voice = voice_of(beside_each_other([states[number] for number in heard]), mask, directions, parts)
    size: dict[str, Any] = {"hidden": hidden, "dropout": dropout, "averaged": averaged}
    logits = relative_logits(voice, baseline, labels, **size, name="logits", directions=directions)
    network = keras.Model(inputs, layers.Softmax(name="probabilities")(logits), name="relative")
    whisper.set_fixed(network)
    weights.fill(network)
    return network


def beside_each_other(states: Sequence[Any]) -> Any:
    """Join what several layers give, ``(batch, frames, width)`` each, frame by frame."""
    return states[0] if len(states) == 1 else ops.concatenate(states, axis=-1)


def voice_of(x: Any, mask: Any, directions: int = 0, parts: int = 1) -> Any:
    """Give the mean and the deviation over an utterance's own frames, as they stand among those of the training.

    Of several ``parts`` their means follow. Behind them come so many ``directions``, sums of them along which emotions
    differ. The layer that gives it all is ``voice``; what the layers ``standing`` and ``directions`` compute, the
    training puts in.
    """
    mean = masked_mean(x, mask)
    deviation = ops.sqrt(masked_mean(ops.square(x - ops.expand_dims(mean, 1)), mask) + 1e-8)
    # A batch normalisation that never learns.
    still = layers.BatchNormalization(center=False, scale=False, epsilon=1e-8, trainable=False, name=STANDING)
    within = [masked_mean(x, own) for own in parts_of(mask, parts)] if parts > 1 else []
    standing = still(ops.concatenate([mean, deviation, *within], axis=-1))
    if not directions:
        return layers.Identity(name="voice")(standing)
    along = layers.Dense(directions, use_bias=False, trainable=False, name=DIRECTIONS)(standing)
    return layers.Concatenate(name="voice")([standing, along])


def strange_numbers(heard: Sequence[int], width: int) -> tuple[tuple[int, int], ...]:
    """Say which numbers of a voice tell what is no speech, a card's ``strange_numbers``; none are named where all do.

    Parameters
    ----------
    heard : sequence of int
        Behind which layers the voice is taken. Those below :data:`LEAST_STRANGE` tell nothing, where there are others:
        of these it is the means and deviations over the whole utterance.
    width : int
        Of each.

    Examples
    --------
    >>> strange_numbers([1, 2], 10), strange_numbers([2, 3], 10)
    (((10, 20), (30, 40)), ())
    """
    below = sum(number < LEAST_STRANGE for number in heard)
    if below in (0, len(heard)):
        return ()
    high = [place for place, number in enumerate(heard) if number >= LEAST_STRANGE]
    places = [block + place for block in (0, len(heard)) for place in high]
    return tuple((place * width, (place + 1) * width) for place in places)


def parts_of(mask: Any, parts: int) -> list[Any]:
    """Cut utterances into parts of equal length: the mask ``(batch, frames, 1)`` of each.

    A frame that lies in two parts is in both, so that none is empty, however short the utterance.

    Examples
    --------
    >>> first, second = parts_of(ops.reshape(ops.array([1.0, 1.0, 1.0, 0.0]), (1, 4, 1)), 2)
    >>> ops.convert_to_numpy(first).ravel().tolist(), ops.convert_to_numpy(second).ravel().tolist()
    ([1.0, 1.0, 0.0, 0.0], [0.0, 1.0, 1.0, 0.0])
    """
    frames = ops.sum(mask, axis=1, keepdims=True)
    place = parts * (ops.cumsum(mask, axis=1) - 1)  # both sides times parts: whole numbers, which float32 holds exactly
    within = [(place > part * frames - parts, place < (part + 1) * frames) for part in range(parts)]
    return [mask * ops.cast(ops.logical_and(late, early), "float32") for late, early in within]


class Head:
    """A head that answers voices beside baselines; called twice, it does so with the same layers.

    Parameters
    ----------
    labels, hidden, dropout
        As for :func:`relative`.
    name : str
        Of the layer that gives the logits.
    stem : str, default "relative"
        What the names of its other layers begin with.
    beyond : bool, default False
        Whether it is given nothing but how far a voice lies from its baseline: what the baseline itself is like, and of
        how many utterances, it cannot know then.
    """

    def __init__(
        self, labels: int, *, hidden: int, dropout: float, name: str, stem: str = "relative", beyond: bool = False
    ) -> None:
        # What a layer begins with is drawn when it is made, so the order decides what a seed gives.
        self._beyond = beyond
        self._apart, self._apart_kept = layers.Dense(hidden, name=f"{stem}_apart"), layers.Dropout(dropout)
        if not beyond:
            self._usual = layers.Dense(hidden, use_bias=False, name=f"{stem}_usual")
            self._usual_kept = layers.Dropout(dropout)
            self._count = layers.Dense(hidden, use_bias=False, name=f"{stem}_count")
            self._rest = layers.Dense(hidden, use_bias=False, name=f"{stem}_rest")
        self._logits, self._kept = layers.Dense(labels, name=name), layers.Dropout(dropout)

    def __call__(self, voice: Any, baseline: Any = None) -> Any:
        """Give the logits ``(batch, labels)``, beside baselines or that of nobody."""
        if baseline is None:
            return self._logits(self._kept(whisper.gelu(self._apart(self._apart_kept(voice)))))
        width = voice.shape[-1]
        mean, variance, count, rest = _taken_apart(baseline, width)
        own, spread = count / (count + TRUST_MEAN), count / (count + TRUST_SPREAD)
        usual = own * mean
        range_of = ops.sqrt(ops.maximum(spread * variance + 1 - spread, LEAST_VARIANCE))
        # Sums of products rather than a product of what is joined: a baseline may be one for the whole batch.
        x = self._apart(self._apart_kept((voice - usual) / range_of))
        if not self._beyond:
            x = x + self._usual(self._usual_kept(usual))
            x = x + self._count(ops.log(1 + count))
            x = x + self._rest(rest)
        return self._logits(self._kept(whisper.gelu(x)))


def relative_logits(
    voice: Any,
    baseline: Any,
    labels: int,
    *,
    hidden: int,
    dropout: float,
    name: str,
    directions: int = 0,
    averaged: int = 1,
) -> Any:
    """Give the logits ``(batch, labels)`` of voices beside baselines; the layer that gives them gets the name.

    Where the voices have ``directions``, two heads answer. The first is given nothing but how far the voice lies from
    its baseline, the second all that a baseline says. The first knows nothing that holds for the voices of the training
    alone, so that it is much the better one on voices of another kind; but of an angry caller whose baseline is all
    anger it hears nothing unusual. How much a baseline's utterances differ along the directions tells how likely it is
    of one emotion alone, and the likelier that is, the more the second counts, beside the baseline and as if there were
    none: from a third to most, and wholly where there is no baseline. The heads are not given the directions: fitted to
    the training, they would stand in for the voice.
    The layers ``beyond`` and ``knowing`` ``(batch, labels)`` give the logits of either, to be taught, or, where several
    heads are to be ``averaged``, those that :func:`taught_by` names.
    """
    size: dict[str, Any] = {"hidden": hidden, "dropout": dropout}

    def team(kind: str, within: str) -> list[Head]:
        """Make the heads of a kind; how the names of their other layers begin is ``within``."""
        names = [(taught_by(kind, turn), taught_by(within, turn)) for turn in range(averaged)]
        return [Head(labels, **size, name=f"{own}_logits", stem=stem, beyond=kind == BEYOND) for own, stem in names]

    def asked(kind: str, heads: list[Head], *given: Any) -> Any:
        """Give the logarithms of what heads answer, each by a layer of its own."""
        named = [layers.Identity(name=taught_by(kind, turn)) for turn in range(averaged)]
        return _averaged([layer(head(*given)) for layer, head in zip(named, heads, strict=True)])

    if not directions:
        if averaged == 1:
            return Head(labels, **size, name=name)(voice, baseline)
        return layers.Identity(name=name)(asked(TOLD, team(TOLD, "relative"), voice, baseline))
    width = voice.shape[-1] - directions
    mean, variance, count, rest = _taken_apart(baseline, voice.shape[-1])
    own = ops.concatenate([mean[:, :width], variance[:, :width], count, rest], axis=-1)
    voice = voice[:, :width]
    differing, told = team(BEYOND, BEYOND), team(KNOWING, "relative")
    beyond, knowing = asked(BEYOND, differing, voice, own), asked(KNOWING, told, voice, own)
    without = _averaged([head(voice) for head in told])
    share = _told_share(variance[:, width:], count, rest)
    # Logarithms are weighed, not probabilities: below the logarithm of their sum no weights could be in eight bits.
    return layers.Add(name=name)([(1 - share) * beyond, share * (knowing + without) / 2])


def taught_by(kind: str, turn: int) -> str:
    """Name the layer by which a head of a kind is taught, or another layer of it: the first head's has no number.

    Examples
    --------
    >>> [taught_by(BEYOND, turn) for turn in range(3)]
    ['beyond', 'beyond_2', 'beyond_3']
    """
    return f"{kind}_{turn + 1}" if turn else kind


def _averaged(logits: list[Any]) -> Any:
    return sum(ops.log_softmax(one, axis=-1) for one in logits) / len(logits)


def _told_share(variance: Any, count: Any, rest: Any) -> Any:
    """Give how much the head that is told everything counts beside baselines ``(batch, 1)``.

    That is the more, the likelier a baseline is of one emotion alone, by its variance along the directions. Of who was
    heard once it cannot be told, and of who is at rest it is known: half was best for both. Without a baseline it is 1,
    so that this head answers by itself.
    """
    several, heard = (ops.cast(count > least, "float32") for least in (1, 0))
    odds = layers.Dense(1, trainable=False, name=ONE_EMOTION)(spread_features(variance, count))
    seen = several * (1 - rest)
    likely = LEAST_TOLD + (MOST_TOLD - LEAST_TOLD) * ops.sigmoid(odds + IN_DOUBT)
    return seen * likely + (1 - seen) * (1 - heard / 2)


def directions_of(labels: int, *, weighed: bool) -> int:
    """Say how many directions a voice has: as many as so many labels can differ along, or none."""
    return labels - 1 if weighed else 0


def spread_features(variance: Any, count: Any) -> Any:
    """Give what tells whether utterances are of one emotion, ``(batch, 2 · directions + 2)``.

    Parameters
    ----------
    variance : array, shape (batch, directions)
        Of the utterances, along the directions.
    count : array, shape (batch, 1)
        How many they are.
    """
    several = ops.maximum(count, 2.0)
    spread = ops.log(variance * several / (several - 1) + LEAST_SPREAD)
    many = ops.log(ops.minimum(several, float(MOST)))  # more are in no set of the training
    return ops.concatenate([spread, many * spread, many, ops.square(many)], axis=-1)


def _taken_apart(baseline: Any, width: int) -> tuple[Any, Any, Any, Any]:
    """Take baselines apart: mean and variance of the voices, their number, and whether the speaker was at rest."""
    mean, variance = baseline[:, :width], baseline[:, width : 2 * width]
    return mean, variance, baseline[:, 2 * width : 2 * width + 1], baseline[:, 2 * width + 1 :]
