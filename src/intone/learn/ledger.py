"""The ledger of scores: each recipe's run, kept small, and the page that is written from what is kept.

``make results`` carries out every recipe whose stored run is missing or of another recipe, keeps of each run what its
figures can be computed from again, and writes ``docs/results.md``. It may be stopped and started again at any time.
"""

import json
import os
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from intone.hear.modelfile import DEFAULT, SUFFIX
from intone.learn import recipe as recipes
from intone.learn import run, stored
from intone.learn.recipe import TrainingRecipe

MARKS = ("<!-- scores, written by make results -->", "<!-- end of scores -->")
KEPT = ("recipe.toml", "files.csv", "logits.npz", "metrics.json", "environment.json", "robustness.json")
KEPT_IF_THERE = (stored.VALIDATION,)
HEAD = """# Results

Every figure on this page is computed from a stored run in `results/`: the recipe, who stood on which side, and the
logits of each test utterance. The test suite computes them again. `make results` makes the runs anew.

UA is the unweighted average recall: the mean of the emotions' recalls. ± is the standard deviation over the seeds. The
lines in bold are of voices that the model has never heard; a line that says *speakers shared* is what today's projects
report, and says nothing of a new voice.
"""


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
        if not _is_kept(plan, places.results):
            out = places.runs / plan.name
            if out.exists():
                shutil.rmtree(out)
            run.train(plan, places.corpora, out, resume=run.partial_of(out).exists(), progress=_tell)
            keep(out, places.results / plan.name)
            if plan.name == DEFAULT:
                shutil.copy(out / f"{DEFAULT}{SUFFIX}", places.models / f"{DEFAULT}{SUFFIX}")
    write(places)
    print(f"Wrote {places.page}; it took {(time.monotonic() - began) / 3600:.2f} hours.")


def write(places: Places) -> None:
    """Write the page and the README's table from the stored runs."""
    places.page.write_text(page(places.results), encoding="utf-8")
    places.readme.write_text(with_table(places.readme.read_text(encoding="utf-8"), places.results), encoding="utf-8")


def _tell(what: str, done: int, total: int, remark: str) -> None:
    if done == total:
        print(f"{time.strftime('%H:%M:%S')} {what}: {done}/{total} {remark}", flush=True)


def _is_kept(plan: TrainingRecipe, results: Path) -> bool:
    stored = results / plan.name / "metrics.json"
    return stored.exists() and json.loads(stored.read_text(encoding="utf-8"))["recipe_sha256"] == plan.sha256


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


def page(results: Path) -> str:
    """Write the page of all stored runs, as Markdown."""
    return "\n".join([HEAD, *(_section(entry) for entry in _stored(results))])


def with_table(text: str, results: Path) -> str:
    """Put the table of all stored runs between the README's two marks.

    Raises
    ------
    ValueError
        The marks are not there.
    """
    before, rest = text.split(MARKS[0])
    _, after = rest.split(MARKS[1])
    rows = ["| recipe | tested on | voices | UA % | accuracy % |", "|---|---|---|---|---|"]
    for metrics in _stored(results):
        for entry in metrics["protocols"]:
            voices = "heard before" if entry["leaks_speakers"] else "**never heard**"
            for name, part in entry["corpora"].items():
                rows.append(
                    f"| {metrics['name']} | {name}, {entry['title']} | {voices} | {100 * part['ua']:.2f} | "
                    f"{100 * part['accuracy']:.2f} |"
                )
    return before + MARKS[0] + "\n" + "\n".join(rows) + "\n" + MARKS[1] + after


def _stored(results: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(results.glob("*/metrics.json"))]


def _section(metrics: dict[str, Any]) -> str:
    lines = [
        f"## {metrics['name']}\n",
        f"Recipe `recipes/{metrics['name']}.toml` (SHA-256 `{metrics['recipe_sha256'][:12]}…`), "
        f"{metrics['utterances']} utterances, {len(metrics['labels'])} emotions.\n",
        "| protocol | tested on | UA % | accuracy % | F1 % | utterances | seeds |",
        "|---|---|---|---|---|---|---|",
    ]
    for entry in metrics["protocols"]:
        mean, deviation, seeds = entry["mean"], entry["deviation"], len(entry["seeds"])
        title = entry["title"] if entry["leaks_speakers"] else f"**{entry['title']}**"
        utterances = sum(part["utterances"] for part in entry["folds"].values())
        lines.append(
            f"| {title} | all | {_spread(mean['ua'], deviation['ua'])} | "
            f"{_spread(mean['accuracy'], deviation['accuracy'])} | {100 * mean['f1']:.2f} | {utterances} | {seeds} |"
        )
        for parts in (entry["corpora"], entry["folds"]):
            if len(parts) > 1:
                lines += [
                    f"| | {name} | {100 * part['ua']:.2f} | {100 * part['accuracy']:.2f} | {100 * part['f1']:.2f} | "
                    f"{part['utterances']} | {seeds} |"
                    for name, part in parts.items()
                ]
    lines += [f"\nLeft out: {count} utterances labelled {label}." for label, count in metrics["dropped"].items()]
    lines += [f"\nLeft out: {sentence}" for sentence in metrics["left_out"]]
    if "tess" in metrics["protocols"][0]["corpora"]:
        lines.append("\nTESS's two speakers say the same 200 words: no figure on it is of an unseen sentence.")
    return "\n".join(lines) + "\n"


def _spread(mean: float, deviation: float) -> str:
    return f"{100 * mean:.2f} ± {100 * deviation:.2f}"


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
