"""The WebSocket of live streams; the protocol is told in docs/service.md."""

import asyncio
import contextlib
import json
import uuid
from dataclasses import dataclass
from typing import Any

import numpy as np
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from intone.errors import IntoneError, UsageError
from intone.hear.audio import Samples
from intone.hear.baseline import Baseline
from intone.hear.recogniser import Recogniser
from intone.hear.stream import Stream
from intone.results import Update
from intone.serve.guard import failed, key_of
from intone.serve.metrics import Metrics
from intone.serve.problems import Problem
from intone.serve.settings import MEBIBYTE, Settings

FORMATS: dict[str, np.dtype[Any]] = {"s16le": np.dtype("<i2"), "f32le": np.dtype("<f4")}
MOST_CHANNELS = 8
CLOSED_NORMALLY, POLICY, TOO_BIG, FAILED, TRY_LATER = 1000, 1008, 1009, 1011, 1013


@dataclass(frozen=True)
class Begin:
    """What the first message says of the sound."""

    format: str = "s16le"
    rate: int = 16_000
    channels: int = 1
    interim: bool = True
    prior: dict[str, float] | None = None

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
        if form not in FORMATS:
            raise UsageError(f"format is {form!r}; accepted are {', '.join(FORMATS)}.")
        if type(rate) is not int or type(channels) is not int or not 1 <= channels <= MOST_CHANNELS:
            raise UsageError(
                f"rate and channels are {rate!r} and {channels!r}; accepted are whole numbers, and 1 to 8."
            )
        interim, prior = message.get("interim", True), message.get("prior")
        if not isinstance(interim, bool):
            raise UsageError(f"interim is {interim!r}; accepted are true and false.")
        fits = prior is None or (
            isinstance(prior, dict) and all(type(share) in (int, float) for share in prior.values())
        )
        if not fits:
            raise UsageError("prior must be an object of emotions and shares.")
        return cls(form, rate, channels, interim, prior)


class Live:
    """The streams of a service."""

    def __init__(self, settings: Settings, workers: int) -> None:
        self._settings = settings
        self._turns = asyncio.Semaphore(workers)
        self.open = 0

    async def serve(self, socket: WebSocket, recogniser: Recogniser, metrics: Metrics) -> None:
        """Hear one stream to its end; whatever happens, its place is free then."""
        await socket.accept()
        if self.open >= self._settings.streams:
            await self._refuse(
                socket, metrics, Problem(503, "busy", "All streams are taken; try again later."), TRY_LATER
            )
            return
        self.open += 1
        try:
            await self._session(socket, recogniser, metrics)
        except WebSocketDisconnect:
            metrics.refused("gone")
        except IntoneError as error:
            await self._refuse(socket, metrics, Problem.of(error), POLICY)
        except Problem as problem:
            await self._refuse(socket, metrics, problem, TOO_BIG if problem.status == 413 else POLICY)
        except TimeoutError:
            detail = f"Nothing came for {self._settings.idle_seconds:g} s."
            await self._refuse(socket, metrics, Problem(408, "idle", detail), POLICY)
        except Exception as error:  # noqa: BLE001 - whatever it is, this stream ends with an event, and no other one
            await self._refuse(socket, metrics, failed(uuid.uuid4().hex[:12], error), FAILED)
        finally:
            self.open -= 1

    async def _session(self, socket: WebSocket, recogniser: Recogniser, metrics: Metrics) -> None:
        first = await self._received(socket)
        if not isinstance(first, dict):
            raise UsageError("The first message must be JSON, of type 'session.begin'.")
        keys = socket.scope.get("intone.keys")
        if keys is not None and keys.owner(str(first.get("key") or key_of(socket.headers))) is None:
            raise Problem(401, "no-key", "A key is needed, in the first message or as 'Authorization: Bearer KEY'.")
        begin = Begin.read(first)
        stream = self._begun(recogniser, begin)
        number = uuid.uuid4().hex
        await socket.send_json({"type": "session.created", "session": number, "model": recogniser.card.name})
        heard = 0.0
        while True:
            message = await self._received(socket)
            if isinstance(message, bytes):
                samples = _samples(message, begin)
                heard += len(samples) / begin.rate
                metrics.heard(len(samples) / begin.rate)
                async with self._turns:
                    updates = await asyncio.to_thread(stream.push, samples)
                await self._tell(socket, updates)
                continue
            kind = message.get("type")
            if kind == "ping":
                await socket.send_json({"type": "pong", "at": round(heard, 3)})
            elif kind in ("session.finalize", "session.close"):
                async with self._turns:
                    updates = await asyncio.to_thread(stream.finish)
                await self._tell(socket, updates)
                if kind == "session.close":
                    await socket.send_json({"type": "session.closed", "session": number, "duration": round(heard, 3)})
                    await socket.close(CLOSED_NORMALLY)
                    return
                await socket.send_json({"type": "session.finalized", "session": number})
                stream, heard = self._begun(recogniser, begin, stream.baseline), 0.0
            else:
                raise UsageError(
                    f"There is no message of type {kind!r}; accepted are ping, session.finalize and session.close."
                )

    @staticmethod
    def _begun(recogniser: Recogniser, begin: Begin, known: Baseline | None = None) -> Stream:
        return recogniser.stream(rate=begin.rate, prior=begin.prior, baseline=known, interim=begin.interim)

    async def _received(self, socket: WebSocket) -> bytes | dict[str, Any]:
        message = await asyncio.wait_for(socket.receive(), self._settings.idle_seconds)
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

    async def _tell(self, socket: WebSocket, updates: list[Update]) -> None:
        for update in updates:
            said = update.to_dict()
            kinds = {"interim": "segment.update", "final": "segment.final", "notice": "notice"}
            await socket.send_json({**said, "type": kinds[str(said["type"])]})

    async def _refuse(self, socket: WebSocket, metrics: Metrics, problem: Problem, code: int) -> None:
        metrics.refused(problem.code)
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):  # the other side is gone
            if socket.client_state is not WebSocketState.DISCONNECTED:
                await socket.send_json({"type": "error", "code": problem.code, "message": problem.detail})
                await socket.close(code)


def _samples(content: bytes, begin: Begin) -> Samples:
    kind = FORMATS[begin.format]
    if len(content) % (kind.itemsize * begin.channels):
        raise UsageError(
            f"A frame has {len(content)} bytes; accepted are whole samples of {kind.itemsize * begin.channels} bytes."
        )
    values = np.frombuffer(content, kind).reshape(-1, begin.channels)
    return np.asarray(values.astype(np.int16) if begin.format == "s16le" else values.astype(np.float32))
