"""Brings alerts to programs and web addresses, in threads of their own, so that the sound never waits."""

import contextlib
import json
import os
import queue
import shlex
import shutil
import signal
import subprocess
import tempfile
import threading
import urllib.error
from collections.abc import Callable
from http.client import HTTPException
from typing import Any, Protocol
from urllib.parse import urlsplit

from intone import web
from intone.errors import IntoneError, UsageError, counted
from intone.hear.alerts import Alert

PROGRAM_SECONDS = 10.0
"""A program that takes longer is ended."""
ANSWER_SECONDS = 5.0
"""A web address that says nothing for longer has failed."""
BACK_OFF_SECONDS = (1.0, 2.0, 4.0)
"""Waits before the second, third and fourth attempt at a web address."""
WAITING_ALERTS = 64
"""This many alerts may wait for one receiver; further ones are dropped, which is said."""
CLOSING_SECONDS = 12.0
"""How long what is under way is waited for at the end: a program that was begun ends, or is ended, in that time."""

TOO_MANY_REQUESTS, SERVER_ERRORS = 429, range(500, 600)
_LAST_WORDS_BYTES = 2000


class DeliveryError(IntoneError):
    """An alert that its receiver did not take."""

    code = "delivery"


class Receiver(Protocol):
    """Takes alerts."""

    @property
    def name(self) -> str:
        """What messages call it."""

    def deliver(self, alert: Alert, wait: Callable[[float], bool], /) -> None:
        """Bring it, or raise :class:`DeliveryError`; ``wait`` waits for some seconds, and says True to give up."""


class Program:
    """A program that is run for each alert: JSON on its standard input, and the main things in its environment.

    Parameters
    ----------
    command : str
        As in a shell, but no shell reads it: words and quotes only.
    seconds : float
        When it is ended.

    Raises
    ------
    UsageError
        The quotes do not match, or there is no such program.
    """

    def __init__(self, command: str, *, seconds: float = PROGRAM_SECONDS) -> None:
        try:
            self.words = shlex.split(command)
        except ValueError as error:
            raise UsageError(f"--exec '{command}' cannot be split into words ({error}).") from error
        if not self.words:
            raise UsageError("--exec names no program.")
        if shutil.which(self.words[0]) is None:
            raise UsageError(f"--exec: there is no program '{self.words[0]}' that can be run.")
        self.name = f"program {self.words[0]}"
        self.seconds = seconds

    def deliver(self, alert: Alert, _wait: Callable[[float], bool], /) -> None:
        """Run it once.

        Raises
        ------
        DeliveryError
            It cannot be started, takes too long, or leaves with another code than 0.
        """
        told = {
            "INTONE_ALERT": str(alert.condition), "INTONE_AT": f"{alert.at:.3f}",
            "INTONE_EMOTION": str(alert.segment.emotion), "INTONE_CONFIDENCE": f"{alert.segment.confidence:.4f}",
        }  # fmt: skip
        with tempfile.TemporaryFile() as words:  # a pipe would fill up, and stay open in what the program leaves behind
            try:
                # In a session of its own no Ctrl-C meant for Intone reaches it, and it is ended with its children.
                process = subprocess.Popen(
                    self.words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=words,
                    env={**os.environ, **told}, start_new_session=True,
                )  # fmt: skip
            except OSError as error:
                raise DeliveryError(f"The {self.name} cannot be started ({error.strerror or error}).") from error
            try:
                process.communicate((json.dumps(alert.to_dict()) + "\n").encode(), timeout=self.seconds)
            except subprocess.TimeoutExpired as error:
                _end(process)
                raise DeliveryError(f"The {self.name} took more than {self.seconds:g} s, and was ended.") from error
            if process.returncode:
                raise DeliveryError(f"The {self.name} failed with code {process.returncode}{_last_words(words)}.")


def _end(process: "subprocess.Popen[bytes]") -> None:
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()


def _last_words(words: Any) -> str:
    """Quote the last line that a program wrote on its standard error."""
    words.seek(max(0, words.seek(0, os.SEEK_END) - _LAST_WORDS_BYTES))
    lines: list[str] = words.read().decode("utf-8", "replace").split("\n")
    said = [line.strip() for line in lines if line.strip()]
    return f": {said[-1].removesuffix('.')}" if said else ""


class Webhook:
    """A web address to which each alert is posted as JSON.

    Connection errors, time-outs and the answers 429 and 5xx are tried again; redirects are not followed.

    Parameters
    ----------
    url : str
        ``http://`` or ``https://``.
    seconds : float
        How long a silence of the other side is waited for.

    Raises
    ------
    UsageError
        It is no such address.
    """

    def __init__(self, url: str, *, seconds: float = ANSWER_SECONDS) -> None:
        if not web.is_address(url):
            raise UsageError(f"--webhook '{url}' is no web address; accepted are http://… and https://….")
        parts = urlsplit(url)
        place = f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
        if "@" in parts.netloc:
            raise UsageError(f"--webhook: a name or password in the address of {place} is not accepted.")
        self.url = url
        self.name = f"webhook at {place}"  # the rest of the address is often a secret
        self.seconds = seconds
        self._opener = web.opener(follow=False)  # the address given is the one that is trusted

    def deliver(self, alert: Alert, wait: Callable[[float], bool], /) -> None:
        """Post it, up to four times.

        Raises
        ------
        DeliveryError
            It was refused, or no attempt got through.
        """
        content = json.dumps(alert.to_dict()).encode()
        for pause in (*BACK_OFF_SECONDS, None):
            failure, again = self._posted(content)
            if not failure:
                return
            if not again or pause is None or wait(pause):
                break
        raise DeliveryError(f"The {self.name} did not take an alert: {failure}.")

    def _posted(self, content: bytes) -> tuple[str, bool]:
        """Post it once: what went wrong, and whether another attempt may help."""
        heads = {"Content-Type": "application/json", "User-Agent": "intone"}
        try:
            with self._opener.open(web.request(self.url, content, heads), timeout=self.seconds):
                return "", False
        except urllib.error.HTTPError as error:
            error.close()
            return f"it answered {error.code}", error.code == TOO_MANY_REQUESTS or error.code in SERVER_ERRORS
        except urllib.error.URLError as error:
            return str(getattr(error.reason, "strerror", None) or error.reason), True
        except TimeoutError:
            return f"it said nothing for {self.seconds:g} s", True
        except (OSError, HTTPException) as error:
            return str(error) or type(error).__name__, True


class Delivery:
    """Brings each alert to each receiver, one thread a receiver, in the order of the alerts.

    Parameters
    ----------
    receivers : sequence of Receiver
        Where to.
    wait : callable, optional
        Waits between attempts, as :class:`Receiver` says; a test passes one that does not.
    """

    def __init__(self, *receivers: Receiver, wait: Callable[[float], bool] | None = None) -> None:
        self._given_up = threading.Event()
        self._wait = wait or self._given_up.wait
        self._said: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._ended = threading.Condition()
        self._lines = [_Line(receiver) for receiver in receivers]
        for line in self._lines:
            threading.Thread(target=self._bring, args=(line,), name=line.receiver.name, daemon=True).start()

    def send(self, alert: Alert) -> None:
        """Take an alert to be brought; returns at once."""
        for line in self._lines:
            with self._ended:
                line.open += 1
            try:
                line.alerts.put_nowait(alert)
            except queue.Full:
                self._end(line, f"The {line.receiver.name} is too slow; an alert was dropped for it.")

    def said(self) -> list[str]:
        """Give what went wrong since the last call, a sentence each."""
        return [self._said.get() for _ in range(self._said.qsize())]

    def drain(self, seconds: float) -> bool:
        """Wait for what is under way, so long at most; True where nothing is left."""
        with self._ended:
            return self._ended.wait_for(lambda: not any(line.open for line in self._lines), timeout=seconds)

    def close(self) -> list[str]:
        """Give up what is left, and give what went wrong as :meth:`said` does."""
        self._given_up.set()
        with self._ended:
            left = [(line.receiver.name, line.open) for line in self._lines if line.open]
        for line in self._lines:
            with contextlib.suppress(queue.Full):
                line.alerts.put_nowait(None)
        return self.said() + [f"The {name} did not take {counted(count, 'alert')} in time." for name, count in left]

    def _bring(self, line: "_Line") -> None:
        while (alert := line.alerts.get()) is not None and not self._given_up.is_set():
            failure = ""
            try:
                line.receiver.deliver(alert, self._wait)
            except DeliveryError as error:
                failure = str(error)
            self._end(line, failure)

    def _end(self, line: "_Line", failure: str) -> None:
        if failure:
            self._said.put(failure)
        with self._ended:
            line.open -= 1
            self._ended.notify_all()


class _Line:
    """The alerts that wait for one receiver, and how many have not ended."""

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver
        self.open = 0
        self.alerts: queue.Queue[Alert | None] = queue.Queue(WAITING_ALERTS)
