"""Checks of a copy: counts, names, duplicates, and what cannot be heard."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from intone import corpora
from intone.errors import CorpusError


def tone(path: Path, pitch: float) -> None:
    samples = 0.5 * np.sin(2 * np.pi * pitch * np.arange(8000) / 16_000)
    soundfile.write(path, (samples * 32767).astype(np.int16), 16_000)


def test_a_copy_with_every_fault(tmp_path: Path) -> None:
    tone(tmp_path / "OAF_back_fear.wav", 200)
    tone(tmp_path / "OAF_back_sad.wav", 200)
    tone(tmp_path / "OAF_dog_sad.wav", 300)
    (tmp_path / "YAF_dog_sad.wav").write_bytes(b"RIFF")
    (tmp_path / "OAF_dog_bored.wav").write_bytes(b"")
    tone(tmp_path / "holiday.wav", 100)
    steps: dict[str, int] = {}
    report = corpora.check("tess", tmp_path, decode=True, progress=lambda step, done, _: steps.update({step: done}))
    assert (report.recordings, report.expected) == (4, 2800)
    assert report.emotions == {"fear": 1, "sadness": 3}
    assert report.speakers == {"OAF": 3, "YAF": 1}
    assert report.sexes == {"female": 4}
    assert [Path(path).name for path in report.unreadable] == ["OAF_dog_bored.wav"]
    assert [Path(path).name for path in report.foreign] == ["holiday.wav"]
    assert [[Path(path).name for path in group] for group in report.duplicates] == [
        ["OAF_back_fear.wav", "OAF_back_sad.wav"]
    ]
    assert [Path(path).name for path in report.unheard] == ["YAF_dog_sad.wav"]
    assert report.failed
    assert steps == {"Decoding": 4}


def test_the_same_sound_in_other_bytes_is_found_by_decoding(tmp_path: Path) -> None:
    tone(tmp_path / "OAF_back_fear.flac", 200)
    tone(tmp_path / "OAF_back_sad.wav", 200)
    assert corpora.check("tess", tmp_path).duplicates == ()
    assert len(corpora.check("tess", tmp_path, decode=True).duplicates) == 1


def test_song_counts_only_where_there_is_any(tmp_path: Path) -> None:
    (tmp_path / "03-01-05-02-01-01-02.wav").write_bytes(b"spoken")
    assert corpora.check("ravdess", tmp_path).expected == 1440
    (tmp_path / "03-02-05-02-01-01-02.wav").write_bytes(b"sung")
    report = corpora.check("ravdess", tmp_path)
    assert (report.expected, report.channels) == (1440 + 1012, {"song": 1, "speech": 1})


def test_a_link_to_nowhere_is_named(tmp_path: Path) -> None:
    (tmp_path / "OAF_back_fear.wav").symlink_to(tmp_path / "gone.wav")
    with pytest.raises(CorpusError, match=r"OAF_back_fear.wav: the recording cannot be read"):
        corpora.check("tess", tmp_path)


def test_a_folder_of_nothing_is_no_corpus(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="no corpus was recognised"):
        corpora.held(tmp_path)


@pytest.mark.corpora
def test_the_real_corpora_are_recognised_and_their_duplicates_found(corpora_root: Path) -> None:
    assert corpora.held(corpora_root) == ["ased", "emodb", "emovo", "nemo", "ravdess", "tess"]
    report = corpora.check("ravdess", corpora_root)
    assert [[Path(path).stem for path in group] for group in report.duplicates] == [
        ["03-01-03-01-02-01-07", "03-01-03-01-02-02-07"]
    ]
    assert not report.failed


@pytest.mark.corpora
def test_lossy_duplicates_of_ased_are_found_by_their_sound(corpora_root: Path) -> None:
    pairs = [
        [corpora_root / "ased" / folder / name for name in names]
        for folder, names in (
            ("01Neutral", ("n1-07-01-02-53.ogg", "n1-07-02-02-53.ogg")),
            ("03Happy", ("h3-01-01-02-08.ogg", "h3-01-02-02-08.ogg")),
        )
    ]
    paths = [path for pair in pairs for path in pair]
    assert corpora.same_content(paths) == ()
    assert corpora.same_sound(paths).groups == tuple(tuple(map(str, pair)) for pair in pairs)
