"""What every test may ask for."""

import os
import signal
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings

from intone.learn import recipe as recipes
from intone.learn.recipe import TrainingRecipe
from tests.sung import RECIPE, sing

NO_CORPORA = "the real corpora are not here"

# Two processes that fill one cache of Numba's mix their halves of a function, and the next call of it crashes
# (numba issue 10128): each worker has its own, before librosa is imported.
os.environ["NUMBA_CACHE_DIR"] = str(
    Path(__file__).parents[1] / ".pytest_cache" / f"numba-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
)

# A shell without a terminal starts what it puts in the background deaf to Ctrl-C, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


# Hypothesis would fail an example that takes over 200 ms, which says nothing of the code on a busy machine, and would
# try others each time, so that what fails somewhere passes elsewhere.
settings.register_profile("no clock", deadline=None, derandomize=True)
settings.load_profile("no clock")


@pytest.fixture(scope="session")
def corpora_root() -> Path:
    """Give the folder of the real corpora; tests that ask for it are skipped, and counted, where it is absent."""
    root = Path(os.environ.get("INTONE_CORPORA") or "../shared/corpora")
    if not root.is_dir():
        pytest.skip(f"{NO_CORPORA} ({root}); set INTONE_CORPORA")
    return root.resolve()


@pytest.fixture(scope="session")
def examples() -> Path:
    """Give the folder of recordings that may be shipped."""
    return Path(__file__).parents[1] / "examples"


@pytest.fixture(scope="session")
def sung_tess(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of a corpus that the tests sing themselves; see :mod:`tests.sung`."""
    root = tmp_path_factory.mktemp("corpora")
    sing(root)
    return root


@pytest.fixture(scope="session")
def small_recipe() -> TrainingRecipe:
    """Give a recipe that trains on the sung corpus in seconds."""
    return recipes.parse(RECIPE)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure where INTONE_SKIPS=fail says so, as CI does: what is missing there was to be there.

    The real corpora alone may be absent: their licences do not let every machine have them.
    """
    report = yield
    if report.skipped and os.environ.get("INTONE_SKIPS") == "fail" and NO_CORPORA not in str(report.longrepr):
        report.outcome = "failed"
    return report
