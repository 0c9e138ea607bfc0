"""The database under a store: how it is reached, its tables, and the way to them from any earlier state."""

import logging
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import (
    URL,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Dialect,
    Double,
    Engine,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    TypeDecorator,
    create_engine,
    event,
    inspect,
    make_url,
)
from sqlalchemy.exc import DatabaseError, OperationalError, SQLAlchemyError

from intone.errors import MissingExtraError, UsageError
from intone.paths import encodable

SQLITE, DRIVER = "sqlite:///", "postgresql+psycopg://"
BUSY_SECONDS = 10
"""For so long a process waits for others that write to the same SQLite file."""
RETRY_SECONDS = 0.01
"""How often it looks, where SQLite does not wait by itself."""
CONNECT_SECONDS = 10
"""For so long a PostgreSQL server may take to answer."""
VACUUM_MOST_BYTES = 2**28
"""A larger SQLite file is not written anew after a deletion: for seconds nothing could be kept."""
VACUUM_ROOM = 2
"""It takes so many times the file's size while it is written anew (SQLite's documentation of VACUUM)."""
VERSIONS = "intone_version"
"""The table that tells how far a database has come; other users of Alembic may share a database with us."""
_WRITES = "intone_writes"  # the option of a connection that is to write
_ADVISORY_LOCK = 0x696E746F6E65  # "intone": PostgreSQL's locks of this kind have numbers for names
_OPENING = threading.Lock()  # Alembic's context is one for all threads
_LOG = logging.getLogger(__name__)


class Words(TypeDecorator[str]):
    """Text that somebody else chose. What either engine cannot hold is written otherwise in both, and sought so too."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's
        """Write a byte that is no UTF-8 as an escape, and the character NUL as the one for what cannot be shown."""
        return None if value is None else str(encodable(value)).replace("\0", "\ufffd")


metadata = MetaData()
recordings = Table(
    "recordings",
    metadata,
    Column("id", Words(), nullable=False),
    Column("owner", Words(), nullable=False),
    Column("created", BigInteger, nullable=False),  # microseconds since 1970, UTC: sorts alike everywhere
    Column("kind", Words(), nullable=False),
    Column("name", Words(), nullable=False),
    Column("subject", Words(), nullable=False),
    Column("duration", Double, nullable=False),
    Column("model", Words(), nullable=False),
    Column("emotion", Words(), nullable=False),
    Column("confidence", Double, nullable=False),
    Column("unsure", Boolean, nullable=False),
    Column("has_sound", Boolean, nullable=False),
    Column("answer", Text, nullable=False),  # the last, as SQLite reads a row from its start
    PrimaryKeyConstraint("id", name="recordings_pk"),
    Index("recordings_by_time", "created", "id"),
    Index("recordings_by_owner", "owner", "created", "id"),
    Index("recordings_by_subject", "owner", "subject", "created", "id"),
    Index("recordings_by_emotion", "owner", "emotion", "created", "id"),
)
sounds = Table(
    "sounds",
    metadata,
    Column("id", Words(), nullable=False),
    Column("content", LargeBinary, nullable=False),
    PrimaryKeyConstraint("id", name="sounds_pk"),
    ForeignKeyConstraint(["id"], ["recordings.id"], name="sounds_of_recordings", ondelete="CASCADE"),
)


class _UnfitError(Exception):
    """A database that this version cannot work with; the message is the end of a sentence."""


class LostFileError(SQLAlchemyError):
    """The file that was opened is no longer at its path; what would be written into it would be gone with it."""


class Database:
    """A database that is open and up to date.

    Parameters
    ----------
    url : str
        As :func:`intone.serve.store.accepted` gives it.

    Raises
    ------
    UsageError, MissingExtraError
        As of :class:`intone.serve.store.Store`.
    """

    def __init__(self, url: str) -> None:
        self._file = Path(url.removeprefix(SQLITE)) if url.startswith(SQLITE) else None
        self._opened: tuple[int, int] | None = None
        self._lost = False
        self._engine = _sqlite(self._file) if self._file else _postgres(url)
        self._writer = self._engine.execution_options(**{_WRITES: True})
        self._erasing, self._deleted = threading.Lock(), object()
        self._erased = self._deleted
        name = shown(url)
        try:
            self._open()
        except OSError as error:
            raise UsageError(f"{name}: the store cannot be opened ({error.strerror}).") from error
        except _UnfitError as error:
            self.close()
            raise UsageError(f"{name}: the store cannot be opened: {error}.") from None
        except SQLAlchemyError as error:
            self.close()
            raise UsageError(f"{name}: the store cannot be opened ({reason(error)}).") from None

    def _open(self) -> None:
        with _OPENING:
            if self._file and not self._file.exists():
                # Nobody else may read it, and SQLite gives its -wal and -shm the mode of the file.
                self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._file.touch(mode=0o600)
            self._opened = self._at_path()
            with self.writing() as connection:
                _upgrade(connection)
            if self._file:
                with self.reading() as connection:
                    if not _patiently(lambda: _logs_ahead(connection)):
                        raise _UnfitError("another program keeps it locked")

    def reading(self) -> AbstractContextManager[Connection]:
        """Give a connection to ask with; raised is as by :meth:`writing`."""
        self._check()
        return self._engine.connect()

    def writing(self) -> AbstractContextManager[Connection]:
        """Give a connection in a transaction, which ends with the block.

        Raises
        ------
        LostFileError
            The file of SQLite was removed or replaced since it was opened, if only for a time.
        """
        self._check()
        return self._writer.begin()

    def _check(self) -> None:
        # An open file outlives its name, and SQLite goes on writing into it without a word. Where the name is back, its
        # write-ahead log may be another one, so that only opening it anew is safe.
        if not self._lost and self._at_path() == self._opened:
            return
        if not self._lost:
            _LOG.error("%s was removed or replaced while it was open; nothing is kept until a new start", self._file)
        self._lost = True
        raise LostFileError("the file was removed or replaced while it was open")

    def _at_path(self) -> tuple[int, int] | None:
        """Say which file it is that lies at the path now; None where there is none, or it is a server's."""
        try:
            about = self._file.stat() if self._file else None
        except OSError:
            about = None
        return (about.st_dev, about.st_ino) if about else None

    def erase(self, deleted: int) -> None:
        """Leave nothing of so many deleted rows in the files of SQLite; a PostgreSQL server does that in its own time.

        SQLite writes zeros over what is deleted, but its log has the content until that is empty, and where pages were
        split or merged before, they may hold copies of what is elsewhere: only VACUUM is sure to leave none.
        """
        if not self._file:
            return
        if deleted:
            self._deleted = object()
        with self._erasing:
            deletion = self._deleted
            if self._erased is deletion:  # by another thread, for its own deletion and this one
                return
            if where := self._still_holding():
                _LOG.warning("%s; it goes with the next deletion", where)
            else:
                self._erased = deletion

    def _still_holding(self) -> str:
        """Empty the files of what was deleted; where that fails, say what holds it: it is deleted all the same."""
        held = ""
        try:
            with self.reading() as connection:
                pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
                size = pages * connection.exec_driver_sql("PRAGMA page_size").scalar_one()
                if size <= VACUUM_MOST_BYTES:
                    held = self._written_anew(connection, size)
                if not _patiently(lambda: _is_log_empty(connection)):
                    held = f"{self._file}-wal still holds what was deleted, as another program reads it"
        except (DatabaseError, LostFileError) as error:
            held = f"{self._file}-wal still holds what was deleted ({reason(error)})"
        return held

    def _written_anew(self, connection: Connection, size: int) -> str:
        """Write the file without what is deleted; give why not, if so."""
        why = "the disk is nearly full"
        try:
            if shutil.disk_usage(str(self._file)).free >= VACUUM_ROOM * size:
                connection.exec_driver_sql("VACUUM")
                return ""
        except OSError as error:
            why = error.strerror or str(error)
        except DatabaseError as error:
            why = reason(error)
        return f"{self._file} may still hold pieces of what was deleted ({why})"

    def close(self) -> None:
        """Let go of it."""
        self._engine.dispose()


def _sqlite(file: Path) -> Engine:
    # The path is not read from a URL, in which it would have to be escaped. What goes wrong may be logged, so no error
    # names the values that were to be written.
    made = create_engine(URL.create("sqlite", database=str(file)), hide_parameters=True)
    event.listen(made, "connect", _prepare)
    event.listen(made, "begin", _begin)
    return made


def _postgres(url: str) -> Engine:
    address = make_url(url)
    address = address.set(query={"connect_timeout": str(CONNECT_SECONDS), **address.query, "client_encoding": "utf8"})
    try:
        # A server may have been started anew since a connection was used last.
        return create_engine(address, hide_parameters=True, pool_pre_ping=True)
    except ImportError as error:
        raise MissingExtraError("A store in PostgreSQL needs psycopg: pip install 'intone[postgres]'.") from error


def _prepare(connection: Any, _: object) -> None:
    connection.isolation_level = None  # the driver begins no transaction by itself: it would not take the lock at once
    for setting in (
        f"busy_timeout = {BUSY_SECONDS * 1000}", "synchronous = FULL", "foreign_keys = ON", "secure_delete = ON",
    ):  # fmt: skip
        connection.execute(f"PRAGMA {setting}")


def _begin(connection: Connection) -> None:
    # A question is one statement and needs no transaction. Who writes waits for the lock before reading anything: one
    # that had read already would be refused if another wrote in between.
    if connection.get_execution_options().get(_WRITES):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _patiently(attempt: Callable[[], bool]) -> bool:
    """Try for a while what SQLite gives up at once where another process does the same; say whether it was done."""
    until = time.monotonic() + BUSY_SECONDS
    while not attempt():
        if time.monotonic() >= until:
            return False
        time.sleep(RETRY_SECONDS)
    return True


def _logs_ahead(connection: Connection) -> bool:
    """Let those who read not wait for those who write, with a write-ahead log; the file remembers it."""
    try:
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")
    except OperationalError as error:
        if getattr(error.orig, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:  # the rest says why
            return False
        raise
    return True


def _is_log_empty(connection: Connection) -> bool:
    """Move into the file what the log holds, and empty it."""
    return not connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").scalar_one()


def shown(url: str) -> str:
    """Name a file, or a server and its database without what is secret.

    Examples
    --------
    >>> shown("postgresql+psycopg://ann:secret@db.example.org/intone")
    'postgresql://db.example.org/intone'
    """
    if url.startswith(SQLITE):
        return url.removeprefix(SQLITE)
    server = make_url(url)
    return f"postgresql://{server.host or server.query.get('host', '')}/{server.database or ''}"


def reason(error: SQLAlchemyError) -> str:
    """Give what a database says went wrong, in one line and without the statement."""
    return " ".join(str(getattr(error, "orig", None) or error).split()).rstrip(".")


def _upgrade(connection: Connection) -> None:
    """Bring a database to the newest state, while no other process does.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        In a transaction, which on SQLite holds the lock of those who write.

    Raises
    ------
    _UnfitError
        It is of a newer Intone, or another program's.
    """
    postgres = connection.dialect.name == "postgresql"
    if postgres:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")
        encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
        if encoding != "UTF8":
            raise _UnfitError(f"its encoding is {encoding}; accepted is UTF8")
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    script = ScriptDirectory.from_config(config)
    found = set(MigrationContext.configure(connection, opts={"version_table": VERSIONS}).get_current_heads())
    if found - {step.revision for step in script.walk_revisions()}:
        raise _UnfitError("it was written by a newer Intone; update Intone, or choose another store")
    if not found and not postgres and inspect(connection).get_table_names():  # a file, unlike a server, is not shared
        raise _UnfitError("it holds the tables of another program")
    if found != set(script.get_heads()):
        command.upgrade(config, "head")
