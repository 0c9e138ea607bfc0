"""The notebook of examples/: every cell runs, the two figures are shown, and what is committed replays nothing."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from intone import corpora

pytestmark = pytest.mark.xdist_group("keras")
TOUR = Path(__file__).parents[1] / "examples" / "tour.ipynb"
WORDS = 15
"""How many of TESS's two hundred words are enough to show the gap."""
CELL_SECONDS = 300
FIGURE = re.compile(r"^(.+): UA (\d+\.\d) %$", re.MULTILINE)


@pytest.fixture(scope="module")
def small_tess(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bool]:
    """Give a folder with a small TESS, and whether it is a part of the real one or sung by the tests."""
    try:
        whole: Path = request.getfixturevalue("corpora_root")
    except pytest.skip.Exception:
        sung: Path = request.getfixturevalue("sung_tess")
        return sung, False
    table = corpora.read("tess", whole)
    complete = table["sentence"].value_counts()
    kept = sorted(complete[complete == complete.max()].index)[:WORDS]
    root = tmp_path_factory.mktemp("part")
    for path in map(Path, table["path"][table["sentence"].isin(kept)]):
        copy = root / path.relative_to(whole)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    return root, True


@pytest.fixture(scope="module")
def walked(small_tess: tuple[Path, bool], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Give the notebook with the outputs of all its cells; one that fails raises here, and is named."""
    notebook = nbformat.read(TOUR, as_version=4)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("INTONE_CORPORA", str(small_tess[0]))
        environment.setenv("TMPDIR", str(tmp_path_factory.mktemp("runs")))
        environment.setenv("IPYTHONDIR", str(tmp_path_factory.mktemp("ipython")))  # nobody's own settings
        where = {"metadata": {"path": str(TOUR.parent)}}
        NotebookClient(notebook, timeout=CELL_SECONDS, kernel_name="python3", resources=where).execute()
    return notebook


def outputs(notebook: Any) -> list[Any]:
    return [output for cell in notebook.cells for output in cell.get("outputs", ())]


def printed(notebook: Any) -> str:
    return "".join(output["text"] for output in outputs(notebook) if output.get("name") == "stdout")


def test_no_cell_fails_and_sound_and_pictures_are_shown(walked: Any) -> None:
    assert all(cell["execution_count"] for cell in walked.cells if cell["cell_type"] == "code")
    assert not [output for output in outputs(walked) if output["output_type"] == "error"]
    shown = [output.get("data", {}) for output in outputs(walked)]
    assert sum("image/png" in data for data in shown) == 2
    assert sum("<audio" in data.get("text/html", "") for data in shown) == 1


def test_the_figure_of_unseen_speakers_stands_beside_that_of_the_random_split(
    walked: Any, small_tess: tuple[Path, bool]
) -> None:
    figures = {title: float(ua) for title, ua in FIGURE.findall(printed(walked))}
    unseen, seen = figures["unseen speaker (leave one out)"], figures["random split (speakers shared)"]
    gap = float(re.search(r"promises (-?\d+\.\d) points more", printed(walked))[1])  # type: ignore[index]
    assert gap == pytest.approx(seen - unseen, abs=0.11)
    if small_tess[1]:  # the tests sing each emotion alike in both voices, where the real speakers differ
        assert seen > unseen + 20


def test_the_tour_leaves_nothing_beside_itself(walked: Any) -> None:
    assert {path.name for path in TOUR.parent.iterdir() if path.suffix != ".flac"} == {"README.md", TOUR.name}


def test_what_is_committed_holds_no_outputs() -> None:
    stored = json.loads(TOUR.read_text(encoding="utf-8"))
    for cell in stored["cells"]:
        assert not cell.get("outputs"), f"clear the outputs of {cell['id']}: they may hold a corpus's sound"
        assert cell.get("execution_count") is None
        assert not cell.get("attachments")
    assert "base64" not in TOUR.read_text(encoding="utf-8")
    nbformat.validate(stored)
