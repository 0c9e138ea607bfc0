"""What stands before every request: sizes, keys, rates, security headers, and a line of the log behind it."""

import json
import sys
import time
import traceback
import uuid
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from intone.serve.keys import Keys
from intone.serve.metrics import Metrics
from intone.serve.problems import Problem, too_large
from intone.serve.settings import Settings

OPEN = frozenset({"/", "/healthz", "/readyz", "/openapi.json"})
PAGE = "/page/"
"""Paths that need no key, and those that begin so: the page itself holds nothing of anybody."""
OWNER = "intone.owner"
"""Where a request's scope says whose it is: a key's id, or nothing."""
SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'self'; media-src 'self' blob:; object-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Permissions-Policy": "microphone=(self)",
    "Cache-Control": "no-store",
}
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
    """Middleware around the whole service."""

    def __init__(self, app: ASGIApp, *, settings: Settings, metrics: Metrics) -> None:
        self._app, self._settings, self._metrics = app, settings, metrics
        self._keys = None if settings.keys_path is None else Keys(settings.keys_path)
        self._rates = Rates(settings.requests_a_minute)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        scope["intone.keys"] = self._keys  # a stream asks for them when it begins
        scope[OWNER] = ""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, number, status = time.perf_counter(), uuid.uuid4().hex[:12], 0

        async def dressed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = number
                for name, value in SECURITY.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            refused = self._refused(scope)
            if refused is not None:
                await self._answer(refused, scope, receive, dressed)
                return
            await self._app(scope, self._bounded(receive), dressed)
        except Problem as problem:  # of a body that turned out too large
            await self._answer(problem, scope, receive, dressed)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets a problem and never a traceback
            failure = failed(number, error)
            if not status:  # else the answer is under way, and ends short
                await self._answer(failure, scope, receive, dressed)
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
        if scope["path"] in OPEN or scope["path"].startswith(PAGE):
            return None
        caller = str((scope.get("client") or ("nobody",))[0])
        if self._keys is not None:
            owner = self._keys.owner(key_of(headers))
            if owner is None:
                return Problem(
                    401, "no-key", "A key is needed, as 'Authorization: Bearer KEY'; this one is not accepted."
                )
            caller = scope[OWNER] = owner
        wait = self._rates.wait(caller)
        if wait:
            detail = f"More than {self._settings.requests_a_minute} requests came within a minute."
            return Problem(429, "too-many", detail, retry_after=int(wait) + 1)
        return None

    async def _answer(self, problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
        self._metrics.refused(problem.code)
        response = problem.response()
        if problem.status == 401:
            response.headers["WWW-Authenticate"] = "Bearer"
        await response(scope, receive, send)

    def _bounded(self, receive: Receive) -> Receive:
        taken = 0

        async def bounded() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._settings.max_upload_bytes:
                raise too_large(self._settings.max_upload_bytes)
            return message

        return bounded


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
