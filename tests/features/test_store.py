"""What was measured is kept by content, whole or not at all."""

from pathlib import Path

import numpy as np
import pytest

from intone.features import recipe
from intone.features.store import Store, clear

VALUES = np.arange(40, dtype=np.float32)


def store(folder: Path, name: str = "mfcc40", version: str = "1.0") -> Store:
    return Store(folder, recipe(name), version=version)


def test_the_key_is_the_content_the_recipe_and_the_version(tmp_path: Path) -> None:
    one, copy, other = (tmp_path / name for name in ("one", "copy", "other"))
    one.write_bytes(b"sound")
    copy.write_bytes(b"sound")
    other.write_bytes(b"sounds")
    key = store(tmp_path).key(one)
    assert store(tmp_path).key(copy) == key
    different = {store(tmp_path).key(other), store(tmp_path, "classic").key(one), store(tmp_path, version="2").key(one)}
    assert key not in different
    assert len(different) == 3


def test_values_come_back_until_they_are_cleared(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("not yours")
    folder = store(tmp_path)
    folder.put("abc", VALUES)
    np.testing.assert_array_equal(folder.get("abc"), VALUES)
    assert clear(tmp_path) == 1
    assert folder.get("abc") is None
    assert (tmp_path / "mine.txt").exists()


def test_a_shortened_file_is_measured_again(tmp_path: Path) -> None:
    folder = store(tmp_path)
    folder.put("abc", VALUES)
    (kept,) = tmp_path.glob("*/*.f4")
    kept.write_bytes(kept.read_bytes()[:-3])
    assert folder.get("abc") is None


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, target: Path) -> Path:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="disk full"):
        store(tmp_path).put("abc", VALUES)
    assert not list(tmp_path.glob("*/*"))
