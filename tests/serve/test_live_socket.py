"""The WebSocket: what is sent in frames is heard as its file is, and every mistake is an event."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.websockets import WebSocketDisconnect

import intone
from intone.hear import audio
from intone.serve.app import create_app
from intone.serve.keys import Keys
from intone.serve.settings import Settings

pytestmark = pytest.mark.xdist_group("serve")
BEGIN = {"type": "session.begin", "format": "f32le", "rate": 16_000}
FINALIZE = {"type": "session.finalize"}
ENDS = ("error", "session.closed")
SESSIONS = 500


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with TestClient(create_app(Settings(threads=1, streams=2, idle_seconds=5.0, requests_a_minute=100_000))) as served:
        yield served


def send(socket: Any, message: str | bytes) -> None:
    (socket.send_bytes if isinstance(message, bytes) else socket.send_text)(message)


def until(socket: Any, kind: str) -> list[dict[str, Any]]:
    found = []
    while True:
        found.append(socket.receive_json())
        if found[-1]["type"] == kind:
            return found


@pytest.mark.parametrize("form", ["f32le", "s16le"])
def test_frames_are_heard_as_the_file_is(client: TestClient, examples: Path, form: str) -> None:
    samples = audio.load(examples / "kennedy.flac").samples
    whole = np.rint(samples * 32768).clip(-32768, 32767).astype("<i2") if form == "s16le" else samples
    with client.websocket_connect("/v1/stream") as socket:
        socket.send_json({**BEGIN, "format": form})
        assert socket.receive_json()["type"] == "session.created"
        for start in range(0, len(whole), 1600):
            socket.send_bytes(whole[start : start + 1600].tobytes())
        socket.send_json({"type": "ping"})
        events = until(socket, "pong")
        socket.send_json({"type": "session.close"})
        events += until(socket, "session.closed")
    finals = [event["segment"] for event in events if event["type"] == "segment.final"]
    expected = intone.load(threads=1).timeline(np.asarray(whole), rate=16_000)
    assert finals == [json.loads(json.dumps(segment.to_dict())) for segment in expected.segments]
    assert any(event["type"] == "segment.update" for event in events)
    assert events[-1]["duration"] == pytest.approx(len(samples) / 16_000, abs=1e-3)


def test_finalize_ends_a_segment_and_goes_on_with_the_same_speaker(client: TestClient, examples: Path) -> None:
    samples = audio.load(examples / "plain.flac").samples
    with client.websocket_connect("/v1/stream") as socket:
        socket.send_json(BEGIN)
        for _ in range(2):
            socket.send_bytes(samples.tobytes())
            socket.send_json({"type": "session.finalize"})
            assert "segment.final" in [event["type"] for event in until(socket, "session.finalized")]


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        (["no json"], "usage"),
        ([json.dumps({"type": "hello"})], "usage"),
        ([json.dumps({**BEGIN, "format": "mp3"})], "usage"),
        ([json.dumps({**BEGIN, "rate": 10})], "rate"),
        ([json.dumps({**BEGIN, "rate": "fast"})], "usage"),
        ([json.dumps({**BEGIN, "channels": 0})], "usage"),
        ([json.dumps({**BEGIN, "prior": {"bliss": 1}})], "usage"),
        ([b"\0" * 8], "usage"),
        ([json.dumps(BEGIN), b"\0" * 7], "usage"),
        ([json.dumps(BEGIN), b"\0" * (2**20 + 4)], "too-large"),
        ([json.dumps(BEGIN), json.dumps({"type": "dance"})], "usage"),
        ([json.dumps(BEGIN), "[1]"], "usage"),
    ],
)
def test_what_the_protocol_does_not_know_is_an_error_event(
    client: TestClient, messages: list[str | bytes], code: str
) -> None:
    with client.websocket_connect("/v1/stream") as socket:
        for message in messages:
            send(socket, message)
        error = until(socket, "error")[-1]
        assert error["code"] == code
        assert error["message"]
        with pytest.raises(WebSocketDisconnect):
            socket.receive_json()


def test_sound_that_is_odd_is_a_notice(client: TestClient) -> None:
    with client.websocket_connect("/v1/stream") as socket:
        socket.send_json(BEGIN)
        socket.send_bytes(np.full(16_000, np.nan, np.float32).tobytes())
        assert until(socket, "notice")[-1]["code"] == "not-finite"


def test_streams_beyond_those_there_are_are_turned_away_and_places_are_freed(client: TestClient) -> None:
    with client.websocket_connect("/v1/stream") as one, client.websocket_connect("/v1/stream") as two:
        for socket in (one, two):
            socket.send_json(BEGIN)
            until(socket, "session.created")
        with client.websocket_connect("/v1/stream") as third:
            third.send_json(BEGIN)
            assert until(third, "error")[-1]["code"] == "busy"
    with client.websocket_connect("/v1/stream") as again:
        again.send_json(BEGIN)
        until(again, "session.created")


def test_a_key_is_asked_for(tmp_path: Path) -> None:
    key = Keys(tmp_path / "keys.json").create("one")
    with TestClient(create_app(Settings(threads=1, keys=str(tmp_path / "keys.json")))) as guarded:
        with guarded.websocket_connect("/v1/stream") as socket:
            socket.send_json(BEGIN)
            assert until(socket, "error")[-1]["code"] == "no-key"
        with guarded.websocket_connect("/v1/stream") as socket:
            socket.send_json({**BEGIN, "key": key})
            assert until(socket, "session.created")
        with guarded.websocket_connect("/v1/stream", headers={"Authorization": f"Bearer {key}"}) as socket:
            socket.send_json(BEGIN)
            assert until(socket, "session.created")


def test_who_has_no_key_takes_no_place_and_a_revoked_one_is_heeded(tmp_path: Path, examples: Path) -> None:
    keys = Keys(tmp_path / "keys.json")
    key = keys.create("one")
    guarded = Settings(threads=1, streams=1, keys=str(keys.path), store=f"sqlite:///{tmp_path / 'store.db'}")
    sound = audio.load(examples / "kennedy.flac").samples.tobytes()
    with (
        TestClient(create_app(guarded)) as client,
        client.websocket_connect("/v1/stream"),
        client.websocket_connect("/v1/stream") as socket,
    ):
        socket.send_json({**BEGIN, "key": key})
        until(socket, "session.created")
        socket.send_bytes(sound)
        until(socket, "segment.final")
        Keys(keys.path).revoke("one")
        socket.send_bytes(sound)
        assert until(socket, "error")[-1]["code"] == "no-key"


@settings(max_examples=100)
@given(
    messages=st.lists(
        st.binary(max_size=64) | st.text(max_size=40) | st.just(json.dumps(BEGIN)), min_size=1, max_size=6
    )
)
def test_whatever_is_sent_the_next_one_is_answered(client: TestClient, messages: list[bytes | str]) -> None:
    assert ended(client, messages) in ENDS
    valid(client)


def test_five_hundred_mutated_sessions_end_nothing(client: TestClient, examples: Path) -> None:
    random = np.random.default_rng(0)
    sound = audio.load(examples / "plain.flac").samples[:16_000].tobytes()
    whole: list[str | bytes] = [
        json.dumps(BEGIN),
        sound[:6400],
        sound[6400:],
        json.dumps({"type": "ping"}),
        json.dumps(FINALIZE),
    ]
    files = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(SESSIONS):
        messages = [mutated(message, random) for message in whole if random.random() < 0.9]
        if random.random() < 0.3:
            messages = [messages[place] for place in random.permutation(len(messages))]
        assert ended(client, messages) in ENDS
    valid(client)
    assert "intone_streams 0.0" in client.get("/metrics").text
    assert len(list(Path("/proc/self/fd").iterdir())) <= files


def mutated(message: str | bytes, random: np.random.Generator) -> str | bytes:
    """Change some bytes of it, or cut it, or neither."""
    content = bytearray(message.encode() if isinstance(message, str) else message)
    for _ in range(int(random.integers(0, 3))):
        content[int(random.integers(len(content)))] = int(random.integers(256))
    if random.random() < 0.2:
        del content[int(random.integers(len(content))) :]
    return content.decode("utf-8", "replace") if isinstance(message, str) else bytes(content)


def ended(client: TestClient, messages: Sequence[str | bytes]) -> str:
    """Send them and a close; give how it ended, a mistake of ours as what it is."""
    with client.websocket_connect("/v1/stream") as socket:
        for message in messages:
            send(socket, message)
        socket.send_json({"type": "session.close"})
        while (event := socket.receive_json())["type"] not in ENDS:
            pass
        return "failed" if event.get("code") == "failed" else str(event["type"])


def valid(client: TestClient) -> None:
    with client.websocket_connect("/v1/stream") as socket:
        socket.send_json(BEGIN)
        assert socket.receive_json()["type"] == "session.created"
