"""Where recordings lie: files of this machine, or URLs of any store that fsspec knows (s3://, gs://, …)."""

import hashlib
import io
import re
import stat
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from intone.archive.entries import LATEST, NOTHING, Entry, Refusal, Told, moment
from intone.errors import IntoneError, MissingExtraError, NotSoundError, SoundNotFoundError
from intone.hear.audio import SUFFIXES, Sound

READ_BYTES = 2**20
"""How much is read at a time where a whole file is gone through."""
MEMORY_BYTES = 2**24
"""A file from elsewhere that is larger than this is kept on disk while it is heard."""
ONCE_BYTES = 2**22
"""A file of this machine that is no larger is read once, for its digest and to be heard, and is in memory meanwhile."""
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_OURS = "file://"
_SUFFIXES = tuple(SUFFIXES)


def is_url(place: str) -> bool:
    """Say whether a place is elsewhere.

    Examples
    --------
    >>> is_url("s3://calls/one.wav"), is_url("calls/one.wav"), is_url("C:/calls/one.wav")
    (True, False, False)
    """
    return _URL.match(place) is not None


def ours(place: str) -> str:
    """Take a file:// URL to the path that it is; other places stay."""
    return place.removeprefix(_OURS) if place.startswith(_OURS) else place


def store(url: str) -> tuple[Any, str]:
    """Give the file system behind a URL, and what that calls it.

    Raises
    ------
    MissingExtraError
        What it needs is not installed.
    SoundNotFoundError
        No such system is known, or it cannot be reached.
    """
    try:
        import fsspec.core

        # What was listed is not to be remembered: an archive may hold millions of files.
        system, path = fsspec.core.url_to_fs(url, use_listings_cache=False)
    except ImportError as error:
        kind = url.partition("://")[0]
        hint = "'intone[s3]'" if kind.startswith("s3") else f"'intone[archive]' and what fsspec needs for {kind}://"
        raise MissingExtraError(f"{url}: {error}; pip install {hint}.") from error
    except failures() as error:
        raise SoundNotFoundError(f"{url}: it cannot be reached ({_first_line(error)}).") from error
    return system, path


def failures() -> tuple[type[Exception], ...]:
    """Gather what stores raise: those of Amazon's library share no parent with the system's errors."""
    theirs = sys.modules.get("botocore.exceptions")
    amazons = () if theirs is None else (theirs.BotoCoreError, theirs.ClientError)
    return (OSError, ValueError, *amazons)


def at(place: str, told: Told = NOTHING) -> Entry | Refusal:
    """Look up a file that is named, whatever its ending."""
    try:
        return _remote(place, told) if is_url(place) else _local(place, told)
    except IntoneError as error:
        return Refusal(place, error)


def _local(place: str, told: Told) -> Entry:
    try:
        found = Path(place).stat()
    except FileNotFoundError as error:
        raise SoundNotFoundError(f"{place}: there is no such file.") from error
    except (OSError, ValueError) as error:  # a NUL in the name
        raise SoundNotFoundError(f"{place}: the file cannot be opened ({_first_line(error)}).") from error
    if not stat.S_ISREG(found.st_mode):
        kind = "a folder" if stat.S_ISDIR(found.st_mode) else "a device"
        raise NotSoundError(f"{place}: this is {kind}; a recording is needed.")
    return Entry(place, found.st_size, min(found.st_mtime_ns // 1000, LATEST), told)


def _remote(url: str, told: Told) -> Entry:
    system, path = store(url)
    try:
        details = system.info(path)
    except FileNotFoundError as error:
        raise SoundNotFoundError(f"{url}: there is no such file.") from error
    except failures() as error:
        raise SoundNotFoundError(f"{url}: the file cannot be opened ({_first_line(error)}).") from error
    if details["type"] == "directory":
        raise NotSoundError(f"{url}: this is a folder; a recording is needed.")
    return of_details(url, details, told)


def of_details(url: str, details: Mapping[str, Any], told: Told = NOTHING) -> Entry:
    """Read what a store says of a file; each has a word of its own for when it was changed."""
    words = ("LastModified", "last_modified", "mtime", "updated", "created")
    when = next((details[word] for word in words if details.get(word) is not None), 0)
    if isinstance(when, str):
        when = datetime.fromisoformat(when)
    modified = moment(when) if isinstance(when, datetime) else int(float(when) * 1e6)
    return Entry(url, int(details.get("size") or details.get("Size") or 0), modified, told)


def is_recording(name: str) -> bool:
    """Say whether a file found in a folder is taken for a recording: by its ending, and not if it is hidden."""
    return not name.startswith(".") and name.lower().endswith(_SUFFIXES)


# --- What is in it ---------------------------------------------------------------------------------------------------


@contextmanager
def content(entry: Entry, sha256: str | None = None) -> Iterator[tuple[Sound, str]]:
    """Give what a recording holds, for the door, and its SHA-256.

    Where that is known, ``sha256``, a large file of this machine that has not changed is not read for it again.

    Raises
    ------
    SoundNotFoundError
        It cannot be read.
    """
    sound: Sound
    with ExitStack() as until_heard:
        try:
            if is_url(entry.place):
                sound, found = until_heard.enter_context(_fetched(entry))
            elif (whole := _small(entry)) is not None:
                sound, found = whole, hashlib.sha256(whole).hexdigest()
            else:
                known = sha256 if at(entry.place, entry.told) == entry else None  # it may have changed since
                sound, found = entry.place, known or digest(entry)
        except failures() as error:
            raise SoundNotFoundError(f"{entry.path}: the file cannot be read ({_first_line(error)}).") from error
        yield sound, found


def _small(entry: Entry) -> bytes | None:
    """Read a file of this machine whole; None where it is too large, though it was listed as small."""
    if entry.size > ONCE_BYTES:
        return None
    with _opened(entry.place) as file:
        whole: bytes = file.read(ONCE_BYTES + 1)
    return whole if len(whole) <= ONCE_BYTES else None


def digest(entry: Entry) -> str:
    """Give the SHA-256 of a file; raises one of :func:`failures` where it cannot be read."""
    hashed = hashlib.sha256()
    with _opened(entry.place) as file:
        while part := file.read(READ_BYTES):
            hashed.update(part)
    return hashed.hexdigest()


@contextmanager
def _fetched(entry: Entry) -> Iterator[tuple[IO[bytes], str]]:
    """Give a file from elsewhere as one that can seek; it is gone when this ends, however it does."""
    hashed = hashlib.sha256()
    with io.BytesIO() if entry.size <= MEMORY_BYTES else tempfile.TemporaryFile() as kept:
        with _opened(entry.place) as file:
            while part := file.read(READ_BYTES):
                hashed.update(part)
                kept.write(part)
        kept.seek(0)
        yield kept, hashed.hexdigest()


def _opened(place: str) -> Any:
    if not is_url(place):
        return Path(place).open("rb")
    system, path = store(place)
    return system.open(path, "rb", cache_type="readahead", block_size=4 * READ_BYTES)


def _first_line(error: Exception) -> str:
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return next(iter(said.splitlines()), type(error).__name__)
