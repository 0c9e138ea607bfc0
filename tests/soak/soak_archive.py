"""An archive of real sound whose runs are killed and whose disk fills up comes to the rows of an undisturbed run.

Run by ``make soak``; it takes some minutes. Where in a run a kill falls is a matter of the clock, which no seed can
make the same twice: seeds choose how long after the start it comes, who is killed and how often. So this is a soak and
no test of one moment (those are in ``tests/archive/test_resume.py``), and it asserts nothing of how long anything
takes, but that no process outlives a killed run for long.
"""

import os
import random
import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import intone
from intone.archive.schema import CHANCES, TABLES
from intone.errors import IntoneError
from tests import archived
from tests.archived import alike, leftovers, living, started, table

RECORDINGS, COPIES = 64, 4
KILLS = 100
"""How many runs are killed; every other archive is killed twice before it is heard to its end."""
LATEST = 1.15
"""A kill comes at most so late, in durations of what it is to fall into; after the end it is not counted."""
GONE_SECONDS = 10.0
"""By then the processes of a killed run have to be gone."""
CLOSE = 1e-4
"""What else is in a batch may change a probability by so much."""
PARTS = "from intone.archive import writer\nwriter.PART_ROWS = 8\n"
"""Has a small archive make about a dozen parts, so that many kills fall between two of them, or into one."""
CORPORA = ("ased", "emodb", "emovo", "nemo", "ravdess", "tess")
FULL = [
    ("size=4k", False), ("size=16k", True), ("size=96k", False), ("size=120k", True), ("size=4m,nr_inodes=12", True),
]  # fmt: skip
"""Disks that are full at once or after some parts, and one with room for few files; and whether with --timeline."""


@dataclass(frozen=True)
class Run:
    """A run that was not disturbed, and how long it took (seconds): to its first rows, and from there to its end."""

    out: Path
    start: float
    rest: float


@dataclass(frozen=True)
class Archive:
    """Recordings, which of them are corrupted, and what they come to: as utterances, and over time."""

    folder: Path
    corrupted: tuple[Path, ...]
    runs: dict[bool, Run]

    def words(self, out: Path, *, timeline: bool, workers: int = 1) -> list[str | Path]:
        """Give the command that hears it."""
        how = ["--timeline"] if timeline else []
        return ["batch", self.folder, "--out", out, "--workers", str(workers), *how]


# --- The archive ------------------------------------------------------------------------------------------------------


def recordings(examples: Path, folder: Path) -> list[Path]:
    """Gather real recordings of several lengths: utterances of all corpora, or pieces of the examples."""
    root = Path(os.environ.get("INTONE_CORPORA") or "../shared/corpora")
    if not root.is_dir():
        return archived.pieces(examples, folder, RECORDINGS)
    folder.mkdir()
    chance, found = random.Random(0), []
    for number in range(RECORDINGS):
        corpus = root / CORPORA[number % len(CORPORA)]
        path = chance.choice(sorted(path for path in corpus.rglob("*") if path.suffix in (".flac", ".ogg")))
        found.append(folder / f"{number:03d}{path.suffix}")
        shutil.copyfile(path, found[-1])
    return found


def corrupted(whole: Sequence[Path], folder: Path) -> tuple[Path, ...]:
    """Break one recording in each of several ways."""
    chance = random.Random(1)
    sound = [path.read_bytes() for path in whole if path.suffix == ".flac"]
    broken = {
        "truncated.flac": sound[0][: len(sound[0]) // 2],
        "overwritten.flac": chance.randbytes(len(sound[1])),
        "empty.flac": b"",
        "text.wav": b"Please call me back.\n" * 40,
        "header.flac": sound[2][:42],  # the stream is described, and there is none
    }
    for name, content in broken.items():
        (folder / name).write_bytes(content)
    return tuple(folder / name for name in broken)


@pytest.fixture(scope="module")
def archive(examples: Path, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """Give the archive, heard without a disturbance; both runs at once, as the killed ones are two at a time."""
    root = tmp_path_factory.mktemp("archive")
    folder = root / "calls"
    whole = recordings(examples, folder)
    (folder / "older").mkdir()
    for path in whole[: RECORDINGS // 4]:
        path.rename(folder / "older" / path.name)
    whole = sorted(path for path in folder.rglob("*") if path.is_file())
    for path in whole[:: RECORDINGS // COPIES][:COPIES]:
        shutil.copyfile(path, folder / f"copy-of-{path.name}")
    found = Archive(folder, corrupted(whole, folder), {})
    with ThreadPoolExecutor(2) as pool:
        for timeline, run in pool.map(lambda timeline: (timeline, undisturbed(found, root, timeline)), (False, True)):
            found.runs[timeline] = run
    return found


def undisturbed(archive: Archive, root: Path, timeline: bool) -> Run:
    out, began = root / f"undisturbed-{timeline}", time.monotonic()
    with started(*archive.words(out, timeline=timeline), before=PARTS) as process:
        writes(process, out)
        wrote = time.monotonic()
        _, said = process.communicate(timeout=120)
    assert process.returncode == 1, said  # some of them are no sound
    return Run(out, wrote - began, time.monotonic() - wrote)


def writes(process: "subprocess.Popen[bytes]", out: Path) -> None:
    """Wait until a run has written rows, or ends."""
    before = set(out.glob("*/part-*"))
    while process.poll() is None and not set(out.glob("*/part-*")) - before:
        time.sleep(0.01)


# --- Rows -------------------------------------------------------------------------------------------------------------


def key(row: dict[str, Any]) -> tuple[str, int]:
    return row["path"], row.get("number", 0)


def same_rows(one: Path, other: Path, threshold: float) -> float:
    """Assert that two archives' tables hold the same rows, each once; give how far the probabilities are apart."""
    furthest = 0.0
    for name in TABLES:
        ours, theirs = table(one, name), table(other, name)
        twice = [path for path, count in Counter(map(key, ours)).items() if count > 1]
        assert not twice, (name, twice)
        assert list(map(key, ours)) == list(map(key, theirs)), name
        for left, right in zip(ours, theirs, strict=True):
            assert agree(left, right, threshold), (name, left, right)
            furthest = max([furthest, *(abs(left[chance] - right[chance]) for chance in CHANCES if chance in left)])
    return furthest


def agree(ours: dict[str, Any], theirs: dict[str, Any], threshold: float) -> bool:
    """Say whether two rows tell the same; where two emotions are as good as alike, either of them is right."""
    open_to_chance = set[str]()
    if theirs.get("emotion") is not None:
        first, second = sorted((theirs[name] for name in CHANCES), reverse=True)[:2]
        open_to_chance |= {"emotion"} if first - second < CLOSE else set()
        open_to_chance |= {"unsure", "unsure_share"} if abs(first - threshold) < CLOSE else set()
        if any(abs(ours[name] - theirs[name]) > CLOSE for name in (*CHANCES, "confidence")):
            return False
    return all(alike(ours[column], theirs[column]) for column in theirs if column not in open_to_chance)


@pytest.mark.parametrize("timeline", [False, True])
def test_every_recording_has_a_row_and_every_corrupted_one_an_error(archive: Archive, timeline: bool) -> None:
    out = archive.runs[timeline].out
    recogniser = intone.load("intone-tiny", threads=1)
    refused = {}
    for path in archive.corrupted:  # some decoders still find something in some of them
        try:
            recogniser.timeline(path) if timeline else recogniser.predict(path)
        except IntoneError as error:
            refused[str(path)] = (error.code, type(error).__name__, str(error))
    assert len(refused) >= 4
    assert {row["path"]: (row["code"], row["class"], row["message"]) for row in table(out, "errors")} == refused
    assert len(table(out, "errors")) == len(refused)
    files = sorted(str(path) for path in archive.folder.rglob("*") if path.is_file())
    assert len(files) == RECORDINGS + COPIES + len(archive.corrupted)
    assert [row["path"] for row in table(out, "recordings")] == [path for path in files if path not in refused]
    assert leftovers(out) == []


# --- Kills ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Killed:
    """A run that was to be killed: its session, whether it still ran then, and the rows that there were."""

    session: int
    alive: bool
    rows: int


def killed(words: list[str | Path], out: Path, run: Run, chance: random.Random) -> Killed:
    """Start a run and kill it, alone or with its group, where it does not end before.

    Half of the kills are to fall into its start, half into its hearing, its writing and its end. The latter are timed
    from its first rows, and by how long it took to these, since the machine may be busier than it was.
    """
    late, share, kill = chance.random() < 0.5, chance.uniform(0, LATEST), chance.choice([os.kill, os.killpg])
    began = time.monotonic()
    with started(*words, before=PARTS) as process:
        if late:
            writes(process, out)
            time.sleep(share * run.rest * (time.monotonic() - began) / run.start)
        else:
            time.sleep(share * run.start)
        if process.poll() is None:
            kill(process.pid, signal.SIGKILL)
        code = process.wait()
        assert process.stderr is not None
        assert code in (1, -signal.SIGKILL), process.stderr.read()
        return Killed(process.pid, code != 1, len(table(out, "recordings")))


def gone(session: int) -> None:
    """Assert that a killed run's processes end by themselves."""
    until = time.monotonic() + GONE_SECONDS
    while (left := living(session)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not left, [Path(f"/proc/{one}/cmdline").read_bytes() for one in left]


def disturbed(archive: Archive, root: Path, number: int, threshold: float) -> tuple[list[Killed], float]:
    """Kill a run once or twice, go on with it at once to its end, and compare what it came to."""
    chance, timeline = random.Random(number), number % 4 > 1
    out, run = root / str(number), archive.runs[timeline]
    words = archive.words(out, timeline=timeline, workers=chance.choice([1, 1, 1, 2]))
    kills = list[Killed]()
    while len(kills) < 1 + number % 2:
        one = killed(words, out, run, chance)
        if one.alive:
            kills.append(one)
        elif not kills:  # it ended before, and there is nothing left to be heard
            shutil.rmtree(out)
    with started(*words, before=PARTS) as process:
        _, said = process.communicate(timeout=120)
    assert process.returncode == 1, (number, said)
    assert b"Traceback" not in said
    furthest = same_rows(out, run.out, threshold)
    assert leftovers(out) == []
    for session in (process.pid, *(one.session for one in kills)):
        gone(session)
    shutil.rmtree(out)
    return kills, furthest


def test_killed_at_any_moment_it_comes_to_the_same_rows(archive: Archive, tmp_path: Path) -> None:
    threshold = intone.load("intone-tiny", threads=1).card.threshold
    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(lambda number: disturbed(archive, tmp_path, number, threshold), range(-(-2 * KILLS // 3))))
    kills = [one for each, _ in told for one in each]
    whole = len(table(archive.runs[False].out, "recordings"))
    rows = Counter("none" if not one.rows else "all" if one.rows == whole else "some" for one in kills)
    assert len(kills) >= KILLS
    print(f"\n{len(kills)} kills of {len(told)} archives; rows written until then: {dict(rows)};")
    print(f"probabilities at most {max(furthest for _, furthest in told):.1e} apart")


# --- A full disk ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Disk:
    """A small disk that only the processes of a namespace see; ``enter`` starts a command there."""

    seen: Path
    here: Path
    enter: tuple[str, ...]

    def resize(self, how: str) -> None:
        """Make it larger or smaller."""
        words = [*self.enter, "mount", "-o", f"remount,{how}", str(self.seen)]
        subprocess.run(words, check=True, capture_output=True)


@contextmanager
def disk(place: Path, how: str) -> Iterator[Disk]:
    """Mount a disk in memory where the system lets us: as anybody in a namespace of our own, or as root."""
    place.mkdir()
    said = ""
    for alone, entered in ((["-r", "-m"], ["-U", "--preserve-credentials", "-m"]), (["-m"], ["-m"])):
        script = f'mount -t tmpfs -o {how} none "$1" && echo mounted && exec cat'
        words = ["unshare", *alone, "sh", "-c", script, "sh", str(place)]
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as holder:
            assert holder.stdin is not None
            assert holder.stdout is not None
            assert holder.stderr is not None
            if holder.stdout.readline() == b"mounted\n":
                here = Path(f"/proc/{holder.pid}/root{place}")
                yield Disk(place, here, ("nsenter", "-t", str(holder.pid), *entered))
                holder.stdin.close()  # the last process of the namespace ends, and the disk with it
                return
            said = holder.stderr.read().decode()
    pytest.skip(f"no disk can be mounted here: {said.strip()}")


@pytest.mark.parametrize(("how", "timeline"), FULL)
def test_a_full_disk_is_told_and_a_larger_one_is_gone_on_with(
    archive: Archive, tmp_path: Path, how: str, timeline: bool
) -> None:
    if shutil.which("unshare") is None or shutil.which("nsenter") is None:
        pytest.skip("no disk can be mounted here: there is no unshare or nsenter")
    with disk(tmp_path / "disk", how) as small:
        words, out = archive.words(small.seen / "out", timeline=timeline), small.here / "out"
        done = archived.intone(*words, before=PARTS, within=small.enter)
        *corrupted, said = done.stderr.decode().splitlines()
        assert done.returncode == 1
        assert all(str(archive.folder) in line for line in corrupted)
        assert re.search(r"cannot be written \(No space left on device\).*the same command goes on from there", said)
        assert not [path for path in out.rglob("*") if path.name.endswith(".tmp")]
        for path in out.rglob("part-*"):
            assert pq.read_table(path).num_rows
        before = len(table(out, "recordings"))
        small.resize("size=64m,nr_inodes=1000")
        done = archived.intone(*words, before=PARTS, within=small.enter)
        assert done.returncode == 1, done.stderr
        same_rows(out, archive.runs[timeline].out, intone.load("intone-tiny", threads=1).card.threshold)
        assert leftovers(out) == []
        print(f"\n{how}: full with {before} rows, then {len(table(out, 'recordings'))}")
