"""``intone models``: what there is to hear with, and what each model says of itself."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from intone.cli.console import table

if TYPE_CHECKING:
    from intone.hear.modelfile import Card

app = typer.Typer(help="List the models that ship, and show a model's card.", no_args_is_help=True)


def _cards(name: str) -> "Card":
    from intone.hear import recogniser

    return recogniser.load(name).card


@app.command("list")
def show_all() -> None:
    """List the models that ship with Intone.

    [bold]Example[/bold]

      intone models list
    """
    from intone.hear import modelfile

    rows = []
    for name, path in modelfile.shipped().items():
        card = _cards(name)
        unseen = ", ".join(f"{score.corpora} {score.ua:.1%}" for score in card.scores if not score.leaks_speakers)
        default = "default" if name == modelfile.DEFAULT else ""
        rows.append(
            [
                name,
                default,
                f"{path.stat().st_size / 1e6:.1f} MB",
                ", ".join(card.corpora),
                unseen or "not measured",
                card.licence,
            ]
        )
    table(["Model", "", "Size", "Trained on", "UA on unseen speakers", "Licence"], rows)


@app.command("show")
def show(
    model: Annotated[str, typer.Argument(help="A model's name, a model file, or a run folder.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="The card as JSON.")] = False,
) -> None:
    """Show a model's card: licence, honest scores, what it hears and what it was trained on.

    [bold]Examples[/bold]

      intone models show

      intone models show runs/tess-lstm --json
    """
    from intone.hear import modelfile

    card = _cards(model or modelfile.DEFAULT)
    if as_json:
        print(json.dumps(asdict(card), indent=1))
        return
    sure = f"on {card.calibrated_on}" if card.calibrated_on else "not fitted; the defaults"
    table(
        ["", ""],
        [
            ["Licence", card.licence],
            ["Labels", ", ".join(card.labels)],
            ["Input", f"{card.input} at {card.rate} Hz"],
            ["Trained on", ", ".join(f"{name} ({licence})" for name, licence in card.corpora.items())],
            ["Confidence", f"temperature {card.temperature:.2f}, unsure below {card.threshold:.0%}; {sure}"],
            ["Recipe", f"SHA-256 {card.recipe_sha256[:16]}…"],
        ],
        title=f"{card.name}",
    )
    table(
        ["Protocol", "Tested on", "UA", "Accuracy", "Utterances", "Speakers", "Heard before?"],
        [
            [s.protocol, s.corpora, f"{s.ua:.1%}", f"{s.accuracy:.1%}", s.utterances, s.speakers,
             "yes: says nothing of a new voice" if s.leaks_speakers else "no"]
            for s in card.scores
        ],
        title="Scores",
        right=(2, 3, 4, 5),
    )  # fmt: skip
