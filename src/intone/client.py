"""A client of the service in a page: files, timelines and live streams, with nothing but the standard library.

Streams need the package websockets (extra ``serve``).

Examples
--------
``Client("http://127.0.0.1:8000").predict("call.wav")`` gives a list of what :meth:`intone.Prediction.to_dict` says.
"""

import json
import time
import urllib.error
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from http.client import HTTPException
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, urlencode

from intone import web
from intone.errors import IntoneError, MissingExtraError, UsageError

PATIENCE = (0.5, 1.0, 2.0, 4.0)
"""Seconds to wait before a busy service is asked again."""
BUSY = 503


class ServiceError(IntoneError):
    """The service refused; ``status`` and ``problem`` say what it answered.

    Parameters
    ----------
    message : str
        In a sentence.
    status : int
        Of HTTP; 0 where there was no answer.
    problem : mapping
        The problem document.
    """

    code = "service"

    def __init__(self, message: str, status: int = 0, problem: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status, self.problem = status, dict(problem or {})


class Client:
    """Asks a service.

    Parameters
    ----------
    url : str
        Where it listens, as in ``"http://127.0.0.1:8000"``.
    key : str, optional
        An API key.
    seconds : float, default 60
        How long an answer is waited for.

    Raises
    ------
    UsageError
        The address is none of a service.
    """

    def __init__(self, url: str, *, key: str = "", seconds: float = 60.0) -> None:
        if not web.is_address(url):
            raise UsageError(f"{url}: no address of a service; accepted are http://… and https://….")
        self._opener = web.opener(follow=False)  # a redirect would carry the key along
        self._url, self._seconds = url.rstrip("/"), seconds
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._key = key

    def predict(
        self, *files: str | Path, baseline: Mapping[str, Any] | None = None, subject: str = "", **options: Any
    ) -> list[dict[str, Any]]:
        """Ask for the emotion of recordings: an answer each, or ``{"error": …}`` for one that cannot be heard.

        Parameters
        ----------
        files : path
            The recordings.
        baseline : mapping, optional
            What :meth:`baseline` gave of their speaker.
        subject : str, optional
            Whose voice it is, so that what is kept of them can be found and forgotten; better a number than a name.
        **options
            ``prior={"neutral": 0.8}``; ``store=False`` lets the service keep nothing of it.

        Raises
        ------
        ServiceError
            The service refuses, or does not answer.
        """
        said = self._post("/v1/predict", files, _fields(baseline, subject), options)
        answers: list[dict[str, Any]] = said["predictions"]
        return answers

    def timeline(
        self,
        file: str | Path,
        *,
        channels: Literal["mixed", "separate"] = "mixed",
        hindsight: bool = False,
        baseline: Mapping[str, Any] | None = None,
        subject: str = "",
        **options: Any,
    ) -> dict[str, Any]:
        """Ask for the emotion of a recording over time; options and errors are as for :meth:`predict`."""
        told = {"channels": channels, "hindsight": hindsight, **options}
        return self._post("/v1/timeline", [file], _fields(baseline, subject), told)

    def baseline(self, *files: str | Path, rest: bool = False) -> dict[str, Any]:
        """Ask what a speaker sounds like otherwise; raised is as for :meth:`predict`."""
        return self._post("/v1/baselines", files, {}, {"rest": rest})

    def models(self) -> dict[str, Any]:
        """Ask for the models."""
        return self._asked(self._request("/v1/models"))

    def recordings(self, **filters: Any) -> Iterator[dict[str, Any]]:
        """Give what the service has kept, newest first, without the answers themselves.

        Parameters
        ----------
        **filters
            ``kind``, ``subject``, ``emotion``, ``unsure``, ``since`` and ``until`` (ISO 8601).

        Raises
        ------
        ServiceError
            The service refuses, keeps nothing, or does not answer.
        """
        after = ""
        while True:
            page = self._asked(self._request("/v1/recordings", {**filters, "after": after}))
            yield from page["recordings"]
            after = page["next"]
            if not after:
                return

    def recording(self, id: str) -> dict[str, Any]:
        """Give one that was kept, with its answer; raised is as for :meth:`recordings`."""
        return self._asked(self._request(f"/v1/recordings/{quote(id, safe='')}"))

    def delete(self, id: str) -> None:
        """Let the service forget one; raised is as for :meth:`recordings`."""
        self._asked(self._request(f"/v1/recordings/{quote(id, safe='')}", method="DELETE"))

    def forget(self, subject: str) -> int:
        """Let the service forget all of a subject; give how many those were. Raised is as for :meth:`recordings`."""
        deleted: int = self._asked(self._request(f"/v1/subjects/{quote(subject, safe='')}", method="DELETE"))["deleted"]
        return deleted

    def stream(
        self, frames: Iterable[bytes], *, rate: int, form: Literal["s16le", "f32le"] = "s16le", **options: Any
    ) -> Iterator[dict[str, Any]]:
        """Send sound as it comes; give the events as they come.

        Parameters
        ----------
        frames : iterable of bytes
            PCM, little-endian, of any length; what makes them says when.
        rate : int
            Samples a second.
        form : "s16le" or "f32le"
            Of the samples.
        **options
            ``channels``, ``interim``, ``prior``, ``baseline``, ``subject``, ``name``, ``store``.

        Raises
        ------
        MissingExtraError
            websockets is not installed.
        ServiceError
            The service refuses.
        """
        try:
            from websockets.exceptions import WebSocketException
            from websockets.sync.client import connect
        except ImportError as error:
            raise MissingExtraError("A stream needs websockets: pip install 'intone[serve]'.") from error
        begin = {"type": "session.begin", "format": form, "rate": rate, **options} | (
            {"key": self._key} if self._key else {}
        )
        try:
            with connect(f"{self._url.replace('http', 'ws', 1)}/v1/stream", open_timeout=self._seconds) as socket:
                yield from self._events(socket, begin, frames)
        except (OSError, WebSocketException) as error:
            raise ServiceError(f"{self._url}: the stream ended before it was closed ({error}).") from error

    def _events(self, socket: Any, begin: Mapping[str, Any], frames: Iterable[bytes]) -> Iterator[dict[str, Any]]:
        from websockets.exceptions import ConnectionClosed

        socket.send(json.dumps(begin))
        yield _event(socket.recv(self._seconds))
        try:
            for frame in frames:
                socket.send(frame)
                yield from self._waiting(socket)
            socket.send(json.dumps({"type": "session.close"}))
        except ConnectionClosed:  # why stands in what has come and is not read yet
            for message in socket:
                yield _event(message)
            raise
        for message in socket:
            yield _event(message)

    @staticmethod
    def _waiting(socket: Any) -> Iterator[dict[str, Any]]:
        while True:
            try:
                yield _event(socket.recv(0))
            except TimeoutError:
                return

    def _post(
        self, path: str, files: Sequence[str | Path], fields: Mapping[str, str], options: Mapping[str, Any]
    ) -> dict[str, Any]:
        content, kind = _form(files, fields)
        return self._asked(self._request(path, options, content=content, kind=kind))

    def _request(
        self,
        path: str,
        options: Mapping[str, Any] | None = None,
        *,
        content: bytes | None = None,
        kind: str = "",
        method: str = "",
    ) -> Any:
        query = {name: _worded(value) for name, value in (options or {}).items() if value not in ("", None)}
        headers = {**self._headers, **({"Content-Type": kind} if kind else {})}
        return web.request(f"{self._url}{path}?{urlencode(query)}", content, headers, method=method)

    def _asked(self, request: Any) -> dict[str, Any]:
        for pause in (*PATIENCE, None):
            try:
                with self._opener.open(request, timeout=self._seconds) as answer:
                    said: dict[str, Any] = json.loads(answer.read())
                    return said
            except urllib.error.HTTPError as error:
                problem = _problem(error)
                if error.code != BUSY or pause is None:
                    detail = problem.get("detail") or f"the service answered {error.code}."
                    raise ServiceError(f"{self._url}: {detail}", error.code, problem) from error
                time.sleep(pause)
            except (OSError, HTTPException, ValueError) as error:
                reason = error.reason if isinstance(error, urllib.error.URLError) else error
                # A service with no room may end the connection before it has read everything.
                if isinstance(reason, BrokenPipeError | ConnectionResetError) and pause is not None:
                    time.sleep(pause)
                    continue
                raise ServiceError(f"{self._url}: the service does not answer ({reason}).") from error
        raise AssertionError("unreachable")


def _fields(baseline: Mapping[str, Any] | None, subject: str) -> dict[str, str]:
    fields = {"subject": subject} if subject else {}
    return fields if baseline is None else {**fields, "baseline": json.dumps(baseline)}


def _worded(value: object) -> str:
    """Write an option as the service reads it; text stands for itself."""
    return value if isinstance(value, str) else json.dumps(value)


def _event(message: str | bytes) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(message)
    if said["type"] == "error":
        raise ServiceError(said["message"], problem=said)
    return said


def _problem(error: urllib.error.HTTPError) -> dict[str, Any]:
    try:
        said = json.loads(error.read())
    except ValueError:  # something between us and the service answered
        return {}
    return said if isinstance(said, dict) else {}


def _form(files: Sequence[str | Path], fields: Mapping[str, str]) -> tuple[bytes, str]:
    """Write a form with files (RFC 7578)."""
    border = uuid.uuid4().hex
    parts: list[bytes] = []
    for name, value in fields.items():
        parts.append(f'--{border}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode())
    for file in files:
        try:
            content = Path(file).read_bytes()
        except OSError as error:
            raise UsageError(f"{file}: it cannot be read ({error.strerror}).") from error
        name = Path(file).name.replace('"', "%22").replace("\r", " ").replace("\n", " ")
        head = f'--{border}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        parts.append(
            head.encode("utf-8", "replace") + b"Content-Type: application/octet-stream\r\n\r\n" + content + b"\r\n"
        )
    return b"".join(parts) + f"--{border}--\r\n".encode(), f"multipart/form-data; boundary={border}"
