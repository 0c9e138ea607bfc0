"""API keys: made and revoked by command, kept as hashes alone."""

import hashlib
import json
import os
import secrets
import tempfile
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from intone.errors import UsageError, unknown

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
        made = datetime.now(UTC).isoformat(timespec="seconds")
        self._write([*self.entries, Entry(secrets.token_hex(4), name, _digest(key), made)])
        return key

    def revoke(self, id_or_name: str) -> Entry:
        """Let a key be accepted no more.

        Raises
        ------
        UsageError
            There is no such key in use, or several have that name.
        """
        active = [entry for entry in self.entries if not entry.revoked]
        found = [entry for entry in active if id_or_name in (entry.id, entry.name)]
        if not found:
            raise unknown("key in use", id_or_name, [entry.name for entry in active] + [entry.id for entry in active])
        if len(found) > 1:
            ids = ", ".join(entry.id for entry in found)
            raise UsageError(f"Several keys have the name '{id_or_name}'; accepted is one of their ids: {ids}.")
        (entry,) = found
        ended = Entry(
            entry.id, entry.name, entry.digest, entry.created, datetime.now(UTC).isoformat(timespec="seconds")
        )
        self._write([ended if one is entry else one for one in self.entries])
        return ended

    def owner(self, key: str) -> str | None:
        """Give the id of a key that is accepted; None for any other text."""
        digest = _digest(key)
        # By hash: what can be learned from the time that a look-up takes is nothing of the key.
        return next((entry.id for entry in self.entries if entry.digest == digest and not entry.revoked), None)

    def _write(self, entries: list[Entry]) -> None:
        content = json.dumps({"keys": [asdict(entry) for entry in entries]}, indent=1)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(  # which nobody else may read
                "w", dir=self.path.parent, prefix=".keys-", delete=False, encoding="utf-8"
            ) as draft:
                draft.write(content)
                draft.flush()
                os.fsync(draft.fileno())
            Path(draft.name).replace(self.path)
        except OSError as error:
            raise UsageError(f"{self.path}: the keys cannot be written ({error.strerror}).") from error


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def default_path() -> Path:
    """Give where keys are kept unless said otherwise."""
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(home) / "intone" / "keys.json"
