"""What stands before every request: sizes, keys, rates, security headers, and a line of the log behind it."""

import asyncio
import contextlib
import json
import random
import re
import sys
import time
import traceback
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from intone.serve.keys import Keys
from intone.serve.metrics import Metrics
from intone.serve.problems import Problem, busy, too_large
from intone.serve.settings import Settings

OPEN = frozenset({"/", "/healthz", "/readyz", "/openapi.json"})
PAGE = "/page/"
"""Paths that need no key, and those that begin so: the page itself holds nothing of anybody."""
OWNER = "intone.owner"
"""Where a request's scope says whose it is: a key's id, or nothing."""
SECURITY = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (
        b"content-security-policy",
        b"default-src 'self'; media-src 'self' blob:; object-src 'none'; base-uri 'none'; "
        b"form-action 'none'; frame-ancestors 'none'",
    ),
    (b"permissions-policy", b"microphone=(self)"),
    (b"cache-control", b"no-store"),
)
"""What each answer says to browsers unless it says otherwise itself, as ASGI has it."""
HOST = re.compile(r"(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?")
"""What this machine is called by itself."""
GRACE_SECONDS, SLOWEST = 15.0, 10_000
"""A body may take so long, and so many bytes a second longer the larger it is: places are not for those who wait."""
MOST_BODIES = 64
"""So many requests with a body may be under way; what comes in lies in memory or on disk until it is heard."""
POLICY, GONE = 1008, 499
"""The code of a connection that is refused (RFC 6455), and what the log says of clients that went away."""
REMEMBERED = 10_000
"""So many callers' rates are kept; the longest silent is forgotten first."""
MINUTE = 60.0


class Rates:
    """Says who asks too often: for each caller a bucket that fills by so many a minute (a token bucket).

    Examples
    --------
    >>> rates = Rates(2, now=lambda: 0.0)
    >>> [rates.wait("Ann"), rates.wait("Ann"), rates.wait("Ann"), rates.wait("Bo")]
    [0.0, 0.0, 30.0, 0.0]
    """

    def __init__(self, a_minute: int, *, now: Callable[[], float] = time.monotonic) -> None:
        self._most, self._now = float(a_minute), now
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, caller: str) -> float:
        """Count a request; give the seconds after which the caller may come again, 0 where it may now."""
        now = self._now()
        left, since = self._left.pop(caller, (self._most, now))
        left = min(self._most, left + (now - since) * self._most / MINUTE)
        short = max(1 - left, 0.0)
        self._left[caller] = (left if short else left - 1, now)
        while len(self._left) > REMEMBERED:
            self._left.popitem(last=False)
        return short * MINUTE / self._most


class Guard:
    """Middleware around the whole service; ``room`` has what raises a :class:`Problem` where a path is full."""

    def __init__(
        self, app: ASGIApp, *, settings: Settings, metrics: Metrics, room: Mapping[str, Callable[[], None]]
    ) -> None:
        self._app, self._settings, self._metrics, self._room = app, settings, metrics, room
        self._keys = None if settings.keys_path is None else Keys(settings.keys_path)
        self._rates = Rates(settings.requests_a_minute)
        self._bodies = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        scope["intone.keys"] = self._keys  # a stream asks for them when it begins
        scope[OWNER] = ""
        if scope["type"] == "http":
            body = Body(receive, self._settings.max_upload_bytes, scope)
            coming = not body.whole
            self._bodies += coming
            try:
                await self._answered(scope, body, send)
            finally:
                self._bodies -= coming
        elif scope["type"] == "websocket" and (refused := self._refused_stream(scope)) is not None:
            self._metrics.refused(refused.code)
            await send({"type": "websocket.close", "code": POLICY, "reason": refused.code})
        else:
            await self._app(scope, receive, send)

    async def _answered(self, scope: Scope, body: "Body", send: Send) -> None:
        began, status = time.perf_counter(), 0
        number = f"{random.getrandbits(48):012x}"  # tells requests apart, and is no secret

        async def dressed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = {name for name, _ in message["headers"]}
                dress = [pair for pair in SECURITY if pair[0] not in own]
                message = {**message, "headers": [*message["headers"], (b"x-request-id", number.encode()), *dress]}
            last = message["type"] == "http.response.body" and not message.get("more_body")
            if last and not body.whole:
                # Where a connection is closed on what is still being sent, the client sees that and not the answer.
                await send({**message, "more_body": True})
                await body.drop()
                message = {"type": "http.response.body", "body": b""}
            await send(message)

        try:
            refused = self._refused(scope)
            if refused is not None:
                await self._answer(refused, scope, body.receive, dressed)
                return
            await self._app(scope, body.receive, dressed)
        except Problem as problem:  # of a body that turned out too large, or too slow
            await self._answer(problem, scope, body.receive, dressed)
        except ClientDisconnect:
            status = GONE
            self._metrics.refused("gone")
        except asyncio.CancelledError:  # the service ends, and waits no longer
            if not status:
                await self._answer(busy("The service is ending"), scope, body.receive, dressed)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets a problem and never a traceback
            failure = failed(number, error)
            if not status:  # else the answer is under way, and ends short
                await self._answer(failure, scope, body.receive, dressed)
        finally:
            route = getattr(scope.get("route"), "path", "<none>")
            seconds = time.perf_counter() - began
            self._metrics.answered(route, status, seconds)
            _log(request=number, method=scope["method"], route=route, status=status, seconds=round(seconds, 4))

    def _refused(self, scope: Scope) -> Problem | None:
        headers = Headers(scope=scope)
        length = headers.get("content-length", "0")
        if not length.isascii() or not length.isdigit() or int(length) > self._settings.max_upload_bytes:
            return too_large(self._settings.max_upload_bytes)
        if (stranger := self._from_elsewhere(headers)) is not None:
            return stranger
        if scope["path"] in OPEN or scope["path"].startswith(PAGE):
            return None
        caller = _address(scope)
        if self._keys is not None:
            owner = self._keys.owner(key_of(headers))
            if owner is None:
                return Problem(
                    401, "no-key", "A key is needed, as 'Authorization: Bearer KEY'; this one is not accepted."
                )
            caller = scope[OWNER] = owner
        return self._too_often(caller) or self._full(scope)

    def _full(self, scope: Scope) -> Problem | None:
        """Turn away at the door, where it costs least: those who are let in are heard meanwhile."""
        if self._bodies > MOST_BODIES:
            return busy("Many requests are coming in")
        try:
            self._room.get(scope["path"], bool)()
        except Problem as problem:
            return problem
        return None

    def _refused_stream(self, scope: Scope) -> Problem | None:
        """Its key comes later; until then it is told by its address."""
        return self._from_elsewhere(Headers(scope=scope)) or self._too_often(_address(scope))

    def _too_often(self, caller: str) -> Problem | None:
        wait = self._rates.wait(caller)
        if not wait:
            return None
        detail = f"More than {self._settings.requests_a_minute} requests came within a minute."
        return Problem(429, "too-many", detail, retry_after=int(wait) + 1)

    def _from_elsewhere(self, headers: Headers) -> Problem | None:
        """Refuse pages of others, which a browser on this machine may show: no key keeps them out."""
        host = headers.get("host", "").lower()
        if self._keys is None and self._settings.loopback and HOST.fullmatch(host) is None:
            return Problem(403, "host", "This service is for its own machine alone, by the name of localhost.")
        origin = headers.get("origin")
        if self._keys is None and origin is not None and origin.lower().partition("://")[2] != host:
            return Problem(403, "origin", "A page of another site may ask this service only with a key.")
        return None

    async def _answer(self, problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
        self._metrics.refused(problem.code)
        response = problem.response()
        if problem.status == 401:
            response.headers["WWW-Authenticate"] = "Bearer"
        await response(scope, receive, send)


class Body:
    """The body of a request as it comes: no larger than it may be, and no slower.

    Parameters
    ----------
    receive : callable
        Gives the next message.
    most : int
        Bytes that it may have.
    scope : mapping
        Of the request.
    """

    def __init__(self, receive: Receive, most: int, scope: Scope) -> None:
        headers = Headers(scope=scope)
        self.whole = headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers
        self._receive, self._most, self._taken = receive, most, 0
        self._began = time.monotonic()

    async def receive(self) -> Message:
        """Give the next message.

        Raises
        ------
        Problem
            The body is too large, or comes too slowly.
        """
        if self.whole:
            return await self._receive()
        left = self._began + GRACE_SECONDS + self._taken / SLOWEST - time.monotonic()
        try:
            async with asyncio.timeout(max(left, 0)):  # unlike wait_for it makes no task for each piece of a body
                message = await self._receive()
        except TimeoutError:
            raise Problem(408, "too-slow", "The body came too slowly; send it again on a better line.") from None
        self._note(message)
        if self._taken > self._most:
            raise too_large(self._most)
        return message

    async def drop(self) -> None:
        """Take what is still sent, for a while, and forget it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE_SECONDS):
                while not self.whole:
                    self._note(await self._receive())

    def _note(self, message: Message) -> None:
        self._taken += len(message.get("body", b""))
        self.whole = not message.get("more_body", False)  # as after a disconnect too


def _address(scope: Scope) -> str:
    return str((scope.get("client") or ("nobody",))[0])


def key_of(headers: Headers) -> str:
    """Give the key that a request bears."""
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")


def failed(number: str, error: Exception) -> Problem:
    """Log a mistake of ours: where in the code it is, and not what it says, which may hold what a client sent."""
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    where = "; ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)
    _log(request=number, error=type(error).__name__, where=where)
    return Problem(500, "failed", f"The service failed; its log says more at {number}.")


def _log(**entry: object) -> None:
    """Write a line of the log: nothing of who asked, nor what was sent."""
    print(json.dumps(entry), file=sys.stderr, flush=True)
