"""What a running service holds."""

import asyncio
import contextlib
import math
from collections.abc import Callable, Iterator, Mapping

from starlette.requests import Request

from intone.hear import loading, modelfile
from intone.hear.modelfile import Card
from intone.hear.recogniser import Recogniser
from intone.machine import cores
from intone.serve.guard import OWNER
from intone.serve.keeper import Keeper
from intone.serve.line import Line
from intone.serve.live import Live
from intone.serve.metrics import Metrics
from intone.serve.problems import Problem, busy
from intone.serve.settings import Settings
from intone.serve.store import Store

IN_HAND = 1.5
"""For each core, how many recordings are in hand at a time, rounded up, unless the settings say otherwise: one is
heard, and to answer it and be sent the next takes a fraction of that time. More would only wait."""
TIMELINES = 8
"""For each core, how many long recordings may be in hand."""


class State:
    """What a running service holds; what takes time to make comes with :meth:`begin`.

    Parameters
    ----------
    settings : Settings
        How the service is set up.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings, self.workers = settings, cores()
        self.cards: tuple[Card, ...] = ()
        self.keeper: Keeper | None = None
        self.live = Live(settings, self.workers)
        self.turns = asyncio.Semaphore(self.workers)
        self._timelines = 0
        self.line = Line(workers=self.workers, most=settings.queue or math.ceil(IN_HAND * self.workers))
        self.metrics = Metrics(lambda: self.line.waiting, lambda: self.live.open)
        self._recogniser: Recogniser | None = None

    async def begin(self) -> None:
        """Open the store and load the models."""
        if self.settings.store:
            store = await asyncio.to_thread(Store, self.settings.store)
            self.keeper = Keeper(store, keep_days=self.settings.keep_days)
            self.keeper.start()
        recogniser = await asyncio.to_thread(loading.load, self.settings.model, threads=self.settings.threads)
        self.cards = await asyncio.to_thread(_shipped_cards)
        self.line.start()
        self._recogniser = recogniser

    async def end(self) -> None:
        """Finish what was taken on."""
        await self.line.stop()
        if self.keeper is not None:
            await self.keeper.stop()

    @property
    def ready(self) -> Recogniser:
        """What answers.

        Raises
        ------
        Problem
            The model is not loaded yet.
        """
        if self._recogniser is None:
            raise busy("The model is being loaded")
        return self._recogniser

    @property
    def room(self) -> Mapping[str, Callable[[], None]]:
        """For each path that hears what there must be room for: what raises a :class:`Problem` where there is none."""
        return {
            "/v1/predict": self.line.check_room,
            "/v1/baselines": self.line.check_room,
            "/v1/timeline": self.check_timelines,
        }

    def check_timelines(self) -> None:
        """Refuse another long recording where there is no room, before it is read.

        Raises
        ------
        Problem
            There is none.
        """
        if self._timelines >= TIMELINES * self.workers:
            raise busy(f"{self._timelines} long recordings are waiting already")

    @contextlib.contextmanager
    def timeline(self) -> Iterator[None]:
        """Hold a place for a long recording; raised is as by the check."""
        self.check_timelines()
        self._timelines += 1
        try:
            yield
        finally:
            self._timelines -= 1

    @property
    def kept(self) -> Keeper:
        """What keeps results.

        Raises
        ------
        Problem
            This service keeps none.
        """
        if self.keeper is None:
            raise Problem(404, "no-store", "This service keeps nothing.")
        return self.keeper


def owner_of(request: Request) -> str:
    """Give whose request it is: a key's id, or nothing where no keys are asked for."""
    owner: str = request.scope[OWNER]
    return owner


def _shipped_cards() -> tuple[Card, ...]:
    return tuple(loading.load(name, threads=1).card for name in modelfile.shipped())
