"""From what a model gives to an answer: calibrated probabilities, for a world of other shares too, and doubt."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from intone.emotions import Emotion
from intone.errors import ModelError, UsageError, unknown
from intone.hear.engines import Floats, Heard
from intone.hear.modelfile import Card
from intone.hear.streamed import Audible
from intone.results import Prediction

SLACK = 1e-6
"""How far the shares of a prior may be from a sum of 1."""
RAREST = 1e-6
"""An emotion that a prior says never occurs, or that a model never learned, counts as this rare."""


class Answering:
    """Reads logits by a model's card.

    Parameters
    ----------
    card : Card
        The model's.
    prior : mapping of emotion to float, optional
        How often emotions occur where the sound comes from; see :meth:`intone.Recogniser.predict`.

    Attributes
    ----------
    shares : numpy.ndarray of float64, shape (labels,)
        How often each label occurs, by the prior or as in the training.

    Raises
    ------
    UsageError
        The prior is not one.
    """

    def __init__(self, card: Card, prior: Mapping[str, float] | None = None) -> None:
        self._card = card
        before = np.array([card.prior.get(label, 1.0) for label in card.labels])
        self.shares = _shares(_wanted(card, prior, before) if prior else before)
        self._shift = np.log(self.shares) - np.log(_shares(before))

    def scores(self, logits: Floats, *, beside: bool = False) -> NDArray[np.float64]:
        """Give calibrated probabilities ``(…, labels)`` of logits, heard beside a baseline or not.

        Raises
        ------
        ModelError
            The logits are not finite, or not one for each label.
        """
        card = self._card
        if logits.shape[-1:] != (len(card.labels),) or not np.isfinite(logits).all():
            raise ModelError(
                f"{card.name}: the network gave {logits.shape[-1:]} values, or some that are not finite; "
                f"accepted is one for each of the {len(card.labels)} labels."
            )
        temperature = card.temperature_beside if self._apart(beside) else card.temperature
        return softmax(logits.astype(np.float64) / temperature + self._shift)

    def named(self, probabilities: NDArray[np.float64]) -> dict[Emotion, float]:
        """Give probabilities ``(labels,)`` by emotion; one that the model does not know has none."""
        scores = dict.fromkeys(Emotion, 0.0)
        pairs = zip(self._card.labels, probabilities.tolist(), strict=True)
        return scores | {Emotion(label): chance for label, chance in pairs}

    def answer(
        self, probabilities: NDArray[np.float64], *, strange: bool, beside: bool
    ) -> tuple[Emotion, dict[Emotion, float], bool]:
        """Give the likeliest emotion, all by name, and whether to be unsure: it is strange, or nothing is likely."""
        scores = self.named(probabilities)
        emotion = max(scores, key=scores.__getitem__)
        threshold = self._card.threshold_beside if self._apart(beside) else self._card.threshold
        return emotion, scores, strange or scores[emotion] < threshold

    def predictions(self, sounds: Sequence[Audible], heard: Heard, *, beside: bool) -> list[Prediction]:
        """Say what a model gave of some sounds, beside a baseline or not."""
        attention = heard.attention or (None,) * len(sounds)
        each = zip(sounds, self.scores(heard.logits, beside=beside), attention, self.strange(heard), strict=True)
        found = []
        for sound, probabilities, weights, strange in each:
            emotion, scores, unsure = self.answer(probabilities, strange=strange, beside=beside)
            found.append(
                Prediction(sound.name, emotion, scores, unsure, sound.duration, self._card.name, attention=weights)
            )
        return found

    def strange(self, heard: Heard) -> list[bool]:
        """Say which sounds are unlike all speech that the model knows: a noise, a melody, a siren."""
        if heard.strangeness is None or not self._card.strangest:
            return [False] * len(heard.logits)
        strange: list[bool] = (heard.strangeness > self._card.strangest).tolist()
        return strange

    def _apart(self, beside: bool) -> bool:
        return beside and self._card.temperature_beside > 0


def _shares(amounts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give shares that sum to 1, none of them 0."""
    audible = np.maximum(amounts / amounts.sum(), RAREST)
    return np.asarray(audible / audible.sum())


def _wanted(card: Card, prior: Mapping[str, float], before: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the shares that a prior says; those left out share the rest as in the training."""
    for emotion, share in prior.items():
        if emotion not in card.labels:
            raise unknown("emotion", str(emotion), card.labels)
        if not 0 <= share <= 1:
            raise UsageError(f"The prior has {emotion} = {share}; accepted is a share from 0 to 1.")
    said, whole = np.array([prior.get(label, np.nan) for label in card.labels]), sum(prior.values())
    left = before[np.isnan(said)].sum()
    if whole > 1 + SLACK or (left == 0 and whole < 1 - SLACK):
        raise UsageError(f"The shares of the prior sum to {whole:g}; accepted is 1 for all, and up to 1 for some.")
    return np.asarray(np.where(np.isnan(said), max(1 - whole, 0) * before / (left or 1), said))


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn logits ``(…, labels)`` into probabilities that sum to 1 along the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))
