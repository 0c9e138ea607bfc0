"""How the command line speaks: tables out, messages and progress to standard error, names made safe to print."""

import contextlib
import importlib
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from intone.errors import MissingExtraError

Item = TypeVar("Item")


def printable(name: str) -> str:
    r"""Make any file name fit for one line of a terminal: control characters and broken bytes are written as escapes.

    Examples
    --------
    >>> print(printable("two\nlines \udcff"))
    two\nlines \udcff
    """
    visible = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in name)
    return visible.encode("utf-8", "backslashreplace").decode()


def complain(message: str) -> None:
    """Say on standard error what went wrong, in one line."""
    print(f"intone: {printable(message)}", file=sys.stderr)


def tell(message: str) -> None:
    """Say on standard error what is going on."""
    print(printable(message), file=sys.stderr)


def progress(items: Sequence[Item], what: str) -> Iterator[Item]:
    """Go through ``items`` with a progress bar on standard error, where that is a terminal."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    if not console.is_terminal:
        return iter(items)
    return iter(track(items, description=what, console=console, transient=True))


def table(
    headings: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str = "", right: Iterable[int] = ()
) -> None:
    """Print a table on standard output; text is shown as it is, never read as markup.

    Parameters
    ----------
    headings : sequence of str
        One for each column.
    rows : iterable of sequences
        Cells: plain values, or rich's ``Text`` where a colour is wanted.
    title : str, optional
        Stands above the table.
    right : iterable of int, optional
        Columns that are aligned to the right.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    wide = not sys.stdout.isatty()
    console = Console(width=200 if wide else None)
    name = Text(printable(title), style="bold") if title else None
    grid = Table(box=box.SIMPLE_HEAD, title=name, title_justify="left")
    aligned = set(right)
    for number, heading in enumerate(headings):
        grid.add_column(heading, justify="right" if number in aligned else "left", overflow="fold")
    for row in rows:
        grid.add_row(*(cell if isinstance(cell, Text) else Text(printable(str(cell))) for cell in row))
    console.print(grid)


LEARNING = ("keras", "matplotlib", "onnx", "pandas", "sklearn", "tf2onnx")


def needs_learning(command: str, modules: Iterable[str] = LEARNING) -> None:
    """Say in a sentence what to install where the learning half, or what a command needs of it, is not."""
    try:
        with hushed():
            for name in modules:
                importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"'{command}' needs the learning half, and {error.name} is not installed: pip install 'intone[learn]'."
        ) from error


@contextlib.contextmanager
def hushed() -> Iterator[None]:
    """Send what compiled libraries write straight to standard error away.

    TensorFlow prints notes about processors and GPUs before any setting of its own can stop it, and libsndfile's MP3
    decoder its doubts about each file; what fails still comes as an exception.
    """
    if sys.stderr is None:  # closed by whoever started the command
        yield
        return
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
