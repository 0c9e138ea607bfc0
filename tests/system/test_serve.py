"""``intone serve`` as an operator runs it, and the client that comes with Intone."""

import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import intone
from intone.cli.serve import bound
from intone.client import Client, ServiceError
from intone.errors import UsageError
from intone.hear import audio
from tests.served import INTONE, free_port, served

pytestmark = pytest.mark.xdist_group("serve")


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


@contextmanager
def told(*words: str, folder: Path) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """Run a service until it says where it listens; end it by Ctrl-C."""
    environment = {**os.environ, "XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    command = [INTONE, "serve", *words]
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=environment, text=True) as process:
        try:
            assert process.stderr
            said = re.fullmatch(r"Listening at (http://\S+); Ctrl-C ends it\.\n", process.stderr.readline())
            assert said
            yield said[1], process
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=30)


def refusal(*words: str, folder: Path) -> str:
    """Give the one sentence with which a service does not start."""
    environment = {**os.environ, "XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    command = [INTONE, "serve", *words]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=60)
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    return line


@pytest.mark.parametrize("workers", ["1", "2"])
def test_it_says_that_it_listens_when_it_does(workers: str, tmp_path: Path) -> None:
    for port in ("0", str(free_port())):
        with told("--no-store", "--port", port, "--workers", workers, folder=tmp_path) as (url, process):
            at = int(url.rpartition(":")[2])
            assert at == int(port) or (port == "0" and at > 0)
            with socket.create_connection(("127.0.0.1", at)) as connection:
                connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert connection.recv(12) == b"HTTP/1.1 200"
                sentence = refusal("--no-store", "--port", str(at), "--workers", workers, folder=tmp_path)
                assert f"Another program listens at port {at} of 127.0.0.1 already" in sentence
        assert process.returncode == 0
    with closing(bound("127.0.0.1", at)[0]):
        pass  # connections that it closed are no reason to refuse the port


def test_a_port_is_taken_by_one_before_it_listens_and_by_nobody_else() -> None:
    (one,) = bound("127.0.0.1", 0)
    port = one.getsockname()[1]
    with closing(one):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port)).close()
        with pytest.raises(UsageError, match=f"Another program listens at port {port} of 127.0.0.1 already"):
            bound("127.0.0.1", port)
    for host in ("nowhere.invalid", "a" * 300, "1.2.3.4"):
        with pytest.raises(UsageError, match=f"{host} port 8000: nothing can listen there"):
            bound(host, 8000)
    everywhere = bound("", 0)
    assert len({taken.getsockname()[1] for taken in everywhere}) == 1
    for taken in everywhere:
        taken.close()


def test_a_file_that_holds_no_key_is_named_and_how_to_make_one(tmp_path: Path) -> None:
    for host in ("127.0.0.1", "0.0.0.0"):
        assert refusal("--keys", "nothere.json", "--host", host, folder=tmp_path) == (
            "intone: nothere.json holds no key in use; make one with 'intone keys create NAME --keys nothere.json'."
        )


def test_any_number_of_days_can_be_kept(tmp_path: Path) -> None:
    for days in ("800000", "inf"):
        with told("--port", "0", "--keep-days", days, folder=tmp_path) as (url, _):
            assert list(Client(url).recordings()) == []
            assert Client(url).models()["default"] == "intone-tiny"
    assert "take numbers" in refusal("--max-seconds", "inf", folder=tmp_path)


def test_an_address_of_a_store_with_one_slash_makes_no_folder(tmp_path: Path) -> None:
    sentence = refusal("--store", "postgresql:/ann:hush@db/intone", folder=tmp_path)
    assert "accepted is a path, sqlite:///PATH or postgresql://" in sentence
    assert "hush" not in sentence
    assert not list(tmp_path.iterdir())


def test_it_answers_by_the_names_of_its_own_machine_alone(tmp_path: Path) -> None:
    with told("--no-store", "--port", "0", folder=tmp_path) as (url, _):
        port = int(url.rpartition(":")[2])
        for name, status in (("localhost", b"200"), ("evil.example", b"403")):
            with socket.create_connection(("127.0.0.1", port)) as connection:
                connection.sendall(f"GET /v1/models HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
                assert connection.recv(12) == b"HTTP/1.1 " + status


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


def test_what_was_heard_is_kept_found_exported_and_forgotten(examples: Path, tmp_path: Path) -> None:
    with served(folder=tmp_path) as (url, _):
        client = Client(url)
        (one,) = client.predict(examples / "plain.flac", subject="17")
        client.timeline(examples / "kennedy.flac", subject="18")
        client.predict(examples / "plain.flac", store=False)
        assert [kept["subject"] for kept in client.recordings()] == ["18", "17"]
        assert [kept["id"] for kept in client.recordings(subject="17")] == [one["id"]]
        assert client.recording(one["id"])["answer"]["scores"] == one["scores"]

        environment = {**os.environ, "XDG_DATA_HOME": str(tmp_path)}

        def store(*words: str) -> str:
            done = subprocess.run(
                [INTONE, "store", *words], capture_output=True, text=True, check=True, env=environment
            )
            return done.stdout

        lines = [json.loads(line) for line in store("export").splitlines()]
        assert [line["name"] for line in lines] == ["plain.flac", "kennedy.flac"]
        table = tmp_path / "kept.csv"
        store("export", "--format", "csv", "--out", str(table))
        assert list(pd.read_csv(table)["subject"]) == [17, 18]
        assert store("forget", "17") == "Deleted 1 recording of 17.\n"
        with pytest.raises(ServiceError, match="There is no recording"):
            client.recording(one["id"])
        assert client.forget("18") == 1
        assert not list(client.recordings())


def test_a_service_may_keep_nothing(examples: Path, tmp_path: Path) -> None:
    with served("--no-store", folder=tmp_path) as (url, _):
        (said,) = Client(url).predict(examples / "plain.flac")
        assert "id" not in said
        with pytest.raises(ServiceError, match="keeps nothing"):
            list(Client(url).recordings())
    assert not list(tmp_path.rglob("*.db"))
    done = subprocess.run([INTONE, "serve", "--no-store", "--keep-audio"], capture_output=True, text=True, check=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
