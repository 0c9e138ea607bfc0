"""What every test may ask for."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def corpora_root() -> Path:
    """Give the folder of the real corpora; tests that ask for it are skipped, and counted, where it is absent."""
    root = Path(os.environ.get("INTONE_CORPORA") or "../shared/corpora")
    if not root.is_dir():
        pytest.skip(f"the real corpora are not here ({root}); set INTONE_CORPORA")
    return root.resolve()


@pytest.fixture(scope="session")
def examples() -> Path:
    """Give the folder of recordings that may be shipped."""
    return Path(__file__).parents[1] / "examples"
