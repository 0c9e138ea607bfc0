"""Small archives for the tests, and what stands in their tables."""

import contextlib
import math
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import soundfile

from intone import archive
from intone.archive import Options, Progress
from intone.archive.schema import TABLES

PLAIN = Options(model="intone-tiny")
FOLLOWED = Options(model="intone-tiny", timeline=True)
CLOSE = 2e-3
"""Neighbours in a batch change an answer by 1e-4; half of that precision is lost in an embedding's float16."""


def pieces(examples: Path, folder: Path, count: int, *, seconds: float = 0.8) -> list[Path]:
    """Cut recordings of different lengths from the examples, each unlike the others."""
    folder.mkdir(parents=True, exist_ok=True)
    sound = np.concatenate([soundfile.read(path)[0] for path in sorted(examples.glob("*.flac"))])
    cut = []
    for number in range(count):
        start = number * len(sound) // (count + 2)
        cut.append(folder / f"{number:03d}.flac")
        soundfile.write(cut[-1], sound[start : start + round((seconds + 0.05 * number) * 16_000)], 16_000)
    return cut


def heard(
    *given: str | Path, out: Path, options: Options = PLAIN, verify: bool = False, retry_errors: bool = False
) -> Progress:
    """Turn an archive into tables in this process, with one that hears."""
    return archive.run(list(map(str, given)), out, options=options, workers=1, verify=verify, retry_errors=retry_errors)


def table(out: Path, name: str) -> list[dict[str, Any]]:
    """Give the rows of a table, by path and number."""
    parts = [pq.read_table(path) for path in (out / name).glob("part-*.parquet")]
    rows: list[dict[str, Any]] = pa.concat_tables(parts).to_pylist() if parts else []
    return sorted(rows, key=lambda row: (row["path"], row.get("number", 0)))


def paths(out: Path, name: str = "recordings") -> list[str]:
    """Give the names of the files in a table."""
    return [Path(row["path"]).name for row in table(out, name)]


def same(one: Path, other: Path) -> None:
    """Assert that two archives' tables say the same, wherever rows and parts lie."""
    for name in TABLES:
        ours, theirs = table(one, name), table(other, name)
        assert [row["path"] for row in ours] == [row["path"] for row in theirs], name
        for left, right in zip(ours, theirs, strict=True):
            assert all(alike(left[column], right[column]) for column in left), (name, left, right)
    assert leftovers(one) == []


def alike(one: Any, other: Any) -> bool:
    """Say whether two cells are the same, numbers to the precision of the model."""
    if isinstance(one, list):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, float):
        return math.isclose(one, other, abs_tol=CLOSE, rel_tol=CLOSE)
    return bool(one == other)


def leftovers(out: Path) -> list[str]:
    """Name what a run that ended is not to leave: drafts, notes, and segments without their recordings."""
    hidden = [path.name for path in out.rglob(".*") if path.name != ".lock"]
    whole = {path.name for path in (out / "recordings").glob("*")}
    return hidden + [path.name for path in (out / "segments").glob("part-*") if path.name not in whole]


def started(
    *words: str | Path, before: str = "", home: Path | None = None, within: Sequence[str] = ()
) -> "subprocess.Popen[bytes]":
    """Start the command, in a session of its own, after some lines of Python; ``home`` may hold a sitecustomize.

    ``within`` is a command that starts another, such as ``nsenter``.
    """
    script = f"{before}\nimport sys\nfrom intone_command import main\nif __name__ == '__main__':\n    main()\n"
    given: Sequence[str] = [*within, sys.executable, "-c", script, *map(str, words)]
    known = os.environ | ({} if home is None else {"PYTHONPATH": _joined(str(home), os.environ.get("PYTHONPATH"))})
    return subprocess.Popen(
        given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=known, start_new_session=True
    )  # fmt: skip


def intone(
    *words: str | Path, before: str = "", home: Path | None = None, within: Sequence[str] = ()
) -> subprocess.CompletedProcess[bytes]:
    """Run the command to its end; the arguments are those of :func:`started`."""
    with started(*words, before=before, home=home, within=within) as process:
        try:
            told, complained = process.communicate(timeout=120)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return subprocess.CompletedProcess(process.args, process.returncode, told, complained)


def living(session: int) -> list[int]:
    """Give the processes of a session that are alive, by Linux's ``/proc``."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            state, _, _, whose = path.read_text(errors="replace").rpartition(")")[2].split()[:4]
            if int(whose) == session and state not in "ZX":
                found.append(int(path.parent.name))
    return found


def _joined(*folders: str | None) -> str:
    return os.pathsep.join(filter(None, folders))
