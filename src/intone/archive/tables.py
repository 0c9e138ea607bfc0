"""The tables of an archive on disk: Parquet parts that are there whole or not at all.

A recording and its segments lie in parts of one name, and the segments are written first: a part of segments alone is
what a killed run left, and goes when the next begins. Rows that are to go are noted down before two parts are written
anew without them, so that a run that is killed in between finishes that first.
"""

import io
import json
import secrets
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from intone.archive import durable, options, schema
from intone.archive.schema import ERRORS, RECORDINGS, SEGMENTS, TABLES, Row, Segments
from intone.errors import ArchiveError, UsageError

if TYPE_CHECKING:
    import pyarrow

LOCK, NOTE = ".lock", ".dropped-"
BASELINES = "baselines"
"""Folder of the baselines of an archive's speakers."""


@dataclass(frozen=True)
class Part:
    """A part of a table: ``table`` is :data:`RECORDINGS` or :data:`ERRORS`, and ``name`` its hexadecimal name."""

    table: str
    name: str


class Tables:
    """The tables in a folder, which one run writes at a time; :func:`opened` gives them."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.baselines = out / BASELINES

    def parts(self, table: str) -> list[Part]:
        """List the parts of a table."""
        found = (self.out / table).glob("part-*.parquet")
        return sorted((Part(table, path.stem.removeprefix("part-")) for path in found), key=lambda part: part.name)

    def read(self, part: Part, columns: Sequence[str] | None = None) -> "pyarrow.Table":
        """Read columns of a part, all where they are not named.

        Raises
        ------
        ArchiveError
            It cannot be read, or is none of this version's.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self._path(part.table, part.name)
        try:
            # Arrow's threads reading through a Python file can end the process as it exits (apache/arrow issue 34314).
            with pa.BufferReader(path.read_bytes()) as file:
                found = pq.ParquetFile(file, pre_buffer=False)
                version = (found.schema_arrow.metadata or {}).get(schema.KEY, b"none").decode()
                if version != str(schema.VERSION):
                    raise ArchiveError(f"{path}: its schema is {version}; accepted is {schema.VERSION}.")
                return found.read(columns, use_threads=False)
        except (OSError, ValueError, KeyError) as error:  # pyarrow's are among them
            raise ArchiveError(
                f"{path}: not a part of an archive's tables ({error}); remove it, and its recordings are heard again."
            ) from error

    def write(self, recordings: Sequence[Row], segments: Mapping[str, Segments], errors: Sequence[Row]) -> str:
        """Write rows as new parts; ``segments`` are those of each of the recordings, by path.

        Returns
        -------
        str
            The name of the parts.
        """
        name = secrets.token_hex(8)
        if any(segments.values()):
            self._write(SEGMENTS, name, schema.tabled_segments(segments))
        try:
            if recordings:
                self._write(RECORDINGS, name, schema.tabled(RECORDINGS, recordings))
        except BaseException:  # segments alone say nothing
            self._path(SEGMENTS, name).unlink(missing_ok=True)
            raise
        if errors:
            self._write(ERRORS, name, schema.tabled(ERRORS, errors))
        return name

    def drop(self, part: Part, paths: Iterable[str]) -> None:
        """Write a part, and its segments, anew without the rows of some recordings."""
        note = self.out / f"{NOTE}{part.name}.json"
        if part.table == RECORDINGS and self._path(SEGMENTS, part.name).exists():
            durable.write(note, json.dumps({"part": part.name, "paths": list(paths)}).encode())
            self._finish(note)
        else:
            self._without(part.table, part.name, paths)

    def row(self, part: Part, sha256: str, **also: str | None) -> tuple[Row, Segments] | None:
        """Find the row of a sound, and its segments; ``also`` says what other columns of it hold."""
        if not self._path(part.table, part.name).exists():
            return None
        rows = self.read(part).to_pylist()
        wanted = {"sha256": sha256, **also}
        row = next((row for row in rows if all(row[name] == value for name, value in wanted.items())), None)
        if row is None:
            return None
        if not self._path(SEGMENTS, part.name).exists():
            return row, ()
        import pyarrow.compute as pc

        table = self.read(Part(SEGMENTS, part.name))
        own = table.filter(pc.equal(table["path"], row["path"])).select(schema.SEGMENT)
        return row, [tuple(line.values()) for line in own.to_pylist()]

    def clean(self) -> None:
        """Finish or remove what a killed run left."""
        for note in sorted(self.out.glob(f"{NOTE}*.json")):
            self._finish(note)
        for folder in (self.out, self.baselines, *(self.out / table for table in TABLES)):
            for draft in folder.glob(f".*{durable.DRAFT}"):
                durable.remove(draft)
        whole = {part.name for part in self.parts(RECORDINGS)}
        for part in self.parts(SEGMENTS):
            if part.name not in whole:
                durable.remove(self._path(SEGMENTS, part.name))

    def forget(self, sources: Sequence[str]) -> None:
        """Drop the errors of lines of manifests and of folders of these sources, which are about to be found anew."""
        for part in self.parts(ERRORS):
            rows = self.read(part, ["path", "size"]).to_pylist()
            listings = [row["path"] for row in rows if row["size"] is None]
            if ours := [path for path in listings if any(_is_of(path, source) for source in sources)]:
                self.drop(part, ours)

    def _finish(self, note: Path) -> None:
        try:
            noted = json.loads(note.read_bytes())
            name, paths = str(noted["part"]), list(map(str, noted["paths"]))
        except OSError as error:
            raise durable.refused(note, error) from error
        except (ValueError, KeyError, TypeError) as error:
            raise ArchiveError(
                f"{note}: this note of rows that are being replaced is damaged ({error}); accepted is another "
                "folder for --out."
            ) from error
        for table in (RECORDINGS, SEGMENTS):
            self._without(table, name, paths)
        durable.remove(note)

    def _without(self, table: str, name: str, paths: Iterable[str]) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc

        path = self._path(table, name)
        if not path.exists():
            return
        rows = self.read(Part(table, name))
        kept = rows.filter(pc.invert(pc.is_in(rows["path"], value_set=pa.array(list(paths), pa.string()))))
        if len(kept) == 0:
            durable.remove(path)
        elif len(kept) < len(rows):
            self._write(table, name, kept)

    def _write(self, table: str, name: str, rows: "pyarrow.Table") -> None:
        import pyarrow.parquet as pq

        held = io.BytesIO()
        pq.write_table(rows, held, compression="zstd")
        durable.write(self._path(table, name), held.getvalue())

    def _path(self, table: str, name: str) -> Path:
        return self.out / table / f"part-{name}.parquet"


def _is_of(path: str, source: str) -> bool:
    """Say whether what could not be listed is a source, a folder in it or a line of it."""
    return path == source or (path.startswith(source) and path[len(source) :].startswith(("/", ":")))


@contextmanager
def opened(out: Path, remembered: Mapping[str, Any]) -> Iterator[Tables]:
    """Make or take up the tables in a folder, for one run alone; ``remembered`` are its options.

    Raises
    ------
    UsageError
        The folder holds something else, tables made with other options, or another run writes there now.
    ArchiveError
        It cannot be written.
    """
    folders = [out / name for name in (*TABLES, BASELINES)]
    try:
        if not (out / options.FILE).exists() and any(folder.exists() for folder in folders):
            raise UsageError(
                f"{out}: this folder holds tables without {options.FILE}; accepted is a new or empty folder."
            )
        out.mkdir(parents=True, exist_ok=True)
        lock = (out / LOCK).open("ab")
    except OSError as error:
        raise durable.refused(out, error) from error
    with lock:
        _alone(lock, out)
        options.keep(out, remembered)
        tables = Tables(out)
        try:
            for folder in folders:
                folder.mkdir(exist_ok=True)
        except OSError as error:
            raise durable.refused(out, error) from error
        tables.clean()
        yield tables


def _alone(lock: IO[bytes], out: Path) -> None:
    """Take the lock, which the system takes back from a run that ends, however it does."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise UsageError(
            f"{out}: another run writes there now; wait for it, or choose another folder for --out."
        ) from error
