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
    >>> Emotion("fear").valence, Emotion("fear").arousal
    (-0.64, 0.6)
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

    @property
    def valence(self) -> float:
        """How pleasant the word for it is, -1 to 1 (Russell and Mehrabian 1977); of the category, not of a voice."""
        return _CIRCUMPLEX[self][0]

    @property
    def arousal(self) -> float:
        """How aroused the word for it is, -1 to 1 (Russell and Mehrabian 1977); of the category, not of a voice."""
        return _CIRCUMPLEX[self][1]


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

# Mean ratings of pleasure and arousal of angry, disgusted, fearful, happy, sad and surprised: J. A. Russell and
# A. Mehrabian, "Evidence for a three-factor theory of emotions", J. Research in Personality 11 (1977) 273-294.
# Neutral is their origin.
_CIRCUMPLEX = {
    Emotion.ANGER: (-0.51, 0.59),
    Emotion.DISGUST: (-0.60, 0.35),
    Emotion.FEAR: (-0.64, 0.60),
    Emotion.HAPPINESS: (0.81, 0.51),
    Emotion.NEUTRAL: (0.0, 0.0),
    Emotion.SADNESS: (-0.63, -0.27),
    Emotion.SURPRISE: (0.40, 0.67),
}
