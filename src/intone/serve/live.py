"""The streams of a service: how many there are, who may have one, and how one ends."""

import asyncio
import contextlib
import uuid

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from intone.errors import IntoneError, UsageError
from intone.hear.recogniser import Recogniser
from intone.serve.guard import failed, key_of
from intone.serve.keeper import Keeper
from intone.serve.metrics import Metrics
from intone.serve.problems import Problem
from intone.serve.session import Begin, Session, Wire
from intone.serve.settings import Settings

POLICY, TOO_BIG, FAILED, TRY_LATER = 1008, 1009, 1011, 1013
"""Codes of RFC 6455 and its registry, by which a connection ends."""
CODES = {413: TOO_BIG, 500: FAILED, 503: TRY_LATER}
FIRST_SECONDS = 5.0
"""For so long the first message is waited for."""


class Live:
    """The streams of a service."""

    def __init__(self, settings: Settings, workers: int) -> None:
        self._settings = settings
        self._turns = asyncio.Semaphore(workers)
        self.open = 0

    async def serve(self, socket: WebSocket, recogniser: Recogniser, metrics: Metrics, keeper: Keeper | None) -> None:
        """Hear one stream to its end; whatever happens, its place is free then."""
        await socket.accept()
        try:
            await self._heard(socket, recogniser, metrics, keeper)
        except WebSocketDisconnect:
            metrics.refused("gone")
        except IntoneError as error:
            await self._refuse(socket, metrics, Problem.of(error), POLICY)
        except Problem as problem:
            await self._refuse(socket, metrics, problem, CODES.get(problem.status, POLICY))
        except TimeoutError:
            detail = "Nothing came for too long."
            await self._refuse(socket, metrics, Problem(408, "idle", detail), POLICY)
        except Exception as error:  # noqa: BLE001 - whatever it is, this stream ends with an event, and no other one
            await self._refuse(socket, metrics, failed(uuid.uuid4().hex[:12], error), FAILED)

    async def _heard(self, socket: WebSocket, recogniser: Recogniser, metrics: Metrics, keeper: Keeper | None) -> None:
        wire = Wire(socket, self._settings.idle_seconds)
        first = await wire.received(FIRST_SECONDS)  # who has shown no key yet keeps nothing busy for long
        if not isinstance(first, dict):
            raise UsageError("The first message must be JSON, of type 'session.begin'.")
        keys, key = socket.scope.get("intone.keys"), str(first.get("key") or key_of(socket.headers))
        try:
            owner = "" if keys is None else keys.owner(key)
        except UsageError as error:  # the file of keys is damaged, which is nobody's business but the operator's
            raise failed(uuid.uuid4().hex[:12], error) from error
        if owner is None:
            raise Problem(401, "no-key", "A key is needed, in the first message or as 'Authorization: Bearer KEY'.")
        if self.open >= self._settings.streams:
            raise Problem(503, "busy", "All streams are taken; try again later.")
        self.open += 1
        try:
            begin = Begin.read(first)
            session = Session(
                wire, recogniser, begin, self._turns, metrics, keeper if begin.store else None, owner,
                allowed=lambda: keys is None or keys.owner(key) == owner,
            )  # fmt: skip
            try:
                await session.run()
            finally:
                await session.break_off()
        finally:
            self.open -= 1

    async def _refuse(self, socket: WebSocket, metrics: Metrics, problem: Problem, code: int) -> None:
        metrics.refused(problem.code)
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):  # the other side is gone
            if socket.client_state is not WebSocketState.DISCONNECTED:
                await socket.send_json({"type": "error", "code": problem.code, "message": problem.detail})
                await socket.close(code)
