"""Periods of time as people write them: a year, a month, a day, or from one to another."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from intone.errors import UsageError

FORM = re.compile(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?")
ACCEPTED = "2026, 2026-03, 2026-03-31, or two of these with '..' between them"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Period:
    """A stretch of time in UTC: from :attr:`begin` on, and before :attr:`end`; :attr:`name` is how it was written."""

    name: str
    begin: datetime
    end: datetime

    @property
    def microseconds(self) -> tuple[int, int]:
        """Both ends in microseconds since 1970."""
        return microseconds(self.begin), microseconds(self.end)


def microseconds(moment: datetime) -> int:
    """Count the microseconds since 1970, without the rounding of a floating-point number."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def moment(since_1970: int) -> datetime:
    """Give the moment that lies so many microseconds after 1970 began."""
    return _EPOCH + timedelta(microseconds=since_1970)


def parsed(text: str, option: str) -> Period:
    """Read a period; both ends are wholly in it.

    Parameters
    ----------
    text : str
        As in ``"2026-03"`` or ``"2026-01..2026-03"``.
    option : str
        What it was given for, for messages.

    Raises
    ------
    UsageError
        It is none, or it ends before it begins.

    Examples
    --------
    >>> period = parsed("2026-01..2026-03", "--drift")
    >>> period.begin.date().isoformat(), period.end.date().isoformat()
    ('2026-01-01', '2026-04-01')
    """
    first, _, last = text.partition("..")
    begin, end = _one(first, option), _one(last, option) if last else None
    if end is not None and end.end <= begin.begin:
        raise UsageError(f"{option} {text}: it ends before it begins.")
    return Period(text, begin.begin, (end or begin).end)


def pair(text: str, option: str) -> tuple[Period, Period]:
    """Read two periods with a colon between them, the reference first.

    Raises
    ------
    UsageError
        They are not two, or they overlap.
    """
    first, colon, second = text.partition(":")
    if not colon:
        raise UsageError(f"{option} {text}: accepted are two periods, as in 2026-01..2026-03:2026-04.")
    one, other = parsed(first, option), parsed(second, option)
    if one.begin < other.end and other.begin < one.end:
        raise UsageError(f"{option} {text}: the two periods overlap; a recording can be in one of them only.")
    return one, other


def _one(text: str, option: str) -> Period:
    found = FORM.fullmatch(text)
    if found is None:
        raise UsageError(f"{option} {text}: this is no period; accepted are {ACCEPTED}.")
    year, month, day = (int(part) if part else None for part in found.groups())
    try:
        begin = datetime(year or 0, month or 1, day or 1, tzinfo=UTC)
        if day:
            end = begin + timedelta(days=1)
        elif month:
            end = (begin + timedelta(days=31)).replace(day=1)
        else:
            end = begin.replace(year=begin.year + 1)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{option} {text}: there is no such day ({error}).") from error
    return Period(text, begin, end)
