"""The recogniser: a model, its card, and the way from a sound to a prediction."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from intone.emotions import Emotion
from intone.errors import ModelError, UsageError
from intone.hear import audio, engines, modelfile
from intone.hear.audio import RATE, Sound, Waveform
from intone.hear.engines import Floats, Hearing
from intone.hear.modelfile import Card
from intone.results import Prediction

BATCH = 16
"""How many utterances go through the model at a time."""


class Recogniser:
    """Hears which of the seven emotions a sound carries.

    Made by :func:`intone.load`. It holds no state between calls and may be used from several threads.

    Attributes
    ----------
    card : Card
        What the model says of itself: labels, features, licence and honest scores.
    """

    def __init__(self, hearing: Hearing, card: Card) -> None:
        self.card = card
        self._hearing = hearing

    def __repr__(self) -> str:
        return f"Recogniser({self.card.name!r}: {self.card.input} → {', '.join(self.card.labels)})"

    def predict(self, sound: Sound, *, rate: int | None = None) -> Prediction:
        """Hear the emotion of one sound.

        Parameters
        ----------
        sound : path, bytes, binary file, array or Waveform
            See :func:`intone.hear.audio.load`.
        rate : int, optional
            Samples a second, for arrays.

        Returns
        -------
        Prediction
            The likeliest emotion, the seven probabilities, and whether the model is unsure.

        Raises
        ------
        SoundError
            The sound cannot be heard; the children say why.

        Examples
        --------
        >>> import intone
        >>> heard = intone.load().predict("examples/kennedy.flac")
        >>> round(sum(heard.scores.values()), 6)
        1.0
        """
        return self.predict_batch([audio.load(sound, rate=rate)])[0]

    def predict_batch(self, sounds: Sequence[Sound], *, rate: int | None = None) -> list[Prediction]:
        """Hear the emotion of each sound; each gets the answer that it would get alone, to 1e-4.

        Parameters
        ----------
        sounds : sequence of sounds
            As for :meth:`predict`; one that cannot be heard raises for all.
        rate : int, optional
            Samples a second of those sounds that are arrays.

        Returns
        -------
        list of Prediction
            In the order of ``sounds``.
        """
        predictions: list[Prediction] = []
        for start in range(0, len(sounds), BATCH):
            heard = [
                audio.load(sound, rate=rate if isinstance(sound, np.ndarray) else None)
                for sound in sounds[start : start + BATCH]
            ]
            predictions += [self._prediction(*pair) for pair in zip(heard, self._hearing(heard), strict=True)]
        return predictions

    def _prediction(self, waveform: Waveform, logits: Floats) -> Prediction:
        if logits.shape != (len(self.card.labels),) or not np.isfinite(logits).all():
            raise ModelError(
                f"{self.card.name}: the network gave {logits.shape} values, or some that are not finite; "
                f"accepted is one for each of the {len(self.card.labels)} labels."
            )
        probabilities = softmax(logits.astype(np.float64) / self.card.temperature)
        scores = dict.fromkeys(Emotion, 0.0)
        scores |= {Emotion(label): float(p) for label, p in zip(self.card.labels, probabilities, strict=True)}
        emotion = max(scores, key=scores.__getitem__)
        return Prediction(
            file=waveform.name,
            emotion=emotion,
            scores=scores,
            unsure=scores[emotion] < self.card.threshold,
            duration=waveform.duration,
            model=self.card.name,
        )


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn logits ``(…, labels)`` into probabilities that sum to 1 along the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def load(model: str | Path = modelfile.DEFAULT, *, threads: int = 0) -> Recogniser:
    """Load a model and give a recogniser.

    Parameters
    ----------
    model : str or path
        The name of a model that ships (``intone models list``), a model file (``*.intone.onnx``), a run folder, or the
        ``model.keras`` of a run folder (that one alone imports Keras).
    threads : int, default 0
        How many threads the model may use; 0 means one for each core.

    Returns
    -------
    Recogniser
        Ready to hear, with no network and no download.

    Raises
    ------
    ModelError
        The file is not a model of Intone, or not one that this version can run.
    UsageError
        There is no model of that name.

    Examples
    --------
    >>> import intone
    >>> intone.load().card.labels
    ('anger', 'disgust', 'fear', 'happiness', 'neutral', 'sadness', 'surprise')
    """
    if threads < 0:
        raise UsageError(f"threads is {threads}; accepted are 0, for one for each core, and any number above.")
    path = modelfile.find(model)
    by_keras = path.suffix == ".keras"
    engine, text = engines.from_keras(path) if by_keras else engines.from_onnx(path, threads=threads)
    card = _for_use(Card.from_json(text, name=str(path)), path)
    return _tried(Recogniser(engines.hearing(engine, card, name=str(path)), card), path)


def _tried(recogniser: Recogniser, path: Path) -> Recogniser:
    """Let the model hear a second of noise, so that one whose network and card do not fit is refused here."""
    noise = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)
    try:
        recogniser.predict(Waveform(noise))
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error
    return recogniser


def _for_use(card: Card, path: Path) -> Card:
    """Refuse what cannot answer with the seven emotions; evaluation may have other labels, use may not."""
    others = [label for label in card.labels if label not in set(Emotion)]
    if others:
        raise UsageError(
            f"{path}: this model was made for evaluation and answers {', '.join(others)} too; "
            f"a model for use answers with the seven: {', '.join(Emotion)}."
        )
    return card
