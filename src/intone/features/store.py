"""Keeps what was extracted, so that the same sound is measured once: a folder of small files named by content."""

import hashlib
import os
import tempfile
from pathlib import Path

import numpy as np

from intone.features.frames import Floats
from intone.features.recipes import FeatureRecipe

READ_BYTES = 1 << 20


def default_folder() -> Path:
    """Give the user's cache folder for features, which INTONE_CACHE overrides."""
    named = os.environ.get("INTONE_CACHE")
    base = Path(named) if named else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "intone"
    return base / "features"


class Store:
    """Values by the sound's content, the recipe and Intone's version; a crash never leaves a broken one.

    Parameters
    ----------
    folder : pathlib.Path
        Made when the first value is kept.
    recipe : FeatureRecipe
        What the values are of.
    version : str
        Intone's: another version may measure otherwise.

    Examples
    --------
    >>> from intone.features.recipes import recipe
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = Store(Path(folder), recipe("mfcc40"), version="1.0")
    ...     key = store.key(Path(__file__))
    ...     store.put(key, np.ones(40, dtype=np.float32))
    ...     store.get(key).sum()
    np.float32(40.0)
    """

    def __init__(self, folder: Path, recipe: FeatureRecipe, *, version: str) -> None:
        self._folder = folder
        self._columns = len(recipe.names)
        self._salt = f"{version}\n{recipe.to_toml()}".encode()

    def key(self, path: Path) -> str:
        """Name a file by what it holds: a copy has the same key, an edited file another."""
        digest = hashlib.sha256(self._salt)
        with path.open("rb") as content:
            while part := content.read(READ_BYTES):
                digest.update(part)
        return digest.hexdigest()

    def get(self, key: str) -> Floats | None:
        """Give the values kept under a key, shape (columns,), or None."""
        path = self._path(key)
        if not path.exists():
            return None
        values = np.fromfile(path, dtype="<f4")
        # A full disk can shorten a file in ways that no rename prevents: such a one is measured again.
        return values.astype(np.float32) if len(values) == self._columns else None

    def put(self, key: str, values: Floats) -> None:
        """Keep values: written beside their place and moved there whole."""
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
        try:
            with os.fdopen(descriptor, "wb") as part:
                part.write(values.astype("<f4").tobytes())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.f4"


def clear(folder: Path) -> int:
    """Remove everything that was kept in a folder, and nothing else; tell how many files that was."""
    kept = [path for path in folder.glob("??/*") if path.suffix in (".f4", ".part")]
    for path in kept:
        path.unlink(missing_ok=True)
    return len(kept)
