"""The service itself: what it is made of, what it tells of itself, and how it words a refusal."""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.staticfiles import StaticFiles

from intone import __version__, formats
from intone.emotions import Emotion
from intone.errors import IntoneError, unknown
from intone.serve import documents, recordings, sound
from intone.serve.guard import Guard
from intone.serve.problems import Problem
from intone.serve.settings import Settings
from intone.serve.state import State

ENVIRONMENT = "INTONE_SERVE"
"""Where a process of a service with several finds its settings."""
SWITCH_SECONDS = 0.0005
"""For so long a thread may keep the others waiting; Python's own 5 ms are a quarter of what an utterance takes."""
PAGE = Path(__file__).parent / "page"


def from_environment() -> FastAPI:
    """Make the service that a parent process has set up."""
    sys.setswitchinterval(SWITCH_SECONDS)
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
        await state.begin()
        yield
        await state.end()

    app = FastAPI(title="Intone", version=__version__, description=documents.DESCRIPTION, lifespan=lifespan,
                  docs_url=None, redoc_url=None, dependencies=[Depends(only_known)])  # fmt: skip
    app.add_middleware(Guard, settings=settings, metrics=state.metrics, room=state.room)
    _answer_problems(app, state)
    app.include_router(sound.router(state))  # the first that are looked through, as most requests are for them
    app.include_router(recordings.router(state))
    _answer_about(app, state)
    app.mount("/page", StaticFiles(directory=PAGE), name="page")
    return app


async def only_known(request: HTTPConnection) -> None:
    """Refuse a parameter that there is not: whoever writes ``stored=false`` wants nothing kept.

    Raises
    ------
    UsageError
        The query has another one than this path takes.
    """
    route = request.scope.get("route")
    if isinstance(route, APIRoute) and route.include_in_schema:
        documented = request.app.openapi()["paths"][route.path_format][request.scope["method"].lower()]
        known = [one["name"] for one in documented.get("parameters", ()) if one["in"] == "query"]
        for name in request.query_params:
            if name not in known:
                raise unknown("parameter", name, known or ["none"])


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
        answer = answered(Problem(status, code, f"{error.detail.rstrip('.')}."))
        answer.headers.update(error.headers or {})
        return answer


def _answer_about(app: FastAPI, state: State) -> None:
    @app.get("/healthz", tags=["operation"], summary="Whether the process lives")
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/readyz", tags=["operation"], summary="Whether it can answer", responses=documents.problems(503))
    async def readyz() -> dict[str, str]:
        return {"status": "ready", "model": state.ready.card.name}

    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(PAGE / "index.html")

    @app.get("/v1/about", tags=["operation"], summary="How this service is set up", responses=documents.ABOUT)
    async def about() -> dict[str, object]:
        settings = state.settings
        return {
            "version": __version__,
            "model": state.ready.card.name,
            "baselines": state.ready.card.baselines,
            "emotions": [
                {"name": str(one), "colour": one.colour, "valence": one.valence, "arousal": one.arousal}
                for one in Emotion
            ],
            "formats": formats.available(),
            "keeps_results": bool(settings.store),
            "keeps_sound": bool(settings.store) and settings.keep_audio,
            "keep_days": settings.keep_days,
            "max_upload_mb": settings.max_upload_mb,
            "max_seconds": settings.max_seconds,
        }

    @app.get("/metrics", tags=["operation"], summary="Figures for Prometheus", response_class=Response)
    async def metrics() -> Response:
        return Response(state.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    @app.get("/v1/models", tags=["models"], summary="The models, their licences and honest scores",
             responses=documents.MODELS)  # fmt: skip
    async def models() -> dict[str, object]:
        default = state.ready.card
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
