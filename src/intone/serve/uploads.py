"""Takes what clients send: bodies no larger than they may be, as recordings that are decoded in bounded time."""

import io
import time
import unicodedata
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import IO

import numpy as np
from starlette.datastructures import UploadFile
from starlette.requests import Request

from intone.errors import SoundError
from intone.hear import audio
from intone.hear.audio import Waveform
from intone.hear.baseline import Baseline
from intone.serve.problems import Problem
from intone.serve.settings import MEBIBYTE, Settings

LONGEST_NAME = 120
REPLACED = "\ufffd"
"""Unicode's character for one that cannot be shown."""
TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn the direction of writing, so that a name may be shown as another."""
BASELINE = "baseline"
"""The field of a form that says what the speaker sounds like otherwise."""
SUBJECT = "subject"
"""The field of a form that says whose voice it is."""


class SlowSoundError(SoundError):
    """A recording that takes too long to decode."""

    code = "too-slow"


@dataclass(frozen=True)
class Sent:
    """A recording as it came.

    Attributes
    ----------
    name : str
        What answers call it: the last part of the client's name for it, which never reaches the file system.
    content : file
        Its bytes.
    """

    name: str
    content: IO[bytes]


@dataclass(frozen=True)
class Body:
    """The recordings of a request, and what is known of their speaker."""

    recordings: tuple[Sent, ...]
    baseline: Baseline | None = None
    subject: str = ""

    @property
    def small(self) -> bool:
        """Whether it is one recording in memory, which a thread may still read when nobody waits for it any more."""
        return len(self.recordings) == 1 and isinstance(self.recordings[0].content, io.BytesIO)


@asynccontextmanager
async def received(request: Request, settings: Settings) -> AsyncIterator[Body]:
    """Give the recordings of a request: the parts of a form that are files, or the body itself.

    Raises
    ------
    Problem
        There is none, or there are too many.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        async with request.form(max_files=settings.max_files, max_fields=settings.max_files) as form:
            parts = form.multi_items()
            files = [
                value for name, value in parts if isinstance(value, UploadFile) and name not in (BASELINE, SUBJECT)
            ]
            if not files:
                raise Problem(400, "no-file", "The form holds no file; accepted is at least one recording.")
            known = [await _text(value) for name, value in parts if name == BASELINE]
            baseline = Baseline.from_json(known[0], name="the field 'baseline'") if known else None
            subjects = [await _text(value) for name, value in parts if name == SUBJECT]
            sent = [Sent(shown(file.filename or ""), await _content(file)) for file in files]
            yield Body(tuple(sent), baseline, subject(subjects[0]) if subjects else "")
        return
    with SpooledTemporaryFile(max_size=MEBIBYTE) as body:
        async for chunk in request.stream():
            body.write(chunk)
        size = body.tell()
        if not size:
            raise Problem(400, "no-file", "The request has no body; accepted is a recording, or a form with files.")
        body.seek(0)
        yield Body((Sent("<body>", io.BytesIO(body.read()) if size <= MEBIBYTE else body),))


async def _content(file: UploadFile) -> IO[bytes]:
    """Give what a part holds; from memory where it is small, since a decoder asks for it a few bytes at a time."""
    if file.size is None or file.size > MEBIBYTE:
        return file.file
    return io.BytesIO(await file.read())


async def _text(value: UploadFile | str) -> str:
    if isinstance(value, str):
        return value
    return (await value.read(MEBIBYTE)).decode("utf-8", "replace")


def subject(text: str) -> str:
    """Check what a client calls a person.

    Raises
    ------
    Problem
        It is too long, or cannot be printed.

    Examples
    --------
    >>> subject(" caller 12 ")
    'caller 12'
    >>> subject("山田　太郎")
    '山田 太郎'
    """
    said = unicodedata.normalize("NFC", "".join(map(_plain, text))).strip()
    if len(said) > LONGEST_NAME or REPLACED in said:
        raise Problem(400, "usage", f"A subject has at most {LONGEST_NAME} characters, and none that control a screen.")
    return said


def shown(name: str) -> str:
    r"""Give what a client's file is called in answers: no folder, nothing that is not printed, and not too long.

    Examples
    --------
    >>> shown("../../etc/passwd"), shown("C:\\calls\\one.wav"), shown("a\nb"), shown("")
    ('passwd', 'one.wav', 'a?b', '<file>')
    """
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(map(_plain, last))[:LONGEST_NAME].replace(REPLACED, "?") or "<file>"


def _plain(char: str) -> str:
    """Give a character as it may stand in a line: any space as a space, and none that controls how others are shown."""
    kind = unicodedata.category(char)
    if kind == "Zs":
        return " "
    return REPLACED if kind in ("Cc", "Cs", "Zl", "Zp") or char in TURNING else char


def decoded(sent: Sent, *, most: float, until: float) -> Waveform:
    """Decode a recording, to so many seconds of sound, and before that moment of the monotonic clock.

    Raises
    ------
    SoundError
        It cannot be heard, is too long, or takes too long.
    """
    parts = list[audio.Samples]()
    for block in audio.blocks(sent.content, name=sent.name, max_seconds=most):
        parts.append(block)
        if time.monotonic() > until:
            raise SlowSoundError(f"{sent.name}: it took too long to decode.")
    return Waveform(np.concatenate(parts), sent.name)


def decoded_all(sent: Sequence[Sent], settings: Settings) -> list[Waveform | SoundError]:
    """Decode each, or say why not; all of them together in as much time and to as much sound as the settings allow."""
    found: list[Waveform | SoundError] = []
    left, until = settings.max_seconds, time.monotonic() + settings.decode_seconds
    for each in sent:
        try:
            waveform = decoded(each, most=left, until=until)
        except SoundError as error:
            found.append(error)
        else:
            left -= waveform.duration
            found.append(waveform)
    return found
