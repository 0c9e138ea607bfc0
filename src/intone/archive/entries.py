"""What an archive lists: a recording as it is known before it is heard, or something that is none.

Moments are whole microseconds since 1970, as the tables keep them.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from intone.errors import IntoneError
from intone.paths import encodable


@dataclass(frozen=True, slots=True)
class Told:
    """What a manifest tells of a recording; None where it does not."""

    speaker: str | None = None
    agent: str | None = None
    queue: str | None = None
    time: int | None = None


NOTHING = Told()


@dataclass(frozen=True, slots=True)
class Entry:
    """A recording.

    Attributes
    ----------
    place : str
        Its path or URL, as it is opened.
    size : int
        Bytes.
    modified : int
        When it was last changed (microseconds since 1970); 0 where its place does not say.
    told : Told
        What a manifest tells of it.
    """

    place: str
    size: int
    modified: int
    told: Told = NOTHING

    @property
    def path(self) -> str:
        """What the tables call it: its place, with stray bytes of its name as escapes."""
        return self.place if self.place.isascii() else str(encodable(self.place))  # the former is much faster

    def group(self, column: str) -> str | None:
        """Say whose baseline it is heard beside, by a column of the manifest; None for nobody's."""
        return getattr(self.told, column) if column else None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something that was listed and is no recording; ``place`` says where that stands."""

    place: str
    error: IntoneError

    @property
    def path(self) -> str:
        """What the table of errors calls it."""
        return str(encodable(self.place))


def moment(time: datetime) -> int:
    """Give a moment in microseconds since 1970; one without a zone is taken to be in UTC.

    Examples
    --------
    >>> moment(datetime(1970, 1, 1, 0, 0, 1))
    1000000
    """
    aware = time if time.tzinfo is not None else time.replace(tzinfo=UTC)
    return (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


EARLIEST, LATEST = moment(datetime.min), moment(datetime.max)
"""What has a name in UTC; other zones reach a day further."""
