"""From whatever holds a recording to blocks of samples: files, bytes, pipes and streams, a block at a time.

Only the door, :mod:`intone.hear.audio`, uses this. libsndfile is asked first and looks at the content, not at the name;
what it does not know goes to PyAV, where that is installed.
"""

import io
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from intone.errors import (
    EmptySoundError,
    MissingExtraError,
    NotSoundError,
    SoundNotFoundError,
    TooLongError,
    TruncatedSoundError,
)
from intone.paths import is_folder

BLOCK_SECONDS = 10.0
"""The most that is decoded at a time ..."""
BLOCK_VALUES = 2**20
"""... and the most numbers in that, samples times channels: memory is bounded whatever the header says."""
MAX_STREAM_BYTES = 2**30
"""The most that is taken from a pipe or another stream that cannot seek, which has to be kept while it is decoded."""
MEMORY_BYTES = 2**26
"""How much of such a stream is kept in memory; the rest lies in a temporary file."""

FORMATS = "WAV, FLAC, OGG/Opus, MP3 and AIFF, and with 'intone[av]' M4A/AAC, MP4, WebM and AMR"
Block: TypeAlias = NDArray[np.floating[Any]]  # (samples, channels)


@dataclass(frozen=True)
class Source:
    """A sound about to be read.

    Attributes
    ----------
    rate : int
        Samples a second (Hz).
    blocks : iterator of numpy.ndarray, shape (samples, channels)
        The sound, a block at a time.
    frames : int or None
        How many samples a channel the header promises, where it can be trusted to say.
    """

    rate: int
    blocks: Iterator[Block]
    frames: int | None = None


def block_samples(rate: int, channels: int) -> int:
    """Say how many samples of each channel make a block."""
    return max(1, min(int(BLOCK_SECONDS * rate), BLOCK_VALUES // channels))


# --- Whatever holds a recording, as a file that can seek -------------------------------------------------------------


@contextmanager
def opened(sound: Any, name: str) -> Iterator[IO[bytes]]:
    """Give the sound's bytes as a seekable file; what is opened here is closed again, what was given stays open."""
    if isinstance(sound, bytes | bytearray | memoryview):
        yield io.BytesIO(sound)
    elif isinstance(sound, str | os.PathLike):
        with _opened_path(Path(sound), name) as content:
            yield from _seekable(content, name)
    else:
        _check_stream(sound, name)
        yield from _seekable(sound, name)


def _opened_path(path: Path, name: str) -> IO[bytes]:
    try:
        # A pipe is opened without waiting for its other end, or one that nobody writes to would hang for ever.
        content = os.fdopen(
            os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)), "rb"
        )
        kind = os.fstat(content.fileno()).st_mode
        if stat.S_ISFIFO(kind):
            os.set_blocking(content.fileno(), True)
        elif not stat.S_ISREG(kind):
            content.close()
            raise NotSoundError(f"{name}: this is a device; a recording is needed.")
    except FileNotFoundError as error:
        raise SoundNotFoundError(f"{name}: there is no such file.") from error
    except IsADirectoryError as error:
        raise NotSoundError(f"{name}: this is a folder; a recording is needed.") from error
    except OSError as error:
        if is_folder(path):  # of which Windows says "permission denied"
            raise NotSoundError(f"{name}: this is a folder; a recording is needed.") from error
        raise SoundNotFoundError(f"{name}: the file cannot be opened ({error.strerror}).") from error
    except ValueError as error:  # a NUL in the name
        raise SoundNotFoundError(f"{name}: the file cannot be opened ({error}).") from error
    return content


def _check_stream(stream: Any, name: str) -> None:
    try:
        nothing = stream.read(0)
    except (OSError, ValueError) as error:  # closed, or opened for writing
        raise NotSoundError(
            f"{name}: the file cannot be read ({error}); open it for reading, in binary mode."
        ) from error
    if isinstance(nothing, str):
        raise NotSoundError(f"{name}: the file is opened as text; open it in binary mode.")
    try:
        descriptor = stream.fileno()
    except (AttributeError, OSError):  # most streams are no file of the system's
        return
    if stat.S_ISCHR(os.fstat(descriptor).st_mode):
        raise NotSoundError(f"{name}: this is a terminal or a device; a recording is needed.")


def _seekable(stream: Any, name: str) -> Iterator[IO[bytes]]:
    """Give the stream itself where it can seek and stands at its beginning; else a copy of what is left of it."""
    try:
        if stream.seekable() and stream.tell() == 0:
            stream.seek(0, io.SEEK_END)
            stream.seek(0)
            yield stream
            return
    except (AttributeError, OSError):  # no such method, or a file of /proc, which says that it can seek and cannot
        pass
    with tempfile.SpooledTemporaryFile(max_size=MEMORY_BYTES) as kept:
        size = 0
        while chunk := _read(stream, name):
            size += len(chunk)
            if size > MAX_STREAM_BYTES:
                raise TooLongError(
                    f"{name}: the stream has more than {MAX_STREAM_BYTES >> 20} MiB, which is the most that is taken "
                    "from a stream; save it to a file first."
                )
            kept.write(chunk)
        kept.seek(0)
        yield kept


def _read(stream: Any, name: str) -> bytes:
    try:
        chunk: bytes = stream.read(2**20)
    except OSError as error:
        raise _unreadable(name, error) from error
    return chunk


def _unreadable(name: str, error: Exception) -> SoundNotFoundError:
    return SoundNotFoundError(f"{name}: the file cannot be read ({error}).")


class _Reader:
    """What the decoders read from: an exception inside their callbacks would be printed and lost, so none is raised.

    Attributes
    ----------
    name : str
        The sound's name, for messages.
    """

    def __init__(self, content: IO[bytes], name: str) -> None:
        self.name = name
        self._content = content
        self._failure: Exception | KeyboardInterrupt | None = None

    def check(self) -> None:
        """Raise what went wrong when the file was read; its end was claimed then."""
        if isinstance(self._failure, KeyboardInterrupt):
            raise self._failure
        if self._failure is not None:
            raise _unreadable(self.name, self._failure) from self._failure

    def read(self, size: int = -1) -> bytes:
        """Read ``size`` bytes, fewer only at the end, as the decoders expect and raw files do not promise."""
        parts: list[bytes] = []
        wanted = size
        try:
            while wanted and (part := self._content.read(wanted)):
                parts.append(part)
                wanted -= len(part) if size > 0 else 0
        except (OSError, ValueError, KeyboardInterrupt) as error:
            self._failure = error
        return b"".join(parts)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place; damaged headers lead before the beginning, which leaves the place as it is."""
        try:
            return self._content.seek(offset, whence)
        except (OSError, ValueError, OverflowError):
            return self._content.tell()

    def tell(self) -> int:
        """Give the place."""
        return self._content.tell()


# --- Decoding ---------------------------------------------------------------------------------------------------------


def decoded(content: IO[bytes], name: str) -> Source:
    """Find out what the file is and begin to decode it."""
    reader = _Reader(content, name)
    head = reader.read(64)
    reader.check()
    if not head:
        raise EmptySoundError(f"{name}: the file is empty; accepted are {FORMATS}.")
    reader.seek(0)
    return _decoded_by_sndfile(reader, head, name)


def _decoded_by_sndfile(reader: _Reader, head: bytes, name: str) -> Source:
    import soundfile

    class Forwards(soundfile.SoundFile):  # type: ignore[misc]  # soundfile has no types
        """A file that is read from beginning to end.

        soundfile seeks after each block to where it already is, which fails in FLAC whose header leaves the length
        open, as every encoder that writes to a pipe does.
        """

        def seekable(self) -> bool:
            return False

    try:
        sound = Forwards(reader)
    except soundfile.LibsndfileError as error:
        reader.check()
        kind = _sndfile_knows(head)
        if kind is None:
            reader.seek(0)
            return _decoded_by_av(reader, head, name)
        raise TruncatedSoundError(
            f"{name}: the {kind} header is cut off, damaged or of an unknown encoding; no sound can be read; "
            f"accepted are {FORMATS}."
        ) from error
    if sound.frames == 0:
        sound.close()
        reader.check()
        raise TruncatedSoundError(f"{name}: the file ends behind its {sound.format} header; there is no sound in it.")
    # MP3 without a table of contents has its length guessed from its first frames.
    trusted = sound.frames < _UNKNOWN_LENGTH and sound.format not in ("MP3", "MPEG")
    return Source(sound.samplerate, _sndfile_blocks(sound, reader, name), sound.frames if trusted else None)


_UNKNOWN_LENGTH = 2**63 - 1
"""libsndfile's SF_COUNT_MAX."""


def _sndfile_blocks(sound: Any, reader: _Reader, name: str) -> Iterator[Block]:
    import soundfile

    with sound:
        step = block_samples(sound.samplerate, sound.channels)
        while True:
            try:
                block = sound.read(step, dtype="float32", always_2d=True)
            except soundfile.LibsndfileError as error:
                reader.check()
                raise NotSoundError(
                    f"{name}: the {sound.format} data is damaged and cannot be decoded ({error})."
                ) from error
            reader.check()
            if len(block) == 0:
                return
            yield block


_MAGIC = {
    b"RF64": "WAV", b"riff": "W64", b"fLaC": "FLAC", b"OggS": "OGG", b".snd": "AU", b"caff": "CAF", b"ID3": "MP3",
}  # fmt: skip
_CHUNKED = {
    b"RIFF": ("WAV", (b"WAVE",)), b"RIFX": ("WAV", (b"WAVE",)), b"FORM": ("AIFF", (b"AIFF", b"AIFC")),
}  # fmt: skip
"""Containers that hold pictures and films too, and what tells in bytes 8 to 12 that they hold sound."""


def _sndfile_knows(head: bytes) -> str | None:
    """Name the format that a file which libsndfile refuses was meant to be."""
    kind, contents = _CHUNKED.get(head[:4], (None, ()))
    if kind is not None:
        return kind if len(head) < 12 or head[8:12] in contents else None
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2:  # the sync of a frame, layer III
        return "MP3"
    return next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), None)


def _container(head: bytes) -> str | None:
    """Name a container that only PyAV opens, from its first bytes."""
    if head[4:8] == b"ftyp":
        return "M4A/MP4"
    if head.startswith(b"\x1aE\xdf\xa3"):
        return "WebM/Matroska"
    if head.startswith(b"#!AMR"):
        return "AMR"
    if head.startswith(b"0&\xb2u\x8ef\xcf\x11"):
        return "WMA"
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0:
        return "AAC"
    return None


def _decoded_by_av(reader: _Reader, head: bytes, name: str) -> Source:
    kind = _container(head)
    if kind is None:
        raise NotSoundError(f"{name}: not sound in a format that is known; accepted are {FORMATS}.")
    try:
        import av
    except ImportError as error:
        raise MissingExtraError(
            f"{name}: {kind} needs PyAV, which is not installed: pip install 'intone[av]'."
        ) from error
    with ExitStack() as until_refused:
        try:
            container = until_refused.enter_context(av.open(reader, metadata_errors="replace"))
            stream = next(iter(container.streams.audio), None)
            frames = iter(()) if stream is None else container.decode(stream)
            # The first frame tells the rate: a header does not where AAC carries its upper octave apart (HE-AAC).
            first = next(frames, None)
        except av.FFmpegError as error:
            reader.check()  # a file that ends because it cannot be read looks damaged
            raise NotSoundError(
                f"{name}: the {kind} file is damaged and cannot be opened ({error.strerror})."
            ) from error
        reader.check()
        if stream is None:
            raise NotSoundError(f"{name}: the {kind} file holds no sound track.")
        if first is None:
            raise TruncatedSoundError(f"{name}: the {kind} file ends behind its header; there is no sound in it.")
        until_refused.pop_all()  # the blocks close it
    return Source(first.sample_rate, _av_blocks(container, chain([first], frames), reader, kind, name))


def _av_blocks(container: Any, frames: Iterator[Any], reader: _Reader, kind: str, name: str) -> Iterator[Block]:
    import av

    form, rate = None, None
    with container:
        try:
            for frame in frames:
                rate = rate or frame.sample_rate
                if frame.sample_rate != rate:
                    raise NotSoundError(
                        f"{name}: the {kind} sound changes from {rate} to {frame.sample_rate} Hz midway; "
                        "one rate throughout is accepted."
                    )
                if form != (frame.format.name, frame.layout.name):  # the channels may change, as in radio recordings
                    form = (frame.format.name, frame.layout.name)
                    planar = av.AudioResampler(format="fltp")  # converts the sample type only
                for converted in planar.resample(frame):
                    yield converted.to_ndarray().T
        except av.FFmpegError as error:
            reader.check()
            raise NotSoundError(
                f"{name}: the {kind} data is damaged and cannot be decoded ({error.strerror})."
            ) from error
    reader.check()
