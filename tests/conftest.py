"""What all tests share."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def corpora_root() -> Path:
    """Give the real corpora; tests that need them are skipped, and counted, where they are absent."""
    root = Path(os.environ.get("INTONE_CORPORA") or Path(__file__).parents[2] / "shared" / "corpora")
    if not root.is_dir():
        pytest.skip(f"the real corpora are not at {root}; name their folder in INTONE_CORPORA")
    return root
