"""What all tests share: the place of the real corpora."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def corpora_root() -> Path:
    """Folder of the real corpora; the test is skipped where it is absent."""
    root = Path(os.environ.get("INTONE_CORPORA") or "../shared/corpora")
    if not root.is_dir():
        pytest.skip(f"no corpora at {root}; set INTONE_CORPORA")
    return root
