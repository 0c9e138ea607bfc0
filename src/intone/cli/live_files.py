"""What ``intone live`` keeps: the sound as WAV, the updates as JSON lines; each whole at any moment."""

import contextlib
import itertools
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import IO

import numpy as np

from intone.cli.console import as_json
from intone.errors import UsageError
from intone.hear.sources import Chunk
from intone.paths import is_folder, is_there

HEADER_BYTES = 44
MOST_BYTES = 2**32 - 1 - HEADER_BYTES
"""A WAV file tells its length in 32 bits."""
FULL_SCALE = 2**15


def _checked(path: Path, what: str) -> None:
    if is_folder(path):
        raise UsageError(f"{path}: this is a folder; accepted is a file's name for the {what}.")
    if not is_folder(path.parent):
        raise UsageError(f"{path}: there is no folder {path.parent}.")


class Recorder:
    """Writes what is heard as WAV: one channel, 16 bits. The header is right after each piece of sound.

    Where the rate changes, or the file has the 4 GiB that a WAV file can have, it goes on in another file:
    ``out-2.wav`` beside ``out.wav``.

    Parameters
    ----------
    path : Path
        The file, which must not be there yet; it is begun with the first sound.
    failed : callable
        Is told, once, that the sound cannot be written; then nothing more is.

    Raises
    ------
    UsageError
        It is there already, is no WAV file's name, or lies where nothing can be written.
    """

    def __init__(self, path: Path, failed: Callable[[str], None]) -> None:
        _checked(path, "recording")
        if path.suffix.lower() != ".wav":
            raise UsageError(f"{path}: the recording is written as WAV; accepted is a name that ends in .wav.")
        if is_there(path):
            raise UsageError(f"{path}: this is there already; accepted is a new file's name.")
        if not os.access(path.parent, os.W_OK):
            raise UsageError(f"{path}: nothing can be written to the folder {path.parent}.")
        self.written: list[Path] = []
        self._path, self._failed = path, failed
        self._part: _Wav | None = None
        self._ended = False

    def write(self, chunk: Chunk) -> None:
        """Add a piece of sound."""
        if self._ended:
            return
        whole = np.rint(np.clip(np.nan_to_num(chunk.samples), -1, 1) * FULL_SCALE)
        content = np.minimum(whole, FULL_SCALE - 1).astype("<i2").tobytes()
        try:
            if self._part is None or not self._part.takes(content, chunk.rate):
                self._part = self._next(chunk.rate)
            self._part.write(content)
        except OSError as error:
            self.close()
            self._failed(f"{self._path}: the recording cannot be written any further ({error.strerror}).")

    def close(self) -> None:
        """End it."""
        self._ended = True
        if self._part is not None:
            self._part.close()

    def _next(self, rate: int) -> "_Wav":
        if self._part is not None:
            self._part.close()
        others = (self._path.with_stem(f"{self._path.stem}-{number}") for number in itertools.count(2))
        path = next(other for other in others if not is_there(other)) if self.written else self._path
        part = _Wav(path, rate)
        self.written.append(path)
        return part


class _Wav:
    """A WAV file that grows; nothing is held back, so that nothing is lost with the process."""

    def __init__(self, path: Path, rate: int) -> None:
        self._rate, self._bytes = rate, 0
        self._file = path.open("xb", buffering=0)
        self._put(self._header())

    def takes(self, content: bytes, rate: int) -> bool:
        return rate == self._rate and self._bytes + len(content) <= MOST_BYTES

    def write(self, content: bytes) -> None:
        self._file.seek(HEADER_BYTES + self._bytes)
        self._put(content)
        self._bytes += len(content)
        self._file.seek(0)
        self._put(self._header())

    def close(self) -> None:
        with contextlib.suppress(OSError):  # nothing is held back
            self._file.close()

    def _put(self, content: bytes) -> None:
        rest = memoryview(content)
        while rest:
            rest = rest[self._file.write(rest) :]

    def _header(self) -> bytes:
        whole, sample_bytes = HEADER_BYTES - 8 + self._bytes, 2
        return struct.pack(
            "<4sI4s4sIHHIIHH4sI", b"RIFF", whole, b"WAVE", b"fmt ", 16, 1, 1, self._rate, self._rate * sample_bytes,
            sample_bytes, 8 * sample_bytes, b"data", self._bytes,
        )  # fmt: skip


class Log:
    """Adds lines of JSON to a file, each at once.

    Parameters
    ----------
    path : Path
        The file; what it holds already is kept.
    failed : callable
        Is told, once, that a line cannot be written; then nothing more is.

    Raises
    ------
    UsageError
        It cannot be written.
    """

    def __init__(self, path: Path, failed: Callable[[str], None]) -> None:
        _checked(path, "log")
        self._path, self._failed = path, failed
        try:
            self._file: IO[bytes] = path.open("ab")
            if path.is_file() and not _ends_a_line(path):  # cut off by a crash
                self._file.write(b"\n")
        except OSError as error:
            raise UsageError(f"{path}: the log cannot be written ({error.strerror}).") from error

    def write(self, record: dict[str, object]) -> None:
        """Add a line."""
        if self._file.closed:
            return
        try:
            self._file.write(as_json(record).encode() + b"\n")
            self._file.flush()
        except OSError as error:
            self.close()
            self._failed(f"{self._path}: the log cannot be written any further ({error.strerror}).")

    def close(self) -> None:
        """End it."""
        with contextlib.suppress(OSError):
            self._file.close()


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        if not file.seek(0, os.SEEK_END):
            return True
        file.seek(-1, os.SEEK_END)
        return file.read() == b"\n"
