"""`intone corpora`: what corpora there are, how to get them, and whether a copy is whole."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from intone.errors import unknown

if TYPE_CHECKING:
    from intone.corpora.check import Report
    from intone.corpora.corpus import Corpus

app = typer.Typer(
    no_args_is_help=True,
    help="Corpora of emotional speech: list and describe them, get them, check a copy.",
)

Name = Annotated[str, typer.Argument(help="A corpus's short name, as `intone corpora list` gives it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]


@app.command("list", epilog="Example: intone corpora list --json")
def list_(as_json: AsJson = False) -> None:
    """List the corpora that Intone reads."""
    from rich.table import Table

    from intone.corpora.registry import CORPORA

    if as_json:
        for corpus in CORPORA.values():
            _print_json(_facts(corpus))
        return
    table = Table("corpus", "language", "recordings", "speakers", "licence", "to get it")
    for corpus in CORPORA.values():
        table.add_row(
            corpus.name,
            corpus.language,
            f"{corpus.utterances + corpus.songs:,}",
            str(corpus.speakers),
            corpus.licence,
            "open" if corpus.sources else "by hand",
        )
    _console().print(table)


@app.command(epilog="Example: intone corpora describe ravdess")
def describe(name: Name, as_json: AsJson = False) -> None:
    """Say what a corpus holds, what may be done with it, whom to cite and how to get it."""
    from rich.table import Table

    from intone.corpora import registry

    corpus = registry.describe(name)
    if as_json:
        _print_json(_facts(corpus))
        return
    table = Table(title=corpus.title, show_header=False, title_justify="left")
    for fact, told in _facts(corpus).items():
        if fact not in ("title", "sources", "instructions"):
            table.add_row(fact.replace("_", " "), ", ".join(told) if isinstance(told, list) else str(told))
    for source in corpus.sources:
        table.add_row("address", f"{source.url}\n{source.checksum or _NO_CHECKSUM}")
    table.add_row("how to get it", corpus.instructions)
    _console().print(table)


_NO_CHECKSUM = "no checksum is published; the archive's own integrity is verified"


@app.command(
    epilog="Examples: intone corpora get ravdess --to corpora, and for a corpus behind a login: "
    "intone corpora get tess --from archive.zip"
)
def get(
    name: Name,
    to: Annotated[
        Path | None,
        typer.Option(help="The folder for all corpora; default: INTONE_CORPORA, or 'corpora' here."),
    ] = None,
    archives: Annotated[
        list[Path] | None,
        typer.Option("--from", help="An archive that you downloaded; give it again for each further one."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Download a corpus, or take your archive of it, and unpack and recognise it.

    An interrupted download goes on where it stopped. Nothing is written over.
    """
    from intone.corpora import registry
    from intone.corpora.check import check as checked
    from intone.corpora.get import get as got

    corpus = registry.describe(name)
    folder = _home(to)
    for source in () if archives else corpus.sources:
        if source.checksum is None:
            _notes().print(f"{source.filename}: {_NO_CHECKSUM}.", highlight=False)
    with _bar(bytes_=True) as progress:
        found = got(name, folder, archives=archives or (), progress=progress)
    report = checked(name, found.folder)
    _notes().print(f"{corpus.name} is in {found.folder}. Licence: {corpus.licence}. Please cite: {corpus.citation}")
    _show(report, as_json=as_json)


@app.command(epilog="Examples: intone corpora check tess, intone corpora check ~/corpora --decode")
def check(
    what: Annotated[str, typer.Argument(help="A corpus's short name, or a folder that is or holds corpora.")],
    root: Annotated[
        Path | None,
        typer.Option("--in", help="Where a corpus that is named lies; default: INTONE_CORPORA, or 'corpora' here."),
    ] = None,
    decode: Annotated[bool, typer.Option(help="Decode every recording too, which takes minutes.")] = False,
    as_json: AsJson = False,
) -> None:
    """Count what a copy holds, and name what is misnamed, stored twice or cannot be heard.

    Ends with 1 where a recording cannot be used. What is lacking or stored twice is told, and is no failure.
    """
    from intone.corpora.check import check as checked
    from intone.corpora.check import held
    from intone.corpora.registry import CORPORA

    if what.lower() in CORPORA:
        here, names = _home(root), [what]
    elif Path(what).exists():
        here, names = Path(what), held(what)
    else:
        raise unknown("corpus or folder", what, CORPORA)
    failed = False
    for name in names:
        with _bar(bytes_=False) as progress:
            report = checked(name, here, decode=decode, progress=progress)
        _show(report, as_json=as_json)
        failed = failed or report.failed or not report.recordings
    if failed:
        raise typer.Exit(1)


def _home(folder: Path | None) -> Path:
    return folder or Path(os.environ.get("INTONE_CORPORA") or "corpora")


def _facts(corpus: "Corpus") -> dict[str, Any]:
    return {
        "name": corpus.name,
        "title": corpus.title,
        "language": corpus.language,
        "recordings": corpus.utterances + corpus.songs,
        "speakers": corpus.speakers,
        "emotions": list(corpus.labels),
        "file_name": corpus.example,
        "licence": corpus.licence,
        "citation": corpus.citation,
        "homepage": corpus.homepage,
        "sources": [asdict(source) for source in corpus.sources],
        "instructions": corpus.instructions,
    }


def _show(report: "Report", *, as_json: bool) -> None:
    if as_json:
        _print_json(report.to_dict())
        return
    from rich.table import Table

    table = Table("", "", "recordings", title=f"{report.corpus} in {report.folder}", title_justify="left")
    sections = {"emotion": report.emotions, "sex": report.sexes}
    if len(report.channels) > 1:
        sections["channel"] = report.channels
    for section, counts in sections.items():
        for value, count in counts.items():
            table.add_row(section, value, f"{count:,}")
        table.add_section()
    table.add_row("speakers", f"of {report.speakers_expected}", str(len(report.speakers)))
    table.add_row("total", f"of {report.expected:,}", f"{report.recordings:,}")
    console = _console()
    console.print(table)
    console.print(f"By speaker: {', '.join(f'{speaker} {count}' for speaker, count in report.speakers.items())}")
    if report.recordings < report.expected:
        console.print(f"{report.expected - report.recordings:,} recordings of a complete copy are lacking.")
    if report.foreign:
        console.print(f"{len(report.foreign):,} sound files have other names, such as {report.foreign[0]}.")
    if report.copies:
        copy, first = next(iter(report.copies.items()))
        console.print(f"{len(report.copies):,} files are named as others are and do not count: {copy}, as {first}.")
    for group in report.duplicates:
        console.print(f"The same sound: {', '.join(group)}")
    for path, why in report.unreadable.items():
        console.print(f"{path}: {why}")
    for why in report.unheard.values():
        console.print(why)


def _print_json(value: dict[str, Any]) -> None:
    typer.echo(json.dumps(value))


def _console() -> Any:
    from rich.console import Console

    return Console(highlight=False, soft_wrap=True, markup=False)


def _notes() -> Any:
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True, markup=False)


@contextmanager
def _bar(*, bytes_: bool) -> Iterator[Callable[[str, int, int | None], None]]:
    """Draw a bar for each step on standard error, where that is a terminal."""
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    amount = DownloadColumn() if bytes_ else MofNCompleteColumn()
    console = _notes()
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        amount,
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bars:
        steps: dict[str, Any] = {}

        def progress(step: str, done: int, total: int | None) -> None:
            if step not in steps:
                steps[step] = bars.add_task(step, total=total)
            bars.update(steps[step], completed=done, total=total)

        yield progress
