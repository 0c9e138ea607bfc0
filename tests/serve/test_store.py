"""The store: what was kept is there, is the owner's alone, and is gone when it is deleted; on both engines."""

import json
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from hypothesis import given
from hypothesis import settings as examples_with
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from intone.emotions import Emotion
from intone.errors import MissingExtraError, UsageError
from intone.serve import tables
from intone.serve.store import Filters, Recording, Store, accepted, before, default_url, new_id
from tests import postgres

pytestmark = pytest.mark.xdist_group("store")

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ANYTHING = Filters()
KILLS = 50


def recording(minute: float = 0, **changes: Any) -> Recording:
    answer = {"emotion": "anger", "scores": {"anger": 0.75}, "said": "é \0 \udce9 \U0001f600"}
    made = Recording(
        id=new_id(), owner="one", created=NOON + timedelta(minutes=minute), kind="utterance", name="call é.wav",
        subject="caller 12", duration=2.5, model="m", emotion=Emotion.ANGER, confidence=0.75, unsure=False,
        answer=answer,
    )  # fmt: skip
    return replace(made, **changes)


def bare(recordings: list[Recording]) -> tuple[Recording, ...]:
    return tuple(replace(one, answer={}) for one in recordings)


@pytest.fixture(scope="session")
def server() -> Iterator[postgres.Server]:
    with postgres.server() as running:
        yield running


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return accepted(str(tmp_path / "kept" / "store.db"))


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """Give where there is nothing yet: once a file, once a database of a server."""
    if request.param == "sqlite":
        return str(request.getfixturevalue("sqlite_url"))
    running: postgres.Server = request.getfixturevalue("server")
    return accepted(running.create(f"test_{new_id()}"))


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with closing(Store(url)) as opened:
        yield opened


def file_of(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


def bytes_of(url: str) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(file_of(url).parent.iterdir()))


def test_what_is_kept_comes_back_whole_and_stays(store: Store, url: str) -> None:
    microsecond = replace(recording(), created=datetime(2026, 3, 1, 14, 0, 0, 1, timezone(timedelta(hours=2))))
    early = recording(created=datetime(1969, 7, 20, tzinfo=UTC), emotion="", confidence=0.0, unsure=True, subject="")
    heard, sound = recording(kind="timeline", has_sound=True), bytes(range(256)) * 1000
    store.add([microsecond, early, heard], {heard.id: sound})
    store.add([])
    with closing(Store(url)) as again:
        for one in (microsecond, early, heard):
            assert again.get("one", one.id) == again.get(None, one.id) == one
        assert (again.sound("one", heard.id), again.sound(None, heard.id)) == (sound, sound)
        assert again.sound("one", early.id) is None
        assert again.get(None, new_id()) is None


def test_all_are_kept_or_none(store: Store) -> None:
    first, second = recording(), recording()
    store.add([first])
    with pytest.raises(Exception, match=r"(?i)unique"):
        store.add([second, first], {second.id: b"sound"})
    with pytest.raises(Exception, match=r"(?i)foreign key"):
        store.add([second], {new_id(): b"nobody's sound"})
    assert (store.get(None, second.id), store.sound(None, second.id)) == (None, None)
    assert store.find(None, ANYTHING, limit=9).recordings == bare([first])


def test_a_recording_as_json_says_whose_voice_and_not_whose_key() -> None:
    one = recording(created=datetime(2026, 3, 1, 14, tzinfo=timezone(timedelta(hours=2))))
    stored = json.loads(json.dumps(one.to_dict()))
    assert stored.pop("answer") == one.answer
    assert stored == one.to_dict(whole=False)
    assert stored == {
        "id": one.id, "created": "2026-03-01T12:00:00.000000Z", "kind": "utterance", "name": "call é.wav",
        "subject": "caller 12", "duration": 2.5, "model": "m", "emotion": "anger", "confidence": 0.75, "unsure": False,
        "has_sound": False,
    }  # fmt: skip


def test_nobody_sees_or_deletes_what_is_anothers(store: Store) -> None:
    mine, nobodys = recording(), recording(owner="")
    store.add([mine, nobodys], {mine.id: b"sound"})
    for other in ("two", ""):
        assert store.get(other, mine.id) is None
        assert store.sound(other, mine.id) is None
        assert mine.id not in [one.id for one in store.find(other, ANYTHING, limit=9).recordings]
        assert mine.id not in [one.id for one in store.each(other, ANYTHING)]
        assert not store.delete(other, mine.id)
    assert store.forget("two", mine.subject) == 0
    assert store.get("one", mine.id) == replace(mine, has_sound=True)
    assert [one.id for one in store.each("", ANYTHING)] == [nobodys.id]


def test_filters_hold_each_alone_and_all_together(store: Store) -> None:
    told = recording(0)
    others = {
        "kind": recording(1, kind="stream"), "subject": recording(2, subject="caller 13"),
        "emotion": recording(3, emotion="fear"), "unsure": recording(4, unsure=True),
        "until": recording(60), "since": recording(-60),
    }  # fmt: skip
    store.add([told, *others.values()])
    alone: dict[str, Any] = {
        "kind": "utterance", "subject": "caller 12", "emotion": "anger", "unsure": False,
        "since": NOON, "until": NOON + timedelta(minutes=60),
    }  # fmt: skip
    everything = {told.id, *(one.id for one in others.values())}
    for name, value in alone.items():
        filters = Filters(**{name: value})
        assert {one.id for one in store.each("one", filters)} == everything - {others[name].id}
        assert {one.id for one in store.find("one", filters, limit=9).recordings} == everything - {others[name].id}
    together = Filters(**alone)
    assert store.find("one", together, limit=9).recordings == store.find(None, together, limit=9).recordings
    assert store.find("one", together, limit=9).recordings == bare([told])
    assert list(store.each("one", Filters(unsure=True))) == [others["unsure"]]


def test_text_that_an_engine_cannot_hold_is_kept_and_found(store: Store) -> None:
    odd = recording(subject="a\0b\udce9", name="\0")
    store.add([odd])
    (found,) = store.find("one", Filters(subject=odd.subject), limit=9).recordings
    assert (found.subject, found.name) == ("a\ufffdb\\xe9", "\ufffd")
    assert store.find("\0", Filters(emotion="\0"), limit=9).recordings == ()
    assert (store.get(None, "\0\udce9"), store.sound(None, "\0\udce9")) == (None, None)
    assert store.forget("one", odd.subject) == 1


def test_a_list_is_newest_first_and_an_export_oldest_first(store: Store) -> None:
    minutes = random.Random(1).choices(range(40), k=150)  # more than an export has in memory, and many at one moment
    kept = sorted([recording(minute) for minute in minutes], key=lambda one: (one.created, one.id))
    store.add(kept)
    assert list(store.each("one", ANYTHING)) == kept
    pages, after = list[Recording](), ""
    while True:
        page = store.find("one", ANYTHING, limit=50, after=after)
        pages.extend(page.recordings)
        after = page.next
        if not after:
            break
    assert tuple(pages) == bare(kept[::-1])
    first = store.find("one", ANYTHING, limit=50)
    assert store.delete("one", first.recordings[-1].id), "where a page ends there need be nothing any more"
    assert store.find("one", ANYTHING, limit=50, after=first.next).recordings == bare(kept[::-1])[50:100]


def test_an_export_goes_on_while_others_write(store: Store) -> None:
    kept = [recording(minute) for minute in range(100)]
    store.add(kept)
    seen = list[Recording]()
    for one in store.each("one", ANYTHING):
        if not seen:
            assert store.delete("one", kept[-1].id)
            store.add([recording(-1)])
        seen.append(one)
    assert seen == kept[:-1]


@pytest.mark.parametrize("cursor", ["x", "1", "1-", f"1-{'g' * 32}", f"{'9' * 19}-{'0' * 32}", f"١-{'0' * 32}", "\0"])
def test_a_page_that_nothing_gave_is_refused(store: Store, cursor: str) -> None:
    with pytest.raises(UsageError, match="no such page; accepted is what 'next' of the page before says"):
        store.find("one", ANYTHING, limit=1, after=cursor)


def test_pages_hold_all_exactly_once_while_more_comes(sqlite_url: str) -> None:
    minutes = st.lists(st.integers(0, 5), max_size=8)

    with closing(Store(sqlite_url)) as store:

        @examples_with(max_examples=60)
        @given(there=minutes, coming=st.lists(minutes, max_size=6), limit=st.integers(1, 4))
        def walk(there: list[int], coming: list[list[int]], limit: int) -> None:
            owner = new_id()
            kept = [recording(minute, owner=owner) for minute in there]
            store.add(kept)
            seen, after, more = list[Recording](), "", iter(coming)
            while True:
                page = store.find(owner, ANYTHING, limit=limit, after=after)
                assert len(page.recordings) == limit or not page.next
                seen.extend(page.recordings)
                after = page.next
                if not after:
                    break
                store.add([recording(minute, owner=owner) for minute in next(more, [])])
            ids = [one.id for one in seen]
            assert len(set(ids)) == len(ids)
            assert {one.id for one in kept} <= set(ids)
            assert seen == sorted(seen, key=lambda one: (one.created, one.id), reverse=True)

        walk()


def test_one_is_deleted_with_its_sound(store: Store) -> None:
    gone, stays = recording(), recording()
    store.add([gone, stays], {gone.id: b"sound", stays.id: b"sound"})
    assert store.delete("one", gone.id)
    assert not store.delete("one", gone.id)
    assert (store.get(None, gone.id), store.sound(None, gone.id)) == (None, None)
    assert store.sound(None, stays.id) == b"sound"
    assert store.delete(None, stays.id), "the operator deletes anybody's"


def test_a_subject_is_forgotten_and_nobody_else(store: Store) -> None:
    gone = [recording(minute) for minute in range(5)]
    stay = [recording(subject="caller 1"), recording(subject=""), recording(owner="two")]
    store.add([*gone, *stay], {one.id: b"sound" for one in (*gone, *stay)})
    assert store.forget("one", "caller 12") == 5
    assert {one.id for one in store.each(None, ANYTHING)} == {one.id for one in stay}
    assert [store.sound(None, one.id) for one in (*gone, *stay)] == [None] * 5 + [b"sound"] * 3
    assert store.forget(None, "caller 12") == 1, "the operator forgets for all owners"
    assert store.forget("one", "caller 12") == 0
    with pytest.raises(UsageError, match="A subject is not empty"):
        store.forget("one", "")
    assert len(list(store.each("one", ANYTHING))) == 2


def test_what_is_too_old_expires(store: Store) -> None:
    old = [recording(-minute, owner=f"{minute % 3}") for minute in range(1, 1202)]  # more than one transaction's
    store.add([*old, recording(0), recording(1)], {old[0].id: b"sound"})
    assert store.expire(NOON) == 1201
    assert store.expire(NOON) == 0
    assert [one.created for one in store.each(None, ANYTHING)] == [NOON, NOON + timedelta(minutes=1)]
    assert store.sound(None, old[0].id) is None


def test_any_number_of_days_ago_is_a_moment() -> None:
    now = datetime.now(UTC)
    assert abs(before(30) - (now - timedelta(days=30))) < timedelta(minutes=1)
    assert before(0) >= now
    for days in (25_000.0, 800_000.0, 1e9, 1e300, float("inf"), float("nan")):
        assert before(days) == datetime(1970, 1, 1, tzinfo=UTC)


def test_many_threads_share_a_store(store: Store) -> None:
    start = threading.Barrier(8)

    def work(number: int) -> None:
        start.wait()
        for _ in range(10):
            kept, passing = recording(owner=f"{number}"), recording(owner="passing", subject=f"{number}")
            store.add([kept, passing], {passing.id: b"sound"})
            assert store.get(f"{number}", kept.id) == kept
            assert store.forget(None, f"{number}") == 1
            assert kept.id in [one.id for one in store.find(f"{number}", ANYTHING, limit=20).recordings]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert len(list(store.each(None, ANYTHING))) == 80
    assert list(store.each("passing", ANYTHING)) == []


WRITER = """
import sys
from datetime import UTC, datetime
from intone.serve.store import Recording, Store, new_id

def write(count):
    while count:
        one = Recording(id=new_id(), owner="one", created=datetime.now(UTC), kind="utterance", name="a", subject="b",
                        duration=1.0, model="m", emotion="fear", confidence=0.5, unsure=False, answer={"a": "b" * 500})
        store.add([one], {one.id: b"sound" * 500})
        print(one.id, flush=True)
        count -= 1

print("ready", flush=True)
sys.stdin.readline()
store = Store(sys.argv[1])
write(int(sys.argv[2]))
"""


def writer(url: str, count: int) -> "subprocess.Popen[str]":
    """Start a process that opens the store when it is told to, and prints the id of each recording that it has kept."""
    command = [sys.executable, "-c", WRITER, url, str(count)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_several_processes_open_a_new_store_at_once_and_write(url: str) -> None:
    writers = [writer(url, 25) for _ in range(4)]
    for one in writers:
        assert one.stdout
        assert one.stdout.readline() == "ready\n"
    for one in writers:
        assert one.stdin
        one.stdin.write("\n")
        one.stdin.flush()
    kept = set[str]()
    for one in writers:
        printed, complaint = one.communicate()
        assert (one.returncode, complaint) == (0, "")
        kept.update(printed.split())
    with closing(Store(url)) as store:
        assert {one.id for one in store.each("one", ANYTHING)} == kept
    assert len(kept) == 100


def test_several_threads_open_a_new_store_at_once(url: str) -> None:
    start = threading.Barrier(6)

    def work(_: int) -> None:
        start.wait()
        with closing(Store(url)) as store:
            store.add([recording()])

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    with closing(Store(url)) as store:
        assert len(list(store.each(None, ANYTHING))) == 6


def test_what_was_acknowledged_outlives_a_process_that_is_killed(sqlite_url: str) -> None:
    luck, kept = random.Random(7), list[str]()
    for _ in range(KILLS):
        with writer(sqlite_url, -1) as child:
            assert child.stdin
            assert child.stdout
            child.stdin.write("\n")
            child.stdin.flush()
            assert child.stdout.readline() == "ready\n"
            told = [child.stdout.readline() for _ in range(luck.randint(1, 40))]
            child.kill()
            told += child.stdout.readlines()
            assert child.wait() == -9, child.stderr and child.stderr.read()
        kept += [line.strip() for line in told]
        with closing(Store(sqlite_url)) as store:
            there = [one.id for one in store.each("one", ANYTHING)]
            assert set(kept) <= set(there)
            assert len(there) - len(kept) <= KILLS, "at most the last of each process was kept and not told"
            assert store.sound("one", kept[-1]) == b"sound" * 500
    with closing(sqlite3.connect(file_of(sqlite_url))) as file:
        assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_the_schema_is_what_the_tables_say(store: Store, url: str) -> None:
    engine = create_engine(url)
    with engine.connect() as connection:
        options = {"version_table": tables.VERSIONS, "compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, tables.metadata) == []
    engine.dispose()


def test_a_newer_schema_is_refused_and_left_alone(url: str) -> None:
    Store(url).close()
    engine = create_engine(url)
    for version, refused in (("9999", True), ("0001", False)):
        with engine.begin() as connection:
            connection.exec_driver_sql(f"UPDATE {tables.VERSIONS} SET version_num = '{version}'")
        if refused:
            with pytest.raises(UsageError, match="written by a newer Intone; update Intone, or choose another store"):
                Store(url)
    engine.dispose()
    with closing(Store(url)) as store:
        store.add([recording()])


def test_a_database_that_others_share_is_taken_and_a_file_of_others_is_not(
    server: postgres.Server, tmp_path: Path
) -> None:
    url = accepted(server.create("shared"))
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE alembic_version (version_num TEXT)")
        connection.exec_driver_sql("INSERT INTO alembic_version VALUES ('theirs')")
    engine.dispose()
    Store(url).close()
    others = tmp_path / "places.db"
    with closing(sqlite3.connect(others)) as file:
        file.execute("CREATE TABLE places (name TEXT)")
    before = others.read_bytes()
    with pytest.raises(
        UsageError, match=r"places\.db: the store cannot be opened: it holds the tables of another program"
    ):
        Store(accepted(str(others)))
    assert others.read_bytes() == before


def test_a_database_that_cannot_hold_every_name_is_refused(server: postgres.Server) -> None:
    for encoding in ("LATIN1", "SQL_ASCII"):
        url = server.create(encoding.lower(), f"ENCODING '{encoding}' TEMPLATE template0")
        with pytest.raises(UsageError, match=f"its encoding is {encoding}; accepted is UTF8"):
            Store(accepted(url))


def test_an_empty_file_becomes_a_store(sqlite_url: str) -> None:
    file_of(sqlite_url).parent.mkdir()
    file_of(sqlite_url).touch()
    with closing(Store(sqlite_url)) as store:
        store.add([recording()])
    with closing(sqlite3.connect(file_of(sqlite_url))) as file:
        assert file.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_damaged_file_is_named(sqlite_url: str) -> None:
    with closing(Store(sqlite_url)) as store:
        store.add([recording()] + [recording(minute) for minute in range(200)])
    path = file_of(sqlite_url)
    whole = path.read_bytes()
    noise = random.Random(3).randbytes(len(whole))
    for damaged in (b"no database at all\n" * 300, noise, whole[:100] + noise[100:4096] + whole[4096:], whole[:9000]):
        path.write_bytes(damaged)
        with pytest.raises(UsageError, match=r"store\.db: the store cannot be opened \(.*\)\.$"):
            Store(sqlite_url)
        assert path.read_bytes() == damaged


def test_a_file_that_another_program_keeps_locked_is_named(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "BUSY_SECONDS", 0.05)
    with closing(Store(sqlite_url)) as store:
        store.add([recording()])
    with closing(sqlite3.connect(file_of(sqlite_url), isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(UsageError, match=r"store\.db: the store cannot be opened \(database is locked\)\.$"):
            Store(sqlite_url)
    with closing(Store(sqlite_url)) as store:
        assert len(list(store.each(None, ANYTHING))) == 1


def test_a_place_where_no_file_can_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in (tmp_path, tmp_path / "file" / "store.db", tmp_path / ("x" * 300)):
        with pytest.raises(UsageError, match="the store cannot be opened") as refused:
            Store(accepted(str(place)))
        assert str(refused.value).startswith(f"{place}: ")


def test_nobody_else_reads_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data ?%41#é\udce9"))
    monkeypatch.delenv("HOME", raising=False)
    url = default_url()
    assert file_of(url) == tmp_path / "data ?%41#é\udce9" / "intone" / "store.db"
    before = os.umask(0)
    try:
        with closing(Store(url)) as store:
            store.add([recording()])
            folder = file_of(url).parent
            assert sorted(path.name for path in folder.iterdir()) == ["store.db", "store.db-shm", "store.db-wal"]
            assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
            assert folder.stat().st_mode & 0o777 == 0o700
    finally:
        os.umask(before)


def test_where_results_are_kept_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert accepted("kept.db") == accepted("sqlite:///kept.db") == f"sqlite:///{tmp_path}/kept.db"
    assert accepted("postgresql://a:b@c:5/d?sslmode=require") == "postgresql+psycopg://a:b@c:5/d?sslmode=require"
    wrong = (
        "", "sqlite://", "sqlite:///", "sqlite://kept.db", "mysql://a:hush@b/c", "postgres://a:hush@b/c",
        "postgresql+psycopg2://a:hush@b/c", "postgresql://a:hush", "postgresql:/a:hush@b/c", "postgresql:a:hush@b/c",
        "PostgreSQL:/a:hush@b/c", " postgresql:/a:hush@b/c", "a_1:hush@b/c", "sqlite:/kept.db", "sqlite:kept.db",
        "sqlite:///postgresql:/a:hush@b/c",
    )  # fmt: skip
    for text in wrong:
        with pytest.raises(UsageError, match="accepted is a path, sqlite:///PATH or postgresql://USER:") as refused:
            accepted(text)
        assert "hush" not in str(refused.value)
    for text in ("C:/kept.db", "./a:b", "a/b:c", "a.db"):
        assert accepted(text) == f"sqlite:///{tmp_path / text}"
    assert not list(tmp_path.iterdir())


def test_no_error_shows_a_password(server: postgres.Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    wrong = [
        "postgresql://a:hush@127.0.0.1:1/b", server.url("postgres", "hush"), "postgresql://a:hu@sh-hush@127.0.0.1:1/b",
        "postgresql://127.0.0.1:1/b?user=a&password=hush", server.url("nowhere"),
    ]  # fmt: skip
    for text in wrong:
        with pytest.raises(UsageError) as refused:
            Store(accepted(text))
        error: BaseException | None = refused.value
        while error:
            assert not any(secret in str(error) for secret in ("hush", postgres.PASSWORD, postgres.ESCAPED)), text
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    assert "hush" not in caplog.text
    with closing(Store(accepted(server.create("logged")))) as store:
        assert postgres.PASSWORD not in caplog.text + repr(store)


def test_an_error_does_not_show_what_was_to_be_kept(store: Store) -> None:
    one = recording(name="private name")
    store.add([one])
    with pytest.raises(Exception, match=r"(?i)unique") as refused:
        store.add([one])
    assert "private name" not in str(refused.value)


def test_postgresql_without_its_driver_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'intone\[postgres\]'"):
        Store(accepted("postgresql://a:hush@b/c"))


def test_nothing_deleted_is_left_in_the_files_of_sqlite(sqlite_url: str) -> None:
    luck, gone = random.Random(0), list[str]()

    def marked(minute: float) -> Recording:
        mark = f"{luck.getrandbits(64):016x}"
        if minute < 0:
            gone.append(mark)
        return recording(
            minute, id=f"{luck.getrandbits(128):032x}", owner=luck.choice("abc"), name=mark,
            subject=mark + "s" * luck.randrange(100), answer={"said": mark + "x" * luck.choice([1, 100, 6000]) + mark},
        )  # fmt: skip

    def marks() -> set[str]:
        return {found.decode() for found in re.findall(b"(?=([0-9a-f]{16}))", bytes_of(sqlite_url))}

    with closing(Store(sqlite_url)) as store:
        for _ in range(30):  # so many that pages are split and merged, which leaves copies behind
            added = [marked(luck.uniform(-1, 1)) for _ in range(150)]
            store.add(added, {one.id: one.name.encode() * luck.choice([1, 30, 200]) for one in added[::3]})
            assert store.expire(NOON) > 50
        one, other, stays = (marked(minute) for minute in (-1, -2, 3))
        store.add([one, other, stays], {one.id: one.name.encode()})
        assert marks() & set(gone) == {one.name, other.name}, "it can be found as long as it is kept"
        assert store.delete(None, one.id)
        assert store.forget(None, other.subject) == 1
        assert marks() & {*gone, stays.name} == {stays.name}
        assert file_of(f"{sqlite_url}-wal").stat().st_size == 0


def test_a_large_file_is_not_written_anew_for_a_deletion(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "VACUUM_MOST_BYTES", 0)
    with closing(Store(sqlite_url)) as store:
        store.add([recording(minute) for minute in range(500)])
        size = file_of(sqlite_url).stat().st_size
        one = recording(name="private name", answer={"private": "words" * 1000})
        store.add([one], {one.id: b"private sound" * 1000})
        assert store.delete("one", one.id)
        assert b"private" not in bytes_of(sqlite_url)
        assert file_of(sqlite_url).stat().st_size > size


def test_what_a_reader_holds_goes_with_the_next_deletion(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tables, "BUSY_SECONDS", 0.05)
    with closing(Store(sqlite_url)) as store, closing(sqlite3.connect(file_of(sqlite_url))) as reader:
        store.add([recording(name="private")])
        reader.execute("BEGIN")
        reader.execute("SELECT name FROM recordings").fetchall()
        assert store.forget("one", "caller 12") == 1
        assert "store.db-wal still holds what was deleted" in caplog.text
        assert b"private" in bytes_of(sqlite_url)
        reader.rollback()
        assert store.expire(NOON) == 0
        assert b"private" not in bytes_of(sqlite_url)


@pytest.fixture
def no_vacuum() -> Iterator[list[str]]:
    """Let VACUUM fail as on a full disk, for as long as the list says why."""
    why = ["database or disk is full"]

    def refuse(_: object, __: object, statement: str, *___: object) -> None:
        if why and statement == "VACUUM":
            raise OperationalError(statement, None, sqlite3.OperationalError(why[0]))

    event.listen(Engine, "before_cursor_execute", refuse)
    yield why
    event.remove(Engine, "before_cursor_execute", refuse)


def test_a_deletion_is_one_also_where_the_file_cannot_be_written_anew(
    sqlite_url: str, no_vacuum: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    with closing(Store(sqlite_url)) as store:
        one, other = recording(name="private"), recording(-1)
        store.add([one, other])
        assert store.delete("one", one.id)
        assert store.get("one", one.id) is None
        assert "store.db may still hold pieces of what was deleted (database or disk is full)" in caplog.text
        assert file_of(f"{sqlite_url}-wal").stat().st_size == 0, "the log was emptied all the same"
        assert store.expire(NOON) == 1
        no_vacuum.clear()
        caplog.clear()
        assert store.forget("one", "caller 12") == 0
        assert b"private" not in bytes_of(sqlite_url)
        assert not caplog.records


def test_a_file_is_not_written_anew_on_a_disk_that_is_nearly_full(
    sqlite_url: str, no_vacuum: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    no_vacuum[0] = "it was tried"
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(2**30, 2**30 - 10_000, 10_000))
    with closing(Store(sqlite_url)) as store:
        store.add([recording()])
        assert store.forget("one", "caller 12") == 1
    assert "store.db may still hold pieces of what was deleted (the disk is nearly full)" in caplog.text
    assert "it was tried" not in caplog.text


def test_nothing_is_written_into_a_file_that_is_gone(sqlite_url: str, caplog: pytest.LogCaptureFixture) -> None:
    path, kept = file_of(sqlite_url), recording()
    away = path.with_name("away.db")
    with closing(Store(sqlite_url)) as store:
        store.add([kept])

        def refused() -> None:
            questions: list[Callable[[], object]] = [
                lambda: store.add([recording()]), lambda: store.delete(None, kept.id), lambda: store.expire(NOON),
                lambda: store.find(None, ANYTHING, limit=9), lambda: store.get(None, kept.id),
            ]  # fmt: skip
            for question in questions:
                with pytest.raises(SQLAlchemyError, match="the file was removed or replaced while it was open"):
                    question()

        path.rename(away)
        refused()
        assert not path.exists(), "nothing is made in its place"
        path.touch()
        refused()
        assert not path.stat().st_size
        path.unlink()
        away.rename(path)
        refused()
    assert [record.message for record in caplog.records] == [
        f"{path} was removed or replaced while it was open; nothing is kept until a new start"
    ]
    with closing(Store(sqlite_url)) as again:
        assert list(again.each(None, ANYTHING)) == [kept]
