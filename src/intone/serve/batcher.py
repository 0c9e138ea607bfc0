"""Gathers what many clients ask into batches for the model, and turns away what it has no room for."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from intone.hear.audio import Waveform
from intone.hear.baseline import Baseline
from intone.hear.recogniser import Recogniser
from intone.results import Prediction
from intone.serve.problems import busy


@dataclass(eq=False)
class _Waiting:
    """A recording that waits for its answer."""

    waveform: Waveform
    prior: Mapping[str, float] | None
    baseline: Baseline | None
    answer: "asyncio.Future[Prediction]"


class Batcher:
    """Answers recordings, those of several requests at a time.

    Parameters
    ----------
    recogniser : Recogniser
        Hears them.
    most : int
        How many may wait.
    batch : int
        How many are heard at a time.
    """

    def __init__(self, recogniser: Recogniser, *, most: int, batch: int) -> None:
        self._recogniser, self._most, self._batch = recogniser, most, batch
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue()
        self._worker: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """How many recordings wait."""
        return self._queue.qsize()

    def start(self) -> None:
        """Begin to answer; called where the event loop runs."""
        self._worker = asyncio.create_task(self._answer(), name="intone-batcher")

    async def stop(self) -> None:
        """End; what waits is not answered."""
        if self._worker is not None:
            self._worker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._worker

    async def predict(
        self, waveforms: Sequence[Waveform], *, prior: Mapping[str, float] | None, baseline: Baseline | None
    ) -> list[Prediction]:
        """Answer a request's recordings, in their order. Cancelled, it gives its places up.

        Raises
        ------
        Problem
            There is no room.
        """
        if self._queue.qsize() + len(waveforms) > self._most:
            raise busy(f"{self._queue.qsize()} recordings are waiting already")
        loop = asyncio.get_running_loop()
        own = [_Waiting(waveform, prior, baseline, loop.create_future()) for waveform in waveforms]
        for each in own:
            self._queue.put_nowait(each)
        try:
            return list(await asyncio.gather(*(each.answer for each in own)))
        finally:
            for each in own:
                each.answer.cancel()

    async def _answer(self) -> None:
        while True:
            batch = [await self._queue.get()]
            while len(batch) < self._batch and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            batch = [each for each in batch if not each.answer.done()]  # whoever went away is passed over
            while batch:
                first = batch[0]
                alike = [each for each in batch if each.prior == first.prior and each.baseline is first.baseline]
                batch = [each for each in batch if each not in alike]
                await self._heard(alike)

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
