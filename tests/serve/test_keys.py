"""The keys of a service: none is lost when several are made at once, and nothing else is taken for one."""

import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from intone.errors import UsageError
from intone.serve.keys import Keys

MAKER = """
import sys
from pathlib import Path
from intone.serve.keys import Keys

print("ready", flush=True)
sys.stdin.readline()
for number in range(10):
    made = Keys(Path(sys.argv[1]))
    made.create(f"{sys.argv[2]}-{number}")
    if number % 2:
        made.revoke(f"{sys.argv[2]}-{number}")
"""


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path / "kept" / "keys.json")


def test_processes_that_make_and_revoke_keys_at_once_lose_none(keys: Keys) -> None:
    makers = [
        subprocess.Popen(
            [sys.executable, "-c", MAKER, str(keys.path), f"{number}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(6)
    ]  # fmt: skip
    for maker in makers:
        assert maker.stdout
        assert maker.stdout.readline() == "ready\n"
    for maker in makers:
        assert maker.stdin
        maker.stdin.write("\n")
        maker.stdin.flush()
    for maker in makers:
        maker.communicate(timeout=60)
        assert maker.returncode == 0
    wanted = {f"{maker}-{number}" for maker in range(6) for number in range(10)}
    assert {entry.name for entry in keys.entries} == wanted
    assert {entry.name for entry in keys.entries if entry.revoked} == {name for name in wanted if int(name[2:]) % 2}


def test_threads_that_make_keys_at_once_lose_none(keys: Keys) -> None:
    start = threading.Barrier(6)

    def make(number: int) -> str:
        start.wait()
        return Keys(keys.path).create(f"{number}")

    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(make, range(6)))
    assert all(map(keys.owner, made))
    assert len(keys.entries) == 6


def test_others_read_neither_the_keys_nor_their_lock(keys: Keys) -> None:
    keys.create("one")
    there = sorted(keys.path.parent.iterdir())
    assert [path.name for path in there] == [".keys.json.lock", "keys.json"]
    assert {path.stat().st_mode & 0o777 for path in there} == {0o600}


@pytest.mark.parametrize("key", ["", "intone_", "\ud800", "\udce9", "a\0b", "é" * 10_000])
def test_any_other_text_is_no_key(keys: Keys, key: str) -> None:
    made = keys.create("one")
    assert keys.owner(made) == keys.entries[0].id
    assert keys.owner(key) is None
    assert keys.owner(made + key) is None or not key


def test_where_no_keys_can_be_is_told_and_nothing_is_left_there(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "other.json").write_text(json.dumps(["no keys"]))
    before = sorted(tmp_path.iterdir())
    for place in (tmp_path, tmp_path / "file" / "keys.json", tmp_path / "other.json", tmp_path / ("x" * 300)):
        with pytest.raises(UsageError, match=r"no file of keys|cannot be written"):
            Keys(place).create("one")
    assert sorted(tmp_path.iterdir()) == before
    with pytest.raises(UsageError, match="no file of keys"):
        Keys(Path()).create("one")


def test_a_draft_that_cannot_become_the_file_is_removed(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    made = keys.create("one")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(UsageError, match=r"keys\.json: the keys cannot be written \(No space left on device\)"):
        keys.create("two")
    assert sorted(path.name for path in keys.path.parent.iterdir()) == [".keys.json.lock", "keys.json"]
    assert keys.owner(made)
