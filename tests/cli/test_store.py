"""``intone store`` as an operator types it, and what befalls it: odd targets, full disks, pipes that close."""

import json
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from intone.serve.store import Recording, Store, accepted, new_id

pytestmark = pytest.mark.xdist_group("store")

INTONE = str(Path(sys.executable).with_name("intone"))
FULL = Path("/dev/full")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
needs_full = pytest.mark.skipif(not FULL.exists(), reason="the system has no /dev/full")


def recording(subject: str, words: int = 1) -> Recording:
    return Recording(
        id=new_id(), owner="", created=NOON, kind="utterance", name="a.wav", subject=subject, duration=1.0, model="m",
        emotion="fear", confidence=0.5, unsure=False, answer={"said": "\udce9" + "word " * words},
    )  # fmt: skip


@pytest.fixture
def database(tmp_path: Path) -> Path:
    file = tmp_path / "store.db"
    with closing(Store(accepted(str(file)))) as store:
        store.add([recording("17"), recording("17"), recording("M\u00fcller")])
    return file


@pytest.fixture
def table_is_gone(database: Path) -> Iterator[None]:
    with closing(sqlite3.connect(database)) as file:
        file.execute("ALTER TABLE recordings RENAME TO others")
    yield


def run(database: Path, *words: str | Path, **options: Any) -> "subprocess.CompletedProcess[str]":
    command = [INTONE, "store", *map(str, words), "--store", str(database)]
    settings: dict[str, Any] = {"stdout": subprocess.PIPE, "cwd": database.parent} | options
    return subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False, timeout=60, **settings)


def complaint(done: "subprocess.CompletedProcess[str]", *, code: int = 2) -> str:
    """Give the one sentence that was said."""
    assert done.returncode == code, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("intone: ")
    return line


def subjects(text: str) -> list[str]:
    return [json.loads(line)["subject"] for line in text.splitlines()]


@pytest.mark.parametrize("days", ["800000", "1e9", "1e300", "inf"])
def test_any_number_of_days_is_a_moment(database: Path, days: str) -> None:
    done = run(database, "expire", days)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Deleted 0 recordings from before 1970-01-01 00:00 UTC.\n"


@pytest.mark.usefixtures("table_is_gone")
@pytest.mark.parametrize("words", ["export", "export --out x.jsonl", "forget 17", "expire 1"])
def test_a_database_that_fails_is_told_in_a_sentence(database: Path, words: str) -> None:
    done = run(database, *words.split())
    said = complaint(done)
    assert f"{database}: the store failed (no such table" in said
    assert done.stdout == ""
    assert not {path.name for path in database.parent.iterdir()} - {"store.db", "store.db-wal", "store.db-shm"}


@needs_full
@pytest.mark.parametrize("words", ["export", "export --format csv", "export --out /dev/full"])
def test_what_cannot_be_written_is_told(database: Path, words: str) -> None:
    if "csv" in words:
        with closing(Store(accepted(str(database)))) as store:
            store.forget(None, "17")
            store.forget(None, "M\u00fcller")  # the headings alone
    with FULL.open("w") as full:
        done = run(database, *words.split(), **({} if "--out" in words else {"stdout": full}))
    assert "cannot be written (No space left on device)" in complaint(done)
    assert FULL.is_char_device()


@needs_full
def test_what_was_deleted_but_cannot_be_said_is_told_too(database: Path) -> None:
    with FULL.open("w") as full:
        said = complaint(run(database, "forget", "17", stdout=full), code=1)
    assert "Deleted 2 recordings of 17. Standard output cannot be written" in said
    assert subjects(run(database, "export").stdout) == ["M\u00fcller"]


@pytest.mark.parametrize("words", [["export"], ["forget", "17"]])
def test_a_standard_output_that_is_closed_is_told(database: Path, words: list[str]) -> None:
    command = f'exec "{INTONE}" store {" ".join(words)} --store "{database}" >&-'
    done = subprocess.run(["sh", "-c", command], stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    assert "Standard output is closed" in complaint(done, code=2 if words == ["export"] else 1)


def test_a_reader_that_goes_away_ends_it_in_silence(database: Path) -> None:
    with closing(Store(accepted(str(database)))) as store:
        store.add([recording("long", 100_000) for _ in range(3)])
    for words in ("export", "export --out /dev/stdout", "forget nobody"):
        reader, writer = os.pipe()
        os.close(reader)
        try:
            done = run(database, *words.split(), stdout=writer)
        finally:
            os.close(writer)
        assert (done.returncode, done.stderr) == (1, ""), words


@pytest.mark.parametrize("out", ["", ".", "/", "..", "there/", "there", "store.db/x", "missing/x", "x" * 300])
def test_where_no_file_can_be_is_told(database: Path, out: str) -> None:
    (database.parent / "there").mkdir()
    said = complaint(run(database, "export", "--out", out))
    assert "it is a folder; accepted is a file" in said or "it cannot be written" in said
    assert not list((database.parent / "there").iterdir())
    assert not [path for path in database.parent.iterdir() if path.name.startswith(".")]


def test_a_file_is_replaced_whole_and_others_cannot_read_it(database: Path) -> None:
    out = database.parent / "out.jsonl"
    out.write_text("earlier")
    out.chmod(0o644)
    done = run(database, "export", "--out", out, "--subject", "17", umask=0)
    assert done.returncode == 0, done.stderr
    assert subjects(out.read_text()) == ["17", "17"]
    assert out.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(database)) as file:
        file.execute("UPDATE recordings SET answer = 'no JSON' WHERE subject <> '17'")
        file.execute("ALTER TABLE recordings RENAME COLUMN model TO other")
        file.commit()
    complaint(run(database, "export", "--out", out))
    assert subjects(out.read_text()) == ["17", "17"]
    assert not [path for path in database.parent.iterdir() if path.name.startswith(".")]


def test_a_link_stays_one_and_its_target_is_written(database: Path) -> None:
    folder = database.parent
    target, dangling = folder / "target", folder / "dangling"
    target.write_text("earlier")
    (folder / "link").symlink_to(target)
    (folder / "to-nothing").symlink_to(dangling)
    for link, written in (("link", target), ("to-nothing", dangling)):
        assert run(database, "export", "--out", link, umask=0).returncode == 0
        assert (folder / link).is_symlink()
        assert len(subjects(written.read_text())) == 3
    assert dangling.stat().st_mode & 0o777 == 0o600


def test_a_pipe_by_name_is_written_into(database: Path) -> None:
    pipe = database.parent / "pipe"
    os.mkfifo(pipe)
    read = list[str]()
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()), daemon=True)
    reader.start()
    assert run(database, "export", "--out", pipe).returncode == 0
    reader.join(30)
    assert len(subjects(read[0])) == 3
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_the_standard_output_by_name_is_written_into(database: Path) -> None:
    done = run(database, "export", "--out", "/dev/stdout")
    assert done.returncode == 0, done.stderr
    assert len(subjects(done.stdout)) == 3
    assert Path("/dev/stdout").is_symlink()


def test_a_subject_is_sought_as_the_service_keeps_it(database: Path) -> None:
    assert subjects(run(database, "export", "--subject", " Mu\u0308ller ").stdout) == ["M\u00fcller"]
    assert run(database, "forget", "Mu\u0308ller\u3000").stdout == "Deleted 1 recording of M\u00fcller.\n"
    assert run(database, "forget", " 17").stdout == "Deleted 2 recordings of 17.\n"


@pytest.mark.parametrize("command", ["export --subject", "forget"])
def test_a_subject_that_the_service_refuses_is_refused(database: Path, command: str) -> None:
    for subject in (" ", "x" * 200, "a\nb"):
        assert "ubject" in complaint(run(database, *command.split(), subject))
    assert len(subjects(run(database, "export").stdout)) == 3


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    for words in (("forget", "17"), ("export",), ("expire", "1")):
        assert "there is no such store" in complaint(run(tmp_path / "typo.db", *words))
    assert not list(tmp_path.iterdir())
