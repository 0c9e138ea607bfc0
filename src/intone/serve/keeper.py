"""Keeps results: those of several requests in one transaction, each on disk before it is answered."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from intone.results import Prediction, Timeline
from intone.serve.guard import failed
from intone.serve.problems import Problem
from intone.serve.store import Kind, Recording, Store, before, new_id

Found = TypeVar("Found")
ROOM = 64
"""So many requests' results are written at a time."""
EXPIRY_SECONDS = 600.0
"""How often what is too old is looked for."""
RETRY_SECONDS = 5
MOSTLY = 0.5


@dataclass(eq=False)
class _Waiting:
    recordings: Sequence[Recording]
    sounds: Mapping[str, bytes]
    written: "asyncio.Future[None]"


class Keeper:
    """Stands between the service and its store.

    Parameters
    ----------
    store : Store
        Where results are kept.
    keep_days : float
        For so long; 0 is for ever.
    """

    def __init__(self, store: Store, *, keep_days: float) -> None:
        self._store, self._keep_days = store, keep_days
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to write, and to forget; called where the event loop runs."""
        self._tasks = [asyncio.create_task(self._write(), name="intone-keeper")]
        if self._keep_days:
            self._tasks.append(asyncio.create_task(self._expire(), name="intone-expiry"))

    async def stop(self) -> None:
        """End, and close the store; what waits was not acknowledged."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.to_thread(self._store.close)

    async def keep(self, recordings: Sequence[Recording], sounds: Mapping[str, bytes]) -> None:
        """Keep results; they are on disk when it returns.

        Raises
        ------
        Problem
            The store cannot be written.
        """
        waiting = _Waiting(recordings, sounds, asyncio.get_running_loop().create_future())
        self._queue.put_nowait(waiting)
        await waiting.written

    async def ask(self, question: Callable[..., Found], *words: Any, **options: Any) -> Found:
        """Ask the store, as in ``await keeper.ask(Store.find, owner, filters, limit=50)``.

        Raises
        ------
        Problem
            The store does not answer.
        """
        try:
            return await asyncio.to_thread(question, self._store, *words, **options)
        except SQLAlchemyError as error:
            raise _failed() from error

    async def _write(self) -> None:
        while True:
            batch = [await self._queue.get()]
            while len(batch) < ROOM and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            try:
                await asyncio.to_thread(
                    self._store.add,
                    [recording for each in batch for recording in each.recordings],
                    {id: sound for each in batch for id, sound in each.sounds.items()},
                )
            except Exception as error:  # noqa: BLE001 - whatever it is, those who wait are told, and the next are written
                failure = _failed() if isinstance(error, SQLAlchemyError) else error
                for each in batch:
                    if not each.written.done():
                        each.written.set_exception(failure)
                continue
            for each in batch:
                if not each.written.done():
                    each.written.set_result(None)

    async def _expire(self) -> None:
        while True:
            try:
                await asyncio.to_thread(self._store.expire, before(self._keep_days))
            except Exception as error:  # noqa: BLE001 - whatever it is, it is told, and tried again
                failed("expiry", error)
            await asyncio.sleep(EXPIRY_SECONDS)


def _failed() -> Problem:
    return Problem(503, "store", "The store of results does not answer; try again later.", retry_after=RETRY_SECONDS)


def of_prediction(prediction: Prediction, *, owner: str, subject: str, has_sound: bool) -> Recording:
    """Make what is kept of an utterance."""
    return Recording(
        id=new_id(), owner=owner, created=datetime.now(UTC), kind="utterance", name=prediction.file, subject=subject,
        duration=prediction.duration, model=prediction.model, emotion=str(prediction.emotion),
        confidence=prediction.confidence, unsure=prediction.unsure, answer=prediction.to_dict(), has_sound=has_sound,
    )  # fmt: skip


def of_timeline(timeline: Timeline, kind: Kind, *, owner: str, subject: str, has_sound: bool = False) -> Recording:
    """Make what is kept of a recording over time: the emotion that most of its speech has, and the share of that."""
    shares = timeline.summary.shares
    emotion = max(shares, key=shares.__getitem__)
    return Recording(
        id=new_id(), owner=owner, created=datetime.now(UTC), kind=kind, name=timeline.file, subject=subject,
        duration=timeline.duration, model=timeline.model, emotion=str(emotion) if timeline.summary.speech else "",
        confidence=shares[emotion], unsure=timeline.summary.unsure >= MOSTLY, answer=timeline.to_dict(),
        has_sound=has_sound,
    )  # fmt: skip
