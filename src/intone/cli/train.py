"""``intone train``: from a training recipe to a run folder."""

from pathlib import Path
from typing import Annotated, Any

import typer

from intone.cli.console import bars, needs_learning, table, tell
from intone.errors import counted

HELP = """Train the model that a recipe describes, and test it as the recipe says.

Leaves a run folder: recipe, file lists, history, metrics, report.html, curves, model.keras and the model file.
A run that is stopped leaves NAME.partial, and --resume goes on with it to the same numbers.

[bold]Examples[/bold]

  intone train recipes/tess-lstm.toml --corpora ~/corpora

  intone train recipes/tess-lstm.toml --resume
"""


def train(
    recipe: Annotated[Path, typer.Argument(help="The training recipe, a TOML file.")],
    corpora: Annotated[Path, typer.Option(envvar="INTONE_CORPORA", help="The folder that holds the corpora.")] = Path(
        "corpora"
    ),
    out: Annotated[Path | None, typer.Option(help="The run folder; runs/NAME where left out.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a stopped run.")] = False,
) -> None:
    """See HELP, which stands in the command's --help."""
    from intone.learn import recipe as recipes

    plan = recipes.read(recipe)  # a slip in it is told at once; the learning half takes seconds to load
    needs_learning("intone train")
    from intone.learn import place, run

    target = out or Path("runs") / plan.name
    try:
        with bars(logged=True) as progress:
            metrics = run.train(plan, corpora, target, resume=resume, progress=progress)
    except KeyboardInterrupt:
        tell(f"Stopped. What was done is in {place.partial_of(target)}; --resume goes on with it.")
        raise
    _report(metrics, target)


train.__doc__ = HELP


def _report(metrics: dict[str, Any], target: Path) -> None:
    rows = []
    for entry in metrics["protocols"]:
        mean, deviation = entry["mean"], entry["deviation"]
        seeds = len(entry["seeds"])
        rows.append([entry["title"], "", f"{mean['ua']:.1%} ± {deviation['ua']:.1%}",
                     f"{mean['accuracy']:.1%} ± {deviation['accuracy']:.1%}", f"{mean['f1']:.1%}", seeds])  # fmt: skip
        if len(entry["corpora"]) > 1:
            rows += [["", corpus, f"{score['ua']:.1%}", f"{score['accuracy']:.1%}", f"{score['f1']:.1%}", seeds]
                     for corpus, score in entry["corpora"].items()]  # fmt: skip
        if len(entry["folds"]) > 1:
            rows += [["", fold, f"{score['ua']:.1%}", f"{score['accuracy']:.1%}", f"{score['f1']:.1%}", seeds]
                     for fold, score in entry["folds"].items()]  # fmt: skip
    headings = ["Protocol", "Tested on", "UA", "Accuracy", "F1", "Seeds"]
    table(headings, rows, title=metrics["name"], right=(2, 3, 4, 5))
    for label, count in metrics["dropped"].items():
        tell(f"Left out: {counted(count, 'utterance')} labelled {label}, which is outside the labels of the recipe.")
    for sentence in metrics["left_out"]:
        tell(f"Left out: {sentence}")
    tell(f"The run is in {target}; its report is {target / 'report.html'}")
