"""Timelines as tables: CSV, Parquet, JSON Lines, and audformat's segmented index."""

import csv as csv_module
import io
import json as json_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from intone.emotions import Emotion
from intone.errors import MissingExtraError
from intone.formats.text import well_formed
from intone.paths import encodable
from intone.results import Segment, Timeline

if TYPE_CHECKING:
    import pandas as pd

CHANCES = tuple(map(str, Emotion))
COLUMNS = ("file", "start", "end", "channel", "speaker", "emotion", "confidence", "unsure", *CHANCES)
KINDS = {
    **dict.fromkeys(("file", "speaker", "emotion"), "string"), "channel": "int64", "unsure": "bool",
    **dict.fromkeys(("confidence", *CHANCES), "float64"),
}  # fmt: skip
"""Types of a table's columns, for pandas; they hold without a segment too."""


PACKAGES = {"parquet": "pyarrow", "audformat": "pandas"}
"""What a format needs that does not come with Intone."""


def installed(package: str) -> bool:
    """Say whether a package is there; it is not imported."""
    return find_spec(package) is not None


def needed(package: str) -> None:
    """Refuse what needs a package that is not installed.

    Raises
    ------
    MissingExtraError
        It is not.
    """
    if not installed(package):
        raise MissingExtraError(f"A table like this needs {package}: pip install 'intone[learn]'.")


def csv(timeline: Timeline) -> bytes:
    """Write a segment a line, with the probability of each emotion; times in seconds."""
    text = io.StringIO()
    writer = csv_module.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for segment in timeline.segments:
        row = _row(timeline, segment)
        row |= {name: f"{row[name]:.3f}" for name in ("start", "end")}
        row |= {name: f"{row[name]:.6f}" for name in ("confidence", *CHANCES)}
        writer.writerow(
            "" if row[name] is None else str(row[name]).lower() if name == "unsure" else row[name] for name in COLUMNS
        )
    return text.getvalue().encode()


def jsonl(timeline: Timeline) -> bytes:
    """Write a segment a line, as JSON, with the file's name in it."""
    lines = (
        json_module.dumps(encodable({"file": timeline.file, **segment.to_dict()})) for segment in timeline.segments
    )
    return "".join(f"{line}\n" for line in lines).encode()


def json(timeline: Timeline) -> bytes:
    """Write the whole timeline, with its summary."""
    return (json_module.dumps(encodable(timeline.to_dict()), indent=1) + "\n").encode()


def parquet(timeline: Timeline) -> bytes:
    """Write a typed table, a segment a row."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = dict.fromkeys(COLUMNS, pa.float64()) | {
        "file": pa.string(), "speaker": pa.string(), "emotion": pa.string(), "channel": pa.int32(),
        "unsure": pa.bool_(),
    }  # fmt: skip
    rows = [_row(timeline, segment) for segment in timeline.segments]
    held = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=pa.schema(list(kinds.items()))), held)
    return held.getvalue()


def as_frame(timeline: Timeline) -> "pd.DataFrame":
    """Give a table with audformat's segmented index: file, start and end, the latter as time differences.

    Returns
    -------
    pandas.DataFrame
        Columns channel, speaker, emotion, confidence, unsure, and one for the probability of each emotion.

    Raises
    ------
    MissingExtraError
        pandas is not installed.

    Examples
    --------
    >>> import intone
    >>> frame = as_frame(intone.load().timeline("examples/kennedy.flac"))
    >>> frame.index.names
    FrozenList(['file', 'start', 'end'])
    """
    needed("pandas")
    import pandas as pd

    rows = [_row(timeline, segment) for segment in timeline.segments]
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    frame = frame.astype(KINDS)
    for name in ("start", "end"):
        # From whole milliseconds, which no rounding of a float can move.
        thousandths = [round(1000 * row[name]) for row in rows]
        frame[name] = pd.to_timedelta(pd.Series(thousandths, dtype="int64"), unit="ms").astype("timedelta64[ns]")
    return frame.set_index(["file", "start", "end"])


def audformat(timeline: Timeline) -> bytes:
    """Write :func:`as_frame` as CSV, as audformat writes its tables."""
    return as_frame(timeline).to_csv(lineterminator="\n").encode()


def _row(timeline: Timeline, segment: Segment) -> dict[str, Any]:
    return {
        "file": well_formed(timeline.file), "start": segment.start, "end": segment.end, "channel": segment.channel,
        "speaker": None if segment.speaker is None else well_formed(segment.speaker), "emotion": str(segment.emotion),
        "confidence": segment.confidence, "unsure": segment.unsure,
        **{str(emotion): segment.scores[emotion] for emotion in Emotion},
    }  # fmt: skip
