"""Hearing by a Ray cluster: the rows of the local engine, whatever is lost meanwhile."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intone import archive
from intone.archive import Options, Progress, connecting, hearing, pending
from intone.archive.cluster import Jobs
from intone.archive.entries import Entry
from intone.archive.jobs import Failure, Gather, Hash, Hear, Item, Job, Result
from intone.errors import UsageError, WorkerError
from intone.hear.baseline import Baseline
from tests import archived
from tests.archive.test_hearing import DEADLY, manifest
from tests.archived import PLAIN, heard, paths, pieces, same, table

__all__ = ["manifest"]

pytestmark = [
    pytest.mark.xdist_group("ray"),
    pytest.mark.skipif(sys.platform == "win32", reason="Ray ends its processes there in ways of its own"),
]
SOON = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 200, "health_check_failure_threshold": 5}
"""Has Ray take a machine for lost after one second without a sign of it."""
MARK = "INTONE_TEST_RUN"
"""A variable of the environment by which the processes of a run are known."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Give a cluster of two machines with a worker each, which are processes of this one, and connect to it."""
    import ray
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 1, "include_dashboard": False, "_system_config": SOON}
    made = Cluster(initialize_head=True, head_node_args=head)
    made.add_node(num_cpus=1)
    ray.init(made.address, log_to_driver=False)
    yield made
    ray.shutdown()
    made.shutdown()


def by_ray(
    *sources: Path, out: Path, options: Options = PLAIN, progress: Callable[[Progress], None] = lambda _: None
) -> Progress:
    return archive.run(list(map(str, sources)), out, options=options, engine="ray", progress=progress)


@pytest.fixture
def calls(examples: Path, tmp_path: Path) -> Path:
    """Give a small archive with a copy and a file that is no sound."""
    cut = pieces(examples, tmp_path / "calls", 9)
    shutil.copy(cut[2], tmp_path / "calls" / "copy.flac")
    (tmp_path / "calls" / "broken.wav").write_text("no sound")
    return tmp_path / "calls"


def test_rows_are_those_of_this_machines_processes(cluster: Any, calls: Path, tmp_path: Path) -> None:
    told = by_ray(calls, out=tmp_path / "out")
    assert (told.found, told.done, told.copies, told.errors) == (11, 9, 1, 1)
    heard(calls, out=tmp_path / "local")
    same(tmp_path / "out", tmp_path / "local")
    assert by_ray(calls, out=tmp_path / "out").known == 10


def test_segments_and_baselines_are_those_of_this_machines_processes(
    cluster: Any, manifest: Path, tmp_path: Path
) -> None:
    beside = Options(model="intone-tiny", timeline=True, baselines="speaker")
    by_ray(manifest, out=tmp_path / "out", options=beside)
    heard(manifest, out=tmp_path / "local", options=beside)
    same(tmp_path / "out", tmp_path / "local")
    assert len(list((tmp_path / "out" / "baselines").iterdir())) == 2


def working(under: int) -> list[int]:
    """Find the processes below one that do a job of Ray Data's."""
    parents = {
        process: int(stat.rpartition(b")")[2].split()[1]) for process in _running() if (stat := _read(process, "stat"))
    }
    found = []
    for process in parents:
        above = process
        while above not in (0, under):
            above = parents.get(above, 0)
        if above == under and _read(process, "cmdline").startswith(b"ray::MapBatches"):
            found.append(process)
    return found


def _running() -> list[int]:
    return [int(path.name) for path in Path("/proc").glob("[0-9]*")]


def _read(process: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{process}/{name}").read_bytes()
    except OSError:  # it has ended
        return b""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")
def test_a_worker_and_a_machine_that_are_lost_change_no_row(
    cluster: Any, examples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pending, "CHUNK_FILES", 2)
    pieces(examples, tmp_path / "calls", 90)
    lost: list[int | threading.Thread] = []

    def lose(so_far: Progress) -> None:
        busy = working(os.getpid())
        if not lost and busy:
            os.kill(busy[0], signal.SIGKILL)
            lost.append(busy[0])
        elif len(lost) == 1 and so_far.done:
            machine = cluster.list_all_nodes()[-1]
            lost.append(threading.Thread(target=cluster.remove_node, args=(machine,), kwargs={"allow_graceful": False}))
            lost[-1].start()  # type: ignore[union-attr]

    told = by_ray(tmp_path / "calls", out=tmp_path / "out", progress=lose)
    removed = lost[1]
    assert isinstance(removed, threading.Thread)
    removed.join()
    cluster.add_node(num_cpus=1)
    assert (told.done, told.errors) == (90, 0)
    heard(tmp_path / "calls", out=tmp_path / "local")
    same(tmp_path / "out", tmp_path / "local")


def test_a_recording_that_kills_workers_is_an_error_and_the_rest_is_answered(examples: Path, tmp_path: Path) -> None:
    cut = pieces(examples, tmp_path / "calls", 5)
    shutil.move(cut[2], tmp_path / "calls" / "deadly.flac")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "sitecustomize.py").write_text(DEADLY)
    words = ["--engine", "ray", "--workers", "2", "--json"]
    done = archived.intone("batch", tmp_path / "calls", "--out", tmp_path / "out", *words, home=tmp_path / "home")
    assert done.returncode == 1, done.stderr
    assert b"Traceback" not in done.stderr
    said = json.loads(done.stdout)
    assert (said["done"], said["errors"]) == (4, 1)
    (row,) = table(tmp_path / "out", "errors")
    assert (Path(row["path"]).name, row["code"]) == ("deadly.flac", "worker")
    assert "ended twice (a worker of the cluster was lost)" in row["message"]
    assert paths(tmp_path / "out") == ["000.flac", "001.flac", "003.flac", "004.flac"]


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are looked up in /proc")
def test_ctrl_c_keeps_what_was_heard_and_leaves_no_process(examples: Path, tmp_path: Path) -> None:
    pieces(examples, tmp_path / "calls", 30)
    stop = """
import contextlib, os, signal
from intone.archive import pending
from intone.cli import batch
pending.CHUNK_FILES = 1
signal.signal(signal.SIGINT, signal.default_int_handler)
@contextlib.contextmanager
def shown():
    yield lambda so_far: so_far.done and os.killpg(0, signal.SIGINT)
batch._shown = shown
"""
    script = f"{stop}\nfrom intone_command import main\nif __name__ == '__main__':\n    main()\n"
    words = ["batch", tmp_path / "calls", "--out", tmp_path / "out", "--engine", "ray", "--workers", "2"]
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, words)],
        capture_output=True, check=False, start_new_session=True, timeout=120, env={**os.environ, MARK: str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 130, done.stderr
    assert b"stopped; what was heard is in" in done.stderr.splitlines()[-1]
    assert b"Traceback" not in done.stderr
    assert 0 < len(paths(tmp_path / "out")) < 30
    marked = f"{MARK}={tmp_path}".encode()
    assert [process for process in _running() if marked in _read(process, "environ")] == []
    heard(tmp_path / "calls", out=tmp_path / "out")
    heard(tmp_path / "calls", out=tmp_path / "local")
    same(tmp_path / "out", tmp_path / "local")


@pytest.mark.parametrize("address", ["nowhere", "ray://head:10001", ":6379", "head:x"])
def test_addresses_that_are_none_are_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(UsageError, match=f"RAY_ADDRESS is {address}; accepted are HOST:PORT"):
        connecting.connect(0)


def test_an_address_where_nobody_answers_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{port}")
    with pytest.raises(UsageError, match="nobody answers there"):
        connecting.connect(0)


def test_a_worker_with_another_model_of_that_name_is_refused() -> None:
    with pytest.raises(UsageError, match=r"another model of that name .* accepted is the same on every machine"):
        hearing.opened(PLAIN, "0" * 64, Baseline.load)


def job(kind: type[Any], count: int) -> Job:
    items = tuple(Item(Entry(f"{number}.wav", 1, 1)) for number in range(count))
    made: Job = Gather("name", items) if kind is Gather else kind(items)
    return made


@given(
    kind=st.sampled_from([Hear, Hash, Gather]),
    deadly=st.sets(st.integers(0, 4)),
    lost=st.sets(st.integers(1, 30), max_size=4),
)
def test_whatever_is_lost_each_item_has_one_result_and_only_what_kills_is_given_up(
    kind: type[Any], deadly: set[int], lost: set[int]
) -> None:
    """Workers are given a job of five until one lives to its end; at the moments ``lost`` one is lost anyway."""
    work = job(kind, 5)
    count = len(work.parts())
    clock, deaths = iter(range(100)), Counter[int]()

    async def lives(number: int, jobs: Jobs) -> tuple[Result, ...] | None:
        """Do what a worker does; None where it is lost."""
        begun = await jobs.begin(number)
        assert begun is not None
        _, known = begun
        if known is None:
            return None if deadly or next(clock) in lost else ("done",) * count
        for place in range(count):
            if place not in known:
                await jobs.part(number, place)
                if place in deadly or next(clock) in lost:
                    deaths[place] += 1
                    return None
                known[place] = "done"
                await jobs.answered(number, place, "done")
        return tuple(known[place] for place in range(count))

    async def all_of_it() -> tuple[Result, ...]:
        jobs = Jobs(Path())
        number = await jobs.give(work)
        assert await jobs.has(number)
        for _ in range(40):
            if (results := await lives(number, jobs)) is not None:
                await jobs.finish(number)
                assert await jobs.begin(number) is None
                return results
        raise AssertionError("a job never ends")

    results = asyncio.run(all_of_it())
    for place, result in enumerate(results):
        assert (result != "done") == (deaths[place] >= 2)
        assert result == "done" or (isinstance(result, Failure) if kind is Hear else result is None)


def test_a_ray_that_does_not_start_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    import ray

    def init(*_: object, **__: object) -> None:
        raise Exception("The current node timed out.\nIts log says more.")  # as Ray 2.60 does

    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(ray, "init", init)
    with pytest.raises(WorkerError, match=r"^Ray did not start on this machine \(The current node timed out\.\); try"):
        connecting.connect(1)
