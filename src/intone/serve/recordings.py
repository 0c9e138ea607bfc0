"""What is asked about recordings that were heard before: lists, single ones, deletion and export."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from intone import formats
from intone.emotions import Emotion
from intone.errors import unknown
from intone.results import Timeline
from intone.serve import documents
from intone.serve.problems import Problem
from intone.serve.state import State, owner_of
from intone.serve.store import KINDS, Filters, Recording, Store
from intone.serve.uploads import LONGEST_NAME
from intone.serve.uploads import subject as named

MOST = 200
"""Recordings on a page of the list."""
COLUMNS = ("id", "created", "kind", "name", "subject", "duration", "model", "emotion", "confidence", "unsure")
"""Of an export as CSV."""
Id = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]
Name = Annotated[str, Query(max_length=LONGEST_NAME)]


def filters(
    kind: Annotated[str, Query(description=" or ".join(KINDS))] = "",
    subject: Name = "",
    emotion: Annotated[str, Query(description="One of the seven")] = "",
    unsure: Annotated[bool | None, Query(description="Those that are, or are not")] = None,
    since: Annotated[datetime | None, Query(description="From this moment on")] = None,
    until: Annotated[datetime | None, Query(description="Before this moment")] = None,
) -> Filters:
    """Read what a client looks for.

    Raises
    ------
    UsageError
        There is no such kind or emotion.
    """
    if kind and kind not in KINDS:
        raise unknown("kind", kind, KINDS)
    if emotion and emotion not in list(Emotion):
        raise unknown("emotion", emotion, list(Emotion))
    return Filters(kind, named(subject), emotion, unsure, _aware(since), _aware(until))


def _aware(moment: datetime | None) -> datetime | None:
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)


Wanted = Annotated[Filters, Depends(filters)]


def router(state: State) -> APIRouter:
    """Make the part of a service that remembers. Everybody sees what was sent with the same key, and nothing else."""
    routes = APIRouter(tags=["recordings"])

    @routes.get("/v1/recordings", summary="What was heard, newest first", responses=documents.RECORDINGS_LISTED)
    async def listed(
        request: Request,
        wanted: Wanted,
        limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
        after: Annotated[str, Query(max_length=200, description="The `next` of the page before")] = "",
    ) -> JSONResponse:
        page = await state.kept.ask(Store.find, owner_of(request), wanted, limit=limit, after=after)
        return JSONResponse({"recordings": [one.to_dict(whole=False) for one in page.recordings], "next": page.next})

    @routes.get("/v1/recordings/{id}", summary="One of them, with its answer", responses=documents.RECORDING_TOLD)
    async def told(
        request: Request,
        id: Id,
        form: Annotated[
            str, Query(alias="format", description="json, or for a timeline webvtt, textgrid, ...")
        ] = "json",
    ) -> Response:
        wanted = formats.chosen(form)
        found = await state.kept.ask(Store.get, owner_of(request), id)
        if found is None:
            raise _missing(id)
        if wanted == "json":
            return JSONResponse(found.to_dict())
        if found.kind == "utterance":
            raise Problem(400, "usage", f"{found.name} was heard as one utterance; accepted is json.")
        timeline = Timeline.from_dict(found.answer)
        return Response(formats.render(timeline, wanted), media_type=documents.MEDIA[wanted])

    @routes.get("/v1/recordings/{id}/sound", summary="Its sound, where sound is kept", response_class=Response,
                responses=documents.SOUND)  # fmt: skip
    async def sound(request: Request, id: Id) -> Response:
        found = await state.kept.ask(Store.sound, owner_of(request), id)
        if found is None:
            raise Problem(404, "no-such-recording", f"There is no sound of a recording {id}.")
        heads = {"Content-Disposition": f'attachment; filename="{id}"'}
        return Response(found, media_type="application/octet-stream", headers=heads)

    @routes.delete("/v1/recordings/{id}", summary="Forget one", responses=documents.DELETED)
    async def deleted(request: Request, id: Id) -> dict[str, int]:
        if not await state.kept.ask(Store.delete, owner_of(request), id):
            raise _missing(id)
        return {"deleted": 1}

    @routes.delete("/v1/subjects/{subject:path}", summary="Forget all of a subject", responses=documents.DELETED)
    async def forgotten(
        request: Request, subject: Annotated[str, Path(min_length=1, max_length=LONGEST_NAME)]
    ) -> dict[str, int]:
        return {"deleted": await state.kept.ask(Store.forget, owner_of(request), named(subject))}

    @routes.get("/v1/export", summary="All that was heard, with its answers, oldest first",
                response_class=StreamingResponse, responses=documents.EXPORT)  # fmt: skip
    async def export(
        request: Request, wanted: Wanted, form: Annotated[Literal["jsonl", "csv"], Query(alias="format")] = "jsonl"
    ) -> StreamingResponse:
        found = await state.kept.ask(Store.each, owner_of(request), wanted)
        # The first is looked for before the answer begins, so that a store that fails can still be told of.
        first = await state.kept.ask(lambda _: next(found, None))
        lines = as_lines(found if first is None else chain([first], found), form)
        return StreamingResponse(lines, media_type=documents.MEDIA[form])

    return routes


def _missing(id: str) -> Problem:
    # Another's is answered as one that never was: an id tells nothing to whom it does not belong.
    return Problem(404, "no-such-recording", f"There is no recording {id}.")


def as_lines(recordings: Iterator[Recording], form: Literal["jsonl", "csv"]) -> Iterator[str]:
    """Write recordings, a line each: whole as JSON, or the :data:`COLUMNS` and the seven scores as CSV."""
    if form == "jsonl":
        for recording in recordings:
            yield json.dumps(recording.to_dict(), ensure_ascii=False) + "\n"
        return
    yield _row([*COLUMNS, *Emotion])
    for recording in recordings:
        stored = recording.to_dict()
        scores = recording.answer["scores" if recording.kind == "utterance" else "summary"]
        shares = scores if recording.kind == "utterance" else scores["shares"]
        yield _row([*(stored[name] for name in COLUMNS), *(shares[emotion] for emotion in Emotion)])


def _row(values: list[object]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow([_inert(value) for value in values])
    return text.getvalue()


def _inert(value: object) -> object:
    """Keep a spreadsheet from taking a name for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
