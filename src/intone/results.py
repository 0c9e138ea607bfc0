"""What Intone answers with: frozen, small, and ready for a table, a program or another library."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from intone.emotions import Emotion


class LabelScore(TypedDict):
    """One line of a Hugging Face audio-classification result."""

    label: str
    score: float


@dataclass(frozen=True)
class Prediction:
    """The emotion of one utterance, and how sure the model is.

    Attributes
    ----------
    file : str
        The sound's name: a path as it was given, or ``"<array>"``.
    emotion : Emotion
        The likeliest of the seven, whether sure or not.
    scores : mapping of Emotion to float
        Calibrated probability of each of the seven; they sum to 1.
    unsure : bool
        True where :attr:`confidence` is below the threshold on the model's card, or the sound is unlike the speech that
        the model knows; the emotion is then a guess.
    duration : float
        Length of the sound in seconds.
    model : str
        Name of the model that answered.
    attention : numpy.ndarray of float32, shape (steps,), or None
        How much each 20 ms of the sound counted; they sum to 1. None where the model does not tell.

    Examples
    --------
    >>> from intone import Emotion
    >>> scores = dict.fromkeys(Emotion, 0.05) | {Emotion.ANGER: 0.7}
    >>> heard = Prediction(
    ...     file="call.wav", emotion=Emotion.ANGER, scores=scores, unsure=False, duration=2.5, model="m"
    ... )
    >>> heard.confidence
    0.7
    >>> heard.top(1)
    [(<Emotion.ANGER: 'anger'>, 0.7)]
    >>> heard.as_pipeline()[0]
    {'label': 'anger', 'score': 0.7}
    """

    file: str
    emotion: Emotion
    scores: Mapping[Emotion, float]
    unsure: bool
    duration: float
    model: str
    attention: NDArray[np.float32] | None = field(default=None, repr=False, compare=False)

    @property
    def confidence(self) -> float:
        """Probability of :attr:`emotion`, 0 to 1."""
        return self.scores[self.emotion]

    def top(self, count: int = 7) -> list[tuple[Emotion, float]]:
        """Give the ``count`` likeliest emotions with their probabilities, likeliest first."""
        return sorted(self.scores.items(), key=lambda pair: -pair[1])[:count]

    def as_pipeline(self) -> list[LabelScore]:
        """Give the scores as Hugging Face's audio-classification pipeline does, likeliest first."""
        return [{"label": str(emotion), "score": score} for emotion, score in self.top()]

    def to_dict(self, top: int = 7) -> dict[str, object]:
        """Give a dictionary for JSON: file, emotion, confidence, unsure, scores, duration, model.

        Parameters
        ----------
        top : int, default 7
            How many of the likeliest scores to give; 7 gives all, in the emotions' fixed order.
        """
        kept = {emotion for emotion, _ in self.top(top)}
        return {
            "file": self.file,
            "emotion": str(self.emotion),
            "confidence": self.confidence,
            "unsure": self.unsure,
            "scores": {str(emotion): self.scores[emotion] for emotion in Emotion if emotion in kept},
            "duration": self.duration,
            "model": self.model,
        }
