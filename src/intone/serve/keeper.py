"""Keeps results: those of several requests in one transaction, each on disk before it is answered."""

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from queue import SimpleQueue
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

    A thread of its own writes; what comes while it does is written next, all in one transaction.

    Parameters
    ----------
    store : Store
        Where results are kept.
    keep_days : float
        For so long; 0 is for ever.
    """

    def __init__(self, store: Store, *, keep_days: float) -> None:
        self._store, self._keep_days = store, keep_days
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._writer: threading.Thread | None = None
        self._expiry: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to write, and to forget; called where the event loop runs."""
        loop = asyncio.get_running_loop()
        self._writer = threading.Thread(target=self._write, args=(loop,), name="intone-keeper", daemon=True)
        self._writer.start()
        if self._keep_days:
            self._expiry = asyncio.create_task(self._expire(), name="intone-expiry")

    async def stop(self) -> None:
        """Write what waits, end, and close the store."""
        if self._expiry is not None:
            self._expiry.cancel()
            await asyncio.gather(self._expiry, return_exceptions=True)
        if self._writer is not None:
            self._queue.put(None)
            await asyncio.to_thread(self._writer.join)
        await asyncio.to_thread(self._store.close)

    async def keep(self, recordings: Sequence[Recording], sounds: Mapping[str, bytes]) -> None:
        """Keep results; they are on disk when it returns.

        Raises
        ------
        Problem
            The store cannot be written.
        """
        waiting = _Waiting(recordings, sounds, asyncio.get_running_loop().create_future())
        self._queue.put(waiting)
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

    def _write(self, loop: asyncio.AbstractEventLoop) -> None:
        while self._wrote(loop):  # one round, so that nothing of what was written is held while the next is waited for
            pass

    def _wrote(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Write what waits, and say whether more may come."""
        found = [self._queue.get()]
        while len(found) < ROOM and not self._queue.empty():
            found.append(self._queue.get())
        batch = [each for each in found if each is not None]
        failure: Exception | None = None
        try:
            self._store.add(
                [recording for each in batch for recording in each.recordings],
                {id: sound for each in batch for id, sound in each.sounds.items()},
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait are told, and the next are written
            failure = _failed() if isinstance(error, SQLAlchemyError) else error
        loop.call_soon_threadsafe(_tell, batch, failure)
        return len(batch) == len(found)

    async def _expire(self) -> None:
        while True:
            try:
                await asyncio.to_thread(self._store.expire, before(self._keep_days))
            except Exception as error:  # noqa: BLE001 - whatever it is, it is told, and tried again
                failed("expiry", error)
            await asyncio.sleep(EXPIRY_SECONDS)


def _tell(batch: Sequence[_Waiting], failure: Exception | None) -> None:
    for each in batch:
        if each.written.done():  # nobody waits for it any more
            continue
        if failure is None:
            each.written.set_result(None)
        else:
            each.written.set_exception(failure)


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
