"""How the command line speaks: tables out, messages and progress to standard error, names made safe to print."""

import contextlib
import importlib
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

from intone.errors import MissingExtraError
from intone.machine import hushed
from intone.paths import encodable

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


def complain(message: str, steps: Iterable[str] = ()) -> None:
    """Say on standard error what went wrong, in one line; and what to do, one step a line.

    A message holds names of files, so it is never split: a line break in it is shown as an escape.
    """
    for line in (f"intone: {message}", *steps):
        print(printable(line), file=sys.stderr)


def tell(message: str) -> None:
    """Say on standard error what is going on."""
    print(printable(message), file=sys.stderr)


def progress(items: Sequence[Item], what: str) -> Iterator[Item]:
    """Go through ``items`` with a progress bar on standard error, where that is a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    if not console.is_terminal:
        yield from items
        return
    # Without redirect_stdout=False rich would send what is printed meanwhile, the answers, to standard error.
    with Progress(console=console, transient=True, redirect_stdout=False, redirect_stderr=False) as shown:
        yield from shown.track(items, description=what)


def clock(seconds: float, *, tenths: bool = False) -> str:
    """Write a moment as people read it.

    Examples
    --------
    >>> clock(7.9), clock(3725), clock(7.25, tenths=True)
    ('0:07', '1:02:05', '0:07.2')
    """
    count = int(seconds * 10 + 1e-6)  # 0.3 is a little less in floating point
    minutes, rest = divmod(count, 600)
    hours, minutes = divmod(minutes, 60)
    shown = f"{rest // 10:02d}.{rest % 10}" if tenths else f"{rest // 10:02d}"
    return f"{hours}:{minutes:02d}:{shown}" if hours else f"{minutes}:{shown}"


@contextlib.contextmanager
def progress_of(what: str, total: float | None) -> Iterator[Callable[[float], None]]:
    """Show on standard error, where that is a terminal, how far a long recording has been gone through.

    Parameters
    ----------
    what : str
        What is going on.
    total : float, optional
        Its seconds, where they are known beforehand.

    Yields
    ------
    callable
        To be told the seconds so far.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda _: None
        return
    # A way of its own to the terminal: what compiled libraries write there may be hushed meanwhile.
    terminal = os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding="utf-8", errors="backslashreplace")
    console = Console(file=terminal, force_terminal=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with terminal, Progress(
        *columns, TextColumn("{task.fields[minutes]:.1f} min"), console=console, transient=True,
        redirect_stdout=False, redirect_stderr=False,
    ) as shown:  # fmt: skip
        task = shown.add_task(what, total=total, minutes=0.0)
        yield lambda seconds: shown.update(task, completed=seconds, minutes=seconds / 60)


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
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's notes; what fails comes as an exception
    try:
        with hushed():
            for name in modules:
                importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"'{command}' needs the learning half, and {error.name} is not installed: pip install 'intone[learn]'."
        ) from error


def say(message: str) -> None:
    """Print a sentence of a result on standard output, in one line."""
    print(printable(message))


def as_json(value: Any) -> str:
    r"""Write JSON that every parser takes, in one line.

    A file's name need not be UTF-8; Python carries each stray byte as half a surrogate pair, which strict parsers
    refuse. It is written as it is typed in a shell, ``\xe9``.

    Examples
    --------
    >>> as_json({"file": b"caf\xe9.wav".decode("utf-8", "surrogateescape")})
    '{"file": "caf\\\\xe9.wav"}'
    """
    return json.dumps(encodable(value))


class Steps(Protocol):
    """What is told of the steps of a long piece of work."""

    def __call__(self, step: str, done: int, total: int | None, remark: str = "") -> None:
        """Take what is being done, how much of it is done, of how much where that is known, and a remark."""


@contextlib.contextmanager
def bars(*, of_bytes: bool = False, logged: bool = False) -> Iterator[Steps]:
    """Draw a bar for each step that is told of, on standard error, where that is a terminal.

    Elsewhere, as in a log, a line for each recording or epoch would bury what matters: with ``logged`` each step gets
    one, when it is done, and without it none.
    """
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn() if of_bytes else MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[remark]}", markup=False),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as shown:
        steps: dict[str, Any] = {}

        def tell_of(step: str, done: int, total: int | None, remark: str = "") -> None:
            if logged and not console.is_terminal:
                if done == total:
                    tell(f"{step}: {done}/{total} {remark}".rstrip())
                return
            if step not in steps:
                steps[step] = shown.add_task(printable(step), total=total, remark="")
            shown.update(steps[step], completed=done, total=total, remark=printable(remark))

        yield tell_of
