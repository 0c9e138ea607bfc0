"""What the OpenAPI document says beyond the code: bodies, examples, and the problems that an answer may be."""

from typing import Annotated, Any

from fastapi import Query

from intone.serve.problems import MEDIA_TYPE, TITLES

DESCRIPTION = """Hear how it was said: which of seven emotions speech carries, and how sure that is.

Send recordings as a form with files, or one as the body itself: WAV, FLAC, OGG/Opus, MP3, AIFF. The sound is forgotten
unless the operator keeps it; answers are kept for a time where `/v1/about` says so, and not where `store=false` asks.
Live sound goes to the WebSocket `/v1/stream`. What is refused comes back as a problem document (RFC 9457) with a
`code`.
"""
MEDIA = {
    "json": "application/json", "jsonl": "application/jsonl", "csv": "text/csv; charset=utf-8",
    "audformat": "text/csv; charset=utf-8", "webvtt": "text/vtt; charset=utf-8", "rttm": "text/plain; charset=utf-8",
    "textgrid": "text/plain; charset=utf-8", "eaf": "application/xml", "parquet": "application/vnd.apache.parquet",
}  # fmt: skip
"""What a timeline's formats are called in HTTP."""
Prior = Annotated[
    str, Query(description="How often emotions occur there, as JSON", examples=['{"neutral": 0.8}'], max_length=2000)
]
Kept = Annotated[bool, Query(description="Keep the answer, where this service keeps any")]
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
    },
}
_SOUND = {"schema": {"type": "string", "format": "binary"}}
_SCORES = {"type": "object", "additionalProperties": {"type": "number", "minimum": 0, "maximum": 1}}
_PREDICTION = {
    "type": "object",
    "required": ["file", "emotion", "confidence", "unsure", "scores", "duration", "model"],
    "properties": {
        "file": {"type": "string"},
        "emotion": {"type": "string"},
        "confidence": {"type": "number"},
        "unsure": {"type": "boolean"},
        "scores": _SCORES,
        "duration": {"type": "number"},
        "model": {"type": "string"},
        "id": {"type": "string", "description": "Under which it is kept, where it is"},
    },
}
_ANGRY = {
    "anger": 0.72,
    "disgust": 0.1,
    "fear": 0.02,
    "happiness": 0.06,
    "neutral": 0.07,
    "sadness": 0.02,
    "surprise": 0.01,
}
_EXAMPLE = {
    "file": "call.wav", "emotion": "anger", "confidence": 0.72, "unsure": False, "scores": _ANGRY, "duration": 3.2,
    "model": "intone-tiny",
}  # fmt: skip


def _form(most: str, **fields: dict[str, Any]) -> dict[str, Any]:
    files = {"type": "array", "items": {"type": "string", "format": "binary"}, "description": most}
    return {"schema": {"type": "object", "required": ["file"], "properties": {"file": files, **fields}}}


_FIELDS: dict[str, dict[str, Any]] = {
    "baseline": {"type": "string", "description": "What POST /v1/baselines answered, of the one speaker of all files"},
    "subject": {"type": "string", "maxLength": 120, "description": "Whose voice it is; better a number than a name"},
}
RECORDINGS: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": _form("Recordings", **_FIELDS),
            "application/octet-stream": _SOUND,
            "audio/*": _SOUND,
        },
    }
}
RECORDING: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": _form("One recording", **_FIELDS),
            "application/octet-stream": _SOUND,
            "audio/*": _SOUND,
        },
    }
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Give the problems that an answer may be."""
    return {
        status: {"description": TITLES[status], "content": {MEDIA_TYPE: {"schema": _PROBLEM}}} for status in statuses
    }


def _answers(schema: dict[str, Any], example: object, *statuses: int) -> dict[int | str, dict[str, Any]]:
    good = {200: {"description": "The answer", "content": {"application/json": {"schema": schema, "example": example}}}}
    return good | problems(*statuses)


_REFUSALS = (400, 401, 408, 413, 415, 422, 429, 500, 501, 503)
PREDICTIONS = _answers(
    {
        "type": "object",
        "required": ["predictions"],
        "properties": {
            "predictions": {
                "type": "array",
                "items": {
                    "oneOf": [
                        _PREDICTION,
                        {"type": "object", "required": ["error"], "properties": {"error": _PROBLEM}},
                    ]
                },
            }
        },
    },
    {"predictions": [_EXAMPLE]},
    *_REFUSALS,
)
TIMELINE = _answers(
    {
        "type": "object",
        "required": ["file", "duration", "model", "hindsight", "segments", "summary"],
        "properties": {
            "file": {"type": "string"}, "duration": {"type": "number"}, "model": {"type": "string"},
            "hindsight": {"type": "boolean"}, "segments": {"type": "array"}, "summary": {"type": "object"},
            "id": {"type": "string"},
        },
    },
    {"file": "call.wav", "duration": 61.5, "model": "intone-tiny", "hindsight": False, "segments": [], "summary": {}},
    *_REFUSALS,
)  # fmt: skip
for _media in {media.partition(";")[0] for media in MEDIA.values()} - {"application/json"}:
    TIMELINE[200]["content"][_media] = {"schema": {"type": "string"}}
BASELINE = _answers(
    {"type": "object", "required": ["format", "model", "fingerprint", "count", "seconds", "rest", "mean", "variance"]},
    {"format": 1, "model": "intone-tiny", "fingerprint": "…", "count": 3, "seconds": 12.1, "rest": False,
     "mean": [0.1], "variance": [0.9]},
    *_REFUSALS,
)  # fmt: skip
MODELS = _answers(
    {"type": "object", "required": ["default", "models"]},
    {"default": "intone-tiny", "models": [{"name": "intone-tiny", "labels": ["anger"], "baselines": True}]},
    401, 429, 503,
)  # fmt: skip
ABOUT = _answers(
    {"type": "object", "required": ["version", "model", "emotions", "formats", "keeps_results", "keeps_sound"]},
    {"version": "0.1", "model": "intone-tiny", "emotions": [{"name": "anger"}], "formats": ["json"],
     "keeps_results": True, "keeps_sound": False, "keep_days": 30},
    401, 429, 503,
)  # fmt: skip
_KEPT = {
    "type": "object",
    "required": ["id", "created", "kind", "name", "subject", "duration", "model", "emotion", "confidence", "unsure"],
    "properties": {
        "id": {"type": "string"}, "created": {"type": "string", "format": "date-time"}, "kind": {"type": "string"},
        "name": {"type": "string"}, "subject": {"type": "string"}, "duration": {"type": "number"},
        "model": {"type": "string"}, "emotion": {"type": "string"}, "confidence": {"type": "number"},
        "unsure": {"type": "boolean"}, "has_sound": {"type": "boolean"}, "answer": {"type": "object"},
    },
}  # fmt: skip
_KEPT_EXAMPLE = {
    "id": "0" * 32, "created": "2026-01-31T12:00:00.000000Z", "kind": "utterance", "name": "call.wav", "subject": "17",
    "duration": 3.2, "model": "intone-tiny", "emotion": "anger", "confidence": 0.72, "unsure": False,
    "has_sound": False,
}  # fmt: skip
_LOOKING = (400, 401, 404, 429, 500, 503)
RECORDINGS_LISTED = _answers(
    {
        "type": "object",
        "required": ["recordings", "next"],
        "properties": {"recordings": {"type": "array", "items": _KEPT}, "next": {"type": "string"}},
    },
    {"recordings": [_KEPT_EXAMPLE], "next": ""},
    *_LOOKING,
)
RECORDING_TOLD = _answers(_KEPT, {**_KEPT_EXAMPLE, "answer": _EXAMPLE}, *_LOOKING, 501)
for _media in {media.partition(";")[0] for media in MEDIA.values()} - {"application/json"}:
    RECORDING_TOLD[200]["content"][_media] = {"schema": {"type": "string"}}
DELETED = _answers(
    {"type": "object", "required": ["deleted"], "properties": {"deleted": {"type": "integer"}}},
    {"deleted": 1},
    *_LOOKING,
)
SOUND = problems(*_LOOKING) | {200: {"description": "As it was sent", "content": {"application/octet-stream": _SOUND}}}
EXPORT = problems(*_LOOKING) | {
    200: {
        "description": "A recording a line",
        "content": {"application/jsonl": {"schema": {"type": "string"}}, "text/csv": {"schema": {"type": "string"}}},
    }
}
