"""The service itself: what can be asked of it, and how it answers."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Annotated, Literal, TypeVar

from fastapi import FastAPI, Query, Request, WebSocket
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from intone import __version__, formats
from intone.errors import IntoneError, SoundError, UsageError
from intone.hear import loading, modelfile
from intone.hear.audio import Waveform
from intone.hear.modelfile import Card
from intone.hear.recogniser import Recogniser
from intone.machine import cores
from intone.serve import documents
from intone.serve.batcher import Batcher
from intone.serve.guard import Guard
from intone.serve.live import Live
from intone.serve.metrics import Metrics
from intone.serve.problems import Problem, busy
from intone.serve.settings import Settings
from intone.serve.uploads import decoded_all, received

Answer = TypeVar("Answer")
ENVIRONMENT = "INTONE_SERVE"
"""Where a process of a service with several finds its settings."""
TIMELINES_WAITING = 8
"""For each core, how many long recordings may wait."""


class State:
    """What a running service holds."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.workers = settings, cores()
        self.recogniser: Recogniser | None = None
        self.cards: tuple[Card, ...] = ()
        self.batcher: Batcher | None = None
        self.live = Live(settings, self.workers)
        self.turns = asyncio.Semaphore(self.workers)
        self.timelines = 0
        self.metrics = Metrics(lambda: self.batcher.waiting if self.batcher else 0, lambda: self.live.open)

    @property
    def ready(self) -> tuple[Recogniser, Batcher]:
        """What answers.

        Raises
        ------
        Problem
            The model is not loaded yet.
        """
        if self.recogniser is None or self.batcher is None:
            raise busy("The model is being loaded")
        return self.recogniser, self.batcher


def _shipped_cards() -> tuple[Card, ...]:
    return tuple(loading.load(name, threads=1).card for name in modelfile.shipped())


def from_environment() -> FastAPI:
    """Make the service that a parent process has set up."""
    return create_app(Settings.from_json(os.environ[ENVIRONMENT]))


def create_app(settings: Settings) -> FastAPI:
    """Make a service.

    Parameters
    ----------
    settings : Settings
        How it is set up.

    Returns
    -------
    fastapi.FastAPI
        To be run by uvicorn, or within another service.
    """
    state = State(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        recogniser = await asyncio.to_thread(loading.load, settings.model, threads=settings.threads)
        state.cards = await asyncio.to_thread(_shipped_cards)
        state.batcher = Batcher(recogniser, most=settings.queue, batch=settings.batch)
        state.batcher.start()
        state.recogniser = recogniser
        yield
        await state.batcher.stop()

    app = FastAPI(title="Intone", version=__version__, description=documents.DESCRIPTION, lifespan=lifespan,
                  docs_url=None, redoc_url=None)  # fmt: skip
    app.add_middleware(Guard, settings=settings, metrics=state.metrics)
    _answer_problems(app, state)
    _answer_about(app, state)
    _answer_sound(app, state)
    return app


def _answer_problems(app: FastAPI, state: State) -> None:
    def answered(problem: Problem) -> JSONResponse:
        state.metrics.refused(problem.code)
        return problem.response()

    @app.exception_handler(Problem)
    async def problem(_: Request, problem: Problem) -> JSONResponse:
        return answered(problem)

    @app.exception_handler(IntoneError)
    async def refused(_: Request, error: IntoneError) -> JSONResponse:
        return answered(Problem.of(error))

    @app.exception_handler(RequestValidationError)
    async def misused(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        return answered(Problem(400, "usage", f"{where}: {first['msg']}."))

    @app.exception_handler(HTTPException)
    async def missed(_: Request, error: HTTPException) -> JSONResponse:
        status = error.status_code if error.status_code in (400, 404, 405, 413) else 400
        code = {404: "no-such-path", 405: "no-such-method", 413: "too-large"}.get(status, "usage")
        return answered(Problem(status, code, f"{error.detail}."))


def _answer_about(app: FastAPI, state: State) -> None:
    @app.get("/healthz", tags=["operation"], summary="Whether the process lives")
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/readyz", tags=["operation"], summary="Whether it can answer", responses=documents.problems(503))
    async def readyz() -> dict[str, str]:
        return {"status": "ready", "model": state.ready[0].card.name}

    @app.get("/metrics", tags=["operation"], summary="Figures for Prometheus", response_class=Response)
    async def metrics() -> Response:
        return Response(state.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    @app.get("/v1/models", tags=["models"], summary="The models, their licences and honest scores",
             responses=documents.MODELS)  # fmt: skip
    async def models() -> dict[str, object]:
        default = state.ready[0].card
        return {
            "default": default.name,
            "models": [
                {
                    "name": card.name, "labels": list(card.labels), "licence": card.licence,
                    "baselines": card.baselines, "scores": [vars(score) for score in card.scores],
                }
                for card in {card.name: card for card in (*state.cards, default)}.values()
            ],
        }  # fmt: skip


def _answer_sound(app: FastAPI, state: State) -> None:
    settings = state.settings

    @app.post("/v1/predict", tags=["sound"], summary="The emotion of recordings", openapi_extra=documents.RECORDINGS,
              responses=documents.PREDICTIONS)  # fmt: skip
    async def predict(request: Request, prior: documents.Prior = "") -> JSONResponse:
        _, batcher = state.ready
        shares = _shares(prior)
        async with received(request, settings) as body:
            found = await asyncio.to_thread(decoded_all, body.recordings, settings)
        waveforms = [one for one in found if isinstance(one, Waveform)]
        state.metrics.heard(sum(one.duration for one in waveforms))
        answers = await _until_gone(request, batcher.predict(waveforms, prior=shares, baseline=body.baseline))
        each, said = iter(answers), list[dict[str, object]]()
        for one in found:
            if isinstance(one, SoundError):
                state.metrics.refused(one.code)
                said.append({"error": Problem.of(one).to_dict()})
            else:
                said.append(next(each).to_dict())
        failed = [one for one in found if isinstance(one, SoundError)]
        if len(found) == 1 and failed:
            raise Problem.of(failed[0])
        return JSONResponse({"predictions": said})

    @app.post("/v1/timeline", tags=["sound"], summary="The emotion of a recording over time",
              openapi_extra=documents.RECORDING, responses=documents.TIMELINE)  # fmt: skip
    async def timeline(
        request: Request,
        prior: documents.Prior = "",
        channels: Annotated[Literal["mixed", "separate"], Query(description="Mix them, or a voice each")] = "mixed",
        hindsight: Annotated[bool, Query(description="Answer with what came later too")] = False,
        form: Annotated[str, Query(alias="format", description="json, webvtt, textgrid, ...")] = "json",
    ) -> Response:
        recogniser, _ = state.ready
        shares, wanted = _shares(prior), formats.chosen(form)
        if state.timelines >= TIMELINES_WAITING * state.workers:
            raise busy(f"{state.timelines} long recordings are waiting already")
        state.timelines += 1
        try:
            async with received(request, settings) as body:
                if len(body.recordings) != 1:
                    raise Problem(400, "usage", f"{len(body.recordings)} files came; a timeline is of one.")
                (sent,) = body.recordings
                async with state.turns:
                    timeline = await asyncio.to_thread(
                        recogniser.timeline, sent.content, name=sent.name, prior=shares, baseline=body.baseline,
                        channels=channels, hindsight=hindsight, max_seconds=settings.max_seconds,
                    )  # fmt: skip
        finally:
            state.timelines -= 1
        state.metrics.heard(timeline.duration)
        return Response(formats.render(timeline, wanted), media_type=documents.MEDIA[wanted])

    @app.post("/v1/baselines", tags=["sound"], summary="What a speaker sounds like otherwise",
              openapi_extra=documents.RECORDINGS, responses=documents.BASELINE)  # fmt: skip
    async def baselines(
        request: Request, rest: Annotated[bool, Query(description="At rest in all of them")] = False
    ) -> JSONResponse:
        recogniser, _ = state.ready
        async with received(request, settings) as body:
            found = await asyncio.to_thread(decoded_all, body.recordings, settings)
        for one in found:
            if isinstance(one, SoundError):
                raise one
        waveforms = [one for one in found if isinstance(one, Waveform)]
        async with state.turns:
            baseline = await asyncio.to_thread(recogniser.baseline, waveforms, rest=rest)
        return JSONResponse(baseline.to_dict())

    @app.websocket("/v1/stream")
    async def stream(socket: WebSocket) -> None:
        await state.live.serve(socket, state.ready[0], state.metrics)


def _shares(prior: str) -> dict[str, float] | None:
    if not prior:
        return None
    try:
        stored = json.loads(prior)
        return {str(name): float(share) for name, share in stored.items()}
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError('prior must be an object of emotions and shares as JSON, such as {"neutral": 0.8}.') from error


async def _until_gone(request: Request, work: Awaitable[Answer]) -> Answer:
    """Wait for an answer, or until the one who asked is gone: then the place is free."""
    answer = asyncio.ensure_future(work)
    gone = asyncio.create_task(_gone(request))
    done, _ = await asyncio.wait({answer, gone}, return_when=asyncio.FIRST_COMPLETED)
    gone.cancel()
    if answer not in done:
        answer.cancel()
        raise Problem(408, "gone", "The client went away.")
    return answer.result()


async def _gone(request: Request) -> None:
    while not await request.is_disconnected():
        await asyncio.sleep(0.1)
