"""``intone serve`` as an operator runs it, and the client that comes with Intone."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

import intone
from intone.client import Client, ServiceError
from intone.errors import UsageError
from intone.hear import audio

INTONE = str(Path(sys.executable).with_name("intone"))
pytestmark = pytest.mark.xdist_group("serve")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def served(*words: str, folder: Path) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """Run a service until it is ready; end it by Ctrl-C."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    environment = {**os.environ, "XDG_CONFIG_HOME": str(folder)}
    command = [INTONE, "serve", "--port", str(port), *words]
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(command, stderr=log, env=environment, text=True) as process,
    ):
        try:
            until = time.monotonic() + 60
            while time.monotonic() < until:
                try:
                    urllib.request.urlopen(f"{url}/readyz", timeout=5).close()
                    break
                except (urllib.error.URLError, ConnectionError):
                    assert process.poll() is None, (folder / "log").read_text()
            yield url, process
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)


def test_the_client_gets_what_the_library_gives(examples: Path, tmp_path: Path) -> None:
    with served(folder=tmp_path) as (url, _):
        client, recogniser = Client(url), intone.load()
        one, two = client.predict(examples / "plain.flac", examples / "questioning.flac", prior={"neutral": 0.7})
        expected = recogniser.predict(examples / "plain.flac", prior={"neutral": 0.7})
        assert list(one["scores"].values()) == pytest.approx(list(expected.scores.values()), abs=1e-4)
        assert two["file"] == "questioning.flac"
        known = client.baseline(examples / "plain.flac")
        (beside,) = client.predict(examples / "questioning.flac", baseline=known)
        assert beside["scores"] != two["scores"]
        timeline = client.timeline(examples / "kennedy.flac", hindsight=True)
        assert (timeline["file"], timeline["hindsight"]) == ("kennedy.flac", True)
        assert client.models()["default"] == "intone-tiny"
        with pytest.raises(ServiceError, match=r"README\.md: not sound") as refused:
            client.predict(examples / "README.md")
        assert (refused.value.status, refused.value.problem["code"]) == (415, "not-audio")


def test_the_client_streams(examples: Path, tmp_path: Path) -> None:
    samples = audio.load(examples / "kennedy.flac").samples
    whole = np.rint(samples * 32768).clip(-32768, 32767).astype("<i2")
    with served(folder=tmp_path) as (url, _):
        frames = (whole[start : start + 3200].tobytes() for start in range(0, len(whole), 3200))
        events = list(Client(url).stream(frames, rate=16_000))
        assert (events[0]["type"], events[-1]["type"]) == ("session.created", "session.closed")
        finals = [event["segment"] for event in events if event["type"] == "segment.final"]
        expected = intone.load(threads=1).timeline(whole, rate=16_000).segments
        assert [(one["start"], one["end"], one["emotion"]) for one in finals] == [
            (one.start, one.end, str(one.emotion)) for one in expected
        ]
        with pytest.raises(ServiceError, match="accepted are"):
            list(Client(url).stream([b""], rate=7))


def test_keys_are_made_asked_for_and_revoked_while_it_runs(examples: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path)}

    def keys(*words: str) -> str:
        done = subprocess.run([INTONE, "keys", *words], capture_output=True, text=True, check=True, env=environment)
        return done.stdout.strip()

    key = keys("create", "dashboard")
    with served("--host", "0.0.0.0", folder=tmp_path) as (url, _):
        with pytest.raises(ServiceError, match="A key is needed"):
            Client(url).models()
        assert Client(url, key=key).models()["models"]
        assert "in use" in keys("list")
        assert key not in keys("list")
        keys("revoke", "dashboard")
        with pytest.raises(ServiceError, match="A key is needed"):
            Client(url, key=key).models()


def test_it_does_not_listen_to_the_world_without_a_key(tmp_path: Path) -> None:
    environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path)}
    words = [INTONE, "serve", "--host", "0.0.0.0"]
    done = subprocess.run(words, capture_output=True, text=True, env=environment, check=False, timeout=60)
    assert done.returncode == 2
    assert "intone keys create" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_ctrl_c_ends_it_and_the_log_tells_no_names(examples: Path, tmp_path: Path) -> None:
    with served(folder=tmp_path) as (url, process):
        Client(url).predict(examples / "plain.flac")
    assert process.returncode in (0, 130, -signal.SIGINT)
    log = (tmp_path / "log").read_text()
    assert "Traceback" not in log
    assert "plain.flac" not in log
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    assert {"/v1/predict", "/readyz"} <= {line["route"] for line in lines}


def test_what_is_no_service_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no address"):
        Client("ftp://example.org")
    with pytest.raises(ServiceError, match="does not answer"):
        Client(f"http://127.0.0.1:{free_port()}").models()
