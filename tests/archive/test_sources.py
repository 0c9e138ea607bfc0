"""What an archive is said to consist of: folders, globs, manifests, and what lies elsewhere."""

import hashlib
import os
import shutil
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from moto.server import ThreadedMotoServer

from intone.archive import places, sources
from intone.archive.entries import Entry, Refusal
from intone.errors import UsageError
from intone.hear import audio
from tests.archived import heard, paths, pieces, table


def names(*given: str | Path) -> list[str]:
    """List recordings by the names of their files."""
    return sorted(Path(one.place).name for one in sources.listed(list(map(str, given))) if isinstance(one, Entry))


def refused(*given: str | Path) -> dict[str, str]:
    """List what is no recording, by its name."""
    listed = sources.listed(list(map(str, given)))
    return {Path(one.place).name: str(one.error) for one in listed if isinstance(one, Refusal)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder of files that need not be sound to be listed."""
    for name in ("a.wav", "in/b.FLAC", "in/deep/c.mp3", "in/notes.txt", ".hidden.wav", ".git/d.wav"):
        (tmp_path / "calls" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "calls" / name).write_text(name)
    (tmp_path / "calls" / "empty").mkdir()
    return tmp_path / "calls"


def test_folders_globs_and_files_are_listed(folder: Path) -> None:
    assert names(folder) == ["a.wav", "b.FLAC", "c.mp3"]
    assert names(f"{folder}/*.wav") == ["a.wav"]
    assert names(f"{folder}/**/*.mp3", folder / "in" / "notes.txt") == ["c.mp3", "notes.txt"]
    assert names(f"{folder}/i*") == ["b.FLAC", "c.mp3"]
    assert names(f"file://{folder}") == names(folder)
    (folder / "[1].wav").write_text("its name is no pattern")
    assert names(folder / "[1].wav") == ["[1].wav"]


def test_what_is_no_recording_is_refused_by_name(folder: Path) -> None:
    assert "no recording there" in refused(folder / "empty")["empty"]
    assert "no such file" in refused(folder / "none.wav")["none.wav"]
    assert "no recording there" in refused(f"{folder}/*.ogg")["*.ogg"]
    os.mkfifo(folder / "pipe.wav")
    assert "a device" in refused(folder)["pipe.wav"]


def test_links_that_lead_nowhere_end_no_listing(folder: Path) -> None:
    (folder / "0.wav").symlink_to("0.wav")
    (folder / "gone.wav").symlink_to("nothing")
    (folder / "folder.wav").symlink_to("in")
    assert names(folder) == ["a.wav", "b.FLAC", "c.mp3"]
    assert sorted(refused(folder)) == ["0.wav", "gone.wav"]


def test_however_a_place_is_spelled_it_is_listed_once(examples: Path, tmp_path: Path) -> None:
    pieces(examples, tmp_path / "calls", 2)
    spelled = (tmp_path / "calls", f"{tmp_path}/./calls/", f"{tmp_path}/./calls/*.flac", f"{tmp_path}//calls/000.flac")
    assert heard(*spelled, out=tmp_path / "out").found == 2


def test_here_is_spelled_in_one_way(examples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pieces(examples, tmp_path / "calls" / "in", 2)
    monkeypatch.chdir(tmp_path / "calls")
    assert heard(".", "./in", "in/*.flac", "./in/000.flac", out=tmp_path / "out").found == 2
    assert [row["path"] for row in table(tmp_path / "out", "recordings")] == ["in/000.flac", "in/001.flac"]


def test_what_could_not_be_listed_is_forgotten_once_it_can(examples: Path, tmp_path: Path) -> None:
    source = f"{tmp_path}/./calls/"
    assert heard(source, out=tmp_path / "out").errors == 1
    pieces(examples, tmp_path / "calls", 1)
    assert heard(source, out=tmp_path / "out").errors == 0
    assert table(tmp_path / "out", "errors") == []


def test_a_file_that_changed_after_it_was_hashed_is_hashed_again(examples: Path, tmp_path: Path) -> None:
    (cut,) = pieces(examples, tmp_path / "calls", 1)
    entry = places.at(str(cut))
    assert isinstance(entry, Entry)
    before = places.digest(entry)
    with places.content(entry, before) as (_, sha256):
        assert sha256 == before
    shutil.copy(examples / "plain.flac", cut)
    with places.content(entry, before) as (_, sha256):
        assert sha256 == places.digest(entry) != before


def test_windows_are_small_at_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "FIRST_WINDOW", 1)
    assert [len(window) for window in sources.windows([str(folder)])] == [1, 2]


def test_a_manifest_tells_who_speaks_and_its_bad_lines_are_errors(examples: Path, tmp_path: Path) -> None:
    pieces(examples, tmp_path / "calls", 3)
    (tmp_path / "calls.csv").write_text(
        "path,speaker,agent,time,note\n"
        "calls/000.flac,Ann,7,2025-03-01T09:30:00+01:00,first\n"
        ",Bo,,,\n"
        'calls/001.flac,"Bo, the second",,yesterday,\n'
        "calls/002.flac,,,2025-03-01,\n"
        "calls/none.flac,Ann,,,\n"
        "calls/000.flac,twice,,,\n"
    )
    told = heard(tmp_path / "calls.csv", out=tmp_path / "out")
    assert (told.found, told.done, told.errors) == (5, 2, 3)
    one, two = table(tmp_path / "out", "recordings")
    assert (one["speaker"], one["agent"], one["queue"]) == ("Ann", "7", None)
    assert one["time"] == datetime(2025, 3, 1, 8, 30, tzinfo=UTC)
    assert two["time"] == datetime(2025, 3, 1, tzinfo=UTC)
    errors = {Path(row["path"]).name: row for row in table(tmp_path / "out", "errors")}
    assert {name: row["code"] for name, row in errors.items()} == {
        "calls.csv:3": "manifest", "calls.csv:4": "manifest", "none.flac": "not-found",
    }  # fmt: skip
    assert "'yesterday'; accepted is ISO 8601" in errors["calls.csv:4"]["message"]
    text = (tmp_path / "calls.csv").read_text()
    (tmp_path / "calls.csv").write_text(text.replace("yesterday", "2025-03-02"))
    heard(tmp_path / "calls.csv", out=tmp_path / "out")
    assert paths(tmp_path / "out", "errors") == ["calls.csv:3", "none.flac"]
    assert paths(tmp_path / "out") == ["000.flac", "001.flac", "002.flac"]


@pytest.mark.parametrize("time", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "12026-01-01"])
def test_times_that_have_no_name_in_utc_are_refused(examples: Path, tmp_path: Path, time: str) -> None:
    pieces(examples, tmp_path / "calls", 1)
    (tmp_path / "calls.csv").write_text(f"path,time\ncalls/000.flac,{time}\n")
    heard(tmp_path / "calls.csv", out=tmp_path / "out")
    (row,) = table(tmp_path / "out", "errors")
    assert f"the time is '{time}'; accepted is ISO 8601" in row["message"]


def test_a_pipe_is_no_manifest(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "calls.csv")
    with pytest.raises(UsageError, match="this is a device; accepted for a manifest is a file"):
        heard(tmp_path / "calls.csv", out=tmp_path / "out")


def test_a_manifest_may_be_parquet(examples: Path, tmp_path: Path) -> None:
    pieces(examples, tmp_path / "calls", 2)
    when = datetime(2025, 3, 1, 9, 30, tzinfo=UTC)
    columns = {"path": ["calls/000.flac", str(tmp_path / "calls" / "001.flac")], "queue": ["sales", None]}
    pq.write_table(pa.table(columns | {"time": [when, None]}), tmp_path / "calls.parquet")
    heard(tmp_path / "calls.parquet", out=tmp_path / "out")
    assert [(row["queue"], row["time"]) for row in table(tmp_path / "out", "recordings")] == [
        ("sales", when),
        (None, None),
    ]


@pytest.mark.parametrize(("name", "content"), [("calls.csv", "file,who\na,b\n"), ("calls.csv", ""), ("c.parquet", "x")])
def test_a_manifest_without_paths_is_refused(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(UsageError, match=rf"{name}: (a manifest needs a column 'path'|the manifest cannot be read)"):
        list(sources.listed([str(tmp_path / name)]))


def test_names_that_are_not_utf_8_are_heard(examples: Path, tmp_path: Path) -> None:
    (cut,) = pieces(examples, tmp_path / "calls", 1)
    shutil.move(cut, os.fsdecode(os.fsencode(tmp_path / "calls") + b"/caf\xe9.flac"))
    heard(tmp_path / "calls", out=tmp_path / "out")
    assert paths(tmp_path / "out") == ["caf\\xe9.flac"]
    assert heard(tmp_path / "calls", out=tmp_path / "out").known == 1


def test_a_name_that_is_not_utf_8_and_leads_nowhere_is_an_error_like_others(examples: Path, tmp_path: Path) -> None:
    pieces(examples, tmp_path / "calls", 1)
    Path(os.fsdecode(os.fsencode(tmp_path / "calls") + b"/n\xff.wav")).symlink_to("nowhere")
    heard(tmp_path / "calls", out=tmp_path / "out")
    assert paths(tmp_path / "out") == ["000.flac"]
    (row,) = table(tmp_path / "out", "errors")
    assert row["path"].endswith("/n\\xff.wav")
    assert row["message"] == f"{row['path']}: there is no such file."


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch, examples: Path, tmp_path: Path) -> Iterator[str]:
    """Give a bucket of a store like Amazon's that runs here, with recordings in it."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    with urllib.request.urlopen(f"{url}/moto-api/reset", data=b""):  # another test's bucket is remembered
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    store = fsspec.filesystem("s3", skip_instance_cache=True)
    store.mkdir("calls")
    for path in pieces(examples, tmp_path / "pieces", 4):
        store.put_file(str(path), f"calls/2025/{path.name}")
    store.pipe_file("calls/2025/broken.wav", b"no sound")
    store.pipe_file("calls/2025/notes.txt", b"not listed")
    store.pipe_file("calls/manifest.csv", b"path,speaker\n2025/000.flac,Ann\n2025/none.flac,Bo\n")
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    yield "s3://calls"
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    server.stop()


def test_what_lies_in_a_bucket_is_heard(bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "PAGE", 2)
    told = heard(f"{bucket}/2025", out=tmp_path / "out")
    assert (told.found, told.done, told.errors) == (5, 4, 1)
    assert [row["path"] for row in table(tmp_path / "out", "recordings")] == [
        f"{bucket}/2025/{number:03d}.flac" for number in range(4)
    ]
    heard(tmp_path / "pieces", out=tmp_path / "here")
    for away, here in zip(table(tmp_path / "out", "recordings"), table(tmp_path / "here", "recordings"), strict=True):
        assert (away["sha256"], away["size"], away["emotion"]) == (here["sha256"], here["size"], here["emotion"])
    again = heard(f"{bucket}/2025", out=tmp_path / "out")
    assert (again.known, again.done) == (4, 0)
    assert names(f"{bucket}/2025/00*.flac") == ["000.flac", "001.flac", "002.flac", "003.flac"]
    assert names(f"{bucket}/2025/notes.txt") == ["notes.txt"]
    assert "no recording there" in refused(f"{bucket}/2026")["2026"]
    assert "cannot be listed" in refused("s3://nobodys/2025")["2025"]


def test_a_manifest_may_lie_in_a_bucket(bucket: str, tmp_path: Path) -> None:
    heard(f"{bucket}/manifest.csv", out=tmp_path / "out")
    (row,) = table(tmp_path / "out", "recordings")
    assert (row["path"], row["speaker"]) == (f"{bucket}/2025/000.flac", "Ann")
    assert paths(tmp_path / "out", "errors") == ["none.flac"]


def test_what_is_heard_is_what_was_hashed(examples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    call = tmp_path / "call.flac"
    shutil.copy(examples / "plain.flac", call)
    entry = places.at(str(call))
    assert isinstance(entry, Entry)
    with places.content(entry) as (sound, sha256):
        shutil.copy(examples / "kennedy.flac", call)  # while it waits to be decoded
        assert audio.load(sound).duration == audio.load(examples / "plain.flac").duration
    assert sha256 == hashlib.sha256((examples / "plain.flac").read_bytes()).hexdigest()
    monkeypatch.setattr(places, "ONCE_BYTES", entry.size)  # the other is larger, and was listed as small
    with places.content(entry, sha256) as (sound, found):
        assert sound == entry.place
        assert found == hashlib.sha256((examples / "kennedy.flac").read_bytes()).hexdigest()
