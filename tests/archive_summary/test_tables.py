"""What tables are accepted, and what is said of others."""

import json
from pathlib import Path

import fsspec
import numpy as np
import pyarrow.parquet as pq
import pytest

from intone.archive import Options
from intone.archive.summary import Question, periods, summarise
from intone.emotions import Emotion
from intone.errors import ArchiveError, IntoneError, UsageError
from intone.hear import loading
from tests.archived import FOLLOWED, PLAIN, heard, pieces, table
from tests.summary_tables import Classifier, Made, day

FLAT = [0.1, 0.1, 0.1, 0.1, 0.4, 0.1, 0.1]


@pytest.fixture
def made() -> Made:
    """Give twelve utterances, one a day."""
    made = Made()
    for number in range(12):
        made.utterance(FLAT, time=day(number))
    return made


@pytest.mark.parametrize("name", ["plain", "it's [1] *odd* folder?", "naïve"])
def test_any_folder_can_be_read(made: Made, tmp_path: Path, name: str) -> None:
    (tmp_path / "it's 1 *odd* folder?").mkdir()  # what a pattern would find
    assert summarise(str(made.write(tmp_path / name))).recordings == 12


def test_an_address_can_be_read(made: Made, tmp_path: Path) -> None:
    memory = fsspec.filesystem("memory")
    made.errors.append({"path": "broken.wav", "size": 1, "code": "empty"})
    memory.put(str(made.write(tmp_path / "results")), "/archive/results", recursive=True)
    found = summarise("memory://archive/results")
    assert (found.recordings, found.errors) == (12, 1)


def test_since_and_until_hold_their_days(made: Made, tmp_path: Path) -> None:
    for moment in (day(1.625), day(4.625)):  # midnight: the first of Wednesday, and the first after Friday
        made.utterance(FLAT, time=moment)
    folder = str(made.write(tmp_path))
    since, until = periods.parsed("2026-01-07", "--since"), periods.parsed("2026-01-09", "--until")
    assert summarise(folder, Question(since=since)).recordings == 12
    assert summarise(folder, Question(until=until)).recordings == 6
    assert summarise(folder, Question(since=since, until=until)).recordings == 4
    with pytest.raises(ArchiveError, match="no recording is of the time"):
        summarise(folder, Question(since=periods.parsed("2027", "--since")))


def test_what_is_no_archive_is_wrong_usage(made: Made, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no archive\.json"):
        summarise(str(tmp_path / "nothing"))
    (tmp_path / "archive.json").write_text(json.dumps({"schema": 1, "model": "intone-tiny"}))
    with pytest.raises(UsageError, match=r"no recordings/part"):
        summarise(str(tmp_path))


@pytest.mark.parametrize(
    "held",
    [
        "{",
        "[]",
        "{}",
        '{"schema": 2, "model": "m"}',
        '{"schema": 1}',
        '{"schema": 1, "model": 3}',
        '{"schema": 1, "model": "m", "prior": 3}',
    ],
)
def test_another_archive_file_is_refused(made: Made, tmp_path: Path, held: str) -> None:
    (made.write(tmp_path) / "archive.json").write_text(held)
    with pytest.raises(ArchiveError, match=r"archive\.json"):
        summarise(str(tmp_path))


def test_another_schema_is_refused(made: Made, tmp_path: Path) -> None:
    made.write(tmp_path, schema="2")
    (tmp_path / "archive.json").write_text(json.dumps({"schema": 1, "model": "intone-tiny"}))
    with pytest.raises(ArchiveError, match="the schema is 2; accepted is 1"):
        summarise(str(tmp_path))


def test_one_part_without_a_schema_is_refused(made: Made, tmp_path: Path) -> None:
    part = made.write(tmp_path) / "recordings" / "part-00001.parquet"
    pq.write_table(pq.read_table(part).replace_schema_metadata({}), part)
    with pytest.raises(ArchiveError, match="the schema is 1, none"):
        summarise(str(tmp_path))


def test_a_broken_part_is_named_in_a_sentence(made: Made, tmp_path: Path) -> None:
    part = made.write(tmp_path) / "recordings" / "part-00001.parquet"
    part.write_bytes(part.read_bytes()[:200])
    with pytest.raises(ArchiveError, match="part-00001") as said:
        summarise(str(tmp_path))
    assert "\n" not in str(said.value)


@pytest.mark.parametrize("seed", range(20))
def test_damaged_parts_are_told_of_in_a_sentence_or_read(made: Made, tmp_path: Path, seed: int) -> None:
    random = np.random.default_rng(seed)
    part = made.write(tmp_path) / "recordings" / "part-00001.parquet"
    content = bytearray(part.read_bytes())
    for place in random.integers(len(content), size=20).tolist():
        content[place] = int(random.integers(256))
    part.write_bytes(content)
    try:
        summarise(str(tmp_path))
    except IntoneError as error:
        assert "\n" not in str(error)


def test_a_recording_that_stands_there_twice_is_named(made: Made, tmp_path: Path) -> None:
    made.utterance(FLAT, path="000003.wav")
    with pytest.raises(ArchiveError, match=r"000003\.wav stands in the tables more than once"):
        summarise(str(made.write(tmp_path)))


def test_models_without_a_card_and_several_models_are_not_corrected(made: Made, tmp_path: Path) -> None:
    unknown = summarise(str(made.write(tmp_path / "one", model="nowhere"))).whole.shares
    assert unknown is not None
    assert "card of the model is needed" in unknown.why_not
    made.recordings[0]["model"] = "another"
    several = summarise(str(made.write(tmp_path / "two"))).whole.shares
    assert several is not None
    assert several.corrected is None
    assert "several models (another, intone-tiny)" in several.why_not


@pytest.mark.parametrize("options", [PLAIN, FOLLOWED], ids=["utterances", "timelines"])
def test_what_a_batch_wrote_is_summed_up(examples: Path, tmp_path: Path, options: Options) -> None:
    pieces(examples, tmp_path / "sounds", 12)
    heard(tmp_path / "sounds", out=tmp_path / "out", options=options)
    found = summarise(str(tmp_path / "out"), Question(smallest=1))
    assert (found.recordings, found.model) == (12, "intone-tiny")
    rows = table(tmp_path / "out", "segments" if options.timeline else "recordings")
    weights = [row["end"] - row["start"] if options.timeline else 1.0 for row in rows]
    shares = found.whole.shares
    assert shares is not None
    assert shares.units == len(rows) > 5
    for emotion in Emotion:
        expected = np.average([row[emotion] for row in rows], weights=weights)
        assert shares.raw[emotion].value == pytest.approx(expected, abs=1e-5)
    assert "fewer than 50" in shares.why_not  # the model was the right one


def test_segments_that_a_killed_run_left_do_not_count(tmp_path: Path) -> None:
    made = Made()
    for _ in range(12):
        made.call((0, 2, 1, Emotion.ANGER, 0.8), (2, 4, 2, Emotion.NEUTRAL, 0.8))
    folder = made.write(tmp_path)
    before = summarise(str(folder)).to_dict()
    left = pq.read_table(folder / "segments" / "part-00000.parquet")
    pq.write_table(left, folder / "segments" / "part-00009.parquet")
    assert summarise(str(folder)).to_dict() == before


def test_probabilities_for_another_world_are_corrected_from_there(tmp_path: Path) -> None:
    made, world = Made(), np.array([0.3, 0.05, 0.05, 0.1, 0.3, 0.1, 0.1])
    scores, _ = Classifier(1.8, world, 3).answers(np.array([0.02, 0.02, 0.02, 0.02, 0.88, 0.02, 0.02]), 1000)
    for one in scores:
        made.utterance(one)
    told = dict(zip(map(str, Emotion), world.tolist(), strict=True))
    right = summarise(str(made.write(tmp_path / "right", prior=told))).whole.shares
    wrong = summarise(str(made.write(tmp_path / "wrong", prior={}))).whole.shares
    assert right is not None
    assert wrong is not None
    assert right.corrected is not None
    assert wrong.corrected is not None
    assert right.corrected[Emotion.NEUTRAL].value == pytest.approx(0.88, abs=0.04)
    assert abs(wrong.corrected[Emotion.ANGER].value - 0.02) > abs(right.corrected[Emotion.ANGER].value - 0.02) + 0.02


def test_only_the_model_that_heard_them_corrects(made: Made, tmp_path: Path) -> None:
    folder = str(made.write(tmp_path / "named", model="my-own", fingerprint="0"))
    for question in (Question(), Question(model="intone-classic")):
        shares = summarise(folder, question).whole.shares
        assert shares is not None
        assert "--model" in shares.why_not
    card = loading.load(threads=1).card
    told = summarise(str(made.write(tmp_path / "same", fingerprint=card.fingerprint))).whole.shares
    other = summarise(str(made.write(tmp_path / "other", fingerprint="retrained"))).whole.shares
    assert told is not None
    assert other is not None
    assert "fewer than 50" in told.why_not  # the model was the right one
    assert "is not the model that heard this" in other.why_not


def test_what_carries_no_speech_does_not_count(made: Made, tmp_path: Path) -> None:
    silent = {str(emotion): None for emotion in Emotion}
    made.recordings.append({"path": "silent.wav", "kind": "utterance", "emotion": None, **silent})
    found = summarise(str(made.write(tmp_path)))
    assert (found.recordings, found.whole.recordings) == (13, 12)
    assert any("1 of 13 recordings carry no speech" in note for note in found.notes)
