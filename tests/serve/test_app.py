"""The service over HTTP: the same answers as the library's, and every refusal a problem document."""

import asyncio
import io
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import numpy as np
import pytest
import soundfile
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

import intone
from intone.emotions import Emotion
from intone.hear import audio
from intone.results import Prediction
from intone.serve import guard, keeper, sound, state
from intone.serve.app import create_app
from intone.serve.keys import Keys
from intone.serve.line import Line
from intone.serve.problems import Problem
from intone.serve.settings import Settings
from intone.serve.store import Store

pytestmark = pytest.mark.xdist_group("serve")


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with TestClient(
        create_app(Settings(threads=1, requests_a_minute=100_000)), raise_server_exceptions=False
    ) as served:
        yield served


def problem(response: Any, status: int, code: str) -> str:
    assert response.headers["content-type"] == "application/problem+json"
    said = response.json()
    assert (response.status_code, said["status"], said["code"]) == (status, status, code), said
    assert said["type"] == f"urn:intone:problem:{code}"
    assert "Traceback" not in response.text
    return str(said["detail"])


def test_one_recording_as_the_body_gets_the_librarys_answer(client: TestClient, examples: Path) -> None:
    content = (examples / "plain.flac").read_bytes()
    (said,) = client.post("/v1/predict", content=content).json()["predictions"]
    expected = intone.load(threads=1).predict(content)
    assert said["emotion"] == expected.emotion
    assert said["scores"] == pytest.approx({str(name): share for name, share in expected.scores.items()}, abs=1e-4)
    assert said["file"] == "<body>"


def test_several_files_are_answered_and_bad_ones_named(client: TestClient, examples: Path) -> None:
    files = [
        ("file", ("../../etc/plain.flac", (examples / "plain.flac").read_bytes())),
        ("file", ("/abs/notes.wav", b"no sound")),
        ("file", ("questioning.flac", (examples / "questioning.flac").read_bytes())),
    ]
    response = client.post("/v1/predict", files=files, params={"prior": '{"neutral": 0.9}'})
    assert response.status_code == 200
    one, bad, two = response.json()["predictions"]
    assert (one["file"], two["file"]) == ("plain.flac", "questioning.flac")
    assert bad["error"]["code"] == "not-audio"
    assert bad["error"]["detail"].startswith("notes.wav: ")
    prior = intone.load(threads=1).predict(examples / "plain.flac", prior={"neutral": 0.9})
    assert one["scores"]["neutral"] == pytest.approx(prior.scores[Emotion.NEUTRAL], abs=1e-4)


def test_a_baseline_made_here_is_taken_here(client: TestClient, examples: Path) -> None:
    content = (examples / "plain.flac").read_bytes()
    baseline = client.post("/v1/baselines", files=[("file", ("a.flac", content))]).json()
    assert baseline["count"] == 1
    question = (examples / "questioning.flac").read_bytes()
    said = client.post(
        "/v1/predict", files=[("file", ("b.flac", question))], data={"baseline": json.dumps(baseline)}
    ).json()["predictions"][0]
    recogniser = intone.load(threads=1)
    expected = recogniser.predict(question, baseline=recogniser.baseline([content]))
    assert list(said["scores"].values()) == pytest.approx(list(expected.scores.values()), abs=1e-3)
    refused = client.post("/v1/predict", files=[("file", ("b.flac", question))], data={"baseline": "{}"})
    assert "not a baseline" in problem(refused, 422, "baseline")


def test_a_timeline_is_that_of_the_library_in_any_format(client: TestClient, examples: Path) -> None:
    content = (examples / "kennedy.flac").read_bytes()
    said = client.post("/v1/timeline", content=content).json()
    expected = intone.load(threads=1).timeline(content, name="<body>").to_dict()
    assert said == json.loads(json.dumps(expected))
    as_text = client.post("/v1/timeline", content=content, params={"format": "webvtt"})
    assert as_text.headers["content-type"].startswith("text/vtt")
    assert as_text.text.startswith("WEBVTT")
    later = client.post("/v1/timeline", content=content, params={"hindsight": "true", "channels": "separate"})
    assert later.json()["hindsight"] is True


def test_what_cannot_be_asked_is_a_problem(client: TestClient, examples: Path) -> None:
    content = (examples / "plain.flac").read_bytes()
    problem(client.post("/v1/predict"), 400, "no-file")
    problem(client.post("/v1/predict", content=b"no sound"), 415, "not-audio")
    problem(client.post("/v1/predict", content=content, params={"prior": "lots"}), 400, "usage")
    assert "Did you mean" in problem(
        client.post("/v1/predict", content=content, params={"prior": '{"angr": 1}'}), 400, "usage"
    )
    assert "Did you mean 'textgrid'" in problem(
        client.post("/v1/timeline", content=content, params={"format": "textgird"}), 400, "usage"
    )
    problem(client.post("/v1/timeline", content=content, params={"channels": "three"}), 400, "usage")
    problem(client.get("/v1/predict"), 405, "no-such-method")
    problem(client.get("/v1/../secret"), 404, "no-such-path")


def test_too_much_is_refused_before_it_is_taken(examples: Path) -> None:
    settings = Settings(threads=1, max_upload_mb=1, max_seconds=5.0, max_files=2)
    with TestClient(create_app(settings), raise_server_exceptions=False) as small:
        announced = small.post("/v1/predict", content=b"x", headers={"content-length": str(10 * 2**30)})
        problem(announced, 413, "too-large")
        problem(small.post("/v1/predict", content=iter([b"x" * 2**19] * 4)), 413, "too-large")
        hours = io.BytesIO()  # a few kilobytes that hold an hour
        soundfile.write(hours, np.zeros(16_000 * 3600, np.int16), 16_000, format="FLAC")
        assert len(hours.getvalue()) < 2**20
        problem(small.post("/v1/predict", content=hours.getvalue()), 413, "too-long")
        problem(small.post("/v1/timeline", content=hours.getvalue()), 413, "too-long")
        content = (examples / "plain.flac").read_bytes()
        problem(small.post("/v1/predict", files=[("file", ("a", content))] * 3), 400, "usage")
        assert small.post("/v1/predict", content=content).status_code == 200


def test_the_limits_are_those_of_a_request_and_not_of_each_file(examples: Path) -> None:
    content = (examples / "plain.flac").read_bytes()
    seconds = audio.load(content).duration
    with TestClient(create_app(Settings(threads=1, max_seconds=2.5 * seconds))) as small:
        files = [("file", (name, content)) for name in ("a", "b", "c")]
        said = small.post("/v1/predict", files=files).json()["predictions"]
        assert [one.get("error", {}).get("code") for one in said] == [None, None, "too-long"]


def test_a_key_is_asked_for_and_a_revoked_one_refused(tmp_path: Path, examples: Path) -> None:
    keys = Keys(tmp_path / "keys.json")
    key = keys.create("one")
    content = (examples / "plain.flac").read_bytes()
    with TestClient(create_app(Settings(threads=1, keys=str(keys.path))), raise_server_exceptions=False) as guarded:
        assert guarded.get("/healthz").status_code == 200
        refused = guarded.post("/v1/predict", content=content)
        problem(refused, 401, "no-key")
        assert refused.headers["www-authenticate"] == "Bearer"
        for wrong in ("Bearer wrong", f"Basic {key}", "Bearer ", f"Bearer {key}x"):
            problem(guarded.get("/v1/models", headers={"Authorization": wrong}), 401, "no-key")
        assert (
            guarded.post("/v1/predict", content=content, headers={"Authorization": f"Bearer {key}"}).status_code == 200
        )
        assert guarded.get("/v1/models", headers={"X-API-Key": key}).status_code == 200
        Keys(keys.path).revoke("one")
        problem(guarded.get("/v1/models", headers={"X-API-Key": key}), 401, "no-key")
        assert key not in (tmp_path / "keys.json").read_text()
        assert (tmp_path / "keys.json").stat().st_mode & 0o077 == 0


def test_a_mistake_of_ours_is_a_problem_that_tells_the_log_and_not_the_client(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    keys = Keys(tmp_path / "keys.json")
    key = keys.create("one")
    with TestClient(create_app(Settings(threads=1, keys=str(keys.path)))) as guarded:
        keys.path.write_text("damaged while the service runs")
        broken = guarded.get("/v1/models", headers={"X-API-Key": key})
        detail = problem(broken, 500, "failed")
        assert broken.headers["x-content-type-options"] == "nosniff"
        logged = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
        (said,) = (line for line in logged if "error" in line)
        assert detail.endswith(f"{said['request']}.")
        assert "keys.py" in said["where"]
        with guarded.websocket_connect("/v1/stream") as socket:
            socket.send_json({"type": "session.begin"})
            said = socket.receive_json()
            assert said["code"] == "failed"
            assert "keys.json" not in said["message"]
        assert guarded.get("/healthz").status_code == 200


def test_who_asks_too_often_is_told_when_to_come_back(examples: Path) -> None:
    with TestClient(create_app(Settings(threads=1, requests_a_minute=3)), raise_server_exceptions=False) as slow:
        answers = [slow.get("/v1/models") for _ in range(5)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
        problem(answers[-1], 429, "too-many")
        assert int(answers[-1].headers["retry-after"]) >= 1
        assert slow.get("/healthz").status_code == 200


def test_a_full_queue_says_come_back_and_those_who_wait_are_answered(examples: Path) -> None:
    content = (examples / "plain.flac").read_bytes()
    app = create_app(Settings(threads=1, queue=4, requests_a_minute=100_000))

    async def ask() -> list[httpx.Response]:
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as many,
        ):
            return list(await asyncio.gather(*(many.post("/v1/predict", content=content) for _ in range(40))))

    answers = asyncio.run(ask())
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {200, 503}
    turned_away = next(answer for answer in answers if answer.status_code == 503)
    problem(turned_away, 503, "busy")
    assert turned_away.headers["retry-after"] == "1"
    (first,) = {json.dumps(answer.json(), sort_keys=True) for answer in answers if answer.status_code == 200}
    assert json.loads(first)["predictions"][0]["emotion"]


def test_operators_see_what_goes_on(client: TestClient, capfd: pytest.CaptureFixture[str]) -> None:
    client.post("/v1/predict", content=b"no sound")
    text = client.get("/metrics").text
    assert 'intone_requests_total{route="/v1/predict",status="415"}' in text
    assert 'intone_refused_total{code="not-audio"}' in text
    for name in ("intone_queue ", "intone_streams ", "intone_request_seconds_bucket"):
        assert name in text
    logged = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert {"request", "method", "route", "status", "seconds"} == set(logged[0])
    assert client.get("/readyz").json() == {"status": "ready", "model": "intone-tiny"}


def test_every_answer_bears_security_headers_and_no_stranger_is_let_in(client: TestClient) -> None:
    for path in ("/healthz", "/v1/models", "/nowhere"):
        headers = client.get(path, headers={"Origin": "https://example.org"}).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "access-control-allow-origin" not in headers


def test_the_models_are_told_with_their_scores(client: TestClient) -> None:
    said = client.get("/v1/models").json()
    assert said["default"] == "intone-tiny"
    assert {model["name"] for model in said["models"]} == {"intone-tiny", "intone-classic"}
    assert all(model["scores"] and model["licence"] for model in said["models"])


def test_who_sends_slowly_takes_nobodys_place(examples: Path) -> None:
    content = (examples / "plain.flac").read_bytes()
    app = create_app(Settings(threads=1, queue=2, requests_a_minute=100_000))

    async def ask() -> tuple[httpx.Response, list[httpx.Response]]:
        go_on = asyncio.Event()

        async def slowly() -> AsyncIterator[bytes]:
            yield content[:1000]
            await go_on.wait()
            yield content[1000:]

        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as many,
        ):
            slow = [asyncio.create_task(many.post("/v1/predict", content=slowly())) for _ in range(8)]
            await asyncio.sleep(0)
            quick = await many.post("/v1/predict", content=content)
            go_on.set()
            return quick, await asyncio.gather(*slow)

    quick, slow = asyncio.run(ask())
    assert quick.status_code == 200
    assert {answer.status_code for answer in slow} <= {200, 503}


def test_a_page_of_another_site_is_not_answered_where_no_key_is_asked_for(tmp_path: Path) -> None:
    here = "http://localhost:8000"
    with TestClient(create_app(Settings(threads=1, loopback=True)), base_url=here) as own:
        assert own.get("/v1/models", headers={"Origin": here}).status_code == 200
        assert own.get("/v1/models", headers={"Host": "127.0.0.1:8000"}).status_code == 200
        problem(own.get("/v1/models", headers={"Host": "evil.example"}), 403, "host")
        problem(own.post("/v1/predict", content=b"x", headers={"Origin": "http://evil.example"}), 403, "origin")
        for heads in ({"Origin": "http://evil.example"}, {"Host": "evil.example"}, {"Origin": "null"}):
            with pytest.raises(WebSocketDisconnect), own.websocket_connect("/v1/stream", headers=heads):
                pass
    keys = Keys(tmp_path / "keys.json")
    key = {"Authorization": f"Bearer {keys.create('one')}"}
    with TestClient(create_app(Settings(threads=1, loopback=True, keys=str(keys.path)))) as guarded:
        strange = {
            "Origin": "https://app.example",
            "Host": "intone.example",
        }  # a proxy before it, and a site with a key
        assert guarded.get("/v1/models", headers={**key, **strange}).status_code == 200


@pytest.mark.parametrize("path", ["/v1/timeline", "/v1/predict"])
def test_who_goes_away_while_a_recording_is_heard_leaves_nothing_behind(
    tmp_path: Path, examples: Path, path: str
) -> None:
    long = np.tile(audio.load(examples / "kennedy.flac").samples, 60)
    content = io.BytesIO()
    soundfile.write(content, long, 16_000, format="WAV", subtype="PCM_16")
    store = f"sqlite:///{tmp_path / 'store.db'}"
    app = create_app(Settings(threads=1, store=store, requests_a_minute=100_000))
    scope = {
        "type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b"",
        "headers": [(b"content-length", str(len(content.getvalue())).encode())], "client": ("127.0.0.1", 1),
        "server": ("test", 80), "scheme": "http", "http_version": "1.1", "root_path": "",
    }  # fmt: skip
    messages = [
        {"type": "http.request", "body": content.getvalue(), "more_body": False},
        {"type": "http.disconnect"},
    ]

    async def leave() -> tuple[list[Any], float]:
        sent: list[Any] = []

        async def receive() -> Any:
            return messages[0] if len(messages) == 1 else messages.pop(0)

        async def send(message: Any) -> None:
            sent.append(message)

        async with app.router.lifespan_context(app):
            await app(scope, receive, send)
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as other:
                heard = await other.get("/metrics")
                kept = await other.get("/v1/recordings")
        assert kept.json()["recordings"] == []
        (line,) = (line for line in heard.text.splitlines() if line.startswith("intone_sound_seconds_total"))
        return sent, float(line.split()[1])

    sent, seconds = asyncio.run(leave())
    assert sent == []
    assert seconds == 0


def test_what_a_client_sends_is_never_told_back_at_length(client: TestClient, examples: Path) -> None:
    content = (examples / "plain.flac").read_bytes()
    for text in ('{"\\ud800": 1}', '{"neutral": "\\ud800"}', '{"neutral": 1' + "0" * 400 + "}"):
        problem(client.post("/v1/predict", content=content, params={"prior": text}), 400, "usage")
    for begin in ({"format": ["x"] * 999}, {"rate": 10**4000}, {"type": "x" * 100_000}):
        with client.websocket_connect("/v1/stream") as socket:
            socket.send_json({"type": "session.begin", **begin})
            said = socket.receive_json()
            assert (said["type"], said["code"]) == ("error", "usage")
            assert len(said["message"]) < 300
    refused = client.get("/v1/predict")
    assert refused.headers["allow"] == "POST"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("山田　太郎", "山田 太郎"),
        ("Anna\u00a0Karenina ", "Anna Karenina"),
        ("👩\u200d💻", "👩\u200d💻"),
        ("e\u0301", "é"),
    ],
)
def test_subjects_are_called_as_people_are(tmp_path: Path, examples: Path, given: str, told: str) -> None:
    content = (examples / "plain.flac").read_bytes()
    with TestClient(create_app(Settings(threads=1, store=f"sqlite:///{tmp_path / 'store.db'}"))) as keeping:
        files = [("file", (f"{given}.flac", content))]
        keeping.post("/v1/predict", files=files, data={"subject": given})
        (kept,) = keeping.get("/v1/recordings", params={"subject": given}).json()["recordings"]
        assert kept["subject"] == told
        assert "?" not in kept["name"]
        turned = keeping.post("/v1/predict", files=files, data={"subject": "17\u202e71"})
        problem(turned, 400, "usage")
        assert keeping.delete(f"/v1/subjects/{quote(given)}").json() == {"deleted": 1}


def test_who_went_away_is_passed_over_and_the_line_goes_on() -> None:
    done, begun, turn = list[str](), threading.Event(), threading.Event()

    def first() -> None:
        begun.set()
        turn.wait(10)
        done.append("first")

    def failing() -> None:
        raise IndexError

    async def work() -> None:
        line = Line(workers=1, most=9)
        line.start()
        waiting = [line.submit(first), line.submit(lambda: done.append("left")), line.submit(failing)]
        waiting[1].cancel()
        await asyncio.sleep(0)  # the pool is told
        last = line.submit(lambda: done.append("last"))
        turn.set()
        await last
        assert isinstance(waiting[2].exception(), IndexError)
        begun.clear()
        turn.clear()
        waiting = [line.submit(first), line.submit(lambda: done.append("too late"))]
        await asyncio.to_thread(begun.wait, 10)
        stopping = asyncio.create_task(line.stop())
        await asyncio.sleep(0)
        turn.set()
        await stopping

    asyncio.run(work())
    assert done == ["first", "last", "first"]


def test_where_one_recording_fails_those_beside_it_are_heard_no_more() -> None:
    failed, heard = threading.Event(), list[str]()

    def failing() -> Prediction:
        raise IndexError

    def other() -> Prediction:
        heard.append("other")
        failed.wait(10)
        raise KeyError

    async def work() -> None:
        line = Line(workers=1, most=9)
        line.start()
        with pytest.raises(IndexError):
            await sound.gathered([], [line.submit(failing), *(line.submit(other) for _ in range(9))])
        await asyncio.sleep(0)  # the pool is told
        assert line.waiting == 0
        failed.set()
        await line.stop()

    asyncio.run(work())
    assert len(heard) <= 1  # what the thread had begun by then


def test_a_body_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "GRACE_SECONDS", 0.0)
    app = create_app(Settings(threads=1, requests_a_minute=100_000))

    async def ask() -> httpx.Response:
        async def never() -> AsyncIterator[bytes]:
            yield b"RIFF"
            await asyncio.Event().wait()

        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client,
        ):
            return await client.post("/v1/predict", content=never())

    problem(asyncio.run(ask()), 408, "too-slow")


def test_what_waits_to_be_kept_when_the_service_ends_is_kept(tmp_path: Path, examples: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    heard = intone.load(threads=1).predict(examples / "plain.flac")
    results = [keeper.of_prediction(heard, owner="", subject="", has_sound=False) for _ in range(200)]

    async def work() -> None:
        kept = keeper.Keeper(Store(url), keep_days=0)
        kept.start()
        waiting = [asyncio.create_task(kept.keep([one], {})) for one in results]
        await asyncio.sleep(0)  # each has handed its own over
        await kept.stop()
        await asyncio.gather(*waiting)

    asyncio.run(work())
    with closing(Store(url)) as store:
        assert all(store.get(None, one.id) for one in results)


def test_a_service_that_ended_can_begin_again(examples: Path) -> None:
    content, app = (examples / "plain.flac").read_bytes(), create_app(Settings(threads=1))
    for _ in range(2):
        with TestClient(app, raise_server_exceptions=False) as client:
            assert client.post("/v1/predict", content=content).status_code == 200


def test_a_form_and_a_body_get_the_same_answer_however_they_are_decoded(client: TestClient, examples: Path) -> None:
    content = (examples / "plain.flac").read_bytes()
    large = io.BytesIO()  # more than lies in memory
    samples, rate = soundfile.read(io.BytesIO(content))
    soundfile.write(large, np.tile(samples[:, None], 64), rate, format="WAV", subtype="FLOAT")
    assert len(large.getvalue()) > 2**20
    asked = [client.post("/v1/predict", content=sound) for sound in (content, large.getvalue())]
    asked += [client.post("/v1/predict", files=[("file", ("a", sound))]) for sound in (content, large.getvalue())]
    (first, *others) = (response.json()["predictions"][0]["scores"] for response in asked)
    for other in others:
        assert other == pytest.approx(first, abs=1e-4)


@pytest.mark.parametrize(("cores", "places"), [(1, 2), (2, 3), (4, 6)])
def test_there_is_room_for_those_who_are_heard_and_half_as_many(
    monkeypatch: pytest.MonkeyPatch, cores: int, places: int
) -> None:
    monkeypatch.setattr(state, "cores", lambda: cores)
    line = state.State(Settings()).line
    with ExitStack() as held:
        for _ in range(places):
            held.enter_context(line.place(1))
        with pytest.raises(Problem, match=f"{places} recordings are in hand"):
            line.check_room()
    line.check_room()
