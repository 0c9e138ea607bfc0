"""Manifests: a table of recordings (.csv or .parquet) that tells who speaks in each, to whom, and when."""

import csv
import io
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from intone.archive import places
from intone.archive.entries import EARLIEST, LATEST, Entry, Refusal, Told, moment
from intone.errors import ManifestError, UsageError
from intone.paths import is_file, is_folder, is_there

ENDINGS = (".csv", ".parquet")
TOLD = ("speaker", "agent", "queue", "time")
"""Columns that a manifest may have beside ``path``; any other is left alone."""
TOGETHER = 256
"""How many recordings of a manifest are looked up at a time ..."""
ASKING = 16
"""... and how many of them at once where they lie elsewhere, which takes a while to answer."""

Line = tuple[str, Mapping[str, Any]]
"""Where a line stands, as ``calls.csv:17``, and what stands in it."""


def is_manifest(source: str) -> bool:
    """Say whether a source is a manifest, by its ending."""
    return source.lower().endswith(ENDINGS) and not is_folder(source)


def entries(manifest: str) -> Iterator[Entry | Refusal]:
    """List the recordings of a manifest; a line that cannot be read is a refusal of its own.

    Raises
    ------
    UsageError
        It is no manifest.
    """
    named = _named(manifest)
    with ThreadPoolExecutor(ASKING) as pool:
        while lines := list(islice(named, TOGETHER)):
            away = any(not isinstance(one, Refusal) and places.is_url(one[0]) for one in lines)
            yield from (pool.map if away else map)(_looked_up, lines)


def groups(manifest: str, column: str) -> Iterator[tuple[str, str]]:
    """Give the place of each recording for which a column tells something, and what that is; none is looked up."""
    for one in _named(manifest):
        if not isinstance(one, Refusal) and (group := getattr(one[1], column)) is not None:
            yield one[0], group


def _looked_up(one: tuple[str, Told] | Refusal) -> Entry | Refusal:
    return one if isinstance(one, Refusal) else places.at(*one)


def _named(manifest: str) -> Iterator[tuple[str, Told] | Refusal]:
    for where, line in _lines(manifest):
        try:
            yield _read(manifest, where, line)
        except ManifestError as error:
            yield Refusal(where, error)


def _read(manifest: str, where: str, line: Mapping[str, Any]) -> tuple[str, Told]:
    path = _text(line.get("path"))
    if path is None or "\0" in path:
        raise ManifestError(f"{where}: no path stands there; accepted is that of a recording.")
    told = {name: _text(line.get(name)) for name in TOLD if name != "time"}
    return _beside(manifest, path), Told(**told, time=_time(where, line.get("time")))


def _text(value: Any) -> str | None:
    return None if value is None or str(value).strip() == "" else str(value).strip()


def _time(where: str, value: Any) -> int | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    try:
        found = moment(value if isinstance(value, datetime) else datetime.fromisoformat(str(value).strip()))
        if not EARLIEST <= found <= LATEST:
            raise ValueError("no year of UTC")
        return found
    except (ValueError, OverflowError) as error:
        raise ManifestError(
            f"{where}: the time is {str(value)[:60]!r}; accepted is ISO 8601, as in 2025-03-01T09:30:00Z."
        ) from error


def _beside(manifest: str, path: str) -> str:
    """Take a path that a manifest names to one from here."""
    path = places.ours(path)
    if places.is_url(path):
        return path
    if places.is_url(manifest):
        return f"{manifest.rpartition('/')[0]}/{path}"
    return str(Path(manifest).parent / path)


# --- Lines -----------------------------------------------------------------------------------------------------------


def _lines(manifest: str) -> Iterator[Line]:
    try:
        reads = _of_csv if manifest.lower().endswith(".csv") else _of_parquet
        with _opened(manifest) as file:
            yield from reads(manifest, file)
    except places.failures() as error:  # pyarrow's are among them
        raise UsageError(f"{manifest}: the manifest cannot be read ({error}).") from error


def _opened(manifest: str) -> Any:
    if not places.is_url(manifest):
        if is_there(manifest) and not is_file(manifest):  # a pipe would be waited for
            raise UsageError(f"{manifest}: this is a device; accepted for a manifest is a file.")
        return Path(manifest).open("rb")
    system, path = places.store(manifest)
    return system.open(path, "rb")


def _of_csv(manifest: str, file: Any) -> Iterator[Line]:
    # A name need not be UTF-8: its stray bytes are carried along, as the system does.
    with io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="") as text:
        reader = csv.reader(text)
        columns = [name.strip().lower() for name in next(reader, [])]
        _check(manifest, columns)
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error:  # a field longer than any path
                cells = [""]
            if cells:
                yield f"{manifest}:{reader.line_num}", dict(zip(columns, cells, strict=False))


def _of_parquet(manifest: str, file: Any) -> Iterator[Line]:
    import pyarrow.parquet as pq

    table = pq.ParquetFile(file, pre_buffer=False)
    _check(manifest, table.schema_arrow.names)
    wanted = [name for name in ("path", *TOLD) if name in table.schema_arrow.names]
    number = 0
    for batch in table.iter_batches(TOGETHER, columns=wanted, use_threads=False):
        for row in batch.to_pylist():
            number += 1
            yield f"{manifest}:{number}", row


def _check(manifest: str, columns: list[str]) -> None:
    if "path" not in columns:
        found = ", ".join(columns) or "nothing"
        raise UsageError(f"{manifest}: a manifest needs a column 'path', and its columns are {found}.")
