"""A local HTTP server that misbehaves as it is told."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Script:
    """What the server holds and how it behaves; `breaks` are taken one a request, then all goes well.

    Attributes
    ----------
    content : bytes
        The file.
    breaks : list of int
        After how many bytes of an answer's body the connection is dropped.
    statuses : list of int
        Answers other than the file, one a request.
    ranges, tagged : bool
        Whether Range is honoured, and whether an ETag is sent.
    claim : int, optional
        What is to be added to the true Content-Length; None leaves the header out.
    """

    content: bytes
    breaks: list[int] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    ranges: bool = True
    tagged: bool = True
    obeys_if_range: bool = True
    claim: int | None = 0
    asked: list[str | None] = field(default_factory=list)
    url: str = ""

    @property
    def tag(self) -> str:
        return f'"{hashlib.sha256(self.content).hexdigest()[:16]}"'


def _handler(script: Script) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            script.asked.append(wanted)
            if script.statuses:
                self.send_error(script.statuses.pop(0))
                return
            start = self._start(wanted)
            if start is not None and start >= len(script.content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(script.content)}")
                self.end_headers()
                return
            body = script.content[start or 0 :]
            self.send_response(200 if start is None else 206)
            if start is not None:
                self.send_header("Content-Range", f"bytes {start}-{len(script.content) - 1}/{len(script.content)}")
            if script.claim is not None:
                self.send_header("Content-Length", str(max(0, len(body) + script.claim)))
            if script.tagged:
                self.send_header("ETag", script.tag)
            self.end_headers()
            self.wfile.write(body[: script.breaks.pop(0)] if script.breaks else body)

        def _start(self, wanted: str | None) -> int | None:
            stale = script.obeys_if_range and self.headers.get("If-Range") != script.tag
            if wanted is None or not script.ranges or stale:
                return None
            return int(wanted.removeprefix("bytes=").removesuffix("-"))

        def log_message(self, *args: object) -> None:
            """Stay silent."""

    return Handler


@contextmanager
def serving(script: Script) -> Iterator[Script]:
    """Serve a script at `script.url` for as long as the block lasts."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(script)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        script.url = f"http://127.0.0.1:{server.server_port}/corpus.zip"
        try:
            yield script
        finally:
            server.shutdown()
            thread.join()
