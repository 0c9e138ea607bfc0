"""``intone baseline``: what a speaker sounds like otherwise, kept for later predictions."""

from pathlib import Path
from typing import Annotated

import typer

from intone.cli import SOME_FAILED
from intone.cli.console import complain, progress, tell
from intone.errors import MissingExtraError, SoundError, UsageError, counted
from intone.machine import hushed
from intone.paths import is_folder

HELP = """Gather what one speaker sounds like otherwise, for 'intone predict --baseline'.

Any unlabelled speech of theirs will do; say --rest where it is neutral throughout. No sound is kept in the file.

[bold]Examples[/bold]

  intone baseline alice/*.wav --out alice.json

  intone baseline hello.wav --rest --out alice.json

  intone predict call.wav --baseline alice.json
"""


def baseline(
    files: Annotated[list[str], typer.Argument(help="Recordings of the one speaker.")],
    out: Annotated[Path, typer.Option(help="The file to write, as JSON.")],
    model: Annotated[str, typer.Option(help="The model that it is for: a name, a model file, or a run folder.")] = "",
    rest: Annotated[bool, typer.Option("--rest", help="The speaker is neutral in all of them.")] = False,
) -> None:
    """See HELP, which stands in the command's --help."""
    from intone.hear import loading, modelfile

    if not is_folder(out.parent):
        raise UsageError(f"{out}: there is no folder {out.parent}.")
    if is_folder(out):
        raise UsageError(f"{out}: this is a folder; accepted is a file's name, such as {out / 'alice.json'}.")
    hearing = loading.load(model or modelfile.DEFAULT)
    found, failed = None, False
    for file in progress(files, "Listening") if len(files) > 1 else files:
        try:
            with hushed():
                one = hearing.baseline([file], rest=rest)
        except (SoundError, MissingExtraError) as error:
            complain(str(error))
            failed = True
            continue
        found = one if found is None else found + one
    if found is None:
        raise typer.Exit(SOME_FAILED)
    found.save(out)
    tell(f"Wrote {out}: {counted(found.count, 'utterance')}, {found.seconds:.1f} s, for {found.model}.")
    if failed:
        raise typer.Exit(SOME_FAILED)


baseline.__doc__ = HELP
