"""The tables hold what the recogniser says."""

from pathlib import Path

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile

import intone
from intone import Emotion
from intone.archive import Options
from tests.archived import CLOSE, FOLLOWED, PLAIN, heard, paths, pieces, table


def test_rows_say_what_the_recogniser_says(examples: Path, tmp_path: Path) -> None:
    cut = pieces(examples, tmp_path / "calls", 6)
    told = heard(tmp_path / "calls", out=tmp_path / "out")
    recogniser = intone.load("intone-tiny")
    rows = table(tmp_path / "out", "recordings")
    assert [row["path"] for row in rows] == list(map(str, cut))
    for row, said in zip(rows, recogniser.predict_batch(cut), strict=True):
        assert (row["emotion"], row["unsure"], row["duration"]) == (said.emotion, said.unsure, said.duration)
        assert [row[emotion] for emotion in Emotion] == pytest.approx(
            [said.scores[emotion] for emotion in Emotion], abs=CLOSE
        )
        assert row["confidence"] == pytest.approx(said.confidence, abs=CLOSE)
        assert np.array(row["embedding"], float) == pytest.approx(recogniser.embed(said.file), abs=0.02)
        assert (row["kind"], row["model"], row["speech"]) == ("utterance", "intone-tiny", said.duration)
        assert row["size"] == Path(said.file).stat().st_size
        assert len(row["sha256"]) == 64
        assert -60 < row["level_db"] < 0
        assert -120 <= row["noise_db"] < row["level_db"]
        assert 500 < row["bandwidth_hz"] <= 8000
    assert (told.found, told.done, told.errors) == (6, 6, 0)
    assert told.seconds == pytest.approx(sum(row["duration"] for row in rows))


@pytest.mark.parametrize(
    "options",
    [
        FOLLOWED,
        Options(model="intone-tiny", timeline=True, channels="separate", hindsight=True, prior={"neutral": 0.7}),
    ],
    ids=["mixed", "separate"],
)
def test_timelines_say_what_the_recogniser_says(examples: Path, tmp_path: Path, options: Options) -> None:
    one, two = (soundfile.read(examples / f"{name}.flac")[0] for name in ("plain", "questioning"))
    both = np.zeros((len(one) + len(two), 2))
    both[: len(one), 0], both[len(one) :, 1] = one, two
    (tmp_path / "calls").mkdir()
    soundfile.write(tmp_path / "calls" / "call.wav", both, 16_000)
    soundfile.write(tmp_path / "calls" / "hum.wav", np.sin(np.arange(48_000) / 20) * 0.1, 16_000)
    heard(tmp_path / "calls", out=tmp_path / "out", options=options)
    call, hum = table(tmp_path / "out", "recordings")
    said = intone.load("intone-tiny", threads=1).timeline(
        call["path"], channels=options.channels, hindsight=options.hindsight, prior=dict(options.prior) or None
    )
    segments = table(tmp_path / "out", "segments")
    assert len(segments) == len(said.segments) > 0
    for number, (row, segment) in enumerate(zip(segments, said.segments, strict=True), 1):
        assert (row["path"], row["number"], row["start"], row["end"]) == (
            call["path"], number, segment.start, segment.end,
        )  # fmt: skip
        assert (row["channel"], row["speaker"], row["emotion"]) == (segment.channel, None, segment.emotion)
        assert row["confidence"] == pytest.approx(segment.confidence, abs=CLOSE)
    assert [call[emotion] for emotion in Emotion] == pytest.approx(
        [said.summary.shares[emotion] for emotion in Emotion], abs=CLOSE
    )
    assert call["confidence"] == pytest.approx(max(said.summary.shares.values()), abs=CLOSE)
    assert (call["speech"], call["duration"]) == (said.summary.speech, said.duration)
    assert (hum["emotion"], hum["confidence"], hum["unsure"], hum["embedding"]) == (None, None, True, None)
    assert hum["speech"] == 0


def test_the_schema_has_a_version_and_other_programs_read_it(examples: Path, tmp_path: Path) -> None:
    pieces(examples, tmp_path / "calls", 3)
    heard(tmp_path / "calls", out=tmp_path / "out", options=FOLLOWED)
    for part in (tmp_path / "out").glob("*/*.parquet"):
        assert pq.read_schema(part).metadata[b"intone.schema"] == b"1"
    recordings = tmp_path / "out" / "recordings" / "*.parquet"
    (counted,) = duckdb.sql(f"select count(*), min(len(embedding)), min(modified) from '{recordings}'").fetchall()
    assert counted[:2] == (3, 256)
    assert counted[2].timestamp() == pytest.approx(min(p.stat().st_mtime for p in (tmp_path / "calls").iterdir()))


def test_what_cannot_be_heard_is_in_the_errors_and_the_rest_is_answered(examples: Path, tmp_path: Path) -> None:
    cut = pieces(examples, tmp_path / "calls", 3)
    cut[1].write_text("no sound")
    (tmp_path / "calls" / "empty.wav").touch()
    (tmp_path / "calls" / "notes.txt").write_text("not listed")
    told = heard(tmp_path / "calls", tmp_path / "missing.wav", out=tmp_path / "out")
    assert paths(tmp_path / "out") == ["000.flac", "002.flac"]
    errors = {Path(row["path"]).name: row for row in table(tmp_path / "out", "errors")}
    assert {name: row["code"] for name, row in errors.items()} == {
        "001.flac": "not-audio", "empty.wav": "empty", "missing.wav": "not-found",
    }  # fmt: skip
    assert errors["001.flac"]["class"] == "NotSoundError"
    assert errors["001.flac"]["message"].startswith(f"{cut[1]}: ")
    assert (told.done, told.errors) == (2, 3)
    again = heard(tmp_path / "calls", tmp_path / "missing.wav", out=tmp_path / "out")
    assert (again.done, again.known, again.errors) == (0, 2, 3)
    retried = heard(tmp_path / "calls", tmp_path / "missing.wav", out=tmp_path / "out", retry_errors=True)
    assert (retried.done, retried.known, retried.errors) == (0, 2, 3)
    assert len(table(tmp_path / "out", "errors")) == 3


def test_a_recording_that_is_mended_leaves_the_errors(examples: Path, tmp_path: Path) -> None:
    cut = pieces(examples, tmp_path / "calls", 3)
    whole = cut[1].read_bytes()
    cut[1].write_bytes(b"no sound")
    heard(tmp_path / "calls", out=tmp_path / "out", options=PLAIN)
    cut[1].write_bytes(whole)
    heard(tmp_path / "calls", out=tmp_path / "out", options=PLAIN)
    assert paths(tmp_path / "out", "errors") == []
    assert len(paths(tmp_path / "out")) == 3
