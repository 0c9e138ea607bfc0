"""The commands, gathered. Each lives in a module of its own and imports what is heavy when it runs."""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from intone.cli import (
    baseline,
    batch,
    corpora,
    evaluate,
    export,
    features,
    keys,
    live,
    models,
    predict,
    rank,
    serve,
    store,
    summary,
    timeline,
    train,
)


class Commands(TyperGroup):
    """Commands, some with a name of two words: ``features rank`` stands beside ``features FILES``."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that the first words name, two words before one."""
        if " ".join(args[:2]) in self.commands:
            args = [" ".join(args[:2]), *args[2:]]
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=Commands,
    name="intone",
    help="Hear how it was said: which of seven emotions speech carries, and how sure that is.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Examples: intone predict call.wav, and intone COMMAND --help for those of each command.",
)
app.command("predict")(predict.predict)
app.command("live")(live.live)
app.command("timeline")(timeline.timeline)
app.command("baseline")(baseline.baseline)
app.command("batch")(batch.batch)
app.command("train")(train.train)

app.command("evaluate")(evaluate.evaluate)
app.command("export")(export.export)
app.command("features")(features.features)
app.command("features rank")(rank.rank)
app.command("serve")(serve.serve)
app.command("summary")(summary.summary)
app.add_typer(keys.app, name="keys", epilog="Example: intone keys create dashboard")
app.add_typer(store.app, name="store", epilog="Example: intone store export --out kept.jsonl")
app.add_typer(models.app, name="models", epilog="Example: intone models show")
app.add_typer(
    corpora.app, name="corpora", epilog="Examples: intone corpora list, then intone corpora get ravdess --to corpora"
)


def _version(wanted: bool) -> None:
    if wanted:
        from intone import __version__

        typer.echo(f"intone {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and leave.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    pass
