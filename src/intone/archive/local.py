"""Hears an archive on this machine: a process for each core, each with a model of its own."""

import contextlib
import multiprocessing
import os
import queue
import signal
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from intone.archive import hearing
from intone.archive.jobs import Done, Job, lost
from intone.archive.options import Options
from intone.errors import IntoneError, WorkerError
from intone.features.parallel import one_thread_each
from intone.hear.baseline import Baseline
from intone.machine import cores

READY = "ready"
DEEP = 2
"""Jobs that a process is given at a time: the next lies there when one is done."""
STILLBORN = 3
"""After so many processes that ended before they could hear anything, none will."""


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection
    jobs: deque[Job] = field(default_factory=deque)
    ready: bool = False


class Local:
    """The processes; :func:`opened` gives them. Each is started when there is work for it."""

    def __init__(self, options: Options, fingerprint: str, baselines: Path, workers: int) -> None:
        self.hands = workers or cores()
        self._given = options, fingerprint, baselines
        self._workers: list[_Worker] = []
        self._again: deque[Job] = deque()
        self._stillborn = 0

    def has_room(self) -> bool:
        """Say whether another job would be begun soon."""
        return not self._again and sum(len(worker.jobs) for worker in self._workers) < DEEP * self.hands

    @property
    def busy(self) -> bool:
        """Whether a job that was given is not done yet."""
        return bool(self._again) or any(worker.jobs for worker in self._workers)

    def give(self, job: Job) -> None:
        """Give a job to whoever has the fewest."""
        least = min((len(worker.jobs) for worker in self._workers), default=1)
        if least and len(self._workers) < self.hands:
            self._workers.append(self._started())
        worker = min(self._workers, key=lambda worker: len(worker.jobs))
        worker.jobs.append(job)
        with contextlib.suppress(OSError):  # it has ended, which is noticed, and its jobs are given to others
            worker.connection.send(job)

    def done(self, seconds: float) -> Sequence[Done]:
        """Give the jobs that were done since, and wait at most so long for one.

        Raises
        ------
        IntoneError
            No process can hear anything.
        """
        found: list[Done] = []
        while self._again and sum(len(worker.jobs) for worker in self._workers) < DEEP * self.hands:
            self.give(self._again.popleft())
        ready = wait([worker.connection for worker in self._workers], seconds)
        for worker in [worker for worker in self._workers if worker.connection in ready]:
            try:
                told = worker.connection.recv()
            except (EOFError, OSError):
                found += self._ended(worker)
                continue
            if isinstance(told, IntoneError):
                raise told
            if told == READY:
                worker.ready, self._stillborn = True, 0
                continue
            worker.jobs.popleft()
            found.append(told)
        return found

    def close(self) -> None:
        """End the processes at once; they hold nothing that is not made again."""
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.join()
            worker.connection.close()
        self._workers.clear()

    def _started(self) -> _Worker:
        spawn = multiprocessing.get_context("spawn")
        ours, its = spawn.Pipe()
        process = spawn.Process(target=work, args=(its, *self._given), daemon=True)
        with _deaf(), one_thread_each():
            process.start()
        its.close()
        return _Worker(process, ours)

    def _ended(self, worker: _Worker) -> list[Done]:
        """Clear up after a process that ended: the job that it was at is tried again or given up."""
        self._workers.remove(worker)
        worker.process.join()
        worker.connection.close()
        jobs = worker.jobs
        found: list[Done] = []
        how = _how(worker.process.exitcode)
        if not worker.ready:
            self._stillborn += 1
            if self._stillborn == STILLBORN:
                raise WorkerError(f"The processes that hear end before they can ({how}); memory may be too small.")
        elif jobs:
            again = lost(jobs.popleft(), how)
            if isinstance(again, Done):
                found.append(again)
            else:
                self._again.extend(again)
        self._again.extend(jobs)
        return found


@contextlib.contextmanager
def opened(options: Options, fingerprint: str, baselines: Path, workers: int) -> Iterator[Local]:
    """Give processes that hear, which end with the context.

    Parameters
    ----------
    options : Options
        How recordings are heard.
    fingerprint : str
        Of the model that they are heard by.
    baselines : pathlib.Path
        Where baselines lie.
    workers : int
        How many processes; 0 for one for each core.
    """
    engine = Local(options, fingerprint, baselines, workers)
    try:
        yield engine
    finally:
        engine.close()


def work(connection: Connection, options: Options, fingerprint: str, baselines: Path) -> None:
    """Hear what comes over a connection until that ends; this is what the processes do."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is the parent's to answer
    _hush()
    jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
    # Read by a thread, so that neither side ever waits for the other to read; and the parent's end is noticed at once.
    threading.Thread(target=_receive, args=(connection, jobs), daemon=True).start()
    try:
        hearer = hearing.opened(options, fingerprint, lambda name: Baseline.load(baselines / name))
    except IntoneError as error:
        connection.send(error)
        return
    try:
        connection.send(READY)
        while True:
            connection.send(hearer.do(jobs.get()))
    except BrokenPipeError:  # the parent has ended
        return


def _receive(connection: Connection, jobs: "queue.SimpleQueue[Job]") -> None:
    try:
        while True:
            jobs.put(connection.recv())
    except (EOFError, OSError):  # the parent has ended
        os._exit(1)


def _hush() -> None:
    """Send away what compiled libraries write to standard error, and keep Python's own way there."""
    if sys.stderr is None:
        return
    sys.stderr = os.fdopen(os.dup(2), "w", encoding="utf-8", errors="backslashreplace", buffering=1)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)


@contextlib.contextmanager
def _deaf() -> Iterator[None]:
    """Have the process that is started meanwhile never hear a Ctrl-C; one that comes now is answered afterwards."""
    if sys.platform == "win32":
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # which has its own process hear nothing, and this one hear all again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _how(code: int | None) -> str:
    if code is not None and code < 0:
        return f"by signal {signal.Signals(-code).name}"
    return f"with exit code {code}"
