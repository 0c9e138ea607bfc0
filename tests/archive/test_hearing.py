"""Who hears: baselines of speakers, processes that end, and what is measured."""

import contextlib
import json
import operator
import shutil
from functools import reduce
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import intone
from intone.archive import Options, hearing, places
from intone.archive.entries import Entry
from intone.archive.jobs import Answer, Hear, Item
from intone.archive.measure import Meter
from intone.errors import NoSpeechError, UsageError
from intone.hear.baseline import Baseline
from intone.hear.recogniser import Recogniser
from tests import archived
from tests.archived import CLOSE, PLAIN, heard, paths, pieces, same, table

BESIDE = Options(model="intone-tiny", baselines="speaker")
DEADLY = """
import os, signal
from intone.hear import audio
load = audio.load
def deadly(sound, **named):
    if "deadly" in named.get("name", ""):
        os.kill(os.getpid(), signal.SIGKILL)
    return load(sound, **named)
audio.load = deadly
"""
"""A sitecustomize that has each process end at a recording of that name."""


@pytest.fixture
def manifest(examples: Path, tmp_path: Path) -> Path:
    """Give a manifest of the recordings of two speakers and of one who is not named, and a copy of Ann's as Bo's."""
    cut = pieces(examples, tmp_path / "calls", 6, seconds=3)
    shutil.copy(cut[0], tmp_path / "calls" / "bos.flac")
    who = [(path.name, "Ann" if number < 3 else "Bo" if number < 5 else "") for number, path in enumerate(cut)]
    lines = [f"calls/{name},{speaker}" for name, speaker in [*who, ("bos.flac", "Bo")]]
    (tmp_path / "calls.csv").write_text("\n".join(["path,speaker", *lines]))
    return tmp_path / "calls.csv"


def sum_of(recogniser: Recogniser, files: list[str]) -> Baseline:
    """Gather a baseline from those recordings that are speech to the model."""
    gathered = []
    for file in files:
        with contextlib.suppress(NoSpeechError):
            gathered.append(recogniser.baseline([file]))
    return reduce(operator.add, gathered)


def test_each_is_heard_beside_their_speakers_baseline(manifest: Path, tmp_path: Path) -> None:
    heard(manifest, out=tmp_path / "out", options=BESIDE)
    kept = [Baseline.load(path) for path in (tmp_path / "out" / "baselines").iterdir()]
    recogniser = intone.load("intone-tiny")
    rows = table(tmp_path / "out", "recordings")
    anns = [row["path"] for row in rows if row["speaker"] == "Ann"]
    usual = sum_of(recogniser, anns)
    assert len(kept) == 2
    assert any(one.mean == pytest.approx(usual.mean, abs=CLOSE) for one in kept)
    for row in rows:
        if row["speaker"] == "Ann":
            said = recogniser.predict(row["path"], baseline=usual)
            assert row["confidence"] == pytest.approx(said.confidence, abs=CLOSE)
        elif row["speaker"] is None:
            assert row["confidence"] == pytest.approx(recogniser.predict(row["path"]).confidence, abs=CLOSE)
    one, other = (next(row for row in rows if row["path"].endswith(name)) for name in ("/000.flac", "/bos.flac"))
    assert one["sha256"] == other["sha256"]
    assert one["confidence"] != other["confidence"]


def test_baselines_depend_on_no_order(manifest: Path, tmp_path: Path) -> None:
    heard(manifest, out=tmp_path / "out", options=BESIDE)
    first, *lines = manifest.read_text().splitlines()
    manifest.write_text("\n".join([first, *reversed(lines)]))
    heard(manifest, out=tmp_path / "other", options=BESIDE)
    same(tmp_path / "out", tmp_path / "other")
    ours, theirs = (
        {path.name: json.loads(path.read_text()) for path in (tmp_path / name / "baselines").iterdir()}
        for name in ("out", "other")
    )
    assert ours == theirs


def test_baselines_of_no_manifest_or_column_are_refused(examples: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="needs a manifest"):
        heard(examples, out=tmp_path / "out", options=BESIDE)
    with pytest.raises(UsageError, match="by=shoe; accepted are by=speaker"):
        heard(examples, out=tmp_path / "other", options=Options(model="intone-tiny", baselines="shoe"))
    with pytest.raises(UsageError, match="say --timeline too"):
        heard(examples, out=tmp_path / "other", options=Options(model="intone-tiny", hindsight=True))


def test_a_recording_that_kills_is_an_error_and_the_rest_is_answered(examples: Path, tmp_path: Path) -> None:
    cut = pieces(examples, tmp_path / "calls", 5)
    shutil.move(cut[2], tmp_path / "calls" / "deadly.flac")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "sitecustomize.py").write_text(DEADLY)
    done = archived.intone("batch", tmp_path / "calls", "--out", tmp_path / "out", "--json", home=tmp_path / "home")
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    said = json.loads(done.stdout)
    assert {name: said[name] for name in ("found", "done", "known", "copies", "errors")} == {
        "found": 5, "done": 4, "known": 0, "copies": 0, "errors": 1,
    }  # fmt: skip
    (row,) = table(tmp_path / "out", "errors")
    assert (Path(row["path"]).name, row["code"], row["class"]) == ("deadly.flac", "worker", "WorkerError")
    assert "ended twice (by signal SIGKILL)" in row["message"]
    assert paths(tmp_path / "out") == ["000.flac", "001.flac", "003.flac", "004.flac"]
    again = heard(tmp_path / "calls", out=tmp_path / "out", options=PLAIN, retry_errors=True)
    assert (again.done, again.known, again.errors) == (1, 4, 0)


def test_long_recordings_are_heard_as_short_ones_are(
    examples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = pieces(examples, tmp_path / "calls", 3, seconds=3)
    (tmp_path / "calls" / "broken.wav").write_text("no sound")
    heard(tmp_path / "calls", out=tmp_path / "whole")
    monkeypatch.setattr(hearing, "LONG_SECONDS", 3.04)
    hearer = hearing.opened(PLAIN, intone.load("intone-tiny").card.fingerprint, Baseline.load)
    items = tuple(Item(entry) for path in cut if isinstance(entry := places.at(str(path)), Entry))
    answers = hearer.do(Hear(items)).results
    for answer, row in zip(answers, table(tmp_path / "whole", "recordings"), strict=True):
        assert isinstance(answer, Answer)
        assert (answer.sha256, answer.duration) == (row["sha256"], row["duration"])
        assert answer.shares == pytest.approx([row[str(emotion)] for emotion in intone.Emotion], abs=1e-4)
        assert answer.measures.level_db == pytest.approx(row["level_db"], abs=1e-3)


@given(cuts=st.lists(st.integers(0, 80_000), max_size=6))
def test_what_is_measured_does_not_depend_on_pieces(cuts: list[int]) -> None:
    sound = (np.random.default_rng(0).normal(0, 0.1, 80_000) * (np.arange(80_000) > 2000)).astype(np.float32)
    whole, parts = Meter(), Meter()
    whole.push(sound)
    for part in np.split(sound, sorted(cuts)):
        parts.push(part)
    assert whole.finish() == parts.finish()


def test_measures_are_those_of_sounds_that_are_known() -> None:
    noise = np.random.default_rng(0).normal(0, 1, 160_000).astype(np.float32)
    loud = np.where(np.arange(160_000) < 80_000, 0.1, 0.001).astype(np.float32) * noise
    meter = Meter()
    meter.push(loud)
    found = meter.finish()
    assert found.level_db == pytest.approx(-20, abs=1)  # 40 dB below is about where it no longer counts
    assert found.noise_db == pytest.approx(-60, abs=1.5)
    assert found.bandwidth_hz == pytest.approx(7900, abs=100)
    silent = Meter()
    silent.push(np.zeros(100, np.float32))
    assert silent.finish().level_db == -120


def test_a_source_that_is_broken_is_measured_all_the_same() -> None:
    meter = Meter()
    meter.push(np.full(16_000, 3e38, np.float32) * np.sign(np.sin(np.arange(16_000))).astype(np.float32))
    found = meter.finish()
    assert (found.level_db, found.noise_db) == (60, 60)
    assert 0 < found.bandwidth_hz <= 8000
