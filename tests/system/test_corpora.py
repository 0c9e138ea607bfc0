"""`intone corpora` as it is installed: broken and hostile archives, and what a person is told to do."""

import bz2
import gzip
import io
import lzma
import random
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

LIMIT_SECONDS = 120
"""A command that takes longer hangs."""
NAME = "TESS\n\x1b[2J data.zip"
"""What a hostile archive may be called, and how it has to be shown."""
SHOWN = r"TESS\n\x1b[2J data.zip"


def intone(*words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = shutil.which("intone", path=str(Path(sys.executable).parent))
    assert command is not None, "the command is not installed"
    return subprocess.run(
        [command, *map(str, words)], capture_output=True, encoding="utf-8", cwd=cwd, timeout=LIMIT_SECONDS, check=False
    )


def sounds() -> dict[str, bytes]:
    noise = random.Random(5)
    return {f"TESS/OAF_{word}_fear.wav": noise.randbytes(3_000) + bytes(3_000) for word in ("back", "dog", "food")}


def zipped(method: int) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as archive:
        for name, sound in sounds().items():
            archive.writestr(name, sound)
    return content.getvalue()


def tarred() -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for name, sound in sounds().items():
            entry = tarfile.TarInfo(name)
            entry.size = len(sound)
            archive.addfile(entry, io.BytesIO(sound))
    return content.getvalue()


def claiming(size: int, kind: bytes = tarfile.REGTYPE) -> bytes:
    """Give a tar's header whose entry is said to be so long."""
    entry = tarfile.TarInfo("OAF_back_fear.wav")
    entry.size, entry.type = size, kind
    return entry.tobuf()


def broken() -> Iterator[tuple[str, bytes]]:
    whole = {
        "stored zip": zipped(zipfile.ZIP_STORED),
        "deflated zip": zipped(zipfile.ZIP_DEFLATED),
        "bz2 zip": zipped(zipfile.ZIP_BZIP2),
        "lzma zip": zipped(zipfile.ZIP_LZMA),
        "tar.gz": gzip.compress(tarred()),
        "tar.bz2": bz2.compress(tarred()),
        "tar.xz": lzma.compress(tarred()),
    }
    for kind, content in whole.items():
        middle = len(content) // 3
        yield f"flipped {kind}", content[:middle] + bytes([content[middle] ^ 16]) + content[middle + 1 :]
        yield f"overwritten {kind}", content[:middle] + b"\xff" * 64 + content[middle + 64 :]
        yield f"cut {kind}", content[: len(content) * 2 // 3]
        yield f"beheaded {kind}", content[8:] if "zip" not in kind else b"PK\3\4" + bytes(30)
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("OAF_back_fear.wav", "w") as file:
        for _ in range(80):
            file.write(bytes(1 << 20))
    yield "zip bomb", bomb.getvalue()
    yield "tar bomb", gzip.compress(claiming(80 << 20) + bytes(80 << 20))
    yield "tar bomb in a header", gzip.compress(claiming(80 << 20, tarfile.XHDTYPE) + bytes(80 << 20))
    yield "tar bomb in a name", lzma.compress(claiming(80 << 20, tarfile.GNUTYPE_LONGNAME) + bytes(80 << 20), preset=0)
    yield "tar that claims a terabyte", claiming(1 << 40)


BROKEN = dict(broken())


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_archive_is_refused_in_a_sentence(kind: str, tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(BROKEN[kind])
    done = intone("corpora", "get", "tess", "--from", NAME, "--to", "home", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert done.stderr.startswith(f"intone: {SHOWN}: ")
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr
    assert not list((tmp_path / "home").iterdir())


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_whole_archive_is_taken(method: int, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped(method))
    done = intone("corpora", "get", "tess", "--from", "a.zip", "--to", "home", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "OAF 3" in done.stdout


def test_steps_are_told_a_line_each(tmp_path: Path) -> None:
    done = intone("corpora", "get", "emovo", "--to", "home", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    first, *steps = done.stderr.splitlines()
    assert first == (
        "intone: EMOVO, an Italian Emotional Speech Database cannot be downloaded by Intone, "
        "so you need to get it yourself:"
    )
    assert steps[0].startswith("1. Open ")
    assert steps[-1] == "2. intone corpora get emovo --from THE-FILE.zip"
    assert r"\n" not in done.stderr


def test_a_name_with_a_line_break_stays_in_its_line(tmp_path: Path) -> None:
    done = intone("corpora", "check", "no\n1. such folder", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert r"'no\n1. such folder'" in done.stderr


@pytest.mark.parametrize("group", [(), ("corpora",), ("models",)])
def test_help_has_an_example(group: tuple[str, ...], tmp_path: Path) -> None:
    done = intone(*group, "--help", cwd=tmp_path)
    assert done.returncode == 0
    assert "Example" in done.stdout
