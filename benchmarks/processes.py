"""Processes for the benchmarks: held to some cores, ended with a context, looked at from outside. It has no table."""

import os
import re
import resource
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LOOK_SECONDS, TREE_SECONDS = 0.2, 1.0
"""How often memory is summed up, and processes are looked for."""
ENDING_SECONDS = 10.0


@contextmanager
def begun(command: Sequence[str], cores: Sequence[int], log: Path, **more: Any) -> "Iterator[subprocess.Popen[str]]":
    """Run a command held to some cores; end it, where it has not ended, with the context.

    It is in a session of its own, so that a Ctrl-C comes to this process alone. What it says on standard error goes to
    the end of a file.
    """
    usual = os.sched_getaffinity(0)
    with log.open("a") as errors:
        os.sched_setaffinity(0, cores)  # of this thread, which passes it on
        try:
            process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True, **more
            )
        finally:
            os.sched_setaffinity(0, usual)
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()  # its own children end when they notice
                try:
                    process.wait(ENDING_SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()


def used_by_children() -> float:
    """Give the processor time (s) of all children that have ended, and of theirs."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


@dataclass
class Memory:
    """Looks at the memory of a process and of all that it has started; ``most`` is in MB."""

    root: int
    most: float = 0.0
    _tree: list[int] = field(default_factory=list)
    _next: float = 0.0
    _next_tree: float = 0.0

    def look(self) -> None:
        """Sum up, where it is time to."""
        now = time.perf_counter()
        if now < self._next:
            return
        if now >= self._next_tree:
            self._tree, self._next_tree = tree(self.root), now + TREE_SECONDS
        self.most = max(self.most, sum(map(pss_mb, self._tree)))
        self._next = now + LOOK_SECONDS


def tree(root: int) -> list[int]:
    """List a process and its descendants."""
    parents = dict[int, int]()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    found = [root]
    for one in found:  # which grows
        found += [child for child, parent in parents.items() if parent == one]
    return found


def pss_mb(process: int) -> float:
    """Give a process's size, where a page that several share counts in parts; 0 where it has ended."""
    with suppress(OSError):
        if told := re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{process}/smaps_rollup").read_text(), re.MULTILINE):
            return int(told[1]) / 1024
    return 0.0
