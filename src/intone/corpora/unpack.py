"""Unpack an archive so that nothing leaves the folder and nothing half-done looks finished.

Every entry is checked before the first is written, and everything is written to a hidden folder beside the target,
which takes the target's name only when it is complete.
"""

import bz2
import gzip
import lzma
import os
import stat
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, Any

from intone.corpora.progress import OfBytes, no_progress
from intone.errors import CorpusError

RATIO_APPLIES_ABOVE_BYTES = 64 << 20
"""Smaller contents are harmless however well they were packed."""
BLOCK_BYTES = 1 << 18
MAX_HEADER_BYTES = 1 << 20
"""The most that one header of a tar may take, since it is read at once; names are a few hundred bytes long ..."""
MAX_HEADERS_BYTES = 1 << 28
"""... and all headers together, which are kept."""
_ENCRYPTED = 0x1  # zip's general purpose flag, bit 0
_COMPRESSED: dict[bytes, Callable[[Path], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\0": lzma.open,
}  # fmt: skip
# What the decoders raise when they are fed damaged data; each has its own ideas.
_DAMAGED = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, struct.error, EOFError, ValueError, OverflowError,
)  # fmt: skip


@dataclass(frozen=True)
class Limits:
    """How much an archive may hold; more is taken for an attack.

    Attributes
    ----------
    entries : int, default 100,000
        Files and folders in it: ten times those of the largest corpus here.
    total_bytes : int, default 16 GiB
        Bytes when unpacked.
    ratio : float, default 100
        Unpacked bytes for each byte of the archive, where more than 64 MiB are unpacked. Sound shrinks to a third.
    """

    entries: int = 100_000
    total_bytes: int = 16 << 30
    ratio: float = 100.0


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True)
class _Entry:
    name: PurePosixPath
    size: int
    is_folder: bool
    open: Callable[[], IO[bytes]]


def unpack(
    archive: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    progress: OfBytes = no_progress,
    limits: Limits = DEFAULT_LIMITS,
) -> Path:
    """Unpack a zip or tar archive into a new folder.

    Parameters
    ----------
    archive : path
        A zip, or a tar that may be compressed; told by its content, not by its name.
    folder : path
        Where its content goes. It must not exist yet, or be empty.
    progress : callable
        Called with the bytes unpacked so far and in all.
    limits : Limits
        How much is accepted.

    Returns
    -------
    pathlib.Path
        The folder, with everything in it.

    Raises
    ------
    CorpusError
        The archive is missing, damaged, encrypted, of another kind or too large; or an entry would leave the folder,
        or is a link or a device. The folder is then as it was.
    """
    source, target = Path(archive), Path(folder)
    if not source.is_file():
        raise CorpusError(f"{source}: there is no such archive.")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise CorpusError(f"{target}: this is not an empty folder; remove it first, or name another one.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as hidden:
            content = Path(hidden) / "content"
            content.mkdir()
            with _entries(source, limits) as entries:
                _write(entries, content, progress)
            if target.exists():
                target.rmdir()
            content.replace(target)
    except _DAMAGED as error:
        raise CorpusError(f"{source}: the archive is damaged ({error}).") from error
    except NotImplementedError as error:  # zipfile's word for a compression that it does not know
        raise CorpusError(f"{source}: the archive is packed in a way that is not known here ({error}).") from error
    except OSError as error:
        if error.errno is None:  # not the system's: bz2 and gzip say so that their data is damaged
            raise CorpusError(f"{source}: the archive is damaged ({error}).") from error
        raise CorpusError(f"{source}: the archive cannot be unpacked to {target} ({error}).") from error
    return target


@contextmanager
def _entries(source: Path, limits: Limits) -> Iterator[list[_Entry]]:
    """List an archive's entries, each of them checked."""
    if zipfile.is_zipfile(source):
        with zipfile.ZipFile(source) as opened:
            yield _within(limits, source, (_of_zip(source, opened, info) for info in opened.infolist()))
        return
    with _decompressed(source) as content:
        stream = _Stream(content, MAX_HEADERS_BYTES)
        try:
            tar = tarfile.TarFile(fileobj=stream)  # type: ignore[arg-type]  # which is typed as if it wrote, too
        except (*_DAMAGED, OSError) as error:
            raise CorpusError(f"{source}: this is no zip or tar archive, or it is damaged or cut short.") from error
        with tar:
            entries = _within(limits, source, (_of_tar(source, tar, member) for member in tar))
            # A tar ends before its compressed stream does, and there is the checksum of it all.
            if stream.read(MAX_HEADER_BYTES) and stream.read(1):
                raise tarfile.ReadError("something follows its end")
            stream.left = limits.total_bytes + MAX_HEADERS_BYTES
            yield entries


@contextmanager
def _decompressed(source: Path) -> Iterator[IO[bytes]]:
    with source.open("rb") as file:
        head = file.read(max(map(len, _COMPRESSED)))
    kind = next((kind for kind in _COMPRESSED if head.startswith(kind)), None)
    with _COMPRESSED[kind](source) if kind else source.open("rb") as content:
        yield content


class _Stream:
    """A tar's content, as :mod:`tarfile` reads it: a header's length is believed only up to a limit.

    Attributes
    ----------
    left : int
        How many bytes may still be read; those that are passed over do not count.
    """

    def __init__(self, content: IO[bytes], left: int) -> None:
        self._content = content
        self.left = left

    def read(self, size: int) -> bytes:
        self.left -= size
        if size > MAX_HEADER_BYTES or self.left < 0:
            raise tarfile.ReadError("a header is too long")
        return self._content.read(size)

    def seek(self, offset: int) -> int:
        return self._content.seek(offset)

    def tell(self) -> int:
        return self._content.tell()


def _within(limits: Limits, source: Path, entries: Iterator[_Entry]) -> list[_Entry]:
    """Count while listing, so that no more of an oversized archive is read than its limit."""
    kept: list[_Entry] = []
    total, packed = 0, source.stat().st_size
    for entry in entries:
        kept.append(entry)
        total += entry.size
        if len(kept) > limits.entries:
            raise CorpusError(f"{source}: more than {limits.entries:,} entries; this is not a corpus.")
        if total > limits.total_bytes:
            raise CorpusError(f"{source}: more than {limits.total_bytes:,} bytes when unpacked; this is not a corpus.")
        if total > max(RATIO_APPLIES_ABOVE_BYTES, limits.ratio * packed):
            raise CorpusError(
                f"{source}: more than {limits.ratio:g} times as large when unpacked; this is not a corpus."
            )
    return kept


def _of_zip(source: Path, opened: zipfile.ZipFile, info: zipfile.ZipInfo) -> _Entry:
    mode = info.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise CorpusError(f"{source}: {info.filename!r} is a link or a device; only files and folders are unpacked.")
    if info.flag_bits & _ENCRYPTED:
        raise CorpusError(f"{source}: {info.filename!r} is encrypted; unpack it yourself with its password.")
    return _Entry(_inside(source, info.filename), info.file_size, info.is_dir(), lambda: opened.open(info))


def _of_tar(source: Path, tar: tarfile.TarFile, member: tarfile.TarInfo) -> _Entry:
    if not (member.isreg() or member.isdir()):
        raise CorpusError(f"{source}: {member.name!r} is a link or a device; only files and folders are unpacked.")
    if member.size < 0:
        raise tarfile.ReadError(f"{member.name} has a negative size")

    def opened() -> IO[bytes]:
        content = tar.extractfile(member)
        if content is None:
            raise tarfile.ReadError(f"{member.name} has no content")
        return content

    return _Entry(_inside(source, member.name), member.size if member.isreg() else 0, member.isdir(), opened)


def _inside(source: Path, name: str) -> PurePosixPath:
    """Refuse a name that leaves the folder; archives made on Windows may part folders by backslashes."""
    windows = PureWindowsPath(name)  # knows both slashes, and drives
    if windows.anchor or ".." in windows.parts or "\0" in name:
        raise CorpusError(f"{source}: {name!r} would be written outside the folder; nothing was unpacked.")
    return PurePosixPath(windows.as_posix())


def _write(entries: list[_Entry], content: Path, progress: OfBytes) -> None:
    total, done = sum(entry.size for entry in entries), 0
    for entry in entries:
        path = content / entry.name
        if entry.is_folder:
            path.mkdir(parents=True, exist_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        # "x": a name that comes twice is an error, not the second one's victory.
        with entry.open() as packed, path.open("xb") as file:
            while block := packed.read(BLOCK_BYTES):
                file.write(block)
                done += len(block)
                progress(done, total)
