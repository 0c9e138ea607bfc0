"""Gathers what many clients ask into one line, answered by a worker on each core, and turns away what has no room."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from intone.errors import counted
from intone.hear.audio import Waveform
from intone.hear.baseline import Baseline
from intone.hear.recogniser import Recogniser
from intone.results import Prediction
from intone.serve.problems import busy

ALIKE = 1.1
"""What is heard together is at most so many times as long as the first; the rest would be filled with silence."""


@dataclass(eq=False)
class _Waiting:
    """A recording that waits for its answer."""

    waveform: Waveform
    prior: Mapping[str, float] | None
    baseline: Baseline | None
    answer: "asyncio.Future[Prediction]"

    def goes_with(self, first: "_Waiting") -> bool:
        """Say whether it can be heard together with another."""
        lengths = sorted((len(self.waveform.samples), len(first.waveform.samples)))
        return self.prior == first.prior and self.baseline is first.baseline and lengths[1] <= ALIKE * lengths[0]


class Batcher:
    """Answers recordings, in the order in which they came but for those of like length, which are heard together.

    Each worker hears on one thread. A model with threads of its own hears single recordings hardly sooner, and threads
    of several that hear at once wait for each other.

    Parameters
    ----------
    recogniser : Recogniser
        Hears them.
    workers : int
        How many hear at once.
    most : int
        From so many recordings in hand on, requests are turned away: what is accepted is answered soon.
    batch : int
        How many are heard together at most.
    """

    def __init__(self, recogniser: Recogniser, *, workers: int, most: int, batch: int) -> None:
        self._recogniser, self._count, self._most, self._batch = recogniser.single, workers, most, batch
        self._queue: deque[_Waiting] = deque()
        self._some = asyncio.Event()
        self._workers: list[asyncio.Task[None]] = []
        self._in_hand = 0

    @property
    def waiting(self) -> int:
        """How many recordings wait."""
        return len(self._queue)

    def start(self) -> None:
        """Begin to answer; called where the event loop runs."""
        self._workers = [asyncio.create_task(self._answer(), name="intone-batcher") for _ in range(self._count)]

    async def stop(self) -> None:
        """End; what waits is not answered."""
        for worker in self._workers:
            worker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await worker

    def check_room(self) -> None:
        """Refuse what would find no room, before its body is read.

        Raises
        ------
        Problem
            There is none.
        """
        if self._in_hand >= self._most:
            raise busy(f"{counted(self._in_hand, 'recording')} are in hand already")

    @contextlib.contextmanager
    def place(self, count: int) -> Iterator[None]:
        """Hold places for a request's recordings until they are answered; raised is as by the check.

        One that finds room is taken on whatever its number, or large requests would find none while others come.
        """
        self.check_room()
        self._in_hand += count
        try:
            yield
        finally:
            self._in_hand -= count

    async def predict(
        self, waveforms: Sequence[Waveform], *, prior: Mapping[str, float] | None, baseline: Baseline | None
    ) -> list[Prediction]:
        """Answer a request's recordings, in their order. Cancelled, it gives its places up."""
        loop = asyncio.get_running_loop()
        own = [_Waiting(waveform, prior, baseline, loop.create_future()) for waveform in waveforms]
        self._queue.extend(own)
        self._some.set()
        try:
            return list(await asyncio.gather(*(each.answer for each in own)))
        finally:
            for each in own:
                each.answer.cancel()

    async def _answer(self) -> None:
        while True:
            while not self._queue:
                self._some.clear()
                await self._some.wait()
            batch = self._next()
            if batch:
                await self._heard(batch)

    def _next(self) -> list[_Waiting]:
        """Take the first that waits, and those that go with it where many do; whoever went away is passed over.

        While few wait each is heard by itself: together they would be answered no sooner than the last of them.
        """
        waiting = [each for each in self._queue if not each.answer.done()]
        most = self._batch if len(waiting) > self._batch * self._count else 1
        batch = [each for each in waiting if each.goes_with(waiting[0])][:most]
        self._queue = deque(each for each in waiting if each not in batch)
        return batch

    async def _heard(self, alike: Sequence[_Waiting]) -> None:
        first = alike[0]
        try:
            answers = await asyncio.to_thread(
                self._recogniser.predict_batch,
                [each.waveform for each in alike],
                prior=first.prior,
                baseline=first.baseline,
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait are told, and the others still answered
            for each in alike:
                if not each.answer.done():
                    each.answer.set_exception(error)
            return
        for each, answer in zip(alike, answers, strict=True):
            if not each.answer.done():
                each.answer.set_result(answer)
