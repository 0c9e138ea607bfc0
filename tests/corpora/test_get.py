"""Getting a corpus from end to end: from a server, from an archive, and when either is not what it should be."""

import hashlib
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from intone import corpora
from intone.corpora import CORPORA, Source
from intone.errors import ByHandError, CorpusError
from tests.corpora.server import Script, serving

SPEECH = ["Actor_01/03-01-05-02-01-01-01.wav", "Actor_02/03-01-05-02-01-01-02.wav"]
SONG = ["Actor_01/03-02-05-02-01-01-01.wav"]


def packed(path: Path, names: list[str], content: bytes = b"sound") -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, content)
    return path


@contextmanager
def ravdess_at(
    *archives: Path, checksums: bool = True, counts: dict[str, int] | None = None, speakers: int = 2
) -> Iterator[list[Script]]:
    """Serve archives as RAVDESS's for as long as the block lasts; a complete copy has so many recordings then."""
    genuine = CORPORA["ravdess"]
    with ExitStack() as stack:
        scripts = [stack.enter_context(serving(Script(archive.read_bytes()))) for archive in archives]
        sources = [
            Source(
                script.url,
                archive.name,
                checksum=f"md5:{hashlib.md5(script.content).hexdigest()}" if checksums else None,
            )
            for script, archive in zip(scripts, archives, strict=True)
        ]
        CORPORA["ravdess"] = replace(genuine, sources=tuple(sources), counts=counts or {"anger": 2}, speakers=speakers)
        stack.callback(CORPORA.__setitem__, "ravdess", genuine)
        yield scripts


def test_all_archives_of_a_corpus_come_into_one_folder(tmp_path: Path) -> None:
    steps: set[str] = set()
    with ravdess_at(packed(tmp_path / "speech.zip", SPEECH), packed(tmp_path / "song.zip", SONG)):
        found = corpora.get("ravdess", tmp_path / "home", progress=lambda step, *_: steps.add(step))
    assert len(found.recordings) == 3
    assert len(corpora.read("ravdess", tmp_path / "home")) == 2
    assert len(corpora.read("ravdess", tmp_path / "home", channel="both")) == 3
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["ravdess"]
    assert steps == {
        "Downloading speech.zip", "Downloading song.zip", "Unpacking speech.zip", "Unpacking song.zip",
    }  # fmt: skip


def test_an_archive_at_hand_is_unpacked_and_kept(tmp_path: Path) -> None:
    top = "TESS Toronto emotional speech set data/OAF_Fear"
    archive = packed(tmp_path / "archive.zip", [f"{top}/OAF_back_fear.wav", f"__MACOSX/{top}/._OAF_back_fear.wav"])
    found = corpora.get("tess", tmp_path / "home", archives=[archive])
    assert [recording.utterance.speaker for recording in found.recordings] == ["OAF"]
    assert archive.is_file()


@pytest.mark.parametrize("name", ["ased", "emovo", "savee", "tess"])
def test_a_corpus_that_cannot_be_downloaded_says_what_to_do(name: str, tmp_path: Path) -> None:
    with pytest.raises(ByHandError, match="cannot be downloaded by Intone") as caught:
        corpora.get(name, tmp_path)
    assert "login" not in caught.value.message
    assert len(caught.value.steps) > 1
    assert caught.value.steps[-1].endswith(".zip")
    assert not list(tmp_path.iterdir())


def test_the_steps_for_tess(tmp_path: Path) -> None:
    with pytest.raises(ByHandError) as caught:
        corpora.get("tess", tmp_path)
    assert "doi.org/10.5683/SP2/E8H2MF" in str(caught.value)
    assert "intone corpora get tess --from THE-FILE.zip" in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_what_is_there_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "home" / "tess").mkdir(parents=True)
    (tmp_path / "home" / "tess" / "mine.txt").write_text("mine")
    archive = packed(tmp_path / "archive.zip", ["OAF_back_fear.wav"])
    with pytest.raises(CorpusError, match="there is something already"):
        corpora.get("tess", tmp_path / "home", archives=[archive])
    assert (tmp_path / "home" / "tess" / "mine.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("names", "content", "told"),
    [
        (SPEECH, b"sound", "nothing of tess in it .2 other sound files.; a file's name looks like OAF_back_angry.wav"),
        (["OAF_back_fear.wav"], b"version https://git-lfs.github.com/spec/v1\noid", "Git LFS pointer"),
        (["../OAF_back_fear.wav"], b"sound", "outside the folder"),
    ],
)
def test_an_archive_of_something_else_leaves_nothing(
    names: list[str], content: bytes, told: str, tmp_path: Path
) -> None:
    archive = packed(tmp_path / "archive.zip", names, content)
    with pytest.raises(CorpusError, match=told):
        corpora.get("tess", tmp_path / "home", archives=[archive])
    assert archive.is_file()
    assert not list((tmp_path / "home").iterdir())


def test_archives_of_the_same_name_are_not_mixed(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    archives = [packed(tmp_path / "a.zip", SPEECH), packed(tmp_path / "other" / "a.zip", SONG)]
    with pytest.raises(CorpusError, match="two archives bear this name"):
        corpora.get("ravdess", tmp_path / "home", archives=archives)


def test_a_damaged_archive_without_a_checksum_is_downloaded_anew_next_time(tmp_path: Path) -> None:
    archive = packed(tmp_path / "speech.zip", SPEECH)
    with ravdess_at(archive, checksums=False) as (script,):
        script.content = script.content[:-30]
        with pytest.raises(CorpusError, match="damaged or cut short"):
            corpora.get("ravdess", tmp_path / "home")
        script.content = archive.read_bytes()
        assert len(corpora.get("ravdess", tmp_path / "home").recordings) == 2


def test_an_interruption_while_unpacking_keeps_the_download_and_nothing_else(tmp_path: Path) -> None:
    def interrupt(step: str, done: int, total: int | None) -> None:
        if step.startswith("Unpacking"):
            raise KeyboardInterrupt

    with ravdess_at(packed(tmp_path / "speech.zip", SPEECH)) as (script,):
        with pytest.raises(KeyboardInterrupt):
            corpora.get("ravdess", tmp_path / "home", progress=interrupt)
        assert not (tmp_path / "home" / "ravdess").exists()
        corpora.get("ravdess", tmp_path / "home")
        assert len(script.asked) == 1


@pytest.mark.parametrize(
    ("counts", "speakers", "content", "told"),
    [
        ({"anger": 3}, 2, b"sound", "2 of anger where 3 are due"),
        ({"anger": 1}, 2, b"sound", "2 of anger where 1 are due"),
        ({"anger": 2, "fear": 1}, 2, b"sound", "0 of fear where 1 are due"),
        ({"anger": 2}, 3, b"sound", "2 speakers where 3 are due"),
        ({"anger": 2}, 2, b"", "nothing in 03-01-05-02-01-01-01.wav"),
    ],
)
def test_without_a_checksum_the_recordings_are_counted(
    counts: dict[str, int], speakers: int, content: bytes, told: str, tmp_path: Path
) -> None:
    archive = packed(tmp_path / "speech.zip", SPEECH, content)
    with (
        ravdess_at(archive, checksums=False, counts=counts, speakers=speakers),
        pytest.raises(CorpusError, match=f"speech.zip: not the ravdess that its documents tell of: .*{told}"),
    ):
        corpora.get("ravdess", tmp_path / "home")
    assert not [path for path in (tmp_path / "home").rglob("*") if path.is_file()]


def test_an_archive_at_hand_may_be_a_part(tmp_path: Path) -> None:
    archive = packed(tmp_path / "speech.zip", SPEECH)
    with ravdess_at(archive, checksums=False, counts={"anger": 3}):
        assert len(corpora.get("ravdess", tmp_path / "home", archives=[archive]).recordings) == 2
