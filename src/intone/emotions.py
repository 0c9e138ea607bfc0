"""The seven emotions: one spelling, one order, one colour each."""

from enum import StrEnum


class Emotion(StrEnum):
    """One of the seven emotions that Intone hears, in the order of every table and model for use.

    Members are strings, so ``Emotion.ANGER == "anger"``.

    Examples
    --------
    >>> [str(emotion) for emotion in Emotion]
    ['anger', 'disgust', 'fear', 'happiness', 'neutral', 'sadness', 'surprise']
    >>> Emotion("fear").colour
    '#882255'
    """

    ANGER = "anger"
    DISGUST = "disgust"
    FEAR = "fear"
    HAPPINESS = "happiness"
    NEUTRAL = "neutral"
    SADNESS = "sadness"
    SURPRISE = "surprise"

    @property
    def colour(self) -> str:
        """The emotion's colour in every picture, as ``#rrggbb``."""
        return _COLOURS[self]


# Paul Tol's "muted" qualitative scheme (SRON/EPS/TN/09-002, 2021): told apart by colour-blind readers too.
_COLOURS = {
    Emotion.ANGER: "#cc6677",
    Emotion.DISGUST: "#999933",
    Emotion.FEAR: "#882255",
    Emotion.HAPPINESS: "#ddcc77",
    Emotion.NEUTRAL: "#888888",
    Emotion.SADNESS: "#332288",
    Emotion.SURPRISE: "#44aa99",
}
