"""Training and evaluation as a user meets them: the installed command, real processes, real kills."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sung import RECIPE

pytestmark = pytest.mark.xdist_group("keras")
INTONE = str(Path(sys.executable).with_name("intone"))


def intone(*words: str | Path, cwd: Path) -> "subprocess.CompletedProcess[str]":
    """Run the command; stopped after five minutes, should it hang."""
    return subprocess.run([INTONE, *map(str, words)], cwd=cwd, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def trained(sung_tess: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    (home / "sung.toml").write_text(RECIPE)
    done = intone("train", "sung.toml", "--corpora", sung_tess, cwd=home)
    assert done.returncode == 0, done.stderr
    assert "unseen speaker" in done.stdout
    assert "random split (speakers shared)" in done.stdout
    assert done.stdout.index("unseen speaker") < done.stdout.index("random split")
    return home / "runs" / "sung"


def test_training_says_where_the_run_is_and_shows_no_traceback(trained: Path, sung_tess: Path) -> None:
    again = intone("train", "../sung.toml", "--corpora", sung_tess, "--out", trained, cwd=trained.parent)
    assert again.returncode == 2
    assert "a finished run is there already" in again.stderr
    assert "Traceback" not in again.stderr


KILLED = """
import os, signal, sys
from pathlib import Path
from intone.learn import recipe, run
def progress(what, done, total, remark):
    if what.startswith("leave-one-speaker-out") and done == 2:
        os.kill(os.getpid(), signal.SIGKILL)
run.train(recipe.read("sung.toml"), Path(sys.argv[1]), Path("runs/sung"), progress=progress)
"""


def test_a_killed_run_leaves_nothing_finished_and_resumes_to_the_same_numbers(
    trained: Path, sung_tess: Path, tmp_path: Path
) -> None:
    (tmp_path / "sung.toml").write_text(RECIPE)
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(sung_tess)], cwd=tmp_path, capture_output=True, check=False
    )
    assert killed.returncode == -9
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["sung.partial"]
    refused = intone("predict", "x.wav", "--model", "runs/sung.partial", cwd=tmp_path)
    assert refused.returncode == 1
    assert "no model file" in refused.stderr
    resumed = intone("train", "sung.toml", "--corpora", sung_tess, "--resume", cwd=tmp_path)
    assert resumed.returncode == 0, resumed.stderr
    assert (tmp_path / "runs/sung/metrics.json").read_bytes() == (trained / "metrics.json").read_bytes()


def test_evaluating_tells_voices_that_are_new_from_those_that_are_not(trained: Path, sung_tess: Path) -> None:
    done = intone("evaluate", trained, "--corpus", "tess", "--corpora", sung_tess, "--json", cwd=trained)
    assert done.returncode == 0, done.stderr
    (part,) = json.loads(done.stdout)["parts"]
    assert part["voices"] == "speakers it was trained on"
    assert sum(score["support"] for score in part["per_class"].values()) == 112

    shipped = intone("evaluate", "intone-classic", "--corpus", "tess", "--corpora", sung_tess, cwd=trained)
    assert shipped.returncode == 0, shipped.stderr
    assert "unseen speakers" in shipped.stdout


def test_evaluating_fails_for_what_cannot_be_used_and_not_for_what_is_there_twice(
    sung_tess: Path, tmp_path: Path
) -> None:
    shutil.copytree(sung_tess, tmp_path / "corpora")
    folder = tmp_path / "corpora" / "tess" / "OAF_angry"
    words = ("evaluate", "intone-classic", "--corpus", "tess", "--corpora", tmp_path / "corpora", "--json")
    (folder / "again").mkdir()
    shutil.copy(folder / "OAF_back_angry.wav", folder / "again")
    shutil.copy(folder / "OAF_bar_angry.wav", folder / "OAF_base_angry.wav")
    twice = intone(*words, cwd=tmp_path)
    assert twice.returncode == 0, twice.stderr
    assert "has this name already" in twice.stderr
    assert "OAF_base_angry.wav: the same sound as" in twice.stderr
    found = json.loads(twice.stdout)
    assert (len(found["repeated"]), found["failed"]) == (2, [])
    assert sum(score["support"] for part in found["parts"] for score in part["per_class"].values()) == 111

    (folder / "OAF_bath_angry.wav").write_bytes(b"RIFF and nothing more")
    broken = intone(*words, cwd=tmp_path)
    assert broken.returncode == 1
    assert "intone: tess/OAF_angry/OAF_bath_angry.wav" in broken.stderr
    assert len(json.loads(broken.stdout)["failed"]) == 1
    (folder / "OAF_bath_angry.wav").unlink()
    (folder / "OAF_bean_angry.wav").rename(folder / "OAF_bean_bored.wav")
    misnamed = intone(*words, cwd=tmp_path)
    assert misnamed.returncode == 1
    assert "unknown emotion 'bored'" in misnamed.stderr


def test_evaluating_leaves_a_report_that_names_no_folder_of_this_machine(
    trained: Path, sung_tess: Path, tmp_path: Path
) -> None:
    out = tmp_path / "reports" / "tess"
    words = ("evaluate", trained, "--corpus", "tess", "--corpora", sung_tess, "--robustness", "--out", out)
    done = intone(*words, cwd=trained)
    assert done.returncode == 0, done.stderr
    assert "Answers that change" in done.stdout
    assert "20 dB louder" in done.stdout
    page = (out / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 10
    assert str(sung_tess) not in page
    assert str(trained.parent) not in page
    figures = json.loads((out / "figures.json").read_text())
    assert figures["tests"][0]["utterances"] == 112
    assert figures["robustness"]["utterances"] == 112
    again = intone(*words, cwd=trained)
    assert again.returncode == 2
    assert "name a new folder" in again.stderr


def test_training_leaves_a_report(trained: Path, sung_tess: Path) -> None:
    page = (trained / "report.html").read_text()
    assert page.index("unseen speaker (leave one out)") < page.index("random split (speakers shared)")
    assert "20 dB louder" in page
    assert page.count("data:image/png;base64,") == 10
    assert str(sung_tess) not in page
    assert ".partial" not in page


def test_runs_are_compared_with_unseen_speakers_first(trained: Path, tmp_path: Path) -> None:
    stored = Path(__file__).parents[2] / "results" / "tess-lstm"
    done = intone("models", "compare", trained, stored, "--csv", "a.csv", "--plot", "a.png", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.rindex("unseen speaker") < done.stdout.index("random split")
    assert "not comparable" in done.stderr
    assert "over its utterances" in done.stderr
    assert (tmp_path / "a.csv").read_text().startswith("protocol,")
    assert (tmp_path / "a.png").stat().st_size > 1000
    missing = intone("models", "compare", tmp_path, cwd=tmp_path)
    assert missing.returncode == 2
    assert "not a finished run" in missing.stderr
    assert "Traceback" not in missing.stderr


def test_a_run_folder_is_a_model(trained: Path, sung_tess: Path) -> None:
    sound = sung_tess / "tess" / "OAF_fear" / "OAF_bar_fear.wav"
    for model in (trained, trained / "model.keras", trained / "sung.intone.onnx"):
        done = intone("predict", sound, "--model", model, "--json", cwd=trained)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["model"] == "sung"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("train", "missing.toml"), "missing.toml"),
        (("train", "recipe.toml", "--corpora", "nowhere"), "nowhere"),
        (("evaluate", "intone-classik", "--corpus", "tess"), "Did you mean 'intone-classic'"),
        (("evaluate", "intone-classic", "--corpus", "tes", "--corpora", "."), "Did you mean 'tess'"),
    ],
)
def test_wrong_words_are_answered_in_a_sentence(tmp_path: Path, words: tuple[str, ...], says: str) -> None:
    (tmp_path / "recipe.toml").write_text(RECIPE)
    done = intone(*words, cwd=tmp_path)
    assert done.returncode in {1, 2}
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_without_the_learning_half_training_says_what_to_install(tmp_path: Path) -> None:
    blocked = tmp_path / "sitecustomize.py"
    blocked.write_text(
        "import sys, importlib.abc\n"
        "class Blocked(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in {'keras', 'tensorflow', 'sklearn', 'pandas'}:\n"
        "            raise ModuleNotFoundError(name, name=name)\n"
        "sys.meta_path.insert(0, Blocked())\n"
    )
    (tmp_path / "recipe.toml").write_text(RECIPE)
    done = subprocess.run(
        [INTONE, "train", "recipe.toml"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "pip install 'intone[learn]'" in done.stderr
    assert "Traceback" not in done.stderr
