"""Broken recordings, fed to the command: one sentence with the name and exit code 1, never a traceback or a hang."""

import gzip
import io
import json
import os
import shutil
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from intone.cli import main

LIMIT_SECONDS = 120
"""A command that takes longer hangs."""
FEWEST = 40
"""How many broken recordings must be refused, at least."""
CODES = {
    "not-found", "not-audio", "empty", "truncated", "too-short", "too-long", "silent", "not-finite", "rate",
}  # fmt: skip


def encoded(form: str, subtype: str | None = None, seconds: float = 0.5) -> bytes:
    content = io.BytesIO()
    noise = np.random.default_rng(7).normal(0, 0.1, int(16_000 * seconds))
    soundfile.write(content, noise, 16_000, format=form, subtype=subtype)
    return content.getvalue()


def wav(*, channels: int = 1, rate: int = 16_000, bits: int = 16, code: int = 1, align: int | None = None,
        sound: bytes = b"\1\2" * 8_000, claimed: int | None = None, riff: int | None = None) -> bytes:  # fmt: skip
    """Give a WAV file whose header may say anything."""
    align = channels * bits // 8 if align is None else align
    form = struct.pack("<HHIIHH", code, channels, rate, rate * align % 2**32, align % 2**16, bits)
    data = struct.pack("<I", len(sound) if claimed is None else claimed) + sound
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + data
    return b"RIFF" + struct.pack("<I", len(body) if riff is None else riff) + body


def changed(content: bytes, at: int, by: bytes) -> bytes:
    return content[:at] + by + content[at + len(by) :]


def flipped(content: bytes, seed: int, first: int, last: int, count: int) -> bytes:
    rng, bits = np.random.default_rng(seed), bytearray(content)
    for at in rng.integers(first, min(last, len(bits)), count):
        bits[at] ^= 1 << int(rng.integers(8))
    return bytes(bits)


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def picture() -> bytes:
    """Give a PNG of one pixel."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")


def archive() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr("call.wav", wav())
    return content.getvalue()


def mp4(*, index: bool) -> bytes:
    """Give an M4A file, or what a phone leaves whose battery died before the index was written."""
    import av

    content = io.BytesIO()
    with av.open(content, "w", format="ipod") as container:
        stream = container.add_stream("aac", rate=16_000, layout="mono")
        for number in range(8):
            samples = np.random.default_rng(number).normal(0, 0.1, (1, 1024)).astype(np.float32)
            frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 16_000, number * 1024
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    whole = content.getvalue()
    return whole if index else whole[: whole.index(b"moov") - 4]


def broken() -> Iterator[tuple[str, bytes]]:
    """Give files that no emotion can be heard in, by name."""
    formats = {"wav": "WAV", "flac": "FLAC", "ogg": "OGG", "aiff": "AIFF", "mp3": "MP3", "caf": "CAF", "w64": "W64"}
    whole = {suffix: encoded(form) for suffix, form in formats.items()}
    opus = encoded("OGG", "OPUS")
    for suffix, content in whole.items():
        for kept in (3, 11, 30, 48):
            yield f"cut at {kept}.{suffix}", content[:kept]
    yield "cut.opus", opus[: len(opus) // 3]
    yield "cut in a frame.flac", whole["flac"][: len(whole["flac"]) // 2]

    yield "no channels.wav", wav(channels=0, align=2)
    yield "65535 channels.wav", wav(channels=65_535)
    yield "1024 channels.wav", wav(channels=1024)
    yield "rate 0.wav", wav(rate=0)
    yield "rate 1.wav", wav(rate=1)
    yield "rate 2^31.wav", wav(rate=2**31)
    yield "rate 2^32-1.wav", wav(rate=2**32 - 1)
    yield "no bits.wav", wav(bits=0, align=0)
    yield "an encoding that nobody knows.wav", wav(code=0x7777)
    yield "no sound.wav", wav(sound=b"")
    yield "4 GB of nothing.wav", wav(sound=b"", claimed=2**32 - 1, riff=2**32 - 1)
    yield "silence.wav", wav(sound=bytes(32_000))
    yield "a moment.wav", wav(sound=b"\1\2" * 1_000)
    yield "not finite.wav", wav(code=3, bits=32, sound=struct.pack("<f", float("nan")) * 16_000)
    yield "infinite.wav", wav(code=3, bits=32, sound=struct.pack("<f", float("inf")) * 16_000)
    yield "RIFF in RIFF.wav", b"RIFF" + struct.pack("<I", 16_052) + wav()
    yield "no data chunk.wav", wav()[:36]
    yield "a format chunk of 4 GB.wav", changed(wav(), 16, b"\xff\xff\xff\xff")
    yield "a film.wav", b"RIFF" + struct.pack("<I", 500) + b"AVI LIST" + bytes(500)

    yield "frames.flac", flipped(whole["flac"], 1, 2_000, 8_000, 400)
    yield "STREAMINFO.flac", changed(whole["flac"], 8, bytes(34))
    yield "years.flac", changed(whole["flac"], 21, bytes([whole["flac"][21] | 0x0F]) + b"\xff" * 4)
    yield "pages.ogg", flipped(whole["ogg"], 2, 0, 3_000, 400)
    yield "first page.ogg", changed(whole["ogg"], 4, b"\xff" * 20)
    yield "pages.opus", flipped(opus, 3, 0, len(opus), 2_000)
    yield "garbage.mp3", b"\xff\xfb\x90\x00" + np.random.default_rng(4).bytes(50)
    yield "a tag alone.mp3", b"ID3\x04\x00\x00\x00\x00\x00\x00"
    yield "a tag of 256 MB.mp3", b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f" + bytes(100)
    yield "no COMM.aiff", whole["aiff"][:12] + whole["aiff"][38:]
    yield "no index.m4a", mp4(index=False)
    yield "half an index.m4a", mp4(index=True)[:-300]
    yield "a type alone.mp4", b"\0\0\0\x18ftypisom\0\0\2\0isomiso2"
    yield "head alone.webm", b"\x1aE\xdf\xa3\x9f\x42\x86\x81\1"
    yield "head alone.amr", b"#!AMR\n"
    yield "head alone.wma", b"0&\xb2u\x8ef\xcf\x11\xa6\xd9\0\xaa\0b\xcel" + bytes(30)
    yield "head alone.aac", b"\xff\xf1\x50\x80\x00\x1f\xfc"

    yield "text.wav", b"Dear diary, today I was happy.\n" * 40
    yield "page.mp3", b"<!doctype html><html><body>404</body></html>" * 9
    yield "picture.wav", picture()
    yield "paper.wav", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n" * 5
    yield "archive.wav", archive()
    yield "packed.wav", gzip.compress(wav(), mtime=0)
    yield "program.wav", b"\x7fELF\2\1\1" + bytes(200)
    yield "noise.wav", np.random.default_rng(6).bytes(20_000)
    yield "zeros.wav", bytes(20_000)
    yield "empty.wav", b""
    yield "one byte.wav", b"R"
    for name in (
        "two words",
        'quote\'d "twice"',
        "grinning 😀",
        "two\nlines",
        "[red]markup",
        "-dash",
        "%s {0}",
        "$(x)",
    ):
        yield f"{name}.wav", b"not sound at all"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with every broken recording in it, and things that are no files."""
    if os.name == "nt":
        pytest.skip("Windows does not have such names")
    folder = tmp_path_factory.mktemp("broken")
    for name, content in broken():
        (folder / name).write_bytes(content)
    (folder / "folder.wav" / "inside").mkdir(parents=True)
    (folder / "loop.wav").symlink_to("loop.wav")
    (folder / "nowhere.wav").symlink_to("missing")
    (folder / "zero.wav").symlink_to("/dev/zero")
    (folder / "null.wav").symlink_to("/dev/null")
    os.mkfifo(folder / "pipe.wav")
    secret = folder / "forbidden.wav"
    secret.write_bytes(b"nothing, should the tests run as root")
    secret.chmod(0)
    return folder


def printed(name: str) -> str:
    """Give a name as a message shows it."""
    return name.replace("\n", "\\n")


def test_every_broken_recording_is_refused_by_the_command(folder: Path, examples: Path) -> None:
    names = sorted(os.listdir(folder))  # noqa: PTH208  # names, not paths
    assert len(names) >= FEWEST
    command = shutil.which("intone", path=str(Path(sys.executable).parent))
    assert command, "the command is not installed beside this Python"
    last = str(examples / "plain.flac")
    done = subprocess.run(
        [command, "predict", "--json", "--", *names, last], cwd=folder, capture_output=True, encoding="utf-8",
        timeout=LIMIT_SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["file"] for one in told] == [*names, last]
    assert "error" not in told.pop(), "the good one is answered after all the bad ones"
    assert [one["file"] for one in told if "error" not in one] == []
    assert {one["error"]["code"] for one in told} == CODES
    messages = done.stderr.splitlines()
    assert len(messages) == len(names), "one line for each, and nothing else"
    for name, message, one in zip(names, messages, told, strict=True):
        assert message.startswith(f"intone: {printed(name)}: ")
        assert one["error"]["message"].startswith(f"{name}: ")
        assert message.endswith(".")


def test_each_alone_is_exit_code_1(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    for name in sorted(os.listdir(folder)):  # noqa: PTH208
        monkeypatch.setattr(sys, "argv", ["intone", "predict", "--", name])
        with pytest.raises(SystemExit) as left:
            main()
        printed_out, message = capfd.readouterr()
        assert (left.value.code, printed_out) == (1, ""), name
        assert message.startswith(f"intone: {printed(name)}: ")
        assert message.count("\n") == 1


@pytest.mark.parametrize("name", ["empty.wav", "loop.wav", "pipe.wav", "zero.wav", "two\nlines.wav", "garbage.mp3"])
def test_some_in_a_process_of_their_own(folder: Path, name: str) -> None:
    command = shutil.which("intone", path=str(Path(sys.executable).parent))
    assert command, "the command is not installed beside this Python"
    done = subprocess.run(
        [command, "predict", folder / name], capture_output=True, encoding="utf-8", timeout=LIMIT_SECONDS, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"intone: {folder}/{printed(name)}: ")
    assert done.stderr.count("\n") == 1


def test_flipped_bits_are_answered_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Some damage only changes the sound; whichever it is, it is said in the same way."""
    kinds = [encoded("WAV"), encoded("FLAC"), encoded("OGG"), encoded("MP3"), encoded("AIFF"), mp4(index=True)]
    names = []
    for seed in range(20):
        for number, content in enumerate(kinds):
            path = tmp_path / f"{number}-{seed}"
            path.write_bytes(flipped(content, seed, 0, len(content) if seed % 2 else 100, 1 + seed % 7))
            names.append(str(path))
    monkeypatch.setattr(sys, "argv", ["intone", "predict", "--json", *names])
    with pytest.raises(SystemExit) as left:
        main()
    printed_out, messages = capfd.readouterr()
    told = [json.loads(line) for line in printed_out.splitlines()]
    assert left.value.code == 1
    assert [one["file"] for one in told] == names
    refused = [one["file"] for one in told if "error" in one]
    assert 0 < len(refused) < len(names)
    assert [line.split(": ")[1] for line in messages.splitlines()] == refused
