"""What a corpus's names leave out is told by a training's data set and by a trial, and stops neither."""

import shutil
from pathlib import Path

import pytest

from intone import corpora
from intone.learn import candidate, dataset, run, trial
from intone.learn.recipe import TrainingRecipe

pytestmark = pytest.mark.xdist_group("keras")


@pytest.fixture
def untidy(sung_tess: Path, tmp_path: Path) -> Path:
    """Give the sung corpus with a recording under its name again, and one under a name that means nothing."""
    root = tmp_path / "corpora"
    shutil.copytree(sung_tess, root)
    first, second, *_ = sorted(path for path in root.rglob("OAF_*") if path.is_file())
    (first.parent / "again").mkdir()
    shutil.copy(first, first.parent / "again" / first.name)
    shutil.copy(second, second.with_stem("OAF_back_bored"))
    return root


def test_both_tell_what_was_left_out(untidy: Path, sung_tess: Path, small_recipe: TrainingRecipe) -> None:
    heard = dataset.load(small_recipe, untidy)
    assert heard.table["path"].tolist() == dataset.load(small_recipe, sung_tess).table["path"].tolist()
    scored = trial.run(candidate.load("intone-classic"), "tess", untidy)
    assert (len(scored.failed), len(scored.repeated)) == (1, 1)
    for told in (heard.left_out, (*scored.failed, *scored.repeated)):
        assert len(told) == 2
        assert "unknown emotion 'bored'" in told[0]
        assert "only the first is kept" in told[1]
        assert not any(str(untidy) in sentence for sentence in told)  # the same on every machine


def test_a_model_may_be_sold_only_where_every_corpus_allows_it() -> None:
    used = [corpora.describe(name) for name in ("crema-d", "ased")]
    assert "non-commercial" not in run._licence(used[:1])
    assert run._licence(used).startswith("For non-commercial use only")
    assert "Crowd-sourced" not in run._licence(used)
    assert "MIT" in run._licence(used[:1], "openai/whisper-tiny.en")
    assert "Whisper" not in run._licence(used)
