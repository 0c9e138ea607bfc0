"""Has what many clients ask done in one line, by a thread on each core, and turns away what has no room."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from intone.errors import counted
from intone.serve.problems import busy

Answer = TypeVar("Answer")


class Line:
    """Does what it is asked in the order in which it came, so much at a time as there are workers.

    Parameters
    ----------
    workers : int
        How many threads work.
    most : int
        From so many recordings in hand on, requests are turned away: what is accepted is answered soon.
    """

    def __init__(self, *, workers: int, most: int) -> None:
        self._workers, self._most, self._in_hand = workers, most, 0
        self._turns: set[Future[Any]] = set()

    @property
    def waiting(self) -> int:
        """How many pieces of work wait."""
        return sum(not turn.running() for turn in tuple(self._turns))

    def start(self) -> None:
        """Begin to work; what was stopped may begin again."""
        self._pool = ThreadPoolExecutor(self._workers, thread_name_prefix="intone-line")

    async def stop(self) -> None:
        """End when what is under way is done; what waits is cancelled."""
        self._pool.shutdown(wait=False, cancel_futures=True)  # at once, so that nothing more is begun
        await asyncio.to_thread(self._pool.shutdown)

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

    def submit(self, work: Callable[[], Answer]) -> "asyncio.Future[Answer]":
        """Have a thread do work when it is its turn; cancelled before, it is passed over."""
        turn = self._pool.submit(work)
        self._turns.add(turn)
        turn.add_done_callback(self._turns.discard)
        return asyncio.wrap_future(turn)
