"""The ledger of scores: each recipe's run, kept small, and the page that is written from what is kept.

``make results`` carries out every recipe whose stored run is missing or of another recipe, keeps of each run what its
figures can be computed from again, and writes ``docs/results.md``. It may be stopped and started again at any time.
"""

import json
import shutil
import time
from pathlib import Path
from typing import Any

from intone.learn import recipe as recipes
from intone.learn import run
from intone.learn.recipe import TrainingRecipe

MARKS = ("<!-- scores, written by make results -->", "<!-- end of scores -->")
KEPT = ("recipe.toml", "files.csv", "logits.npz", "metrics.json", "environment.json", "robustness.json")
HEAD = """# Results

Every figure on this page is computed from a stored run in `results/`: the recipe, who stood on which side, and the
logits of each test utterance. The test suite computes them again. `make results` makes the runs anew.

UA is the unweighted average recall: the mean of the emotions' recalls. ± is the standard deviation over the seeds. The
lines in bold are of voices that the model has never heard; a line that says *speakers shared* is what today's projects
report, and says nothing of a new voice.
"""


def update(recipe_folder: Path, results: Path, corpora: Path, runs: Path, page_path: Path, readme: Path) -> None:
    """Carry out what is missing, keep it, and write the page and the README's table.

    Parameters
    ----------
    recipe_folder : pathlib.Path
        Holds the training recipes.
    results : pathlib.Path
        Where the runs are kept, small.
    corpora : pathlib.Path
        Holds the corpora.
    runs : pathlib.Path
        Where whole runs are made; a stopped one is gone on with.
    page_path, readme : pathlib.Path
        The page, and the README whose table stands between two marks.
    """
    began = time.monotonic()
    for path in sorted(recipe_folder.glob("*.toml")):
        plan = recipes.read(path)
        if not _is_kept(plan, results):
            print(f"{plan.name} ...", flush=True)
            out = runs / plan.name
            if out.exists():
                shutil.rmtree(out)
            run.train(plan, corpora, out, resume=run.partial_of(out).exists())
            keep(out, results / plan.name)
    page_path.write_text(page(results), encoding="utf-8")
    readme.write_text(with_table(readme.read_text(encoding="utf-8"), results), encoding="utf-8")
    print(f"Wrote {page_path}; it took {(time.monotonic() - began) / 3600:.2f} hours.")


def _is_kept(plan: TrainingRecipe, results: Path) -> bool:
    stored = results / plan.name / "metrics.json"
    return stored.exists() and json.loads(stored.read_text(encoding="utf-8"))["recipe_sha256"] == plan.sha256


def keep(finished: Path, kept: Path) -> None:
    """Copy what a run's figures can be computed from; the folder appears whole or not at all."""
    draft = kept.with_name(kept.name + ".new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    for name in KEPT:
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
                    f"| {metrics['name']} | {name}, {entry['title']} | {voices} | {100 * part['ua']:.1f} | "
                    f"{100 * part['accuracy']:.1f} |"
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
            f"{_spread(mean['accuracy'], deviation['accuracy'])} | {100 * mean['f1']:.1f} | {utterances} | {seeds} |"
        )
        for parts in (entry["corpora"], entry["folds"]):
            if len(parts) > 1:
                lines += [
                    f"| | {name} | {100 * part['ua']:.1f} | {100 * part['accuracy']:.1f} | {100 * part['f1']:.1f} | "
                    f"{part['utterances']} | {seeds} |"
                    for name, part in parts.items()
                ]
    lines += [f"\nLeft out: {count} utterances labelled {label}." for label, count in metrics["dropped"].items()]
    lines += [f"\nLeft out: {sentence}" for sentence in metrics["left_out"]]
    if "tess" in metrics["protocols"][0]["corpora"]:
        lines.append("\nTESS's two speakers say the same 200 words: no figure on it is of an unseen sentence.")
    return "\n".join(lines) + "\n"


def _spread(mean: float, deviation: float) -> str:
    return f"{100 * mean:.1f} ± {100 * deviation:.1f}"


if __name__ == "__main__":
    import os

    here = Path.cwd()
    update(
        here / "recipes",
        here / "results",
        Path(os.environ["INTONE_CORPORA"]),
        here / "runs",
        here / "docs" / "results.md",
        here / "README.md",
    )
