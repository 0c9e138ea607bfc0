"""What a summary tells: frozen, and ready for JSON, a terminal or a page."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime
from typing import Any

from intone.archive.summary.periods import Period
from intone.emotions import Emotion

DIGITS = 6
"""Decimals in JSON: sums over threads differ in the last bits from run to run."""
SMALLEST = 10


@dataclass(frozen=True)
class Question:
    """What is asked of the tables.

    Attributes
    ----------
    by : "agent", "day", "queue", "speaker" or ""
        What the recordings are grouped by.
    over : "day", "week", "month" or ""
        The steps of time that are shown; weeks are those of ISO 8601, and all times UTC.
    customer : int or None
        The customers' channel, counted from 1. Where it is given, theirs are the only voices that count.
    since, until : Period or None
        Only recordings from the beginning of the one on, and before the end of the other.
    drift : pair of Period, or None
        What is compared, the reference first; None for the earlier half and the later half.
    smallest : int, default 10
        Groups of fewer recordings are named with their size alone.
    model : str
        The model file or run folder that heard the recordings, where it is none of those that ship.
    """

    by: str = ""
    over: str = ""
    customer: int | None = None
    since: Period | None = None
    until: Period | None = None
    drift: tuple[Period, Period] | None = None
    smallest: int = SMALLEST
    model: str = ""


@dataclass(frozen=True)
class Figure:
    """A value with its 95 % interval; None where there were too few recordings or speakers to resample."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Shares:
    """How common each emotion is.

    Attributes
    ----------
    units : int
        Utterances and segments that count.
    raw : mapping of Emotion to Figure
        Mean of their probabilities.
    corrected : mapping of Emotion to Figure, or None
        The same for a world that is not as the training was; None where that cannot be told.
    why_not : str
        Why it cannot be told, in a sentence.
    unsure : Figure
        Share of what counts that the model is unsure of.
    over : "speakers" or "recordings"
        What was resampled.
    """

    units: int
    raw: Mapping[Emotion, Figure]
    corrected: Mapping[Emotion, Figure] | None
    why_not: str
    unsure: Figure
    over: str


@dataclass(frozen=True)
class Group:
    """One group of recordings.

    Attributes
    ----------
    name : str
        As it is in the tables; empty where it is not told.
    recordings : int
        How many carry speech that counts.
    suppressed : "", "small" or "beside"
        Why there are no figures: the group is small, or with its figures those of a small one could be worked out.
    shares : Shares or None
        None where suppressed.
    trend : mapping of Emotion to Figure, or None
        Change of the share a week; None where suppressed, or where there are too few weeks.
    """

    name: str
    recordings: int
    suppressed: str
    shares: Shares | None = None
    trend: Mapping[Emotion, Figure] | None = None


@dataclass(frozen=True)
class Groups:
    """The groups of one kind, ``key`` being what they were made by; ``unlisted`` is how many more there are."""

    key: str
    groups: tuple[Group, ...]
    unlisted: int = 0


@dataclass(frozen=True)
class Call:
    """A call to listen to: its score, and the moment to begin at, where its surest negative segment begins.

    ``at``, ``emotion`` and ``confidence`` are that segment's; ``negative`` is the negative share of the sure speech,
    ``negative_end`` that of the last fifth of the call (None where none was sure there), and ``seconds`` how much
    speech was negative.
    """

    path: str
    time: datetime | None
    duration: float
    score: float
    negative: float
    negative_end: float | None
    seconds: float
    at: float
    emotion: Emotion
    confidence: float


@dataclass(frozen=True)
class Customer:
    """A customer's score over their calls, and how much of their sure speech is negative."""

    name: str
    calls: int
    score: Figure
    negative: Figure


@dataclass(frozen=True)
class Agent:
    """How the customers' negativity changes from the first third to the last of calls with an agent.

    ``difference`` is :attr:`change` less the mean over all agents that are shown.
    """

    name: str
    calls: int
    suppressed: str
    first: Figure | None = None
    last: Figure | None = None
    change: Figure | None = None
    difference: Figure | None = None


@dataclass(frozen=True)
class Conversations:
    """What the customers' channel tells.

    ``all_agents`` is the mean of the shown agents' changes, each agent counting alike; None where none is shown.
    """

    calls: int
    customers: tuple[Customer, ...]
    customers_hidden: int
    listen: tuple[Call, ...]
    agents: tuple[Agent, ...]
    all_agents: Figure | None


@dataclass(frozen=True)
class Change:
    """One measure in two periods.

    Attributes
    ----------
    measure : str
        Its name in the tables; ``"embedding"`` for the distance between the mean voices.
    before, after : float or None
        Means; None for embeddings.
    effect : float
        Difference in standard deviations; for embeddings the distance in units of the reference's spread.
    p : float
        How likely so large a difference would be by chance, were there none.
    warning : str
        A sentence where it is both more than chance and large enough to matter; otherwise empty.
    """

    measure: str
    before: float | None
    after: float | None
    effect: float
    p: float
    warning: str


@dataclass(frozen=True)
class Drift:
    """Quality in two periods; ``changes`` is empty where ``why_not`` says why they cannot be compared."""

    reference: str
    compared: str
    recordings: tuple[int, int]
    changes: tuple[Change, ...]
    why_not: str = ""


@dataclass(frozen=True)
class ArchiveSummary:
    """What the tables of an archive come to; ``notes`` are sentences that have to be said beside the figures."""

    model: str
    question: Question
    recordings: int
    errors: int
    whole: Group
    by: Groups | None
    over: Groups | None
    conversations: Conversations | None
    drift: Drift | None
    notes: tuple[str, ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """Give a dictionary for JSON."""
        return dict(_plain(self))


def _plain(value: Any) -> Any:
    if isinstance(value, Period | datetime):
        return value.name if isinstance(value, Period) else value.isoformat()
    if is_dataclass(value):
        return {entry.name: _plain(getattr(value, entry.name)) for entry in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(held) for key, held in value.items()}
    if isinstance(value, tuple):
        return [_plain(held) for held in value]
    return _finite(value) if isinstance(value, float) else value


def _finite(value: float) -> float | None:
    return round(value, DIGITS) if math.isfinite(value) else None
