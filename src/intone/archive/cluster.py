"""Hears an archive on a Ray cluster: Ray Data streams the jobs past workers that each load the model once.

What is to be heard is known bit by bit, as the archive is listed, and what was heard is written meanwhile. So the
dataset is a stream of the jobs' numbers, and an actor beside the program, :class:`Jobs`, says what each number is. A
worker that is lost is replaced by Ray, and its job begun again; :class:`Jobs` remembers how far it was, so that a
recording that breaks whoever hears it is given up and the others are answered.
"""

import asyncio
import contextlib
import queue
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from intone.archive import connecting, hearing
from intone.archive.jobs import TRIES, Done, Job, Result, given_up
from intone.archive.options import Options
from intone.errors import IntoneError
from intone.hear.baseline import Baseline

DEEP = 3
"""Jobs that are under way for each worker: one is heard, and the next lies there when it is done."""
REMEMBERED = 64
"""Baselines that a worker keeps at hand."""
LOST = "a worker of the cluster was lost"


@dataclass
class _Trial:
    """How far a job is that a worker was lost at: it is done item by item."""

    results: dict[int, Result] = field(default_factory=dict)
    at: int | None = None
    lost: Counter[int] = field(default_factory=Counter)


class Jobs:
    """The jobs of a run, by number; an actor, of which the workers ask them.

    Parameters
    ----------
    baselines : pathlib.Path
        Where the baselines lie, on the machine of the program.
    """

    def __init__(self, baselines: Path) -> None:
        self._baselines = baselines
        self._jobs: dict[int, Job] = {}
        self._trials: dict[int, _Trial | None] = {}
        self._count = 0
        self._ended = False
        self._more = asyncio.Condition()

    async def give(self, job: Job) -> int:
        """Take the next job, and give its number."""
        async with self._more:
            number = self._count
            self._jobs[number] = job
            self._count += 1
            self._more.notify_all()
        return number

    async def end(self) -> None:
        """Say that no more jobs come."""
        async with self._more:
            self._ended = True
            self._more.notify_all()

    async def has(self, number: int) -> bool:
        """Wait for a job; False where none comes any more."""
        async with self._more:
            await self._more.wait_for(lambda: self._ended or number < self._count)
        return number < self._count

    async def begin(self, number: int) -> tuple[Job, dict[int, Result] | None] | None:
        """Give a job to be done.

        Returns
        -------
        tuple, or None where it has been done
            The job; and for one that a worker was lost at what is known of it, by the number of its part.
        """
        job = self._jobs.get(number)
        if job is None:
            return None
        if number not in self._trials:
            self._trials[number] = None
            return job, None
        trial = self._trials[number] = self._trials[number] or _Trial()
        if trial.at is not None:
            trial.lost[trial.at] += 1
            if trial.lost[trial.at] >= TRIES:
                trial.results[trial.at] = given_up(job.parts()[trial.at], LOST).results[0]
            trial.at = None
        return job, trial.results

    async def part(self, number: int, part: int) -> None:
        """Note that a worker begins a part of a job, by itself."""
        trial = self._trials.get(number)
        if trial is not None:
            trial.at = part

    async def answered(self, number: int, part: int, result: Result) -> None:
        """Note what came of a part."""
        trial = self._trials.get(number)
        if trial is not None:
            trial.results[part], trial.at = result, None

    async def finish(self, number: int) -> None:
        """Forget a job, whose results have arrived."""
        self._jobs.pop(number, None)
        self._trials.pop(number, None)

    async def baseline(self, name: str) -> str:
        """Give what a baseline's file holds."""
        return (self._baselines / name).read_text(encoding="utf-8")


class Worker:
    """Does jobs, in a process of the cluster that has a model to itself."""

    def __init__(self, jobs: Any, options: Options, fingerprint: str) -> None:
        self._jobs = jobs
        self._hearer: hearing.Hearer | IntoneError
        try:
            self._hearer = hearing.opened(options, fingerprint, lru_cache(REMEMBERED)(self._baseline))
        except IntoneError as error:  # raised here it would be tried again and again
            self._hearer = error

    def do(self, number: int) -> Done | IntoneError | None:
        """Do a job; an error says that none can be done, and None that it has been done already."""
        return self._hearer if isinstance(self._hearer, IntoneError) else self._done(self._hearer, number)

    def _done(self, hearer: hearing.Hearer, number: int) -> Done | None:
        begun = self._ask("begin", number)
        if begun is None:
            return None
        job, known = begun
        if known is None:
            return hearer.do(job)
        for place, part in enumerate(job.parts()):
            if place not in known:
                self._ask("part", number, place)
                known[place] = hearer.do(part).results[0]
                self._ask("answered", number, place, known[place])
        return Done(job, tuple(known[place] for place in sorted(known)))

    def _baseline(self, name: str) -> Baseline:
        return Baseline.from_json(self._ask("baseline", name), name=name)

    def _ask(self, what: str, *given: Any) -> Any:
        import ray

        return ray.get(getattr(self._jobs, what).remote(*given))


_worker: dict[str, Worker] = {}
"""The worker of this process; a process of the cluster does one run's jobs after another's."""


def _work(batch: Mapping[str, Iterable[int]], jobs: Any, options: Options, fingerprint: str) -> dict[str, Any]:
    """Give for each number of ``batch["number"]`` what was done; this is what Ray Data maps."""
    run = jobs._actor_id.hex()
    if run not in _worker:
        _worker.clear()
        _worker[run] = Worker(jobs, options, fingerprint)
    numbers = list(map(int, batch["number"]))
    done = np.empty(len(numbers), dtype=object)
    done[:] = [_worker[run].do(number) for number in numbers]
    return {"number": numbers, "done": done}


class Ray:
    """The workers of a cluster; :func:`opened` gives them."""

    def __init__(self, options: Options, fingerprint: str, baselines: Path, workers: int) -> None:
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        self.hands = workers or int(ray.cluster_resources().get("CPU", 1))
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        self._jobs: Any = ray.remote(Jobs).options(num_cpus=0, scheduling_strategy=here).remote(baselines)
        self._under_way: set[int] = set()
        self._arrived: queue.SimpleQueue[tuple[int, Done | IntoneError] | None] = queue.SimpleQueue()
        with connecting.one_by_one():
            work = partial(_work, jobs=self._jobs, options=options, fingerprint=fingerprint)
            stream = _stream(self._jobs, work, self.hands)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="intone-ray")
        self._receiving = self._pool.submit(self._receive, stream)
        self._receiving.add_done_callback(lambda _: self._arrived.put(None))

    def has_room(self) -> bool:
        """Say whether another job would be begun soon."""
        return len(self._under_way) < DEEP * self.hands

    @property
    def busy(self) -> bool:
        """Whether a job that was given is not done yet."""
        return bool(self._under_way)

    def give(self, job: Job) -> None:
        """Give a job to the cluster."""
        import ray

        with connecting.worded():
            self._under_way.add(ray.get(self._jobs.give.remote(job)))

    def done(self, seconds: float) -> Sequence[Done]:
        """Give the jobs that were done since, and wait at most so long for one.

        Raises
        ------
        IntoneError
            The workers cannot hear, or the cluster is lost.
        """
        found: list[Done] = []
        until = time.monotonic() + seconds
        with contextlib.suppress(queue.Empty):
            while True:
                arrived = self._arrived.get(timeout=0 if found else max(0.0, until - time.monotonic()))
                if arrived is None:  # the stream has ended, which it does not by itself
                    with connecting.worded():
                        self._receiving.result()
                    return found
                number, done = arrived
                if isinstance(done, IntoneError):
                    raise done
                if number in self._under_way:  # else it was done twice, since the first worker seemed lost
                    self._under_way.remove(number)
                    self._jobs.finish.remote(number)
                    found.append(done)
        return found

    def close(self) -> None:
        """End the stream; where something is under way still, it is broken off."""
        import ray

        if self._under_way or self._receiving.done():
            ray.kill(self._jobs)
        else:
            ray.get(self._jobs.end.remote())
        self._pool.shutdown()  # what it would ask of Ray after its end would start another

    def _receive(self, stream: Iterator[Any]) -> None:
        for batch in stream:
            for number, done in zip(batch["number"].tolist(), batch["done"], strict=True):
                if done is not None:
                    self._arrived.put((number, done))


def _numbers(_: Any, jobs: Any) -> Iterator[Any]:
    """Give the number of each job as it is given; Ray Data maps this on nothing."""
    import ray

    for number in count():
        if not ray.get(jobs.has.remote(number)):
            return
        yield {"number": [number]}


def _stream(jobs: Any, work: Callable[[Any], Any], most: int) -> Iterator[Any]:
    """Have a dataset of numbers mapped to what was done, one by one as they come."""
    import ray.data

    numbers = ray.data.range(1).map_batches(partial(_numbers, jobs=jobs), batch_size=None, num_cpus=0)
    # Tasks and not actors: what waits for an actor whose machine is lost, and not replaced, waits for ever.
    done = numbers.map_batches(work, batch_size=None, compute=ray.data.TaskPoolStrategy(most), num_cpus=1)
    return iter(done.iter_batches(batch_size=None, prefetch_batches=0, batch_format="numpy"))


@contextlib.contextmanager
def opened(options: Options, fingerprint: str, baselines: Path, workers: int) -> Iterator[Ray]:
    """Give the workers of a cluster, which end with the context.

    The cluster is that which ``RAY_ADDRESS`` names or the program is connected to; otherwise one of this machine is
    started, and ended with the context.

    Parameters
    ----------
    options : Options
        How recordings are heard.
    fingerprint : str
        Of the model that they are heard by.
    baselines : pathlib.Path
        Where baselines lie, on this machine.
    workers : int
        How many workers; 0 for one for each core of the cluster.

    Raises
    ------
    WorkerError
        The cluster cannot be reached.
    """
    import ray

    ours = not ray.is_initialized()
    with connecting.worded():
        if ours:
            connecting.connect(workers)
    try:
        with connecting.worded():
            engine = Ray(options, fingerprint, baselines, workers)
        try:
            yield engine
        finally:
            engine.close()
    finally:
        if ours:
            ray.shutdown()
