"""Download one file: whole, verified and under its own name, or not at all.

What has arrived waits in a `.part` file beside the target, so an interrupted download goes on where it stopped. It is
continued only if the server says that its file is still the same one.
"""

import hashlib
import http.client
import json
import os
import time
import urllib.error
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from intone import web
from intone.corpora.corpus import Source
from intone.corpora.progress import OfBytes, no_progress
from intone.errors import CorpusError

ATTEMPTS = 5
"""How often a download is tried before giving up; an attempt that brought something new does not count."""
TIMEOUT_SECONDS = 30.0
"""How long the server may stay silent."""
BLOCK_BYTES = 1 << 18
MAX_BYTES = 8 << 30
"""No corpus here is half as large; what goes on beyond it is not one."""
_PASSING = {408, 425, 429, 500, 502, 503, 504}  # statuses that another try may mend

Wait = Callable[[float], None]


def fetch(
    source: Source,
    folder: str | os.PathLike[str],
    *,
    progress: OfBytes = no_progress,
    attempts: int = ATTEMPTS,
    wait: Wait = time.sleep,
) -> Path:
    """Download an archive into a folder, going on with what an earlier try left there.

    Parameters
    ----------
    source : Source
        What to download. Its size and checksum are verified where they are known.
    folder : path
        Where the archive goes; made if it is missing.
    progress : callable
        Called with the bytes that are there and the bytes that are due, or None where the server does not say.
    attempts : int, default 5
        How many times in a row a try may bring nothing before giving up.
    wait : callable, default `time.sleep`
        Called with the seconds to pause before another try: 1, 2, 4 and so on.

    Returns
    -------
    pathlib.Path
        The archive, complete. One that is already there and verified is not downloaded again.

    Raises
    ------
    CorpusError
        The server cannot be reached or refuses, keeps breaking off, or serves something other than what was expected.
        The archive's own name is never given to anything unverified.
    """
    if not web.is_address(source.url):
        raise CorpusError(f"{source.url}: only http and https addresses are downloaded from.")
    target = Path(folder) / source.filename
    try:
        if target.exists() and _differs(target, source) is None:
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        download = _Download(source, target, progress)
        _complete(download, attempts, wait)
        wrong = _differs(download.part, source)
        if wrong is None:
            download.part.replace(target)
        download.forget()
    except OSError as error:
        raise CorpusError(f"{target}: the download cannot be written ({error}).") from error
    if wrong is not None:
        raise CorpusError(
            f"{source.url}: {wrong}. The download was removed; if this happens again, the file there has changed."
        )
    return target


def _complete(download: "_Download", attempts: int, wait: Wait) -> None:
    """Try until everything is there, or nothing new has come for so many tries."""
    furthest, failures = download.done, 0
    while not download.complete:
        try:
            download.attempt()
        except _PassingError as error:
            failures = 1 if download.done > furthest else failures + 1
            furthest = max(furthest, download.done)
            if failures >= attempts:
                raise CorpusError(
                    f"{download.source.url}: given up after {attempts} tries that brought nothing new ({error}). "
                    "What arrived is kept; the same command goes on from there where the server allows it."
                ) from error
            wait(2.0 ** (failures - 1))


class _PassingError(Exception):
    """A fault that another try may mend."""


@dataclass
class _Download:
    """A file on its way: how much of it is there, and which version of it that is."""

    source: Source
    target: Path
    progress: OfBytes
    complete: bool = False

    @property
    def part(self) -> Path:
        return self.target.with_name(f"{self.target.name}.part")

    @property
    def _stamp(self) -> Path:
        return self.target.with_name(f"{self.target.name}.part.json")

    @property
    def done(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def forget(self) -> None:
        """Remove what has arrived."""
        self.part.unlink(missing_ok=True)
        self._stamp.unlink(missing_ok=True)

    def attempt(self) -> None:
        """Ask for what is lacking and write down what comes."""
        headers = {"User-Agent": "intone", "Accept-Encoding": "identity"}
        validator = self._validator()
        start = self.done
        if start and validator is None:
            # Nothing tells whether the server's file is still the one that we hold the beginning of.
            self.forget()
            start = 0
        if start and validator is not None:
            headers |= {"Range": f"bytes={start}-", "If-Range": validator}
        request = web.request(self.source.url, headers=headers)
        try:
            answer = web.opener(follow=True).open(request, timeout=TIMEOUT_SECONDS)
        except urllib.error.HTTPError as error:
            with error:
                self._refused(error)
            return
        except (http.client.HTTPException, OSError) as error:
            raise _PassingError(_reason(error)) from error
        with answer:
            self._receive(answer, start)

    def _receive(self, answer: Any, start: int) -> None:
        resumed = answer.status == http.HTTPStatus.PARTIAL_CONTENT
        if resumed and not str(answer.headers.get("Content-Range", "")).startswith(f"bytes {start}-"):
            self.forget()
            raise _PassingError("the server sent another part of the file than was asked for")
        if resumed and _validator_of(answer) not in (None, self._validator()):
            self.forget()
            raise _PassingError("the server's file has changed since its beginning arrived")
        done = start if resumed else 0
        due = _due(answer, done)
        if not resumed:
            self._keep_validator(answer)
        limit = min(MAX_BYTES, self.source.size or MAX_BYTES)
        with self.part.open("ab" if resumed else "wb") as file:
            self.progress(done, due)
            for block in _blocks(answer):
                done += len(block)
                if done > limit:
                    break
                file.write(block)
                self.progress(done, due)
        if done > limit:
            self.forget()
            raise CorpusError(
                f"{self.source.url}: the server sends more than the {limit:,} bytes that are due; "
                "the file there has changed. The download was removed."
            )
        if due is not None and done < due:
            raise _PassingError(f"the connection closed after {done:,} of {due:,} bytes")
        if self.source.size is not None and done < self.source.size:
            # The server's own count is wrong or missing: try again as long as that brings more.
            raise _PassingError(f"the server ended after {done:,} of {self.source.size:,} bytes")
        self.complete = True

    def _refused(self, error: urllib.error.HTTPError) -> None:
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            if error.headers.get("Content-Range") == f"bytes */{self.done}":
                self.complete = True  # all of it had arrived before
                return
            self.forget()
            raise _PassingError("the server's file is shorter than what had arrived of it")
        if error.code in _PASSING:
            raise _PassingError(f"the server answers {error.code} {error.reason}")
        raise CorpusError(
            f"{self.source.url}: the server answers {error.code} {error.reason}; "
            "the archive may have moved, see the corpus's homepage."
        ) from error

    def _validator(self) -> str | None:
        """Give the tag of the version that the `.part` file is the beginning of."""
        if not self._stamp.exists():
            return None
        try:
            stamp = json.loads(self._stamp.read_text(encoding="utf-8"))
        except ValueError:  # cut short while it was written
            return None
        if not isinstance(stamp, dict) or stamp.get("url") != self.source.url:
            return None
        validator = stamp.get("validator")
        return validator if isinstance(validator, str) else None

    def _keep_validator(self, answer: Any) -> None:
        stamp = {"url": self.source.url, "validator": _validator_of(answer)}
        self._stamp.write_text(json.dumps(stamp), encoding="utf-8")


def _validator_of(answer: Any) -> str | None:
    """Give what tells this version of the file from another; RFC 9110 lets If-Range take no weak tag."""
    tag: str | None = answer.headers.get("ETag")
    if tag and not tag.startswith("W/"):
        return tag
    modified: str | None = answer.headers.get("Last-Modified")
    return modified


def _blocks(answer: Any) -> Iterator[bytes]:
    while True:
        try:
            block: bytes = answer.read(BLOCK_BYTES)
        except (http.client.HTTPException, OSError) as error:
            raise _PassingError(_reason(error)) from error
        if not block:
            return
        yield block


def _due(answer: Any, start: int) -> int | None:
    length = answer.headers.get("Content-Length")
    return start + int(length) if length is not None and length.isdigit() else None


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", None)
    return str(reason or error) or type(error).__name__


def _differs(path: Path, source: Source) -> str | None:
    """Say in what a file differs from the one expected, if it does."""
    size = path.stat().st_size
    if source.size is not None and size != source.size:
        return f"{size:,} bytes arrived where {source.size:,} are due"
    if source.checksum is None:
        return None
    kind, _, due = source.checksum.partition(":")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, lambda: hashlib.new(kind, usedforsecurity=False)).hexdigest()
    return None if found == due.lower() else f"the {kind} checksum is {found} where {due} is due"
