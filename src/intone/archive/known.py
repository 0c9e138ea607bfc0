"""What of an archive has been done, in some tens of bytes for each recording."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from intone.archive import index
from intone.archive.entries import Entry, Refusal
from intone.archive.index import Index
from intone.archive.schema import ERRORS, RECORDINGS
from intone.archive.tables import Part, Tables


@dataclass(frozen=True)
class Row:
    """A row that a recording has; ``current`` says whether it is of this version of the file, by size and time."""

    part: Part
    current: bool
    _start: int

    def holds(self, sha256: str | None) -> bool:
        """Say whether the row is of what the file holds."""
        return sha256 is not None and self._start == _start(sha256)


class Known:
    """The recordings and errors in an archive's tables.

    Parameters
    ----------
    tables : Tables
        They are read once, and then told of by :meth:`add`.
    by : str
        The column that says whose baseline a recording is heard beside: the same sound of two speakers is two sounds.
    """

    def __init__(self, tables: Tables, by: str) -> None:
        self._by = by
        self._parts: list[Part] = []
        self._paths, self._sounds, self._sizes = Index(4), Index(1), Index()
        for part in tables.parts(RECORDINGS):
            self._load(tables, part)
        for part in tables.parts(ERRORS):
            self._load(tables, part)

    def rows(self, listed: Sequence[Entry | Refusal]) -> list[Row | None]:
        """Give the row that each of some recordings has."""
        found, values = self._paths.find(index.key(one.path) for one in listed)
        now = np.array([(one.size, one.modified) if isinstance(one, Entry) else (-1, -1) for one in listed])
        current = (values[:, :2] == now.reshape(-1, 2)).all(axis=1)
        return [
            Row(self._parts[part], same, start) if there else None
            for there, (part, start), same in zip(found.tolist(), values[:, 2:].tolist(), current.tolist(), strict=True)
        ]

    def sound(self, sha256: str, group: str | None) -> Part | None:
        """Say in which part a sound has been answered, beside the baseline of a group; None where it has not."""
        found = self._sounds.get(index.key(sha256, group or ""))
        return None if found is None else self._parts[found[0]]

    def sizes(self, listed: Sequence[Entry]) -> NDArray[np.bool_]:
        """Say which of some recordings are as large as one that is known or has been listed."""
        return self._sizes.find(index.of_number(entry.size) for entry in listed)[0]

    def add_sizes(self, listed: Sequence[Entry]) -> None:
        """Take note of recordings that have been listed."""
        self._sizes.add({index.of_number(entry.size) for entry in listed})

    def add_sounds(self, name: str, sounds: Sequence[tuple[str, str | None]]) -> None:
        """Take note of the sounds, as SHA-256 and group, that a new part of recordings answers."""
        self._parts.append(Part(RECORDINGS, name))
        keys = [index.key(sha256, group or "") for sha256, group in sounds]
        self._sounds.add(keys, [[len(self._parts) - 1]] * len(keys))

    def _load(self, tables: Tables, part: Part) -> None:
        import pyarrow as pa

        number = len(self._parts)
        self._parts.append(part)
        heard = part.table == RECORDINGS
        also = ["sha256", *filter(None, [self._by])] if heard else []
        rows = tables.read(part, ["path", "size", "modified", *also])
        sizes, modified = (
            rows[name].cast(pa.int64()).fill_null(-1).to_numpy().reshape(-1, 1) for name in ("size", "modified")
        )
        paths = [index.key(path) for path in rows["path"].to_pylist()]
        hashes = rows["sha256"].to_pylist() if heard else [""] * len(rows)
        starts = np.array([_start(sha256) for sha256 in hashes], np.int64).reshape(-1, 1)
        self._paths.add(paths, np.concatenate([sizes, modified, np.full_like(sizes, number), starts], axis=1))
        if heard:
            groups = rows[self._by].to_pylist() if self._by else [None] * len(rows)
            each = zip(hashes, groups, strict=True)
            self._sounds.add([index.key(sha256, group or "") for sha256, group in each], np.full_like(sizes, number))
            self._sizes.add({index.of_number(size) for size in sizes[:, 0].tolist()})


def _start(sha256: str) -> int:
    """Give so much of a hash as two versions of one file never share."""
    return int(sha256[:15] or "0", 16)
