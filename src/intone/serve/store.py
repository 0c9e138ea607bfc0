"""Where the results of a service are kept: in SQLite, which needs no set-up, or in PostgreSQL."""

import json
import os
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, get_args

from sqlalchemy import ColumnElement, Row, delete, insert, make_url, select, tuple_
from sqlalchemy.exc import ArgumentError

from intone.errors import UsageError
from intone.serve import tables
from intone.serve.tables import DRIVER, SQLITE

Kind = Literal["utterance", "timeline", "stream"]
KINDS: tuple[Kind, ...] = get_args(Kind)
POSTGRES = "postgresql://"
BATCH = 32
"""Whole recordings in memory during an export: an answer may have megabytes."""
EXPIRE_BATCH = 500
"""Recordings that are deleted in one transaction, so that those who write need not wait for all."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_CURSOR = re.compile(r"(-?[0-9]{1,18})-([0-9a-f]{32})")
_SCHEME = re.compile(r"\s*[\w.+-]{2,}:")  # or a user before a password; one letter is a drive of Windows


@dataclass(frozen=True)
class Recording:
    """What is kept of a recording that was heard.

    Attributes
    ----------
    id : str
        As :func:`new_id` makes it.
    owner : str
        Id of the API key that it came with; empty where no keys are asked for.
    created : datetime.datetime
        Aware, in UTC.
    kind : str
        One of :data:`KINDS`.
    name : str
        What the client calls it.
    subject : str
        Whose voice it is, in the client's own words; empty where not told.
    duration : float
        Seconds.
    model : str
        Name of the model that answered.
    emotion : str
        The prevailing one; empty where there was no speech.
    confidence : float
        Of the emotion, 0 to 1.
    unsure : bool
        Whether the emotion is a guess.
    answer : mapping
        The whole answer, as JSON has it; empty where it was not asked for.
    has_sound : bool
        Whether the sound is kept too.
    """

    id: str
    owner: str
    created: datetime
    kind: Kind
    name: str
    subject: str
    duration: float
    model: str
    emotion: str
    confidence: float
    unsure: bool
    answer: Mapping[str, Any]
    has_sound: bool = False

    def to_dict(self, *, whole: bool = True) -> dict[str, object]:
        """Give a dictionary for JSON: all but the owner, and the answer only where the whole is asked for."""
        stored = {name: value for name, value in vars(self).items() if name not in ("owner", "answer")}
        stored["created"] = self.created.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        return stored | ({"answer": dict(self.answer)} if whole else {})


@dataclass(frozen=True)
class Filters:
    """Which recordings are meant: all for which everything holds that is given.

    Attributes
    ----------
    kind, subject, emotion : str
        As of the :class:`Recording`; empty for any.
    unsure : bool, optional
        Those that are, or those that are not.
    since, until : datetime.datetime, optional
        Aware; created at ``since`` or later, and before ``until``.
    """

    kind: str = ""
    subject: str = ""
    emotion: str = ""
    unsure: bool | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Page:
    """A part of a list.

    Attributes
    ----------
    recordings : tuple of Recording
        Newest first, without their answers.
    next : str
        What to ask for the next page with; empty on the last.
    """

    recordings: tuple[Recording, ...]
    next: str


class Store:
    """Recordings in a database, which is made or brought up to date when it is opened; may be used by many threads.

    Where a method takes an owner, what is another's is treated as if it were not there; None, for the operator's
    command line, is everybody.

    Parameters
    ----------
    url : str
        As :func:`accepted` and :func:`default_url` give it.

    Raises
    ------
    UsageError
        It cannot be opened, is damaged, is another program's or of a newer Intone.
    MissingExtraError
        PostgreSQL is asked for and its driver is not installed.
    """

    def __init__(self, url: str) -> None:
        self._database = tables.Database(url)

    def add(self, recordings: Sequence[Recording], sounds: Mapping[str, bytes] = {}) -> None:
        """Keep recordings, all of them or none; they are on disk when it returns.

        Parameters
        ----------
        recordings : sequence of Recording
            Their :attr:`~Recording.has_sound` is kept as ``sounds`` has it.
        sounds : mapping of str to bytes
            The sounds to be kept, by the recordings' ids.
        """
        if not recordings:
            return
        rows = [
            vars(one)
            | {"created": _moment(one.created), "answer": json.dumps(dict(one.answer)), "has_sound": one.id in sounds}
            for one in recordings
        ]
        with self._database.writing() as connection:
            connection.execute(insert(tables.recordings), rows)
            if sounds:
                contents = [{"id": id, "content": content} for id, content in sounds.items()]
                connection.execute(insert(tables.sounds), contents)

    def get(self, owner: str | None, id: str) -> Recording | None:
        """Give a recording with its answer; None where there is none."""
        asked = select(tables.recordings).where(tables.recordings.c.id == id, *_of(owner))
        with self._database.reading() as connection:
            row = connection.execute(asked).one_or_none()
        return _recording(row) if row else None

    def sound(self, owner: str | None, id: str) -> bytes | None:
        """Give the sound of a recording, as it was sent; None where none is kept."""
        asked = select(tables.sounds.c.content).join(tables.recordings).where(tables.sounds.c.id == id, *_of(owner))
        with self._database.reading() as connection:
            content: bytes | None = connection.execute(asked).scalar_one_or_none()
        return content

    def find(self, owner: str | None, filters: Filters, *, limit: int, after: str = "") -> Page:
        """List recordings, newest first. What is added meanwhile moves none from one page to another.

        Parameters
        ----------
        owner : str or None
            Whose.
        filters : Filters
            Which.
        limit : int
            Most on a page.
        after : str
            The :attr:`Page.next` of the page before; empty for the first.

        Raises
        ------
        UsageError
            ``after`` is nothing that a page gave.
        """
        kept = tables.recordings.c
        asked = select(*(column for column in kept if column.name != "answer")).where(*_of(owner), *_that(filters))
        if after:
            asked = asked.where(tuple_(kept.created, kept.id) < tuple_(*_place(after)))
        with self._database.reading() as connection:
            rows = connection.execute(asked.order_by(kept.created.desc(), kept.id.desc()).limit(limit + 1)).all()
        last = rows[limit - 1] if len(rows) > limit else None
        return Page(tuple(map(_recording, rows[:limit])), f"{last.created}-{last.id}" if last else "")

    def each(self, owner: str | None, filters: Filters) -> Iterator[Recording]:
        """Give whole recordings one after the other, oldest first; what is added meanwhile may be among them.

        No connection is held while the one who asks is busy with what was given.
        """
        kept = tables.recordings.c
        asked = select(tables.recordings).where(*_of(owner), *_that(filters)).order_by(kept.created, kept.id)
        after: tuple[int, str] | None = None
        while True:
            rest = asked.where(tuple_(kept.created, kept.id) > tuple_(*after)) if after else asked
            with self._database.reading() as connection:
                rows = connection.execute(rest.limit(BATCH)).all()
            yield from map(_recording, rows)
            if len(rows) < BATCH:
                return
            after = (rows[-1].created, rows[-1].id)

    def delete(self, owner: str | None, id: str) -> bool:
        """Delete a recording and its sound, and say whether there was one.

        Nothing of it is left in the files of SQLite afterwards. Where they are larger than
        :data:`~intone.serve.tables.VACUUM_MOST_BYTES`, its subject, its name or the first words of its answer may be,
        in about one of a thousand cases. A PostgreSQL server reclaims the place in its own time.
        """
        return bool(self._delete(tables.recordings.c.id == id, *_of(owner)))

    def forget(self, owner: str | None, subject: str) -> int:
        """Delete all recordings of a subject and their sounds, as :meth:`delete` does, and say how many.

        Raises
        ------
        UsageError
            The subject is empty, which is no one.
        """
        if not subject:
            raise UsageError(
                "A subject is not empty: that would be all recordings of which nobody said whose they are."
            )
        return self._delete(tables.recordings.c.subject == subject, *_of(owner))

    def expire(self, before: datetime) -> int:
        """Delete all recordings that were created before a moment, as :meth:`delete` does, and say how many."""
        kept, total = tables.recordings.c, 0
        oldest = select(kept.id).where(kept.created < _moment(before)).order_by(kept.created).limit(EXPIRE_BATCH)
        while True:
            with self._database.writing() as connection:
                count = connection.execute(delete(tables.recordings).where(kept.id.in_(oldest))).rowcount
            total += count
            if count < EXPIRE_BATCH:
                break
        self._database.erase(total)
        return total

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    def _delete(self, *conditions: ColumnElement[bool]) -> int:
        with self._database.writing() as connection:
            count = connection.execute(delete(tables.recordings).where(*conditions)).rowcount
        self._database.erase(count)
        return count


def new_id() -> str:
    """Make an id that nobody else has.

    Examples
    --------
    >>> len(new_id())
    32
    """
    return uuid.uuid4().hex


def default_url() -> str:
    """Give where results are kept unless said otherwise: a file of the user's."""
    home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return SQLITE + str(Path(home).absolute() / "intone" / "store.db")


def accepted(text: str) -> str:
    """Read where an operator wants results to be kept.

    Parameters
    ----------
    text : str
        A path, ``sqlite:///PATH`` or ``postgresql://USER:PASSWORD@HOST/NAME``.

    Returns
    -------
    str
        For :class:`Store`.

    Raises
    ------
    UsageError
        It is none of them. The message does not repeat it, as it may hold a password.

    Examples
    --------
    >>> accepted("sqlite:////var/lib/intone.db")
    'sqlite:////var/lib/intone.db'
    >>> accepted("postgresql://db.example.org/intone")
    'postgresql+psycopg://db.example.org/intone'
    >>> accepted("mysql://db.example.org/intone")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    intone.errors.UsageError: The store is no address that Intone knows; accepted is a path, sqlite:///PATH or ...
    """
    if text.startswith(POSTGRES):
        return _postgres(text)
    path = text.removeprefix(SQLITE)
    if not path or "://" in path or _SCHEME.match(path):
        raise _unknown_address()
    return SQLITE + str(Path(path).absolute())


def _postgres(text: str) -> str:
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise _unknown_address() from None
    if "@" in (url.host or "") or "password" in url.query:
        raise UsageError(
            "A password stands before the host, and what is neither a letter nor a digit in it is written as % and two"
            " digits, such as %40 for @."
        )
    return DRIVER + text.removeprefix(POSTGRES)


def _unknown_address() -> UsageError:
    return UsageError(
        "The store is no address that Intone knows; accepted is a path, sqlite:///PATH or"
        " postgresql://USER:PASSWORD@HOST/NAME."
    )


def before(days: float) -> datetime:
    """Give the moment that many days ago, or 1970, before which nothing was kept."""
    now = datetime.now(UTC)
    return now - timedelta(days=days) if days < (now - _EPOCH) / timedelta(days=1) else _EPOCH


def _moment(time: datetime) -> int:
    """Give the microseconds since 1970."""
    return (time - _EPOCH) // _MICROSECOND


def _of(owner: str | None) -> tuple[ColumnElement[bool], ...]:
    return () if owner is None else (tables.recordings.c.owner == owner,)


def _that(filters: Filters) -> Iterator[ColumnElement[bool]]:
    kept = tables.recordings.c
    for name in ("kind", "subject", "emotion"):
        if wanted := getattr(filters, name):
            yield kept[name] == wanted
    if filters.unsure is not None:
        yield kept.unsure.is_(filters.unsure)
    if filters.since is not None:
        yield kept.created >= _moment(filters.since)
    if filters.until is not None:
        yield kept.created < _moment(filters.until)


def _place(cursor: str) -> tuple[int, str]:
    found = _CURSOR.fullmatch(cursor)
    if not found:
        raise UsageError("There is no such page; accepted is what 'next' of the page before says.")
    return int(found[1]), found[2]


def _recording(row: Row[Any]) -> Recording:
    stored = dict(row._mapping)
    stored["created"] = _EPOCH + stored["created"] * _MICROSECOND
    stored["answer"] = json.loads(stored.get("answer", "{}"))
    return Recording(**stored)
