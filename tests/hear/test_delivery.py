"""Delivery of alerts: a program and a web address get them, failures are said, and nothing waits for them."""

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from intone.emotions import Emotion
from intone.errors import UsageError
from intone.hear.alerts import Alert, Condition
from intone.hear.delivery import BACK_OFF_SECONDS, WAITING_ALERTS, Delivery, DeliveryError, Program, Webhook
from intone.results import Segment

SCORES = dict.fromkeys(Emotion, 0.02) | {Emotion.ANGER: 0.88}
ALERT = Alert(
    Condition.parse("anger > 0.7 for 2s"), 4.5, 2.0, 2.5, Segment(2.0, 4.5, Emotion.ANGER, SCORES, unsure=False)
)


def no_wait(_: float) -> bool:
    return False


def script(folder: Path, text: str) -> str:
    path = folder / "told.py"
    path.write_text(text)
    return f"'{sys.executable}' '{path}'"


def test_a_program_gets_the_alert(tmp_path: Path) -> None:
    command = script(
        tmp_path,
        "import os, sys, json, pathlib\n"
        "told = {name: os.environ[name] for name in os.environ if name.startswith('INTONE_')}\n"
        f"pathlib.Path({str(tmp_path / 'out.json')!r}).write_text(json.dumps([json.load(sys.stdin), told]))\n",
    )
    Program(command).deliver(ALERT, no_wait)
    said, told = json.loads((tmp_path / "out.json").read_text())
    assert said == json.loads(json.dumps(ALERT.to_dict()))
    assert told["INTONE_ALERT"] == "anger > 0.7 for 2s"
    assert (told["INTONE_AT"], told["INTONE_EMOTION"]) == ("4.500", "anger")


def test_a_program_that_fails_or_hangs_is_said(tmp_path: Path) -> None:
    with pytest.raises(DeliveryError, match="code 3: no bell"):
        Program(script(tmp_path, "import sys\nprint('no bell', file=sys.stderr)\nsys.exit(3)\n")).deliver(
            ALERT, no_wait
        )
    with pytest.raises(DeliveryError, match=r"took more than 0.5 s"):
        Program(script(tmp_path, "input()\nimport threading\nthreading.Event().wait()\n"), seconds=0.5).deliver(
            ALERT, no_wait
        )


@pytest.mark.parametrize(
    ("command", "says"), [("", "no program"), ("'", "split"), ("no-such-thing-here", "no program")]
)
def test_a_program_that_is_not_there_is_refused_at_once(command: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        Program(command)


@contextmanager
def server(*answers: int) -> Iterator[tuple[str, list[Any]]]:
    """Serve on this machine, with these answers one after the other; give the address and what was posted."""
    posted: list[Any] = []
    left = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(left.pop(0) if left else 200)
            self.send_header("Location", "http://localhost:1/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as served:
        thread = threading.Thread(target=served.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{served.server_port}/secret", posted
        served.shutdown()
        thread.join()


def test_a_web_address_that_is_busy_is_tried_again() -> None:
    waits: list[float] = []

    def counted(seconds: float) -> bool:
        waits.append(seconds)
        return False

    with server(503, 429, 200) as (url, posted):
        Webhook(url).deliver(ALERT, counted)
    assert posted == [json.loads(json.dumps(ALERT.to_dict()))] * 3
    assert waits == list(BACK_OFF_SECONDS[:2])


@pytest.mark.parametrize(("answer", "attempts"), [(500, 4), (404, 1), (302, 1)])
def test_a_web_address_that_refuses_is_said_without_its_secret(answer: int, attempts: int) -> None:
    with server(*[answer] * 9) as (url, posted), pytest.raises(DeliveryError, match=f"answered {answer}") as raised:
        Webhook(url).deliver(ALERT, no_wait)
    assert len(posted) == attempts
    assert "secret" not in str(raised.value)


def test_a_web_address_where_nobody_listens_is_said() -> None:
    with server() as (url, _):
        pass
    with pytest.raises(DeliveryError, match="did not take an alert"):
        Webhook(url).deliver(ALERT, no_wait)


@pytest.mark.parametrize(
    "url", ["", "example.org", "ftp://example.org", "file:///etc/passwd", "http://", "http://a b/"]
)
def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="no web address"):
        Webhook(url)


class Gate:
    """A receiver that takes nothing until it is opened."""

    name = "gate"

    def __init__(self) -> None:
        self.open, self.taken = threading.Event(), 0

    def deliver(self, _alert: Alert, _wait: Any) -> None:
        self.open.wait(10)
        self.taken += 1


def test_sending_never_waits_and_what_is_dropped_is_said() -> None:
    gate = Gate()
    delivery = Delivery(gate)
    for _ in range(WAITING_ALERTS + 8):  # one is under way, as many wait as may
        delivery.send(ALERT)
    assert gate.taken == 0
    gate.open.set()
    assert delivery.drain(10)
    messages = [*delivery.said(), *delivery.close()]
    assert WAITING_ALERTS <= gate.taken <= WAITING_ALERTS + 1
    assert len(messages) >= 1
    assert "gate" in messages[0]
