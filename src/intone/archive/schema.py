"""What the tables of an archive hold; ``docs/archive.md`` tells what each column means."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from intone.emotions import Emotion

if TYPE_CHECKING:
    import pyarrow

VERSION = 1
"""Of the schema; it stands in the metadata of each part, under :data:`KEY`."""
KEY = b"intone.schema"
RECORDINGS, SEGMENTS, ERRORS = TABLES = ("recordings", "segments", "errors")
CHANCES = tuple(map(str, Emotion))
SEGMENT = ("number", "start", "end", "channel", "speaker", "emotion", "confidence", "unsure", *CHANCES)
"""Columns of a segment but for its recording's path, in the order in which it is carried about."""

Row = dict[str, Any]
Segments = Sequence[tuple[Any, ...]]


def of(table: str) -> "pyarrow.Schema":
    """Give the schema of one of the three tables."""
    import pyarrow as pa

    moment, chances = pa.timestamp("us", tz="UTC"), dict.fromkeys(CHANCES, pa.float32())
    file = {"path": pa.string(), "size": pa.int64(), "modified": moment}
    answer = {"emotion": pa.string(), "confidence": pa.float32(), "unsure": pa.bool_()}
    columns: Mapping[str, Any] = {
        RECORDINGS: {
            **file, "sha256": pa.string(), "speaker": pa.string(), "agent": pa.string(), "queue": pa.string(),
            "time": moment, "kind": pa.string(), "model": pa.string(), "duration": pa.float64(),
            "speech": pa.float64(), **answer, "unsure_share": pa.float32(), **chances, "level_db": pa.float32(),
            "bandwidth_hz": pa.float32(), "noise_db": pa.float32(), "embedding": pa.list_(pa.float16()),
        },
        SEGMENTS: {
            "path": pa.string(), "number": pa.int32(), "start": pa.float64(), "end": pa.float64(),
            "channel": pa.int16(), "speaker": pa.string(), **answer, **chances,
        },
        ERRORS: {**file, "code": pa.string(), "class": pa.string(), "message": pa.string()},
    }[table]  # fmt: skip
    return pa.schema(list(columns.items()), metadata={KEY: str(VERSION).encode()})


def tabled(table: str, rows: Sequence[Row]) -> "pyarrow.Table":
    """Make a table of rows."""
    import pyarrow as pa

    return pa.Table.from_pylist(list(rows), schema=of(table))


def tabled_segments(segments: Mapping[str, Segments]) -> "pyarrow.Table":
    """Make a table of the segments of each recording, by its path."""
    import pyarrow as pa

    schema = of(SEGMENTS)
    lines = [(path, *segment) for path, own in segments.items() for segment in own]
    columns = zip(*lines, strict=True)
    return pa.table([pa.array(column, kind) for column, kind in zip(columns, schema.types, strict=True)], schema=schema)
