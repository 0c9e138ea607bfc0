"""What is asked with sound: predictions, timelines, baselines and live streams."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Annotated, Literal, TypeVar

from fastapi import APIRouter, Query, Request, WebSocket
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from intone import formats
from intone.errors import SoundError, UsageError
from intone.hear.audio import Waveform
from intone.hear.recogniser import Recogniser
from intone.results import Prediction, Timeline
from intone.serve import documents, keeper
from intone.serve.problems import Problem
from intone.serve.state import State, owner_of
from intone.serve.store import Recording
from intone.serve.uploads import Body, decoded_all, received

Answer = TypeVar("Answer")
RECORDING_ID = "X-Recording-Id"
"""The head of an answer that says under which id it is kept."""
LOOK_SECONDS = 0.1
"""How often it is looked whether the one who asked is still there."""


def router(state: State) -> APIRouter:
    """Make the part of a service that hears."""
    routes = APIRouter(tags=["sound"])
    _answer_utterances(routes, state)
    _answer_timelines(routes, state)
    _answer_speakers(routes, state)
    return routes


def _answer_utterances(routes: APIRouter, state: State) -> None:
    settings = state.settings

    @routes.post("/v1/predict", summary="The emotion of recordings", openapi_extra=documents.RECORDINGS,
                 responses=documents.PREDICTIONS)  # fmt: skip
    async def predict(request: Request, prior: documents.Prior = "", store: documents.Kept = True) -> JSONResponse:
        recogniser, shares = state.ready, _shares(prior)
        async with received(request, settings) as body:
            with state.line.place(len(body.recordings)):
                outcomes = await _until_gone(request, await _in_line(state, recogniser.single, body, shares))
            sounds = await _sounds(state, body) if store else []
        state.metrics.heard(sum(one.duration for one in outcomes if isinstance(one, Prediction)))
        for outcome in outcomes:
            if isinstance(outcome, SoundError):
                state.metrics.refused(outcome.code)
                if len(outcomes) == 1:
                    raise Problem.of(outcome)
        ids = await _kept(state, request, body.subject, outcomes, sounds) if store else {}
        return JSONResponse({"predictions": [_said(one, ids.get(number)) for number, one in enumerate(outcomes)]})


def _answer_timelines(routes: APIRouter, state: State) -> None:
    settings = state.settings

    @routes.post("/v1/timeline", summary="The emotion of a recording over time",
                 openapi_extra=documents.RECORDING, responses=documents.TIMELINE)  # fmt: skip
    async def timeline(
        request: Request,
        prior: documents.Prior = "",
        channels: Annotated[Literal["mixed", "separate"], Query(description="Mix them, or a voice each")] = "mixed",
        hindsight: Annotated[bool, Query(description="Answer with what came later too")] = False,
        form: Annotated[str, Query(alias="format", description="json, webvtt, textgrid, ...")] = "json",
        store: documents.Kept = True,
    ) -> Response:
        recogniser = state.ready
        shares, wanted = _shares(prior), formats.chosen(form)
        async with received(request, settings) as body:
            if len(body.recordings) != 1:
                raise Problem(400, "usage", f"{len(body.recordings)} files came; a timeline is of one.")
            (sent,) = body.recordings

            def hear(go_on: Callable[[float], None]) -> Timeline:
                return recogniser.timeline(
                    sent.content, name=sent.name, prior=shares, baseline=body.baseline, channels=channels,
                    hindsight=hindsight, max_seconds=settings.max_seconds, heard=go_on,
                )  # fmt: skip

            with state.timeline():
                heard = await _until_gone(request, _in_turn(state.turns, hear))
            sounds = await _sounds(state, body) if store else []
        state.metrics.heard(heard.duration)
        heads = {}
        if store and state.keeper is not None:
            result = keeper.of_timeline(
                heard, "timeline", owner=owner_of(request), subject=body.subject, has_sound=bool(sounds)
            )
            await state.keeper.keep([result], {result.id: sounds[0]} if sounds else {})
            heads[RECORDING_ID] = result.id
        if wanted == "json":
            return JSONResponse({**heard.to_dict(), **({"id": heads[RECORDING_ID]} if heads else {})}, headers=heads)
        return Response(formats.render(heard, wanted), media_type=documents.MEDIA[wanted], headers=heads)


def _answer_speakers(routes: APIRouter, state: State) -> None:
    settings = state.settings

    @routes.post("/v1/baselines", summary="What a speaker sounds like otherwise",
                 openapi_extra=documents.RECORDINGS, responses=documents.BASELINE)  # fmt: skip
    async def baselines(
        request: Request, rest: Annotated[bool, Query(description="At rest in all of them")] = False
    ) -> JSONResponse:
        recogniser = state.ready
        async with received(request, settings) as body:
            with state.line.place(len(body.recordings)):
                found = await asyncio.to_thread(decoded_all, body.recordings, settings)
                for one in found:
                    if isinstance(one, SoundError):
                        raise one
                waveforms = [one for one in found if isinstance(one, Waveform)]
                async with state.turns:
                    baseline = await asyncio.to_thread(recogniser.single.baseline, waveforms, rest=rest)
        return JSONResponse(baseline.to_dict())

    @routes.websocket("/v1/stream")
    async def stream(socket: WebSocket) -> None:
        await state.live.serve(socket, state.ready, state.metrics, state.keeper)


class _LeftError(Exception):
    """Nobody waits any more for what a thread does."""


async def _in_turn(turns: asyncio.Semaphore, work: Callable[[Callable[[float], None]], Answer]) -> Answer:
    """Have a thread do work when it is its turn; ``work`` calls what it is given now and then, which may end it."""
    left = threading.Event()

    def go_on(_: float) -> None:
        if left.is_set():
            raise _LeftError

    async with turns:
        thread = asyncio.ensure_future(asyncio.to_thread(work, go_on))
        try:
            return await asyncio.shield(thread)
        except asyncio.CancelledError:
            left.set()
            await asyncio.gather(thread, return_exceptions=True)  # it still reads the file, which is closed next
            raise


async def _in_line(
    state: State, recogniser: Recogniser, body: Body, prior: Mapping[str, float] | None
) -> Awaitable[list[Prediction | SoundError]]:
    """Have a request's recordings heard when it is their turn; what is awaited gives for each an answer or why not.

    A small one is decoded by the thread that hears it, mostly in less time than it is heard in. Others are decoded
    first, beside the line: it may take seconds, and those behind need not wait for that.
    """

    def heard(waveform: Waveform) -> Prediction:
        return recogniser.predict_batch([waveform], prior=prior, baseline=body.baseline)[0]

    def decoded_and_heard() -> list[Prediction | SoundError]:
        found = decoded_all(body.recordings, state.settings)
        return [heard(one) if isinstance(one, Waveform) else one for one in found]

    if body.small:
        return state.line.submit(decoded_and_heard)
    found = await asyncio.to_thread(decoded_all, body.recordings, state.settings)
    return gathered(found, [state.line.submit(partial(heard, one)) for one in found if isinstance(one, Waveform)])


async def gathered(
    found: Sequence[Waveform | SoundError], turns: Sequence["asyncio.Future[Prediction]"]
) -> list[Prediction | SoundError]:
    """Wait for the answers to what could be decoded; where one fails, the others are heard no more."""
    try:
        answers = iter(await asyncio.gather(*turns))
    finally:
        for turn in turns:
            turn.cancel()
    return [one if isinstance(one, SoundError) else next(answers) for one in found]


async def _kept(
    state: State, request: Request, subject: str, outcomes: list[Prediction | SoundError], sounds: list[bytes]
) -> dict[int, str]:
    """Keep the answers where this service keeps any; give the id of each by its place among the files."""
    if state.keeper is None:
        return {}
    owner = owner_of(request)
    results: dict[int, Recording] = {
        number: keeper.of_prediction(one, owner=owner, subject=subject, has_sound=bool(sounds))
        for number, one in enumerate(outcomes)
        if isinstance(one, Prediction)
    }
    own = {result.id: sounds[number] for number, result in results.items()} if sounds else {}
    await state.keeper.keep(list(results.values()), own)
    return {number: result.id for number, result in results.items()}


async def _sounds(state: State, body: Body) -> list[bytes]:
    """Read what is to be kept of the sound itself: all of it where the operator said so, otherwise nothing."""
    if state.keeper is None or not state.settings.keep_audio:
        return []

    def read() -> list[bytes]:
        for sent in body.recordings:
            sent.content.seek(0)
        return [sent.content.read() for sent in body.recordings]

    return await asyncio.to_thread(read)


def _said(outcome: Prediction | SoundError, id: str | None) -> dict[str, object]:
    if isinstance(outcome, SoundError):
        return {"error": Problem.of(outcome).to_dict()}
    return {**outcome.to_dict(), **({} if id is None else {"id": id})}


def _shares(prior: str) -> dict[str, float] | None:
    if not prior:
        return None
    try:
        stored = json.loads(prior)
        return {str(name): float(share) for name, share in stored.items()}
    except (ValueError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise UsageError('prior must be an object of emotions and shares as JSON, such as {"neutral": 0.8}.') from error


async def _until_gone(request: Request, work: Awaitable[Answer]) -> Answer:
    """Wait for an answer, or until the one who asked is gone: then the place is free."""
    answer = asyncio.ensure_future(work)
    try:
        # Most answers are there before the first look, which costs more than they may.
        while not (await asyncio.wait({answer}, timeout=LOOK_SECONDS))[0]:
            if await request.is_disconnected():
                break
    finally:
        if not answer.done():
            answer.cancel()
            await asyncio.wait({answer})
    if answer.cancelled():
        raise ClientDisconnect
    return answer.result()
