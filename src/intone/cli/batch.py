"""``intone batch``: an archive of recordings as Parquet tables."""

import contextlib
import re
import sys
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from intone.cli import SOME_FAILED, options
from intone.cli.console import as_json as json_line
from intone.cli.console import clock, complain, say, tell
from intone.cli.timeline import Channels
from intone.errors import UsageError, counted
from intone.paths import is_file

if TYPE_CHECKING:
    from intone.archive.run import Progress

INTERRUPTED = 130
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")  # of whose two slashes a Path keeps one
NAMED = 10
"""So many errors are named on standard error; all are in the table."""
HELP = """Hear an archive of recordings, and write what was heard into Parquet tables.

Folders, globs, files, manifests (.csv or .parquet with a column 'path', and speaker, agent, queue and time where they
are known) and URLs (s3://, gs://). What was finished is kept whatever ends the command, and the same command goes on.

[bold]Examples[/bold]

  intone batch recordings/ --out results/

  intone batch calls.csv --out results/ --timeline --channels separate

  intone batch calls.csv --out results/ --baselines by=speaker

  intone batch s3://bucket/calls/ --out results/ --workers 8 --json

  RAY_ADDRESS=10.0.0.1:6379 intone batch s3://bucket/calls/ --out results/ --engine ray
"""


class Engine(StrEnum):
    """Who hears."""

    LOCAL = "local"
    RAY = "ray"


def batch(
    sources: Annotated[list[str], typer.Argument(help="Folders, globs, recordings, manifests, or URLs of them.")],
    out: Annotated[Path, typer.Option(help="The folder of the tables; made where it is not there.")],
    model: Annotated[str, typer.Option(help="A model's name, a model file, or a run folder.")] = "",
    timeline: Annotated[
        bool, typer.Option("--timeline", help="Follow each recording over time; otherwise it gets one answer.")
    ] = False,
    channels: Annotated[
        Channels, typer.Option(help="Mix the channels, or take each for a voice of its own, as in calls.")
    ] = Channels.MIXED,
    hindsight: Annotated[
        bool, typer.Option("--hindsight", help="Answer all of a recording anew at its end, with what came later.")
    ] = False,
    baselines: Annotated[
        str,
        typer.Option(
            help="Hear each beside what its speaker sounds like otherwise; which column of the manifest says who.",
            metavar="by=COLUMN",
        ),
    ] = "",
    prior: Annotated[
        str, typer.Option(help="How often emotions occur where the recordings come from, such as neutral=0.8.")
    ] = "",
    workers: Annotated[int, typer.Option(min=0, help="How many processes hear; 0 for one for each core.")] = 0,
    engine: Annotated[
        Engine, typer.Option(help="Who hears: processes of this machine, or those of a Ray cluster.")
    ] = Engine.LOCAL,
    verify: Annotated[
        bool, typer.Option("--verify", help="Hash files that seem unchanged, and hear again those that are not.")
    ] = False,
    retry_errors: Annotated[bool, typer.Option("--retry-errors", help="Try again what could not be heard.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a sentence.")] = False,
) -> None:
    """See HELP, which stands in the command's --help."""
    from intone import archive
    from intone.hear import modelfile

    if _URL.match(str(out)) or is_file(out):
        raise UsageError(f"{out}: the tables cannot be written there; accepted for --out is a folder of this machine.")
    how = archive.Options(
        model=model or modelfile.DEFAULT, timeline=timeline, channels=channels.value, hindsight=hindsight,
        prior=options.shares(prior), baselines=_column(baselines),
    )  # fmt: skip
    named = _Named()
    try:
        # What Ray has to say of workers that were lost it says on standard output, which is for the result.
        with _shown() as progress, contextlib.redirect_stdout(sys.stderr):
            found = archive.run(
                sources, out, options=how, engine=engine.value, workers=workers, verify=verify,
                retry_errors=retry_errors, progress=progress, failed=named,
            )  # fmt: skip
    except KeyboardInterrupt:
        complain(f"stopped; what was heard is in {out}, and the same command goes on from there.")
        raise typer.Exit(INTERRUPTED) from None
    named.finish(out)
    if as_json:
        print(json_line(found.to_dict()), flush=True)
    else:
        say(_sentence(found, out))
    if found.errors:
        raise typer.Exit(SOME_FAILED)


batch.__doc__ = HELP


def _column(baselines: str) -> str:
    if not baselines:
        return ""
    how, _, column = baselines.partition("=")
    if how != "by" or not column:
        raise UsageError(f"--baselines has '{baselines}'; accepted is a column of the manifest, as by=speaker.")
    return column


class _Named:
    """Names errors as they come, the first few of them."""

    def __init__(self) -> None:
        self._count = 0

    def __call__(self, message: str) -> None:
        self._count += 1
        if self._count <= NAMED:
            complain(message)

    def finish(self, out: Path) -> None:
        """Say how many more there were."""
        if self._count > NAMED:
            tell(f"intone: {counted(self._count - NAMED, 'more error')}; all are in {out / 'errors'}.")


def _sentence(found: "Progress", out: Path) -> str:
    parts = [f"{found.done:,} heard", f"{found.copies:,} copies", f"{found.known:,} done before"]
    errors = counted(found.errors, "error")
    pace = f"{clock(found.seconds)} of sound in {clock(found.taken)}"
    return f"{counted(found.found, 'recording')}: {', '.join(parts)}, {errors}; {pace}; the tables are in {out}."


@contextlib.contextmanager
def _shown() -> "Iterator[Callable[[Progress], None]]":
    """Show on standard error, where that is a terminal, how far it is."""
    from rich.console import Console

    console = Console(stderr=True)
    if sys.stderr is None or not console.is_terminal:
        yield lambda _: None
        return
    with console.status("Listing") as status:
        yield lambda so_far: status.update(_line(so_far))


def _line(so_far: "Progress") -> str:
    done = so_far.done + so_far.copies + so_far.known + so_far.errors
    line = f"{done:,} of {so_far.found:,}{'' if so_far.listed else '+'} recordings"
    if so_far.taken and so_far.seconds:
        line += f", {so_far.seconds / so_far.taken:,.0f} hours of sound an hour"
    if so_far.left is not None:
        line += f", {clock(so_far.left)} left" if so_far.listed else f", more than {clock(so_far.left)} left"
    return line
