"""A run that ends at any moment goes on to the rows of one that did not."""

import contextlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

from intone.archive import Options, hearing, places, tables
from intone.archive.entries import Entry
from intone.archive.jobs import Answer, Hear, Item
from intone.archive.known import Known
from intone.archive.writer import Writer
from intone.errors import ArchiveError, UsageError
from intone.hear import loading
from intone.hear.baseline import Baseline
from tests.archived import FOLLOWED, PLAIN, heard, intone, leftovers, paths, pieces, same, table

KILLED = """
import os, pathlib, signal
left = {moment}
def soon(does):
    def done(*given, **named):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return does(*given, **named)
    return done
os.fsync, pathlib.Path.replace, pathlib.Path.unlink = map(soon, (os.fsync, pathlib.Path.replace, pathlib.Path.unlink))
"""
"""Has the process kill itself before it does something to the disk for the n-th time."""
FEW = """
from intone.archive import pending, writer
writer.PART_ROWS, pending.FIRST_FILES, pending.CHUNK_FILES = 1, 1, 1
"""
"""Has a small archive make many parts."""


@pytest.fixture
def calls(examples: Path, tmp_path: Path) -> Path:
    """Give a small archive with copies and a file that is no sound."""
    cut = pieces(examples, tmp_path / "calls", 7)
    shutil.copy(cut[2], tmp_path / "calls" / "copy.flac")
    shutil.copy(cut[5], tmp_path / "calls" / "another.flac")
    (tmp_path / "calls" / "broken.wav").write_text("no sound")
    return tmp_path / "calls"


@pytest.mark.parametrize(("seed", "options"), [(0, []), (1, ["--timeline"]), (2, ["--timeline"])])
def test_killed_again_and_again_it_comes_to_the_same_rows(
    calls: Path, tmp_path: Path, seed: int, options: list[str]
) -> None:
    how = FOLLOWED if options else PLAIN
    words: list[str | Path] = ["batch", calls, "--out", tmp_path / "out", "--workers", "1", *options]
    heard(calls, out=tmp_path / "undisturbed", options=how)
    for moment in random.Random(seed).choices(range(1, 9), k=4):
        code = intone(*words, before=FEW + KILLED.format(moment=moment)).returncode
        assert code == -signal.SIGKILL
        listed = paths(tmp_path / "out")
        assert len(set(listed)) == len(listed) < 9
    assert intone(*words).returncode == 1  # one of them is no sound
    same(tmp_path / "out", tmp_path / "undisturbed")


@pytest.mark.parametrize("moment", [3, 7, 8, 9, 10, 12])
def test_killed_while_old_rows_are_replaced_it_has_the_new_ones_alone(calls: Path, tmp_path: Path, moment: int) -> None:
    out = tmp_path / "out"
    heard(calls, out=out, options=FOLLOWED)
    (calls / "001.flac").write_bytes((calls / "004.flac").read_bytes())
    shutil.copy(calls / "006.flac", calls / "broken.wav")
    (calls / "003.flac").write_bytes(b"no sound any more")
    words: list[str | Path] = ["batch", calls, "--out", out, "--workers", "1", "--timeline"]
    intone(*words, before=KILLED.format(moment=moment))
    heard(calls, out=out, options=FOLLOWED)
    heard(calls, out=tmp_path / "undisturbed", options=FOLLOWED)
    same(out, tmp_path / "undisturbed")


def test_what_is_done_is_not_heard_again(calls: Path, tmp_path: Path) -> None:
    first = heard(calls, out=tmp_path / "out")
    assert (first.found, first.done, first.copies, first.known, first.errors) == (10, 7, 2, 0, 1)
    parts = sorted((tmp_path / "out").rglob("*.parquet"))
    again = heard(calls, calls / "001.flac", f"{calls}/*.flac", out=tmp_path / "out")
    assert (again.found, again.done, again.copies, again.known, again.errors) == (10, 0, 0, 9, 1)
    assert sorted((tmp_path / "out").rglob("*.parquet")) == parts


def test_a_changed_file_is_heard_again_and_its_old_row_goes(calls: Path, tmp_path: Path) -> None:
    heard(calls, out=tmp_path / "out", options=FOLLOWED)
    before = {row["path"]: row for row in table(tmp_path / "out", "recordings")}
    shutil.copy(calls / "006.flac", calls / "000.flac")
    told = heard(calls, out=tmp_path / "out", options=FOLLOWED)
    assert (told.done + told.copies, told.known) == (1, 8)
    after = {row["path"]: row for row in table(tmp_path / "out", "recordings")}
    assert list(after) == list(before)
    changed = str(calls / "000.flac")
    assert after[changed]["duration"] == before[str(calls / "006.flac")]["duration"] > before[changed]["duration"]
    heard(calls, out=tmp_path / "undisturbed", options=FOLLOWED)
    same(tmp_path / "out", tmp_path / "undisturbed")


def test_a_file_that_hides_its_change_is_found_by_its_hash(calls: Path, tmp_path: Path) -> None:
    heard(calls, out=tmp_path / "out")
    changed = calls / "004.flac"
    was, whole = changed.stat(), bytearray(changed.read_bytes())
    whole[-2000:-1000] = bytes(1000)
    changed.write_bytes(whole)
    os.utime(changed, ns=(was.st_atime_ns, was.st_mtime_ns))
    assert heard(calls, out=tmp_path / "out").known == 9
    told = heard(calls, out=tmp_path / "out", verify=True)
    assert (told.known, told.done + told.errors) == (8, 2)
    assert heard(calls, out=tmp_path / "out", verify=True).known == told.known + told.done


def test_a_sound_is_heard_once_whenever_its_copies_come(calls: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    heard(calls, out=out, options=FOLLOWED)
    for number in range(3):
        shutil.copy(calls / "003.flac", calls / f"late-{number}.flac")
    told = heard(calls, out=out, options=FOLLOWED)
    assert (told.done, told.copies, told.known) == (0, 3, 9)
    segments = table(out, "segments")
    original = [row | {"path": ""} for row in segments if row["path"] == str(calls / "003.flac")]
    for number in range(3):
        assert [row | {"path": ""} for row in segments if row["path"] == str(calls / f"late-{number}.flac")] == original
    rows = {Path(row["path"]).name: row for row in table(out, "recordings")}
    assert rows["late-1.flac"]["embedding"] == rows["003.flac"]["embedding"]
    assert rows["late-1.flac"]["sha256"] == rows["003.flac"]["sha256"]


def test_ctrl_c_keeps_what_was_heard_and_says_how_to_go_on(calls: Path, tmp_path: Path) -> None:
    stop = """
import contextlib, os, signal
from intone.cli import batch
signal.signal(signal.SIGINT, signal.default_int_handler)
@contextlib.contextmanager
def shown():
    yield lambda so_far: so_far.done and os.killpg(0, signal.SIGINT)
batch._shown = shown
"""
    words: list[str | Path] = ["batch", calls, "--out", tmp_path / "out", "--workers", "2", "--timeline"]
    done = intone(*words, before=FEW + stop)
    assert done.returncode == 130, done.stderr
    assert b"Traceback" not in done.stderr
    said = done.stderr.decode().splitlines()[-1]
    assert "the same command goes on" in said
    assert 0 < len(paths(tmp_path / "out")) < 9
    assert leftovers(tmp_path / "out") == []
    heard(calls, out=tmp_path / "out", options=FOLLOWED)
    heard(calls, out=tmp_path / "undisturbed", options=FOLLOWED)
    same(tmp_path / "out", tmp_path / "undisturbed")


def test_a_ctrl_c_between_any_two_lines_parts_no_row_from_its_segments(calls: Path, tmp_path: Path) -> None:
    """Where an answer is being taken: what was taken is written then, whole."""
    hearer = hearing.opened(FOLLOWED, loading.load(FOLLOWED.model).card.fingerprint, Baseline.load)
    entry = places.at(str(calls / "006.flac"))
    assert isinstance(entry, Entry)
    (answer,) = hearer.do(Hear((Item(entry),))).results
    assert isinstance(answer, Answer)
    assert answer.segments
    kept = []
    for line in range(1, 9):
        with tables.opened(tmp_path / str(line), {}) as opened:
            writer = Writer(opened, Known(opened, ""), "")
            with contextlib.suppress(KeyboardInterrupt), stopped(Writer._add.__code__, line):
                writer.add(entry, answer)
            writer.write()
        rows, followed = (paths(tmp_path / str(line), name) for name in ("recordings", "segments"))
        assert followed == rows * len(answer.segments)
        kept.append(len(rows))
    assert kept[0] == 0
    assert kept[-1] == 1


@contextlib.contextmanager
def stopped(code: CodeType, line: int) -> Iterator[None]:
    """Have a Ctrl-C come before the n-th line of a function."""
    left = line

    def stop(frame: FrameType, event: str, _: object) -> Callable[..., Any] | None:
        nonlocal left
        if frame.f_code is not code:
            return None
        left -= event == "line"
        if left == 0 and event == "line":
            raise KeyboardInterrupt
        return stop

    before = sys.gettrace()
    sys.settrace(stop)
    try:
        yield
    finally:
        sys.settrace(before)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="signals are looked up in /proc")
def test_no_process_that_hears_can_hear_a_ctrl_c(tmp_path: Path) -> None:
    script = """
import multiprocessing, pathlib, signal
from intone.archive import Options, local
from intone.archive.jobs import Hash
if __name__ == "__main__":
    with local.opened(Options(model="intone-tiny"), "", pathlib.Path(), 2) as engine:
        engine.give(Hash(()))
        engine.give(Hash(()))
        for process in multiprocessing.active_children():
            status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
            blocked = int(status.partition("SigBlk:")[2].split()[0], 16)
            print(bool(blocked & 1 << signal.SIGINT - 1))
"""
    (tmp_path / "script.py").write_text(script)
    done = subprocess.run([sys.executable, tmp_path / "script.py"], capture_output=True, check=True, text=True)
    assert done.stdout.split() == ["True", "True"]


def test_a_folder_whose_name_no_system_takes_is_refused(calls: Path, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="cannot be written"):
        heard(calls, out=tmp_path / ("x" * 300))


def test_a_damaged_note_of_rows_is_told_of(calls: Path, tmp_path: Path) -> None:
    heard(calls / "000.flac", out=tmp_path / "out")
    (tmp_path / "out" / ".dropped-1.json").write_text("[")
    with pytest.raises(ArchiveError, match=r"dropped-1\.json: this note .* is damaged"):
        heard(calls, out=tmp_path / "out")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of files")
@pytest.mark.parametrize("limit", [100, 2_000, 9_000])
def test_a_full_disk_is_told_in_a_sentence_and_nothing_is_half_written(calls: Path, tmp_path: Path, limit: int) -> None:
    full = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))"
    words: list[str | Path] = ["batch", calls, "--out", tmp_path / "out", "--workers", "1", "--timeline"]
    done = intone(*words, before=full)
    assert done.returncode == 1
    said = done.stderr.decode().splitlines()[-1]
    assert re.search(r"cannot be written \(File too large\).*the same command goes on", said), said
    assert "Traceback" not in done.stderr.decode()
    assert not list((tmp_path / "out").rglob(".*.tmp"))
    heard(calls, out=tmp_path / "out", options=FOLLOWED)
    heard(calls, out=tmp_path / "undisturbed", options=FOLLOWED)
    same(tmp_path / "out", tmp_path / "undisturbed")


@pytest.mark.parametrize(
    "other",
    [FOLLOWED, Options(model="intone-classic"), Options(model="intone-tiny", prior={"neutral": 0.5})],
    ids=["timeline", "model", "prior"],
)
def test_other_options_are_refused(calls: Path, tmp_path: Path, other: Options) -> None:
    heard(calls / "000.flac", out=tmp_path / "out")
    with pytest.raises(UsageError, match=r"were made with .* accepted are the same options"):
        heard(calls, out=tmp_path / "out", options=other)
    assert json.loads((tmp_path / "out" / "archive.json").read_text())["model"] == "intone-tiny"


def test_a_folder_of_something_else_is_refused(calls: Path, tmp_path: Path) -> None:
    (tmp_path / "out" / "recordings").mkdir(parents=True)
    with pytest.raises(UsageError, match=r"without archive\.json"):
        heard(calls, out=tmp_path / "out")


def test_two_runs_never_write_at_once(calls: Path, tmp_path: Path) -> None:
    heard(calls / "000.flac", out=tmp_path / "out")
    remembered = json.loads((tmp_path / "out" / "archive.json").read_text())
    with tables.opened(tmp_path / "out", remembered), pytest.raises(UsageError, match="another run writes there"):
        heard(calls, out=tmp_path / "out")
