"""Tables of an archive, as `intone batch` leaves them, of recordings that a test makes up."""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from intone.archive import schema as schemas
from intone.emotions import Emotion

Floats = NDArray[np.float64]
START = datetime(2026, 1, 5, 9, tzinfo=UTC)
"""A Monday."""


@dataclass
class Made:
    """Recordings and segments to be written; each a row with what differs from the usual."""

    recordings: list[dict[str, Any]] = field(default_factory=list)
    segments: list[dict[str, Any]] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)

    def utterance(self, scores: Sequence[float] | Floats, **told: object) -> None:
        """Add an utterance of two seconds with these probabilities of the seven."""
        seven = dict(zip(Emotion, map(float, scores), strict=True))
        likeliest = max(seven, key=lambda emotion: seven[emotion])
        usual = {
            "path": f"{len(self.recordings):06d}.wav", "kind": "utterance", "emotion": str(likeliest),
            "confidence": seven[likeliest], "unsure": seven[likeliest] < 0.5, "speech": 2.0, "duration": 2.0,
        }  # fmt: skip
        self.recordings.append(usual | {str(emotion): seven[emotion] for emotion in Emotion} | told)

    def call(self, *segments: tuple[float, float, int, Emotion, float], **told: object) -> None:
        """Add a timeline of segments (start, end, channel, emotion, confidence), each unsure below 0.5."""
        path = told.setdefault("path", f"{len(self.recordings):06d}.wav")
        for number, (start, end, channel, emotion, confidence) in enumerate(segments):
            self.segments.append(
                {"path": path, "number": number, "start": start, "end": end, "channel": channel,
                 "emotion": str(emotion), "confidence": confidence, "unsure": confidence < 0.5,
                 **_around(emotion, confidence)}
            )  # fmt: skip
        usual = {"kind": "timeline", "emotion": "neutral" if segments else None, "confidence": 0.7, "unsure": False,
                 "duration": max((end for _, end, *_ in segments), default=9.0),
                 "speech": sum(end - start for start, end, *_ in segments)}  # fmt: skip
        self.recordings.append(usual | told)

    def write(
        self, folder: Path, *, model: str = "intone-tiny", parts: int = 2, schema: str = "1", **told: object
    ) -> Path:
        """Write all of it, in several parts; ``told`` stands in ``archive.json`` too."""
        usual = {"model": model, "size": 1000, "modified": START, "sha256": "0" * 64, "level_db": -23.0,
                 "bandwidth_hz": 7000.0, "noise_db": -60.0}  # fmt: skip
        recordings = [usual | {"unsure_share": None} | row for row in self.recordings]
        for table, rows in (("recordings", recordings), ("segments", self.segments), ("errors", self.errors)):
            if rows:
                (folder / table).mkdir(parents=True, exist_ok=True)
            for part in range(parts if rows else 0):
                own = [row for row in rows if zlib.crc32(str(row["path"]).encode()) % parts == part]
                _write(schemas.of(table), own, folder / table / f"part-{part:05d}.parquet", schema)
        (folder / "archive.json").write_text(json.dumps({"schema": int(schema), "model": model, **told}))
        return folder


def _around(emotion: Emotion, confidence: float) -> dict[str, float]:
    return {str(other): confidence if other is emotion else (1 - confidence) / 6 for other in Emotion}


def _write(schema: pa.Schema, rows: Sequence[Mapping[str, Any]], path: Path, version: str) -> None:
    columns = [pa.array([row.get(name) for row in rows], schema.field(name).type) for name in schema.names]
    pq.write_table(pa.table(columns, schema=schema.with_metadata({"intone.schema": version})), path)


def day(number: float) -> datetime:
    """Give a moment so many days after the first Monday."""
    return START + timedelta(days=number)


@dataclass(frozen=True)
class Classifier:
    """A classifier that is calibrated because it computes Bayes' rule, and confuses what lies close together.

    Each emotion is a normal distribution of variance 1 about a mean of its own; ``apart`` is how far each mean lies
    from the origin, and ``prior`` how common the emotions were in its training.
    """

    apart: float
    prior: Floats
    seed: int

    def answers(self, truth: Sequence[float] | Floats, count: int) -> tuple[Floats, NDArray[np.intp]]:
        """Draw emotions by these shares and give the probabilities, and what they were drawn from."""
        generator = np.random.default_rng(self.seed)
        means = np.linalg.qr(generator.normal(size=(7, 7)))[0] * self.apart
        drawn = generator.choice(7, size=count, p=truth)
        heard = means[drawn] + generator.normal(size=(count, 7))
        logits = -((heard[:, None] - means) ** 2).sum(axis=2) / 2 + np.log(self.prior)
        scores = np.exp(logits - logits.max(axis=1, keepdims=True))
        return scores / scores.sum(axis=1, keepdims=True), drawn
