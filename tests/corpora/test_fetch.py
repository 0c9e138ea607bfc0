"""Downloads from a server that drops connections, lies about length and serves a wrong checksum."""

import hashlib
from pathlib import Path
from random import Random

import pytest

from intone.corpora.corpus import Source
from intone.corpora.fetch import fetch
from intone.errors import CorpusError
from tests.corpora.server import Script, serving

CONTENT = Random(0).randbytes(600_000)


def md5(content: bytes) -> str:
    return f"md5:{hashlib.md5(content).hexdigest()}"


class Waits(list[float]):
    """Remembers how long it was to wait, and does not."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def source(script: Script, *, size: int | None = None, checksum: str | None = None) -> Source:
    return Source(script.url, "corpus.zip", size=size, checksum=checksum)


def nothing_is_left(folder: Path) -> bool:
    return not list(folder.iterdir())


def test_a_file_comes_whole_and_its_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    with serving(Script(CONTENT)) as script:
        path = fetch(
            source(script, size=len(CONTENT), checksum=f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"),
            tmp_path / "new" / "folder",
            progress=lambda done, total: told.append((done, total)),
        )
    assert path.read_bytes() == CONTENT
    assert [each.name for each in path.parent.iterdir()] == ["corpus.zip"]
    assert told[0] == (0, len(CONTENT))
    assert told[-1] == (len(CONTENT), len(CONTENT))


def test_dropped_connections_are_taken_up_where_they_broke(tmp_path: Path) -> None:
    waits = Waits()
    with serving(Script(CONTENT, breaks=[200_000, 0, 300_000])) as script:
        path = fetch(source(script, checksum=md5(CONTENT)), tmp_path, wait=waits)
        assert script.asked == [None, "bytes=200000-", "bytes=200000-", "bytes=500000-"]
    assert path.read_bytes() == CONTENT
    assert waits == [1.0, 2.0, 1.0]


def test_a_later_run_goes_on_where_an_earlier_one_gave_up(tmp_path: Path) -> None:
    with serving(Script(CONTENT, breaks=[250_000, 0, 0])) as script:
        with pytest.raises(CorpusError, match="given up after 3 tries that brought nothing new"):
            fetch(source(script), tmp_path, attempts=3, wait=Waits())
        assert not (tmp_path / "corpus.zip").exists()
        assert fetch(source(script), tmp_path).read_bytes() == CONTENT
        assert script.asked[-1] == "bytes=250000-"


def test_a_server_without_ranges_starts_again(tmp_path: Path) -> None:
    with serving(Script(CONTENT, breaks=[200_000], ranges=False)) as script:
        assert fetch(source(script, checksum=md5(CONTENT)), tmp_path, wait=Waits()).read_bytes() == CONTENT


def test_a_server_without_tags_is_never_resumed(tmp_path: Path) -> None:
    with serving(Script(CONTENT, breaks=[200_000], tagged=False)) as script:
        assert fetch(source(script), tmp_path, wait=Waits()).read_bytes() == CONTENT
        assert script.asked == [None, None]


@pytest.mark.parametrize("obeys_if_range", [True, False])
def test_a_file_that_changes_in_between_is_not_patched_together(obeys_if_range: bool, tmp_path: Path) -> None:
    changed = Random(1).randbytes(len(CONTENT))
    with serving(Script(CONTENT, breaks=[200_000], obeys_if_range=obeys_if_range)) as script:

        def change(seconds: float) -> None:
            script.content = changed

        assert fetch(source(script), tmp_path, wait=change).read_bytes() == changed


def test_another_address_does_not_continue_what_the_first_began(tmp_path: Path) -> None:
    with serving(Script(CONTENT, breaks=[200_000])) as script, pytest.raises(CorpusError):
        fetch(source(script), tmp_path, attempts=1, wait=Waits())
    with serving(Script(CONTENT)) as other:
        assert fetch(source(other), tmp_path).read_bytes() == CONTENT
        assert other.asked == [None]


def test_a_length_that_promises_too_much_is_not_believed(tmp_path: Path) -> None:
    told = "closed after 600,000 of 601,000 bytes"
    with serving(Script(CONTENT, claim=1000, tagged=False)) as script, pytest.raises(CorpusError, match=told):
        fetch(source(script), tmp_path, attempts=2, wait=Waits())
    assert not (tmp_path / "corpus.zip").exists()


def test_a_length_that_promises_too_little_is_not_believed(tmp_path: Path) -> None:
    with serving(Script(CONTENT, claim=-1000)) as script, pytest.raises(CorpusError, match="md5 checksum"):
        fetch(source(script, checksum=md5(CONTENT)), tmp_path, wait=Waits())
    assert nothing_is_left(tmp_path)


def test_a_length_that_promises_too_little_is_made_good_where_the_size_is_known(tmp_path: Path) -> None:
    with serving(Script(CONTENT, claim=-1000)) as script:

        def repent(seconds: float) -> None:
            script.claim = 0

        assert fetch(source(script, size=len(CONTENT)), tmp_path, wait=repent).read_bytes() == CONTENT


def test_a_missing_length_is_no_hindrance(tmp_path: Path) -> None:
    totals: set[int | None] = set()
    with serving(Script(CONTENT, claim=None)) as script:
        fetch(source(script), tmp_path, progress=lambda _, total: totals.add(total))
    assert totals == {None}
    assert (tmp_path / "corpus.zip").read_bytes() == CONTENT


def test_a_wrong_checksum_leaves_nothing_behind(tmp_path: Path) -> None:
    with serving(Script(CONTENT)) as script, pytest.raises(CorpusError) as caught:
        fetch(source(script, checksum=md5(b"other")), tmp_path)
    assert f"the md5 checksum is {md5(CONTENT)[4:]} where {md5(b'other')[4:]} is due" in str(caught.value)
    assert nothing_is_left(tmp_path)


def test_more_than_is_due_is_cut_short(tmp_path: Path) -> None:
    with serving(Script(CONTENT)) as script, pytest.raises(CorpusError, match="more than the 1,000 bytes"):
        fetch(source(script, size=1000), tmp_path)
    assert nothing_is_left(tmp_path)


def test_a_refusal_is_told_at_once(tmp_path: Path) -> None:
    waits = Waits()
    with serving(Script(CONTENT, statuses=[404])) as script, pytest.raises(CorpusError, match="404 Not Found"):
        fetch(source(script), tmp_path, wait=waits)
    assert waits == []


def test_a_busy_server_is_asked_again_with_growing_patience(tmp_path: Path) -> None:
    waits = Waits()
    with serving(Script(CONTENT, statuses=[503, 429, 500])) as script:
        assert fetch(source(script), tmp_path, wait=waits).read_bytes() == CONTENT
    assert waits == [1.0, 2.0, 4.0]


def test_a_server_that_is_gone(tmp_path: Path) -> None:
    with serving(Script(CONTENT)) as script:
        gone = source(script)
    with pytest.raises(CorpusError, match="given up after 2 tries"):
        fetch(gone, tmp_path, attempts=2, wait=Waits())


def test_what_is_there_and_right_is_not_downloaded_again(tmp_path: Path) -> None:
    with serving(Script(CONTENT)) as script:
        wanted = source(script, checksum=md5(CONTENT))
        fetch(wanted, tmp_path)
        fetch(wanted, tmp_path)
        assert len(script.asked) == 1
        (tmp_path / "corpus.zip").write_bytes(b"spoilt")
        assert fetch(wanted, tmp_path).read_bytes() == CONTENT


def test_all_of_it_had_arrived_before_the_interruption(tmp_path: Path) -> None:
    with serving(Script(CONTENT, claim=1000)) as script:
        assert fetch(source(script), tmp_path, wait=Waits()).read_bytes() == CONTENT
        assert script.asked == [None, "bytes=600000-"]


def test_an_interruption_by_the_user_leaves_no_finished_name(tmp_path: Path) -> None:
    def interrupt(done: int, total: int | None) -> None:
        if done > 0:
            raise KeyboardInterrupt

    with serving(Script(CONTENT)) as script:
        with pytest.raises(KeyboardInterrupt):
            fetch(source(script), tmp_path, progress=interrupt)
        assert not (tmp_path / "corpus.zip").exists()
        assert fetch(source(script), tmp_path).read_bytes() == CONTENT
        assert script.asked[-1] is not None


@pytest.mark.parametrize("stamp", ["", "[]", '{"url": 1}'])
def test_a_spoilt_note_beside_the_beginning_means_starting_again(stamp: str, tmp_path: Path) -> None:
    (tmp_path / "corpus.zip.part").write_bytes(b"rubbish")
    (tmp_path / "corpus.zip.part.json").write_text(stamp)
    with serving(Script(CONTENT)) as script:
        assert fetch(source(script), tmp_path).read_bytes() == CONTENT


def test_only_the_web_is_asked(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    with pytest.raises(CorpusError, match="only http and https"):
        fetch(Source((tmp_path / "secret").as_uri(), "corpus.zip"), tmp_path)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with serving(Script(CONTENT)) as script, pytest.raises(CorpusError, match="cannot be written"):
        fetch(source(script), tmp_path / "file")
