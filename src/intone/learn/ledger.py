"""The ledger of scores: each recipe's run, kept small, and the page that is written from what is kept.

``make results`` carries out every recipe whose stored run is missing, lacks something or is of another recipe,
keeps of each run what its figures can be computed from again, and writes ``docs/results.md``. It may be stopped
and started again at any time.
"""

import json
import os
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from intone.hear.modelfile import SUFFIX
from intone.learn import page, place, quantise, run, stored
from intone.learn import recipe as recipes
from intone.learn.recipe import TrainingRecipe

KEPT = ("recipe.toml", "files.csv", "logits.npz", "metrics.json", "environment.json", "robustness.json")
KEPT_IF_THERE = (stored.VALIDATION, stored.BASELINES)
SHIPPED = ("intone-classic", "intone-tiny")
"""The recipes whose models ship."""
LARGEST = 8_000_000
"""Bytes of a model file that ships as it is."""


@dataclass(frozen=True)
class Places:
    """Where the ledger finds and leaves things.

    Attributes
    ----------
    recipes, corpora : pathlib.Path
        Folders of the training recipes, and of the corpora.
    runs : pathlib.Path
        Where whole runs are made; a stopped one is gone on with.
    results : pathlib.Path
        Where they are kept, small.
    models : pathlib.Path
        Where the model that ships lies.
    page, readme : pathlib.Path
        The page, and the README whose table stands between two marks.
    """

    recipes: Path
    corpora: Path
    runs: Path
    results: Path
    models: Path
    page: Path
    readme: Path


def update(places: Places) -> None:
    """Carry out the recipes that have no stored run, keep their runs, and write the page and the README's table."""
    began = time.monotonic()
    for path in sorted(places.recipes.glob("*.toml")):
        plan = recipes.read(path)
        if not is_kept(plan, places.results):
            out = places.runs / plan.name
            if out.exists():
                shutil.rmtree(out)
            run.train(plan, places.corpora, out, resume=place.partial_of(out).exists(), progress=_tell)
            if plan.name in SHIPPED:  # first: what is kept is not made again
                _ship(out / f"{plan.name}{SUFFIX}", places.models)
            keep(out, places.results / plan.name)
    write(places)
    print(f"Wrote {places.page}; it took {(time.monotonic() - began) / 3600:.2f} hours.")


def _ship(file: Path, models: Path) -> None:
    """Put a run's model file among those that ship; a large one in eight bits."""
    if file.stat().st_size > LARGEST:
        quantise.write(file, models / file.name)
    else:
        draft = models / f"{file.name}.new"
        shutil.copy(file, draft)
        draft.replace(models / file.name)


def write(places: Places) -> None:
    """Write the page and the README's table from the stored runs."""
    places.page.write_text(page.of(places.results), encoding="utf-8")
    readme = places.readme.read_text(encoding="utf-8")
    places.readme.write_text(page.with_table(readme, places.results), encoding="utf-8")


def _tell(what: str, done: int, total: int, remark: str) -> None:
    if done == total:
        print(f"{time.strftime('%H:%M:%S')} {what}: {done}/{total} {remark}", flush=True)


def is_kept(plan: TrainingRecipe, results: Path) -> bool:
    """Say whether the run of a recipe is stored with everything that runs store today."""
    kept = results / plan.name
    if not all((kept / name).exists() for name in KEPT):
        return False
    metrics = json.loads((kept / "metrics.json").read_text(encoding="utf-8"))
    # Validation logits have been stored since the number of parameters has, where there are any.
    return metrics["recipe_sha256"] == plan.sha256 and "parameters" in metrics


def keep(finished: Path, kept: Path) -> None:
    """Copy what a run's figures can be computed from; the folder appears whole or not at all."""
    draft = kept.with_name(kept.name + ".new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    for name in (*KEPT, *(name for name in KEPT_IF_THERE if (finished / name).exists())):
        shutil.copy(finished / name, draft / name)
    if kept.exists():
        shutil.rmtree(kept)
    draft.replace(kept)


def main() -> None:
    """Update the ledger of the clone that this is called in."""
    here = Path.cwd()
    corpora = os.environ.get("INTONE_CORPORA")
    if not corpora:
        sys.exit("make results: set INTONE_CORPORA to the folder that holds the corpora.")
    update(
        Places(
            recipes=here / "recipes",
            corpora=Path(corpora),
            runs=here / "runs",
            results=here / "results",
            models=here / "src" / "intone" / "models",
            page=here / "docs" / "results.md",
            readme=here / "README.md",
        )
    )
