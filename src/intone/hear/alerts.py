"""Alerts on a stream's updates: ``anger > 0.7 for 2s``, told once for each episode.

All time here is the stream's own, the seconds of sound that it heard; the wall clock has no say.
"""

import operator
import re
from dataclasses import dataclass, field

from intone.emotions import Emotion
from intone.errors import UsageError, unknown
from intone.results import Segment, Update

PAUSE_SECONDS = 2.0
"""A longer stretch without speech of which the model is sure ends an episode."""
SLACK_SECONDS = 1e-6
"""Sums of times are off by less than this."""

_OPERATORS = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}
_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0}
_WHOLE = re.compile(
    r"\s*(?P<emotion>[^\s<>=]+)\s*(?P<operator>[<>=]+)\s*(?P<threshold>[^\s<>=]+)(?:\s+for\s+(?P<time>\S.*?))?\s*"
)
_NUMBER = re.compile(r"\d+(\.\d*)?|\.\d+", re.ASCII)
_DURATION = re.compile(rf"(?P<number>{_NUMBER.pattern})\s*(?P<unit>ms|s|m)", re.ASCII)
EXAMPLE = "anger > 0.7 for 2s"


@dataclass(frozen=True)
class Condition:
    """What an alert waits for: an emotion's probability above or below a number, for some seconds of speech.

    Attributes
    ----------
    emotion : Emotion
        The emotion whose probability is watched, likeliest or not.
    operator : str
        ``">"``, ``">="``, ``"<"`` or ``"<="``.
    threshold : float
        What the probability is compared with, 0 to 1.
    seconds : float
        How many seconds of speech it has to hold without a break; 0 for at once.

    Examples
    --------
    >>> print(Condition.parse("anger>.7 for 1500ms"))
    anger > 0.7 for 1.5s
    >>> Condition.parse("anger > 70")
    Traceback (most recent call last):
    intone.errors.UsageError: The alert 'anger > 70' compares with '70'; accepted are numbers from 0 to 1.
    """

    emotion: Emotion
    operator: str
    threshold: float
    seconds: float = 0.0

    @classmethod
    def parse(cls, text: str) -> "Condition":
        """Read ``EMOTION OP NUMBER for DURATION``; the last two words may be left out.

        Parameters
        ----------
        text : str
            OP is > >= < or <=, NUMBER is from 0 to 1, and DURATION is like 2s, 500ms, 1.5s or 1m.

        Raises
        ------
        UsageError
            It is not such an expression, or can never be true.
        """
        found = _WHOLE.fullmatch(text)
        if found is None:
            raise UsageError(f"'{text}' is not an alert; accepted is an expression such as '{EXAMPLE}'.")
        name, sign, threshold, time = found["emotion"], found["operator"], found["threshold"], found["time"]
        if name not in list(Emotion):
            raise unknown("emotion", name, Emotion)
        if sign not in _OPERATORS:
            raise UsageError(f"The alert '{text}' compares by '{sign}'; accepted are {' '.join(_OPERATORS)}.")
        if not _NUMBER.fullmatch(threshold) or float(threshold) > 1:
            raise UsageError(f"The alert '{text}' compares with '{threshold}'; accepted are numbers from 0 to 1.")
        if (sign, float(threshold)) in ((">", 1.0), ("<", 0.0)):
            raise UsageError(f"The alert '{text}' can never be true; probabilities are from 0 to 1.")
        return cls(Emotion(name), sign, float(threshold), 0.0 if time is None else _seconds(time, text))

    def __str__(self) -> str:
        lasting = f" for {self.seconds:g}s" if self.seconds else ""
        return f"{self.emotion} {self.operator} {self.threshold:g}{lasting}"

    def holds(self, segment: Segment) -> bool:
        """Say whether the segment's probability is as wanted."""
        return bool(_OPERATORS[self.operator](segment.scores[self.emotion], self.threshold))


def _seconds(time: str, text: str) -> float:
    found = _DURATION.fullmatch(time)
    if found is None:
        raise UsageError(f"The alert '{text}' lasts '{time}'; accepted are times such as 2s, 500ms, 1.5s and 1m.")
    return float(found["number"]) * _UNIT_SECONDS[found["unit"]]


@dataclass(frozen=True)
class Alert:
    """A condition that has held for as long as it says.

    Attributes
    ----------
    condition : Condition
        What was waited for.
    at : float
        Seconds of sound that the stream had heard.
    since : float
        When the episode began, in the same seconds.
    held : float
        Seconds of speech over which the condition has held.
    segment : Segment
        What was heard last.
    """

    condition: Condition
    at: float
    since: float
    held: float
    segment: Segment

    @property
    def probability(self) -> float:
        """Of the emotion that is watched, 0 to 1."""
        return self.segment.scores[self.condition.emotion]

    def to_dict(self) -> dict[str, object]:
        """Give a dictionary for JSON: at, type, alert, probability, since, held and the segment."""
        return {
            "at": self.at,
            "type": "alert",
            "alert": str(self.condition),
            "probability": self.probability,
            "since": self.since,
            "held": self.held,
            "segment": self.segment.to_dict(),
        }


@dataclass
class Watch:
    """Follows the updates of one stream and tells of each episode once.

    An update says what the speech was like from the end of the update before it, or from the beginning of its segment,
    to its own end. An episode begins with the first such stretch in which the condition holds. It ends with the first
    in which it does not, or with more than :data:`PAUSE_SECONDS` without speech. Shorter pauses neither end it nor
    count, and seconds in which the model was unsure are taken for a pause.

    Parameters
    ----------
    condition : Condition
        What is waited for.

    Examples
    --------
    >>> scores = dict.fromkeys(Emotion, 0.02) | {Emotion.ANGER: 0.88}
    >>> watch = Watch(Condition.parse("anger > 0.7 for 2s"))
    >>> for end in (1.0, 2.0, 3.0, 4.0):
    ...     alert = watch.hear(Update(at=end, segment=Segment(0.5, end, Emotion.ANGER, scores, unsure=False)))
    ...     print(end, alert and alert.held)
    1.0 None
    2.0 None
    3.0 2.5
    4.0 None
    """

    condition: Condition
    _told: float = field(default=0.0, init=False)  # the end of what updates have spoken of
    _since: float | None = field(default=None, init=False)
    _until: float = field(default=0.0, init=False)
    _held: float = field(default=0.0, init=False)
    _fired: bool = field(default=False, init=False)

    def hear(self, update: Update) -> Alert | None:
        """Take the next update; give the alert where this one completes it."""
        segment = update.segment
        if segment is None:
            return None
        start, self._told = max(segment.start, self._told), max(segment.end, self._told)
        if segment.unsure:
            return None
        if not self.condition.holds(segment) or start - self._until > PAUSE_SECONDS + SLACK_SECONDS:
            self._since, self._held, self._fired = None, 0.0, False
        if not self.condition.holds(segment):
            return None
        if self._since is None:
            self._since = start
        self._until = self._told
        self._held += self._told - start
        if self._fired or self._held < self.condition.seconds - SLACK_SECONDS:
            return None
        self._fired = True
        return Alert(self.condition, update.at, self._since, self._held, segment)
