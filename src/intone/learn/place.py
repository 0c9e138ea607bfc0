"""Where a run is made: the folder of an unfinished one, and what must be as it was for a run to go on with it."""

import tempfile
from pathlib import Path

import pandas as pd

from intone.errors import UsageError
from intone.learn.networks import backbone
from intone.learn.recipe import TrainingRecipe

RECIPE, FILES, BACKBONE = "recipe.toml", "files.csv", "backbone.sha256"


def partial_of(out: Path) -> Path:
    """Give the folder in which a run lives until it is finished."""
    return out.with_name(out.name + ".partial")


def check(recipe: TrainingRecipe, out: Path, *, resume: bool) -> None:
    """Refuse before the work what cannot end well: a run over another, or going on with another."""
    partial = partial_of(out)
    if out.exists():
        raise UsageError(f"{out}: a finished run is there already; name another folder with --out, or remove it.")
    if partial.exists() and not resume:
        raise UsageError(f"{partial}: a stopped run is there; go on with it by --resume, or remove it.")
    if resume and not partial.exists():
        raise UsageError(f"{partial}: there is no stopped run to resume.")
    begun_with = partial / RECIPE
    if resume and begun_with.read_text(encoding="utf-8") != recipe.text:
        raise UsageError(
            f"{begun_with}: the stopped run was made with another recipe; it cannot be gone on with by this one."
        )
    weights = partial / BACKBONE
    if resume and weights.exists() and weights.read_text(encoding="utf-8") != _digest(recipe):
        raise UsageError(
            f"{weights}: the stopped run was made with other weights of {recipe.network.options['backbone']}; "
            "it cannot be gone on with by these."
        )


def begun(recipe: TrainingRecipe, out: Path, files: pd.DataFrame) -> Path:
    """Make the folder of an unfinished run, or find that the one that is there is of the same recordings."""
    partial = partial_of(out)
    text = files.to_csv(index=False)
    if partial.exists():
        # Trained on one division of the recordings and tested on another, a run would hear its test before.
        if (partial / FILES).read_bytes() != text.encode():
            raise UsageError(
                f"{partial / FILES}: the corpora have changed since the run was stopped; remove it and train anew."
            )
        return partial
    partial.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=partial.parent) as folder:
        draft = Path(folder) / "run"
        draft.mkdir()
        (draft / RECIPE).write_text(recipe.text, encoding="utf-8")
        (draft / FILES).write_bytes(text.encode())
        if found := _digest(recipe):
            (draft / BACKBONE).write_text(found, encoding="utf-8")
        draft.replace(partial)
    return partial


def foundation(recipe: TrainingRecipe) -> dict[str, str]:
    """Say by their digest which pretrained weights a recipe stands on, if it does."""
    found = _digest(recipe)
    return {"backbone_sha256": found} if found else {}


def _digest(recipe: TrainingRecipe) -> str:
    """Give the digest of the pretrained weights that a recipe names; empty where it names none."""
    name = recipe.network.options.get("backbone")
    return backbone.digest(name) if name else ""
