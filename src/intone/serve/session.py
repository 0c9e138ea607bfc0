"""One live stream over a WebSocket; the protocol is told in docs/service.md."""

import asyncio
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from starlette.websockets import WebSocket, WebSocketDisconnect

from intone.errors import UsageError
from intone.hear.audio import Samples
from intone.hear.baseline import Baseline
from intone.hear.recogniser import Recogniser
from intone.hear.stream import Stream
from intone.hear.summary import summary
from intone.results import Segment, Timeline, Update
from intone.serve.keeper import Keeper, of_timeline
from intone.serve.metrics import Metrics
from intone.serve.problems import Problem
from intone.serve.settings import MEBIBYTE
from intone.serve.uploads import shown, subject

FORMATS: dict[str, np.dtype[Any]] = {"s16le": np.dtype("<i2"), "f32le": np.dtype("<f4")}
MOST_CHANNELS = 8
LONGEST_SHOWN = 60
CLOSED_NORMALLY = 1000


@dataclass(frozen=True)
class Begin:
    """What the first message says of the sound, and of what is to be kept of it."""

    format: str = "s16le"
    rate: int = 16_000
    channels: int = 1
    interim: bool = True
    prior: dict[str, float] | None = None
    baseline: Baseline | None = None
    subject: str = ""
    name: str = "live"
    store: bool = True

    @classmethod
    def read(cls, message: dict[str, Any]) -> "Begin":
        """Check it.

        Raises
        ------
        UsageError
            It is not as the protocol says.
        """
        if message.get("type") != "session.begin":
            raise UsageError("The first message must be of type 'session.begin'.")
        form, rate, channels = message.get("format", "s16le"), message.get("rate", 16_000), message.get("channels", 1)
        if not isinstance(form, str) or form not in FORMATS:
            raise UsageError(f"format is {_short(form)}; accepted are {', '.join(FORMATS)}.")
        if type(rate) is not int or rate >= 10**9 or type(channels) is not int or not 1 <= channels <= MOST_CHANNELS:
            raise UsageError(
                f"rate and channels are {_short(rate)} and {_short(channels)}; accepted are whole numbers, and 1 to 8."
            )
        interim, prior = message.get("interim", True), message.get("prior")
        if not isinstance(interim, bool):
            raise UsageError(f"interim is {_short(interim)}; accepted are true and false.")
        fits = prior is None or (
            isinstance(prior, dict) and all(type(share) in (int, float) for share in prior.values())
        )
        if not fits:
            raise UsageError("prior must be an object of emotions and shares.")
        store, who, name = message.get("store", True), message.get("subject", ""), message.get("name", "live")
        if not isinstance(store, bool) or not isinstance(who, str) or not isinstance(name, str):
            raise UsageError("store must be true or false, and subject and name texts.")
        known = message.get("baseline")
        baseline = None if known is None else Baseline.from_json(json.dumps(known), name="the field 'baseline'")
        return cls(form, rate, channels, interim, prior, baseline, subject(who), shown(name), store)


class Wire:
    """The messages of one connection.

    Parameters
    ----------
    socket : WebSocket
        The connection, accepted.
    idle_seconds : float
        For so long it may say nothing.
    """

    def __init__(self, socket: WebSocket, idle_seconds: float) -> None:
        self._socket, self._idle_seconds = socket, idle_seconds

    async def received(self, seconds: float | None = None) -> bytes | dict[str, Any]:
        """Wait for what comes next, sound or a message, no longer than that or than it may be idle.

        Raises
        ------
        Problem, UsageError
            It is too large, or no JSON object.
        TimeoutError, WebSocketDisconnect
            Nothing came, or the other side went away.
        """
        message = await asyncio.wait_for(self._socket.receive(), min(seconds or self._idle_seconds, self._idle_seconds))
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code") or CLOSED_NORMALLY)
        content = message.get("bytes")
        if content is not None:
            if len(content) > MEBIBYTE:
                raise Problem(
                    413, "too-large", "A frame of sound is larger than the 1,048,576 bytes that are accepted."
                )
            return bytes(content)
        try:
            said = json.loads(message.get("text") or "")
        except (ValueError, RecursionError) as error:
            raise UsageError("A message that is text must be JSON.") from error
        if not isinstance(said, dict):
            raise UsageError("A message that is text must be a JSON object.")
        return said

    async def tell(self, kind: str, **content: object) -> None:
        """Send a message."""
        await self._socket.send_json({"type": kind, **content})

    async def close(self) -> None:
        """End the connection, as it should."""
        await self._socket.close(CLOSED_NORMALLY)


class Session:
    """Hears one stream: stretches of the same speaker, each from one ``session.finalize`` to the next."""

    def __init__(
        self,
        wire: Wire,
        recogniser: Recogniser,
        begin: Begin,
        turns: asyncio.Semaphore,
        metrics: Metrics,
        keeper: Keeper | None,
        owner: str,
        allowed: Callable[[], bool],
    ) -> None:
        self._wire, self._recogniser, self._begin, self._turns = wire, recogniser, begin, turns
        self._metrics, self._keeper, self._owner, self._allowed = metrics, keeper, owner, allowed
        self._number = uuid.uuid4().hex
        self._start(begin.baseline)

    def _start(self, known: Baseline | None) -> None:
        begin = self._begin
        self._stream: Stream = self._recogniser.stream(
            rate=begin.rate, prior=begin.prior, baseline=known, interim=begin.interim
        )
        self._seconds, self._segments, self._over = 0.0, list[Segment](), False

    async def run(self) -> None:
        """Hear it until the client closes it."""
        await self._wire.tell("session.created", session=self._number, model=self._recogniser.card.name)
        while True:
            message = await self._wire.received()
            if not self._allowed():
                raise Problem(401, "no-key", "The key is not accepted any more.")
            if isinstance(message, bytes):
                samples = _samples(message, self._begin)
                self._seconds += len(samples) / self._begin.rate
                self._metrics.heard(len(samples) / self._begin.rate)
                async with self._turns:
                    updates = await asyncio.to_thread(self._stream.push, samples)
                await self._tell(updates)
                continue
            kind = message.get("type")
            if kind == "ping":
                await self._wire.tell("pong", at=round(self._seconds, 3))
            elif kind == "session.finalize":
                kept = await self._finished()
                await self._wire.tell("session.finalized", session=self._number, **kept)
                self._start(self._stream.baseline)
            elif kind == "session.close":
                seconds = round(self._seconds, 3)
                kept = await self._finished()
                await self._wire.tell("session.closed", session=self._number, duration=seconds, **kept)
                await self._wire.close()
                return
            else:
                raise UsageError(
                    f"There is no message of type {_short(kind)}; accepted are ping, session.finalize, session.close."
                )

    async def _finished(self) -> dict[str, str]:
        self._over = True
        async with self._turns:
            updates = await asyncio.to_thread(self._stream.finish)
        await self._tell(updates)
        id = await self.keep()
        return {"id": id} if id else {}

    async def keep(self) -> str:
        """Keep the answers since the last time, where that is to be; give their id, or nothing."""
        segments, self._segments = tuple(self._segments), []
        if self._keeper is None or not segments:
            return ""
        total = summary(segments)
        timeline = Timeline(
            self._begin.name, self._seconds, segments, total, self._recogniser.card.name, {segments[0].voice: total}
        )
        result = of_timeline(timeline, "stream", owner=self._owner, subject=self._begin.subject)
        await self._keeper.keep([result], {})
        return result.id

    async def break_off(self) -> None:
        """Keep what was heard, what was being spoken too, unless the stream was closed as it should."""
        if self._over:
            return
        async with self._turns:
            updates = await asyncio.to_thread(self._stream.finish)
        self._gather(updates)
        await self.keep()

    def _gather(self, updates: list[Update]) -> None:
        self._segments += [update.segment for update in updates if update.final and update.segment is not None]

    async def _tell(self, updates: list[Update]) -> None:
        kinds = {"interim": "segment.update", "final": "segment.final", "notice": "notice"}
        self._gather(updates)
        for update in updates:
            said = update.to_dict()
            await self._wire.tell(kinds[str(said.pop("type"))], **said)


def _short(value: object) -> str:
    """Write what a client sent, but no more of it than a sentence can hold."""
    small = (
        value is None
        or isinstance(value, str | float | bool)
        or (isinstance(value, int) and abs(value) < 10**LONGEST_SHOWN)
    )
    shown = repr(value) if small else type(value).__name__
    return shown if len(shown) <= LONGEST_SHOWN else f"{shown[:LONGEST_SHOWN]}…"


def _samples(content: bytes, begin: Begin) -> Samples:
    kind = FORMATS[begin.format]
    if len(content) % (kind.itemsize * begin.channels):
        raise UsageError(
            f"A frame has {len(content)} bytes; accepted are whole samples of {kind.itemsize * begin.channels} bytes."
        )
    values = np.frombuffer(content, kind).reshape(-1, begin.channels)
    return np.asarray(values.astype(np.int16) if begin.format == "s16le" else values.astype(np.float32))
