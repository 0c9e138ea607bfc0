"""``intone store``: what a service has kept."""

import os
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from intone.cli.console import say, tell
from intone.errors import MissingExtraError, UsageError, counted

if TYPE_CHECKING:
    from intone.serve.store import Store

app = typer.Typer(help="Export or forget what 'intone serve' has kept.", no_args_is_help=True)
WHERE = Annotated[str, typer.Option("--store", help="As of 'intone serve'; your own where it is left out.")]


def _opened(where: str) -> "Store":
    try:
        from intone.serve.store import Store, accepted, default_url
    except ImportError as error:
        raise MissingExtraError(
            f"'intone store' needs the service, and {error.name} is not installed: pip install 'intone[serve]'."
        ) from error
    return Store(accepted(where) if where else default_url())


@app.command()
def export(
    out: Annotated[Path | None, typer.Option(help="Into this file; standard output where it is left out.")] = None,
    subject: Annotated[str, typer.Option(help="Of this subject alone.")] = "",
    form: Annotated[Literal["jsonl", "csv"], typer.Option("--format", help="Lines of JSON, or a table.")] = "jsonl",
    store: WHERE = "",
) -> None:
    """Write all that is kept, oldest first.

    Example: intone store export --subject 17 --out 17.jsonl
    """
    with closing(_opened(store)) as opened:
        from intone.serve.recordings import as_lines
        from intone.serve.store import Filters

        lines = as_lines(opened.each(None, Filters(subject=subject)), form)
        if out is None:
            sys.stdout.writelines(lines)
            return
        draft = out.with_name(f".{out.name}.{os.getpid()}")
        try:
            with draft.open("w", encoding="utf-8") as file:
                file.writelines(lines)
            draft.replace(out)
        except OSError as error:
            raise UsageError(f"{out}: it cannot be written ({error.strerror}).") from error
        finally:
            draft.unlink(missing_ok=True)
        tell(f"Written to {out}.")


@app.command()
def forget(
    subject: Annotated[str, typer.Argument(help="Whose data; as it was given to the service.")], store: WHERE = ""
) -> None:
    """Delete everything of a subject, sounds too.

    Example: intone store forget 17
    """
    with closing(_opened(store)) as opened:
        say(f"Deleted {counted(opened.forget(None, subject), 'recording')} of {subject}.")


@app.command()
def expire(days: Annotated[float, typer.Argument(min=0, help="Older than so many days.")], store: WHERE = "") -> None:
    """Delete what is older; a running service does so by itself, by its --keep-days.

    Example: intone store expire 7
    """
    with closing(_opened(store)) as opened:
        before = datetime.now(UTC) - timedelta(days=days)
        say(f"Deleted {counted(opened.expire(before), 'recording')} from before {before:%Y-%m-%d %H:%M} UTC.")
