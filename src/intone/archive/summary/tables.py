"""The tables of an archive, opened in DuckDB: read part by part, and what does not fit in memory goes to disk."""

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from types import TracebackType
from typing import Any

import duckdb
import fsspec
import numpy as np
from numpy.typing import NDArray

from intone.archive.schema import KEY, VERSION
from intone.archive.summary.figures import Question
from intone.emotions import Emotion
from intone.errors import ArchiveError, UsageError

UNREADABLE = (duckdb.Error, UnicodeDecodeError)
"""What parts that are broken, or are no such tables, raise: DuckDB has no word for each way to be broken."""
MEMORY = "1GB"
"""Most that DuckDB holds at a time; the rest waits in temporary files."""
EMOTIONS = ", ".join(Emotion)
# Where the channels were mixed, the one that is left has the customer's number too, and the agent's voice in it: only a
# recording in which another channel speaks as well is known to keep the two apart.
CUSTOMERS = """
    AND s.channel = $customer
    AND (s.path, s.part) IN (
        SELECT (path, part) FROM every_segment GROUP BY path, part HAVING count(DISTINCT channel) > 1)"""
RECORDINGS = """
CREATE TEMP TABLE recordings AS SELECT
    row_number() OVER (ORDER BY path) AS id, path, part, epoch_us(time) AS us, nullif(speaker, '') AS speaker,
    nullif(agent, '') AS agent, nullif(queue, '') AS queue, kind, model, duration, speech, emotion, confidence,
    coalesce(unsure_share, unsure::DOUBLE) AS unsure_share, unsure, level_db, bandwidth_hz, noise_db, {emotions},
    (hash(path) >> 1)::BIGINT AS path_key,
    (hash(coalesce('speaker ' || nullif(speaker, ''), path)) >> 1)::BIGINT AS speaker_key
FROM every_recording
WHERE ($since IS NULL OR epoch_us(time) >= $since) AND ($until IS NULL OR epoch_us(time) < $until)"""
# A recording and its segments lie in parts of one name; others of its path are what a killed run left.
# What counts, one row for each utterance and segment. Utterances count alike until there are segments beside them:
# then all count by their seconds.
HEARD = """
CREATE TEMP TABLE heard AS
WITH timelines AS (SELECT count(*) > 0 AS present FROM recordings WHERE kind = 'timeline')
SELECT id, -1 AS number, NULL::SMALLINT AS channel, speaker, 0.0::DOUBLE AS start, duration AS "end",
    CASE WHEN present THEN coalesce(nullif(speech, 0), duration) ELSE 1.0 END AS weight,
    emotion, confidence, unsure, {emotions}
FROM recordings, timelines WHERE kind = 'utterance' AND emotion IS NOT NULL AND $customer IS NULL
UNION ALL
SELECT r.id, s.number, s.channel, coalesce(nullif(s.speaker, ''), r.speaker), s.start, s."end", s."end" - s.start,
    s.emotion, s.confidence, s.unsure, {of_segment}
FROM every_segment s JOIN recordings r USING (path, part) WHERE r.kind = 'timeline' AND s."end" > s.start {channel}"""


class Tables:
    """The recordings that are asked for, and what counts of them.

    The temporary tables ``recordings`` (one row each, with an ``id``) and ``heard`` (one row for each utterance and
    segment that counts, with its ``weight``) are what all figures are made from; embeddings are read where they are.

    Parameters
    ----------
    results : str
        The folder of the tables, or an address that fsspec knows.
    question : Question
        Which recordings, and whose voices.

    Raises
    ------
    ArchiveError
        There are no tables, they are of another version, they cannot be read, or they hold nothing of what is asked.
    """

    def __init__(self, results: str, question: Question) -> None:
        self.results = results
        self._files, root = fsspec.core.url_to_fs(results)
        self._root = root.rstrip("/")
        self.archive = self._archive()
        self._scratch = tempfile.TemporaryDirectory(prefix="intone-summary-")
        settings: dict[str, Any] = {
            "memory_limit": MEMORY, "temp_directory": self._scratch.name, "preserve_insertion_order": False,
            "autoinstall_known_extensions": False, "autoload_known_extensions": False,
        }  # fmt: skip
        self._connection = duckdb.connect(config=settings)
        try:
            self._fill(question)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Tables":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the tables, and of the temporary files."""
        with closing(self._connection):
            pass
        self._scratch.cleanup()

    def rows(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        """Ask a question in SQL."""
        with self._readable():
            found: list[tuple[Any, ...]] = self._run(query, values).fetchall()
        return found

    def one(self, query: str, **values: Any) -> tuple[Any, ...]:
        """Ask a question in SQL that has one row for an answer."""
        (row,) = self.rows(query, **values)
        return row

    def columns(self, query: str, **values: Any) -> dict[str, NDArray[Any]]:
        """Ask a question in SQL, and get arrays; what is NULL is NaN."""
        with self._readable():
            found: dict[str, Any] = self._run(query, values).fetchnumpy()
        return {
            name: column.filled(np.nan)
            if isinstance(column, np.ma.MaskedArray) and column.dtype.kind == "f"
            else column
            for name, column in found.items()
        }

    def _run(self, query: str, values: Mapping[str, Any]) -> duckdb.DuckDBPyConnection:
        with self._readable():
            return self._connection.execute(query, {key: held for key, held in values.items() if f"${key}" in query})

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except UNREADABLE as error:
            said = str(error).splitlines()[0]
            raise ArchiveError(f"{self.results}: the tables cannot be read ({said}).") from error

    def _archive(self) -> dict[str, Any]:
        """Read ``archive.json``, which says by which model the tables were made."""
        path = f"{self._root}/archive.json"
        try:
            held = json.loads(self._files.cat_file(path))
        except FileNotFoundError as error:
            raise UsageError(
                f"{self.results}: there is no archive.json in it; accepted is a folder that 'intone batch' made."
            ) from error
        except (OSError, ValueError) as error:
            raise ArchiveError(f"{path}: it cannot be read ({error}).") from error
        if not isinstance(held, dict) or held.get("schema") != VERSION or not _is_told(held):
            found = held.get("schema") if isinstance(held, dict) else held
            raise ArchiveError(f"{path}: its schema is {found!r:.60}; accepted is {VERSION}, with a model and a prior.")
        return held

    def _parts(self, table: str) -> list[str]:
        local = self._files.protocol in ("file", "local") or "file" in self._files.protocol
        found = sorted(self._files.glob(f"{_literal(self._root)}/{table}/part-*.parquet"))
        return [_literal(path if local else self._files.unstrip_protocol(path)) for path in found]

    def _fill(self, question: Question) -> None:
        if "file" not in self._files.protocol:
            self._connection.register_filesystem(self._files)
        for table, view in (
            ("recordings", "every_recording"),
            ("segments", "every_segment"),
            ("errors", "every_error"),
        ):
            self._view(table, view)
        bounds = {
            "since": question.since and question.since.microseconds[0],
            "until": question.until and question.until.microseconds[1],
            "customer": question.customer,
        }
        self._run(RECORDINGS.format(emotions=EMOTIONS), bounds)
        if not self.one("SELECT count(*) FROM recordings")[0]:
            raise ArchiveError(f"{self.results}: no recording is of the time that is asked for.")
        twice = self.rows("SELECT path FROM recordings GROUP BY path HAVING count(*) > 1 ORDER BY path LIMIT 1")
        if twice:
            raise ArchiveError(
                f"{self.results}: {twice[0][0]} stands in the tables more than once; run 'intone batch' to its end."
            )
        of_segment = ", ".join(f"s.{emotion}" for emotion in Emotion)
        channel = CUSTOMERS if question.customer is not None else ""
        self._run(HEARD.format(emotions=EMOTIONS, of_segment=of_segment, channel=channel), bounds)

    def _view(self, table: str, view: str) -> None:
        parts = self._parts(table)
        if not parts:
            if table == "recordings":
                raise UsageError(
                    f"{self.results}: there is no recordings/part-*.parquet in it; 'intone batch' makes them."
                )
            self._run(f"CREATE TEMP VIEW {view} AS {EMPTY[table]}", {})
            return
        versions = self.rows(
            "SELECT DISTINCT decode(value) FROM parquet_kv_metadata($parts) WHERE decode(key) = $key "
            "UNION ALL SELECT '' WHERE (SELECT count(DISTINCT file_name) FROM parquet_kv_metadata($parts) "
            "WHERE decode(key) = $key) < len($parts)",
            parts=parts, key=KEY.decode(),
        )  # fmt: skip
        if versions != [(str(VERSION),)]:
            found = ", ".join(sorted(version or "none" for (version,) in versions))
            raise ArchiveError(f"{self.results}/{table}: the schema is {found}; accepted is {VERSION}.")
        named = ", ".join("'" + part.replace("'", "''") + "'" for part in parts)
        read = f"read_parquet([{named}], hive_partitioning = false, filename = true)"
        self._run(f"CREATE TEMP VIEW {view} AS SELECT *, parse_filename(filename) AS part FROM {read}", {})


EMPTY = {
    "segments": "SELECT NULL::VARCHAR AS path, NULL::VARCHAR AS part, "
    '0 AS number, 0.0 AS start, 0.0 AS "end", 1::SMALLINT AS channel, '
    "NULL::VARCHAR AS speaker, NULL::VARCHAR AS emotion, 0.0 AS confidence, false AS unsure, "
    + ", ".join(f"0.0 AS {emotion}" for emotion in Emotion)
    + " WHERE false",
    "errors": "SELECT NULL::VARCHAR AS path WHERE false",
}
"""What stands for a table of which no part was written."""


def _literal(path: str) -> str:
    """Write a path so that no character in it is taken for a pattern."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in path)


def _is_told(held: Mapping[str, Any]) -> bool:
    """Say whether what has to be known of the model is of the kind that it has to be."""
    prior = held.get("prior", {})
    shares = list(prior.values()) if isinstance(prior, dict) else [None]
    return isinstance(held.get("model"), str) and all(isinstance(share, int | float) for share in shares)
