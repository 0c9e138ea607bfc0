"""``intone evaluate``: what a model is worth on a corpus."""

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from intone import corpora as known
from intone.cli.console import complain, needs_learning, progress, table, tell
from intone.errors import UsageError
from intone.hear import modelfile

if TYPE_CHECKING:
    from intone.learn.trial import Trial

HELP = """Test a model on a corpus: the voices that it has never heard first.

Speakers that the model was trained on are scored apart, because their figure says nothing of a new voice. With --out
it leaves a folder with report.html, which needs no network, and all figures as figures.json.

Ends with 1 where a recording cannot be used. What is stored twice, or labelled with what the model cannot answer, is
told, and is no failure.

[bold]Examples[/bold]

  intone evaluate runs/tess-lstm --corpus ravdess --corpora ~/corpora

  intone evaluate intone-classic --corpus emovo --json

  intone evaluate intone-classic --corpus emovo --robustness --out reports/emovo
"""


def evaluate(
    model: Annotated[str, typer.Argument(help="A run folder, a model file, or a model's name.")],
    corpus: Annotated[str, typer.Option(help="The corpus, as 'intone corpora list' names it.")],
    corpora: Annotated[
        Path, typer.Option(envvar="INTONE_CORPORA", help="The corpus's folder, or the folder that holds the corpora.")
    ] = Path("corpora"),
    calm_is_neutral: Annotated[
        bool, typer.Option("--calm-is-neutral", help="Count RAVDESS's calm as neutral.")
    ] = False,
    robustness: Annotated[
        bool,
        typer.Option("--robustness", help="Try it in noise, over the telephone, in a room and at other levels too."),
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Leave the report in this new folder.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="All figures as JSON.")] = False,
) -> None:
    """See HELP, which stands in the command's --help."""
    modelfile.find(model)  # a slip is told at once; the learning half takes seconds to load
    known.describe(corpus)
    needs_learning("intone evaluate")
    from intone.learn import candidate, report, trial

    if out is not None and out.exists():
        raise UsageError(f"{out}: this is there already; name a new folder with --out, or remove it.")
    found = trial.run(
        candidate.load(model),
        corpus,
        corpora,
        calm_is_neutral=calm_is_neutral,
        robust=robustness,
        through=lambda items: progress(items, "Listening"),
    )
    if out is not None:
        words = ["intone", "evaluate", Path(model).name, "--corpus", corpus, "--corpora", "CORPORA"]
        words += ["--calm-is-neutral"] * calm_is_neutral + ["--robustness"] * robustness
        out.mkdir(parents=True)
        report.write(found.content(command=shlex.join(words)), out)
        tell(f"The report is {out / report.NAME}")
    if as_json:
        print(json.dumps(found.to_dict(), indent=1))
    else:
        _show(found)
    for label, count in found.dropped.items():
        tell(f"Left out: {count} utterances labelled {label}, which the model cannot answer.")
    for sentence in found.repeated:
        tell(f"Left out: {sentence}")
    for sentence in found.failed:
        complain(sentence)
    if found.failed:
        raise typer.Exit(1)


evaluate.__doc__ = HELP


def _show(found: "Trial") -> None:
    for part in found.parts:
        metrics, interval = part.metrics, part.figures.intervals.ua
        summary = (
            f"UA {metrics.ua:.1%} ({interval.low:.1%} to {interval.high:.1%}), accuracy {metrics.accuracy:.1%}, "
            f"ECE {part.figures.calibration.ece:.3f}, unsure {part.unsure:.1%}"
        )
        rows = [
            [label, f"{s.precision:.1%}", f"{s.recall:.1%}", f"{s.f1:.1%}", s.support]
            for label, s in metrics.per_class.items()
        ]
        weighted = metrics.weighted
        rows.append(["macro", f"{metrics.precision:.1%}", f"{metrics.ua:.1%}", f"{metrics.f1:.1%}", part.utterances])
        rows.append(["weighted", f"{weighted.precision:.1%}", f"{weighted.recall:.1%}", f"{weighted.f1:.1%}",
                     part.utterances])  # fmt: skip
        table(
            ["Emotion", "Precision", "Recall", "F1", "Utterances"],
            rows,
            title=f"{found.card.name} on {found.corpus}, {part.title} ({part.speakers}): {summary}",
            right=(1, 2, 3, 4),
        )
        if part.figures.masked:
            masked = part.figures.masked
            print(f"If only {masked.allowed} could be answered: UA {masked.ua:.1%}, "
                  f"accuracy {masked.accuracy:.1%}")  # fmt: skip
        for caveat in part.figures.caveats:
            tell(f"{part.title}: {caveat}")
    if found.robustness:
        table(
            ["Sound", "UA", "Accuracy", "Answers that change"],
            [[row.condition, f"{row.ua:.1%}", f"{row.accuracy:.1%}", f"{row.changed:.1%}"]
             for row in found.robustness.rows],
            title=f"Robustness: {found.robustness.utterances} utterances, {found.robustness.tested_on}",
            right=(1, 2, 3),
        )  # fmt: skip
        for sentence in found.robustness.missing:
            tell(sentence)
