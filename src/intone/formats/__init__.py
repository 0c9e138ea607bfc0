"""Timelines as other tools read them, and what diarisers write.

========== ============== ===========================================================
format     ending         read by
========== ============== ===========================================================
textgrid   ``.TextGrid``  Praat, ELAN and most tools of phoneticians
webvtt     ``.vtt``       browsers and players, as subtitles
rttm       ``.rttm``      tools for diarisation
eaf        ``.eaf``       ELAN
csv        ``.csv``       spreadsheets, pandas and R
parquet    ``.parquet``   pandas, DuckDB, Spark (needs the extra ``learn``)
jsonl      ``.jsonl``     programs, one segment a line
json       ``.json``      programs, the whole timeline with its summary
audformat  ``.audformat`` audformat: a CSV file with its segmented index
========== ============== ===========================================================
"""

import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from intone.errors import UsageError, unknown
from intone.formats import eaf, rttm, tables, textgrid, webvtt
from intone.formats.rttm import Turn, read_rttm
from intone.formats.tables import as_frame
from intone.results import Timeline

FORMATS: Mapping[str, str] = MappingProxyType(
    {
        "textgrid": ".TextGrid", "webvtt": ".vtt", "rttm": ".rttm", "eaf": ".eaf", "csv": ".csv",
        "parquet": ".parquet", "jsonl": ".jsonl", "json": ".json", "audformat": ".audformat",
    }
)  # fmt: skip
"""The formats, and the ending of each one's files."""
_RENDER: Mapping[str, Callable[[Timeline], bytes]] = {
    "textgrid": textgrid.render, "webvtt": webvtt.render, "rttm": rttm.render, "eaf": eaf.render,
    "csv": tables.csv, "parquet": tables.parquet, "jsonl": tables.jsonl, "json": tables.json,
    "audformat": tables.audformat,
}  # fmt: skip

__all__ = ["FORMATS", "Turn", "as_frame", "chosen", "read_rttm", "render", "save"]


def available() -> list[str]:
    """Give the formats that can be written with what is installed.

    Examples
    --------
    >>> "webvtt" in available()
    True
    """
    return [name for name in FORMATS if name not in tables.PACKAGES or tables.installed(tables.PACKAGES[name])]


def chosen(format: str | None, path: str | Path | None = None) -> str:
    """Give the name of the format that was asked for, or that a path's ending says.

    Raises
    ------
    MissingExtraError
        The format needs a package that is not installed.
    UsageError
        There is no such format, or no such ending.

    Examples
    --------
    >>> chosen(None, "call.TextGrid"), chosen("WebVTT")
    ('textgrid', 'webvtt')
    """
    by_ending = {known.lower(): name for name, known in FORMATS.items()}
    if format is None:
        ending = Path(path or "").suffix
        if ending.lower() not in by_ending:
            raise unknown("format with the ending", ending, FORMATS.values())
        name = by_ending[ending.lower()]
    elif format.lower() in FORMATS:
        name = format.lower()
    else:
        raise unknown("format", format, FORMATS)
    if name in tables.PACKAGES:
        tables.needed(tables.PACKAGES[name])
    return name


def render(timeline: Timeline, format: str) -> bytes:
    """Write a timeline in a format: text in UTF-8, but for ``parquet``.

    Raises
    ------
    MissingExtraError
        The format needs a package that is not installed.
    UsageError
        There is no such format.

    Examples
    --------
    >>> import intone
    >>> timeline = intone.load().timeline("examples/kennedy.flac")
    >>> render(timeline, "webvtt").decode().splitlines()[0]
    'WEBVTT'
    """
    return _RENDER[chosen(format)](timeline)


def save(timeline: Timeline, path: str | Path, format: str | None = None) -> None:
    """Write a timeline to a file, in the format that its ending says; the file appears whole or not at all.

    Raises
    ------
    MissingExtraError, UsageError
        As for :func:`render`, or the file cannot be written.

    Examples
    --------
    >>> import intone
    >>> path = getfixture("tmp_path") / "kennedy.rttm"
    >>> save(intone.load().timeline("examples/kennedy.flac"), path)
    >>> path.read_text().split()[:3]
    ['SPEAKER', 'kennedy', '1']
    """
    content = render(timeline, chosen(format, path))
    target = Path(os.path.realpath(path))  # through a link to what it names
    try:
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            draft = Path(folder) / "timeline"
            draft.write_bytes(content)
            draft.replace(target)
    except OSError as error:
        raise UsageError(f"{target}: it cannot be written ({error.strerror}).") from error
