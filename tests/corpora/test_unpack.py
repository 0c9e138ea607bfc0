"""Archives that are broken, hostile or merely odd."""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from intone.corpora.unpack import Limits, unpack
from intone.errors import CorpusError


def zipped(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def tarred(path: Path, *members: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for member in members:
            archive.addfile(member, io.BytesIO(b"x" * member.size))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, *, size: int = 0, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname = kind, size, link
    return info


def refused(archive: Path, told: str, *, limits: Limits | None = None) -> None:
    """Assert that an archive is refused, and that nothing at all is written anywhere near."""
    before = sorted(archive.parent.rglob("*"))
    with pytest.raises(CorpusError, match=told) as caught:
        unpack(archive, archive.parent / "out", limits=limits or Limits())
    assert archive.name in str(caught.value)
    assert sorted(archive.parent.rglob("*")) == before


def test_a_zip_with_a_top_folder_and_the_progress_of_it(tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    archive = zipped(tmp_path / "a.zip", {"TESS data/": b"", "TESS data/OAF_Fear/x.wav": b"abc", "LIESMICH": b"de"})
    folder = unpack(archive, tmp_path / "out", progress=lambda done, total: told.append((done, total)))
    assert (folder / "TESS data" / "OAF_Fear" / "x.wav").read_bytes() == b"abc"
    assert (folder / "LIESMICH").read_bytes() == b"de"
    assert told == [(3, 5), (5, 5)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "out"]


def test_a_tar_whatever_it_is_called(tmp_path: Path) -> None:
    archive = tarred(tmp_path / "a.zip", member("d", tarfile.DIRTYPE), member("d/x.wav", size=3))
    assert (unpack(archive, tmp_path / "out") / "d" / "x.wav").read_bytes() == b"xxx"


def test_backslashes_of_windows_are_folders(tmp_path: Path) -> None:
    archive = tarred(tmp_path / "a.tgz", member("d\\e\\x.wav", size=1))
    assert (unpack(archive, tmp_path / "out") / "d" / "e" / "x.wav").is_file()


def test_an_empty_folder_is_filled_and_a_full_one_is_not_touched(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {"x.wav": b"new"})
    (tmp_path / "out").mkdir()
    unpack(archive, tmp_path / "out")
    with pytest.raises(CorpusError, match="not an empty folder"):
        unpack(zipped(tmp_path / "b.zip", {"y.wav": b""}), tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["x.wav"]


@pytest.mark.parametrize("name", ["../x.wav", "a/../../x.wav", "/etc/x.wav", "C:/x.wav", "..\\x.wav", "\\x.wav"])
@pytest.mark.parametrize(
    "pack", [lambda path, name: zipped(path, {name: b"x"}), lambda path, name: tarred(path, member(name, size=1))]
)
def test_no_name_leaves_the_folder(name: str, pack: Callable[[Path, str], Path], tmp_path: Path) -> None:
    refused(pack(tmp_path / "a.zip", name), "outside the folder")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused_in_a_tar(kind: bytes, tmp_path: Path) -> None:
    archive = tarred(tmp_path / "a.tgz", member("fine.wav", size=1), member("x.wav", kind, link="../../etc/passwd"))
    refused(archive, "link or a device")


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("x.wav")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(info, "/etc/passwd")
    refused(tmp_path / "a.zip", "link or a device")


def test_a_name_that_comes_twice_is_refused(tmp_path: Path) -> None:
    refused(tarred(tmp_path / "a.tgz", member("x.wav", size=1), member("x.wav", size=2)), "cannot be unpacked")


def test_a_bomb_is_refused_by_its_ratio(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {"x.wav": bytes(65 << 20)})
    refused(archive, "more than 100 times as large")


def test_limits_of_size_and_number(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {"x.wav": b"abc", "y.wav": b"def"})
    refused(archive, "more than 5 bytes when unpacked", limits=Limits(total_bytes=5))
    refused(archive, "more than 1 entries", limits=Limits(entries=1))
    assert unpack(archive, tmp_path / "out", limits=Limits(total_bytes=6, entries=2)).is_dir()


def test_an_encrypted_zip_says_so(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {"x.wav": b"abc"})
    content = bytearray(archive.read_bytes())
    content[6] |= 1  # the flag in the entry's own header
    content[content.index(b"PK\x01\x02") + 8] |= 1  # and in the directory
    archive.write_bytes(content)
    refused(archive, "encrypted")


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_a_truncated_archive(kind: str, keep: float, tmp_path: Path) -> None:
    if kind == "zip":
        archive = zipped(tmp_path / "a.zip", {"x.wav": bytes(range(256)) * 40})
    else:
        archive = tarred(tmp_path / "a.tgz", member("x.wav", size=100_000), member("y.wav", size=100_000))
    content = archive.read_bytes()
    archive.write_bytes(content[: int(len(content) * keep)])
    refused(archive, "damaged")


def test_a_flipped_bit_is_noticed(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as opened:
        opened.writestr("fine.wav", b"fine")
        opened.writestr("x.wav", b"the sound")
    archive.write_bytes(archive.read_bytes().replace(b"the sound", b"the hound"))
    refused(archive, "damaged.*CRC")


def test_something_else(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_text("<html>please log in</html>")
    refused(tmp_path / "a.zip", "no zip or tar archive")
    with pytest.raises(CorpusError, match="no such archive"):
        unpack(tmp_path / "b.zip", tmp_path / "out")


def test_an_interruption_by_the_user_leaves_nothing(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {"x.wav": b"abc", "y.wav": b"def"})

    def interrupt(done: int, total: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        unpack(archive, tmp_path / "out", progress=interrupt)
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_a_flipped_bit_in_a_compressed_tar_is_noticed(tmp_path: Path) -> None:
    """A tar has no checksum of its contents, and its end comes before that of the compressed stream."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        archive.addfile(member("x.wav", size=9), io.BytesIO(b"the sound"))
    packed = gzip.compress(plain.getvalue(), compresslevel=0)
    (tmp_path / "a.tgz").write_bytes(packed.replace(b"the sound", b"the hound"))
    refused(tmp_path / "a.tgz", "damaged.*CRC")


def test_something_behind_the_end_of_a_tar_is_refused(tmp_path: Path) -> None:
    plain = gzip.decompress(tarred(tmp_path / "a.tgz", member("x.wav", size=9)).read_bytes())
    (tmp_path / "a.tgz").write_bytes(gzip.compress(plain + bytes(8 << 20)))
    refused(tmp_path / "a.tgz", "something follows its end")


def test_a_header_that_fills_the_memory_is_not_read(tmp_path: Path) -> None:
    """The length of a tar's extended header is whatever it says, and such a header is read at once."""
    header = member("x", tarfile.XHDTYPE, size=4 << 30).tobuf()
    for name, content in (("a.tar", header), ("b.tgz", gzip.compress(header + bytes(64 << 20)))):
        (tmp_path / name).write_bytes(content)
        refused(tmp_path / name, "damaged")
