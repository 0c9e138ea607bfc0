"""``intone models``: what there is to hear with, and what each model says of itself."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from intone.cli.console import needs_learning, table, tell

if TYPE_CHECKING:
    from intone.hear.modelfile import Card

app = typer.Typer(help="List the models that ship, show a model's card, and compare runs.", no_args_is_help=True)


def _cards(name: str) -> "Card":
    from intone.hear import loading

    return loading.load(name).card


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
                "yes" if card.baselines else "no",
                card.licence,
            ]
        )
    table(["Model", "", "Size", "Trained on", "UA on unseen speakers", "Baselines", "Licence"], rows)


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
    bound = f"temperature {card.temperature:.2f}, unsure below {card.threshold:.0%}"
    if card.temperature_beside:
        bound += f"; beside a baseline {card.temperature_beside:.2f} and {card.threshold_beside:.0%}"
    sure = f"on {card.calibrated_on}" if card.calibrated_on else "not fitted; the defaults"
    table(
        ["", ""],
        [
            ["Licence", card.licence],
            ["Labels", ", ".join(card.labels)],
            ["Input", f"{card.input} at {card.rate} Hz"],
            ["Trained on", ", ".join(f"{name} ({licence})" for name, licence in card.corpora.items())],
            ["Confidence", f"{bound}; {sure}"],
            ["Baselines", "can be told what a speaker sounds like otherwise" if card.baselines else "knows none"],
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


@app.command("compare")
def compare(
    runs: Annotated[list[Path], typer.Argument(help="Run folders, as 'intone train' leaves them.")],
    csv: Annotated[Path | None, typer.Option(help="Write the table, with full precision, into this file.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw it into this file: .png, .svg or .pdf.")] = None,
    fuse: Annotated[bool, typer.Option("--fuse", help="Add what the mean of all the runs' answers scores.")] = False,
) -> None:
    """Set the tests of runs beside one another, those on unseen speakers first, with 95 % intervals.

    [bold]Examples[/bold]

      intone models compare runs/tess-lstm runs/tess-svm

      intone models compare runs/* --csv runs.csv --plot runs.png

      intone models compare runs/ravdess-cnn2d runs/ravdess-dnn --fuse
    """
    needs_learning("intone models compare")
    from intone.learn import compare as comparisons

    found = comparisons.of(runs, fuse=fuse)
    if csv is not None:
        comparisons.write_csv(found, csv)
    if plot is not None:
        comparisons.plot(found, plot)
    table(
        ["Protocol", "Run", "UA", "95 % interval", "Accuracy", "95 % interval", "F1", "ECE", "Utterances", "Speakers",
         "Seeds", "Classes"],
        [
            [line.title, line.run, f"{line.ua:.1%}", f"{line.ua_low:.1%} to {line.ua_high:.1%}",
             f"{line.accuracy:.1%}", f"{line.accuracy_low:.1%} to {line.accuracy_high:.1%}", f"{line.f1:.1%}",
             f"{line.ece:.3f}", line.utterances, line.speakers, line.seeds, len(line.classes.split())]
            for line in found.lines
        ],
        title="Unseen speakers first",
        right=range(2, 12),
    )  # fmt: skip
    over_utterances = sorted({line.run for line in found.lines if line.over == "utterances"})
    if over_utterances:
        tell(
            f"Where a test has fewer than six speakers, the intervals of {', '.join(over_utterances)} are over its "
            "utterances, and say nothing of other voices."
        )
    for remark in found.remarks:
        tell(remark)
