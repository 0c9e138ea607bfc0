"""``intone store``: what a service has kept."""

import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from intone.cli.console import say, tell
from intone.errors import IntoneError, MissingExtraError, UsageError, counted
from intone.paths import is_file, is_folder, is_there

if TYPE_CHECKING:
    from intone.serve.store import Store

app = typer.Typer(help="Export or forget what 'intone serve' has kept.", no_args_is_help=True)
WHERE = Annotated[str, typer.Option("--store", help="As of 'intone serve'; your own where it is left out.")]


@contextmanager
def _opened(where: str) -> "Iterator[Store]":
    """Give a store, and say in a sentence what its database says went wrong."""
    try:
        from sqlalchemy.exc import SQLAlchemyError

        from intone.serve.store import Store, accepted, default_url
        from intone.serve.tables import SQLITE, reason, shown
    except ImportError as error:
        raise MissingExtraError(
            f"'intone store' needs the service, and {error.name} is not installed: pip install 'intone[serve]'."
        ) from error
    url = accepted(where) if where else default_url()
    file = Path(url.removeprefix(SQLITE))
    if url.startswith(SQLITE) and not is_there(file):  # a new one would say that nothing is kept of anybody
        raise UsageError(f"{file}: there is no such store; --store names the one of 'intone serve'.")
    with closing(Store(url)) as opened:
        try:
            yield opened
        except SQLAlchemyError as error:
            raise UsageError(f"{shown(url)}: the store failed ({reason(error)}).") from None


def _subject(text: str) -> str:
    """Write a subject as the service does when it keeps it."""
    from intone.serve.problems import Problem
    from intone.serve.uploads import subject

    try:
        named = subject(text)
    except Problem as problem:
        raise UsageError(str(problem)) from None
    if text and not named:  # which would be everybody
        raise UsageError("A subject is not blank.")
    return named


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
    with _opened(store) as opened:
        from intone.serve.recordings import as_lines
        from intone.serve.store import Filters

        lines = as_lines(opened.each(None, Filters(subject=_subject(subject))), form)
        if out is None:
            with _standard_output():
                sys.stdout.writelines(lines)
        else:
            _write(lines, out)
            tell(f"Written to {out}.")


@app.command()
def forget(
    subject: Annotated[str, typer.Argument(help="Whose data; as it was given to the service.")], store: WHERE = ""
) -> None:
    """Delete everything of a subject, sounds too.

    Example: intone store forget 17
    """
    with _opened(store) as opened:
        named = _subject(subject)
        _tell_done(f"Deleted {counted(opened.forget(None, named), 'recording')} of {named}.")


@app.command()
def expire(days: Annotated[float, typer.Argument(min=0, help="Older than so many days.")], store: WHERE = "") -> None:
    """Delete what is older; a running service does so by itself, by its --keep-days.

    Example: intone store expire 7
    """
    with _opened(store) as opened:
        from intone.serve.store import before

        moment = before(days)
        count = opened.expire(moment)
        _tell_done(f"Deleted {counted(count, 'recording')} from before {moment:%Y-%m-%d %H:%M} UTC.")


def _tell_done(sentence: str) -> None:
    with _standard_output(done=sentence):
        say(sentence)


@contextmanager
def _standard_output(*, done: str = "") -> Iterator[None]:
    """Write all of it now, so that what cannot be written is told; a reader that goes away is no failure.

    Parameters
    ----------
    done : str
        What was done before, and stays so.
    """
    reason = "Standard output is closed."
    try:
        if sys.stdout is not None:
            yield
            sys.stdout.flush()
            return
    except BrokenPipeError:  # typer ends the command in silence
        raise
    except OSError as error:
        # What is left of it would be tried once more at the very end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        reason = f"Standard output cannot be written ({error.strerror})."
    raise IntoneError(f"{done} {reason}") if done else UsageError(reason)


def _write(lines: Iterable[str], out: Path) -> None:
    """Write a file that nobody else may read, whole or not at all; what is no file, as a pipe, is written into."""
    if is_folder(out):
        raise UsageError(f"{out}: it is a folder; accepted is a file.")
    draft: Path | None = None
    try:
        if out.is_symlink() or (is_there(out) and not is_file(out)):
            with open(out, "w", encoding="utf-8", errors="backslashreplace", opener=_private) as file:
                file.writelines(lines)
            return
        with tempfile.NamedTemporaryFile(
            "w", dir=out.parent, prefix=".intone-", delete=False, encoding="utf-8", errors="backslashreplace"
        ) as file:
            draft = Path(file.name)
            file.writelines(lines)
        draft.replace(out)
    except BrokenPipeError:  # of a pipe by name
        raise
    except OSError as error:
        raise UsageError(f"{out}: it cannot be written ({error.strerror}).") from error
    finally:
        if draft is not None:
            draft.unlink(missing_ok=True)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
