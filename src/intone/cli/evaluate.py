"""``intone evaluate``: what a model is worth on a corpus."""

import json
from pathlib import Path
from typing import Annotated

import typer

from intone.cli.console import complain, needs_learning, progress, table, tell

HELP = """Test a model on a corpus: the voices that it has never heard first.

Speakers that the model was trained on are scored apart, because their figure says nothing of a new voice.

[bold]Examples[/bold]

  intone evaluate runs/tess-lstm --corpus ravdess --corpora ~/corpora

  intone evaluate intone-classic --corpus emovo --json
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
    as_json: Annotated[bool, typer.Option("--json", help="All figures as JSON.")] = False,
) -> None:
    """See HELP, which stands in the command's --help."""
    needs_learning("intone evaluate")
    from intone.hear import recogniser
    from intone.learn import trial

    hearing = recogniser.load(model)
    found = trial.run(
        hearing, corpus, corpora, calm_is_neutral=calm_is_neutral, through=lambda items: progress(items, "Listening")
    )
    if as_json:
        print(json.dumps(found.to_dict(), indent=1))
    else:
        for part in found.parts:
            summary = f"UA {part.metrics.ua:.1%}, accuracy {part.metrics.accuracy:.1%}, unsure {part.unsure:.1%}"
            rows = [
                [label, f"{s.precision:.1%}", f"{s.recall:.1%}", f"{s.f1:.1%}", s.support]
                for label, s in part.metrics.per_class.items()
            ]
            rows.append(["macro", f"{part.metrics.precision:.1%}", f"{part.metrics.ua:.1%}", f"{part.metrics.f1:.1%}",
                         part.utterances])  # fmt: skip
            table(
                ["Emotion", "Precision", "Recall", "F1", "Utterances"],
                rows,
                title=f"{hearing.card.name} on {corpus}, {part.title} ({part.speakers}): {summary}",
                right=(1, 2, 3, 4),
            )
    for label, count in found.dropped.items():
        tell(f"Left out: {count} utterances labelled {label}, which is outside the seven.")
    for sentence in found.left_out:
        complain(sentence)
    if found.left_out:
        raise typer.Exit(1)


evaluate.__doc__ = HELP
