"""API keys: made and revoked by command, kept as hashes alone."""

import hashlib
import json
import os
import secrets
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from intone.errors import UsageError, unknown

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

PREFIX = "intone_"
KEY_BYTES = 32


@dataclass(frozen=True)
class Entry:
    """What is kept of a key; ``digest`` is its SHA-256, which is as good as the key's 256 random bits."""

    id: str
    name: str
    digest: str
    created: str
    revoked: str = ""


class Keys:
    """The keys of a service, in a file that only its owner can read. It is read again when it has changed.

    Parameters
    ----------
    path : pathlib.Path
        The file; it need not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stamp: tuple[int, int] | None = None
        self._entries: list[Entry] = []

    @property
    def entries(self) -> list[Entry]:
        """All keys, revoked ones too, in the order of their making.

        Raises
        ------
        UsageError
            The file holds no keys.
        """
        try:
            about = self.path.stat()
            stamp = (about.st_mtime_ns, about.st_ino)
            if stamp != self._stamp:
                stored: Any = json.loads(self.path.read_text(encoding="utf-8"))
                self._entries, self._stamp = [Entry(**entry) for entry in stored["keys"]], stamp
        except FileNotFoundError:
            self._entries, self._stamp = [], None
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise UsageError(f"{self.path}: no file of keys; 'intone keys create' writes one.") from error
        return self._entries

    def create(self, name: str) -> str:
        """Make a key, and give it; it is not kept, and cannot be shown again."""
        key = PREFIX + secrets.token_urlsafe(KEY_BYTES)
        with self._alone():
            self._write([*self.entries, Entry(secrets.token_hex(4), name, _digest(key), _now())])
        return key

    def revoke(self, id_or_name: str) -> Entry:
        """Let a key be accepted no more.

        Raises
        ------
        UsageError
            There is no such key in use, or several have that name.
        """
        with self._alone():
            active = [entry for entry in self.entries if not entry.revoked]
            found = [entry for entry in active if id_or_name in (entry.id, entry.name)]
            if not found:
                raise unknown("key in use", id_or_name, [name for entry in active for name in (entry.name, entry.id)])
            if len(found) > 1:
                ids = ", ".join(entry.id for entry in found)
                raise UsageError(f"Several keys have the name '{id_or_name}'; accepted is one of their ids: {ids}.")
            (entry,) = found
            ended = replace(entry, revoked=_now())
            self._write([ended if one is entry else one for one in self.entries])
        return ended

    def owner(self, key: str) -> str | None:
        """Give the id of a key that is accepted; None for any other text."""
        digest = _digest(key)
        # By hash: what can be learned from the time that a look-up takes is nothing of the key.
        return next((entry.id for entry in self.entries if entry.digest == digest and not entry.revoked), None)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Let nobody else change the file meanwhile, and forget what was read of it before."""
        _ = self.entries  # where there is no place for keys, no lock is left behind
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # Beside the file and never removed: the file itself is another after each change.
            lock = os.open(self.path.parent / f".{self.path.name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            try:
                _lock(lock)
            except OSError as error:
                raise self._unwritable(error) from error
            self._stamp = None
            yield
        finally:
            os.close(lock)  # which unlocks it

    def _write(self, entries: list[Entry]) -> None:
        content = json.dumps({"keys": [asdict(entry) for entry in entries]}, indent=1)
        written: Path | None = None
        try:
            with tempfile.NamedTemporaryFile(  # which nobody else may read
                "w", dir=self.path.parent, prefix=".keys-", delete=False, encoding="utf-8"
            ) as draft:
                written = Path(draft.name)
                draft.write(content)
                draft.flush()
                os.fsync(draft.fileno())
            written.replace(self.path)
        except OSError as error:
            if written is not None:
                written.unlink(missing_ok=True)
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> UsageError:
        return UsageError(f"{self.path}: the keys cannot be written ({error.strerror}).")


def _lock(file: int) -> None:
    """Wait until nobody else has a file locked, and lock it."""
    if sys.platform == "win32":
        msvcrt.locking(file, msvcrt.LK_LOCK, 1)
    else:
        fcntl.flock(file, fcntl.LOCK_EX)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _digest(key: str) -> str:
    # Whatever a client sends as a key has a digest, halves of surrogate pairs too: that of no key.
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def default_path() -> Path:
    """Give where keys are kept unless said otherwise."""
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(home) / "intone" / "keys.json"
