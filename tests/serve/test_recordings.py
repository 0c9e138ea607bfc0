"""What was heard before: kept before it is acknowledged, everybody's own, and gone when it is to be gone."""

import csv
import io
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

import intone
from intone import formats
from intone.hear import audio
from intone.serve.app import create_app
from intone.serve.keys import Keys
from intone.serve.settings import Settings
from tests.serve.test_app import problem
from tests.serve.test_live_socket import BEGIN, until

pytestmark = pytest.mark.xdist_group("serve")


def settings(folder: Path, **more: Any) -> Settings:
    return Settings(threads=1, requests_a_minute=100_000, store=f"sqlite:///{folder / 'store.db'}", **more)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with TestClient(create_app(settings(tmp_path))) as served:
        yield served


def sent(examples: Path, name: str, **fields: str) -> dict[str, Any]:
    return {"files": [("file", (name, (examples / name).read_bytes()))], "data": fields}


def listed(client: TestClient, **wanted: Any) -> list[dict[str, Any]]:
    answer = client.get("/v1/recordings", params=wanted)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["recordings"]
    return found


def test_an_answer_is_kept_under_the_id_that_it_tells(client: TestClient, examples: Path) -> None:
    (said,) = client.post("/v1/predict", **sent(examples, "plain.flac", subject=" 17 ")).json()["predictions"]
    kept = client.get(f"/v1/recordings/{said['id']}").json()
    assert {**kept["answer"], "id": said["id"]} == said
    assert (kept["kind"], kept["name"], kept["subject"]) == ("utterance", "plain.flac", "17")
    assert (kept["emotion"], kept["confidence"]) == (said["emotion"], said["confidence"])
    assert "owner" not in kept


def test_a_file_that_cannot_be_heard_is_not_kept_and_the_others_are(client: TestClient, examples: Path) -> None:
    files = [("file", ("bad.wav", b"no sound")), *sent(examples, "plain.flac")["files"]]
    bad, good = client.post("/v1/predict", files=files).json()["predictions"]
    assert bad["error"]["code"] == "not-audio"
    assert [one["id"] for one in listed(client)] == [good["id"]]


def test_a_timeline_is_given_again_in_every_format(client: TestClient, examples: Path) -> None:
    said = client.post("/v1/timeline", params={"channels": "separate"}, **sent(examples, "kennedy.flac")).json()
    heard = intone.load(threads=1).timeline(examples / "kennedy.flac", name="kennedy.flac", channels="separate")
    for name in formats.FORMATS:
        again = client.get(f"/v1/recordings/{said['id']}", params={"format": name})
        if name != "json":
            assert again.content == formats.render(heard, name)
    answer = client.post("/v1/timeline", params={"format": "csv"}, **sent(examples, "kennedy.flac"))
    assert client.get(f"/v1/recordings/{answer.headers['x-recording-id']}").json()["kind"] == "timeline"
    (utterance,) = client.post("/v1/predict", **sent(examples, "plain.flac")).json()["predictions"]
    refused = client.get(f"/v1/recordings/{utterance['id']}", params={"format": "webvtt"})
    assert "accepted is json" in problem(refused, 400, "usage")


def test_who_asks_for_nothing_to_be_kept_is_heeded(client: TestClient, examples: Path) -> None:
    (said,) = client.post("/v1/predict", params={"store": "false"}, **sent(examples, "plain.flac")).json()[
        "predictions"
    ]
    timeline = client.post("/v1/timeline", params={"store": "false"}, **sent(examples, "kennedy.flac"))
    assert "id" not in said
    assert "id" not in timeline.json()
    assert not listed(client)


def test_the_list_is_filtered_and_turned_page_by_page(client: TestClient, examples: Path) -> None:
    for number in range(5):
        client.post("/v1/predict", **sent(examples, "plain.flac", subject=str(number % 2)))
    client.post("/v1/timeline", **sent(examples, "kennedy.flac", subject="1"))
    assert len(listed(client, subject="0")) == 3
    assert [one["kind"] for one in listed(client, kind="timeline")] == ["timeline"]
    emotion = listed(client, kind="utterance")[0]["emotion"]
    assert len(listed(client, emotion=emotion, kind="utterance")) == 5
    sure, unsure = (listed(client, unsure=str(flag).lower()) for flag in (False, True))
    assert len(sure) + len(unsure) == 6
    assert {one["unsure"] for one in sure} <= {False}
    assert {one["unsure"] for one in unsure} <= {True}
    assert "Did you mean 'subject'" in problem(client.get("/v1/recordings", params={"subjekt": "1"}), 400, "usage")
    moments = [one["created"] for one in listed(client)]
    assert moments == sorted(moments, reverse=True)
    assert len(listed(client, since=moments[2])) == 3
    assert len(listed(client, until=moments[2])) == 3
    seen, after = [], ""
    while True:
        page = client.get("/v1/recordings", params={"limit": 4, "after": after}).json()
        seen += [one["created"] for one in page["recordings"]]
        after = page["next"]
        if not after:
            break
    assert seen == moments
    assert "Did you mean 'anger'" in problem(client.get("/v1/recordings", params={"emotion": "angr"}), 400, "usage")
    problem(client.get("/v1/recordings", params={"kind": "call"}), 400, "usage")
    problem(client.get("/v1/recordings", params={"after": "what"}), 400, "usage")
    problem(client.get("/v1/recordings", params={"limit": 0}), 400, "usage")
    problem(client.get("/v1/recordings", params={"since": "yesterday"}), 400, "usage")


def test_what_is_deleted_and_whose_subject_is_forgotten_is_gone(client: TestClient, examples: Path) -> None:
    ids = [
        client.post("/v1/predict", **sent(examples, "plain.flac", subject=who)).json()["predictions"][0]["id"]
        for who in ("a/b c", "a/b c", "2")
    ]
    assert client.delete(f"/v1/recordings/{ids[0]}").json() == {"deleted": 1}
    problem(client.delete(f"/v1/recordings/{ids[0]}"), 404, "no-such-recording")
    problem(client.get(f"/v1/recordings/{ids[0]}"), 404, "no-such-recording")
    assert client.delete("/v1/subjects/a%2Fb%20c").json() == {"deleted": 1}
    assert [one["id"] for one in listed(client)] == [ids[2]]
    assert client.delete("/v1/subjects/nobody").json() == {"deleted": 0}


def test_an_export_has_all_with_their_answers(client: TestClient, examples: Path) -> None:
    client.post("/v1/predict", files=[("file", ("=SUM(A1).flac", (examples / "plain.flac").read_bytes()))])
    said = client.post("/v1/timeline", **sent(examples, "kennedy.flac", subject="1")).json()
    lines = [json.loads(line) for line in client.get("/v1/export").text.splitlines()]
    assert [line["name"] for line in lines] == ["=SUM(A1).flac", "kennedy.flac"]
    assert {**lines[1]["answer"], "id": said["id"]} == said
    answer = client.get("/v1/export", params={"format": "csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert rows[0]["name"] == "'=SUM(A1).flac"  # no spreadsheet takes it for a formula
    assert float(rows[1]["neutral"]) == pytest.approx(said["summary"]["shares"]["neutral"])
    only = client.get("/v1/export", params={"subject": "1"}).text.splitlines()
    assert len(only) == 1


def test_another_keys_recordings_do_not_exist(tmp_path: Path, examples: Path) -> None:
    keys = Keys(tmp_path / "keys.json")
    mine, other = ({"Authorization": f"Bearer {keys.create(name)}"} for name in ("mine", "other"))
    with TestClient(create_app(settings(tmp_path, keys=str(keys.path), keep_audio=True))) as client:
        said = client.post("/v1/predict", **sent(examples, "plain.flac", subject="17"), headers=mine).json()
        id = said["predictions"][0]["id"]
        for path in (f"/v1/recordings/{id}", f"/v1/recordings/{id}/sound"):
            assert client.get(path, headers=mine).status_code == 200
            problem(client.get(path, headers=other), 404, "no-such-recording")
            problem(client.get(path), 401, "no-key")
        problem(client.delete(f"/v1/recordings/{id}", headers=other), 404, "no-such-recording")
        assert client.delete("/v1/subjects/17", headers=other).json() == {"deleted": 0}
        assert client.get("/v1/recordings", headers=other).json() == {"recordings": [], "next": ""}
        assert client.get("/v1/export", headers=other).text == ""
        with client.websocket_connect("/v1/stream", headers=other) as socket:
            socket.send_json(BEGIN)
            socket.send_bytes(audio.load(examples / "plain.flac").samples.tobytes())
            socket.send_json({"type": "session.close"})
            until(socket, "session.closed")
        assert [one["id"] for one in client.get("/v1/recordings", headers=mine).json()["recordings"]] == [id]
        assert len(client.get("/v1/recordings", headers=other).json()["recordings"]) == 1


def test_sound_is_kept_only_where_the_operator_says_so(tmp_path: Path, examples: Path) -> None:
    content = (examples / "plain.flac").read_bytes()
    marker = content[200:260]
    for keeps in (False, True):
        folder = tmp_path / str(keeps)
        folder.mkdir()
        with TestClient(create_app(settings(folder, keep_audio=keeps))) as client:
            (said,) = client.post("/v1/predict", content=content).json()["predictions"]
            long = client.post("/v1/timeline", **sent(examples, "kennedy.flac")).json()
            assert client.get(f"/v1/recordings/{said['id']}").json()["has_sound"] is keeps
            answer = client.get(f"/v1/recordings/{said['id']}/sound")
            if keeps:
                assert answer.content == content
                again = client.get(f"/v1/recordings/{long['id']}/sound").content
                assert again == (examples / "kennedy.flac").read_bytes()
            else:
                problem(answer, 404, "no-such-recording")
        assert any(marker in path.read_bytes() for path in folder.iterdir()) is keeps


def test_what_is_too_old_is_forgotten(tmp_path: Path, examples: Path) -> None:
    with TestClient(create_app(settings(tmp_path))) as client:
        client.post("/v1/predict", **sent(examples, "plain.flac"))
    with TestClient(create_app(settings(tmp_path, keep_days=1e-9))) as client:
        until_then = time.monotonic() + 30  # it is looked for when a service starts, beside the first requests
        while listed(client):
            assert time.monotonic() < until_then


def test_a_stream_is_kept_when_it_closes_and_when_it_breaks_off(client: TestClient, examples: Path) -> None:
    samples = np.concatenate([audio.load(examples / "kennedy.flac").samples, np.zeros(16_000, np.float32)])
    with client.websocket_connect("/v1/stream") as socket:
        socket.send_json({**BEGIN, "subject": "17", "name": "desk 4"})
        socket.send_bytes(samples.tobytes())
        socket.send_json({"type": "session.close"})
        events = until(socket, "session.closed")
    kept = client.get(f"/v1/recordings/{events[-1]['id']}").json()
    assert (kept["kind"], kept["subject"], kept["name"]) == ("stream", "17", "desk 4")
    assert kept["answer"]["segments"] == [one["segment"] for one in events if one["type"] == "segment.final"]
    vtt = client.get(f"/v1/recordings/{kept['id']}", params={"format": "webvtt"})
    assert vtt.text.startswith("WEBVTT")
    with client.websocket_connect("/v1/stream") as socket:
        socket.send_json({**BEGIN, "subject": "18"})
        socket.send_bytes(samples.tobytes())
        until(socket, "segment.final")
        socket.send_json({"type": "ping"})
        until(socket, "pong")
        socket.send_text("no json")
        until(socket, "error")
    assert len(listed(client, subject="18")) == 1
    with client.websocket_connect("/v1/stream") as socket:
        socket.send_json({**BEGIN, "subject": "20"})
        socket.send_bytes(audio.load(examples / "plain.flac").samples[:24_000].tobytes())
        until(socket, "segment.update")  # it is being spoken
        socket.send_text("no json")
        until(socket, "error")
    (broken,) = listed(client, subject="20")
    assert broken["emotion"]
    with client.websocket_connect("/v1/stream") as socket:
        socket.send_json({**BEGIN, "subject": "19", "store": False})
        socket.send_bytes(samples.tobytes())
        socket.send_json({"type": "session.close"})
        assert "id" not in until(socket, "session.closed")[-1]
    assert not listed(client, subject="19")


def test_a_stream_takes_a_baseline(client: TestClient, examples: Path) -> None:
    baseline = client.post("/v1/baselines", **sent(examples, "plain.flac")).json()
    samples = audio.load(examples / "questioning.flac").samples
    recogniser = intone.load(threads=1)
    known = recogniser.baseline([(examples / "plain.flac").read_bytes()])
    expected = recogniser.timeline(np.asarray(samples), rate=16_000, baseline=known)
    with client.websocket_connect("/v1/stream") as socket:
        socket.send_json({**BEGIN, "baseline": baseline})
        socket.send_bytes(samples.tobytes())
        socket.send_json({"type": "session.close"})
        finals = [one["segment"] for one in until(socket, "session.closed") if one["type"] == "segment.final"]
    assert [list(one["scores"].values()) for one in finals] == [
        pytest.approx(list(one.scores.values()), abs=1e-3) for one in expected.segments
    ]
    with client.websocket_connect("/v1/stream") as socket:
        socket.send_json({**BEGIN, "baseline": {"format": 9}})
        assert until(socket, "error")[-1]["code"] == "baseline"


def test_without_a_store_nothing_is_kept_and_that_is_said(examples: Path) -> None:
    with TestClient(create_app(Settings(threads=1))) as client:
        assert "id" not in client.post("/v1/predict", **sent(examples, "plain.flac")).json()["predictions"][0]
        assert client.get("/v1/about").json()["keeps_results"] is False
        for path in ("/v1/recordings", "/v1/export", f"/v1/recordings/{'0' * 32}"):
            assert "keeps nothing" in problem(client.get(path), 404, "no-store")


@pytest.mark.parametrize("id", ["..%2f..%2fetc%2fpasswd", "x", "0" * 31, "%00" * 32])
def test_an_id_is_an_id(client: TestClient, id: str) -> None:
    answer = client.get(f"/v1/recordings/{id}")
    assert answer.status_code in (400, 404)
    assert answer.json()["code"] in ("usage", "no-such-path", "no-such-recording")
