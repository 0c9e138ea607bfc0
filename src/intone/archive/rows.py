"""From what was listed and heard to the rows of the tables."""

import numpy as np

from intone.archive.entries import Entry, Refusal
from intone.archive.jobs import Answer, Failure
from intone.archive.schema import CHANCES, Row
from intone.paths import encodable


def of_file(listed: Entry | Refusal) -> Row:
    """Give the columns that name a file."""
    entry = listed if isinstance(listed, Entry) else None
    return {
        "path": listed.path,
        "size": None if entry is None else entry.size,
        "modified": None if entry is None else entry.modified,
    }


def of_answer(entry: Entry, answer: Answer) -> Row:
    """Give the row of a recording."""
    return {
        **_told(entry), "sha256": answer.sha256, "kind": answer.kind, "model": answer.model,
        "duration": answer.duration, "speech": answer.speech, "emotion": answer.emotion,
        "confidence": answer.confidence, "unsure": answer.unsure, "unsure_share": answer.unsure_share,
        **dict(zip(CHANCES, answer.shares, strict=True)), "level_db": answer.measures.level_db,
        "bandwidth_hz": answer.measures.bandwidth_hz, "noise_db": answer.measures.noise_db,
        "embedding": answer.embedding,
    }  # fmt: skip


def of_copy(entry: Entry, row: Row) -> Row:
    """Give the row of a recording that sounds as another, whose row is given."""
    vector = row["embedding"]
    return {**row, **_told(entry), "embedding": None if vector is None else np.asarray(vector, np.float16)}


def of_failure(listed: Entry | Refusal, failure: Failure) -> Row:
    """Give the row of what has no answer."""
    return {**of_file(listed), "code": failure.code, "class": failure.kind, "message": failure.message}


def _told(entry: Entry) -> Row:
    told = entry.told
    who = {"speaker": told.speaker, "agent": told.agent, "queue": told.queue}
    return {**of_file(entry), **encodable(who), "time": told.time}
