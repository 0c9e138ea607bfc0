"""`intone corpora`: what corpora there are, how to get them, and whether a copy is whole."""

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from intone.cli.console import as_json as written
from intone.cli.console import bars, say, table, tell
from intone.errors import counted, unknown

if TYPE_CHECKING:
    from intone.corpora.check import Report
    from intone.corpora.corpus import Corpus, Source

app = typer.Typer(
    no_args_is_help=True,
    help="Corpora of emotional speech: list and describe them, get them, check a copy.",
)

Name = Annotated[str, typer.Argument(help="A corpus's short name, as `intone corpora list` gives it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]


@app.command("list", epilog="Example: intone corpora list --json")
def list_(as_json: AsJson = False) -> None:
    """List the corpora that Intone reads."""
    from intone.corpora.registry import CORPORA

    if as_json:
        for corpus in CORPORA.values():
            say(written(_facts(corpus)))
        return
    rows = [
        [
            corpus.name,
            corpus.language,
            f"{corpus.utterances + corpus.songs:,}",
            corpus.speakers,
            corpus.licence,
            _yes_or_no(corpus.commercial),
            "open" if corpus.sources else "by hand",
        ]
        for corpus in CORPORA.values()
    ]
    headings = ["Corpus", "Language", "Recordings", "Speakers", "Licence", "Commercial use", "To get it"]
    table(headings, rows, right=(2, 3))


@app.command(epilog="Example: intone corpora describe ravdess")
def describe(name: Name, as_json: AsJson = False) -> None:
    """Say what a corpus holds, what may be done with it, whom to cite and how to get it."""
    from intone.corpora import registry

    corpus = registry.describe(name)
    facts = _facts(corpus)
    if as_json:
        say(written(facts))
        return
    rows = [
        [fact.replace("_", " ").capitalize(), ", ".join(told) if isinstance(told, list) else told]
        for fact, told in facts.items()
        if fact not in ("title", "commercial", "sources", "instructions")
    ]
    rows.append(["Commercial use", _yes_or_no(corpus.commercial)])
    for source in corpus.sources:
        rows += [["Address", source.url], ["Verified by", _verified(corpus, source)]]
    steps = corpus.instructions.splitlines()
    rows += [["How to get it" if step is steps[0] else "", step] for step in steps]
    table(["", ""], rows, title=corpus.title)


def _yes_or_no(fact: bool) -> str:
    return "yes" if fact else "no"


def _verified(corpus: "Corpus", source: "Source") -> str:
    """Say how a download is verified, and no more than is true."""
    if source.checksum is not None:
        return f"the published checksum {source.checksum}"
    return (
        f"no checksum is published; after unpacking, {corpus.utterances:,} recordings by {corpus.speakers} speakers "
        "are counted, and those of each emotion"
    )


@app.command(
    epilog="Examples: intone corpora get ravdess --to corpora, and what you got by hand: "
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
        tell(f"{source.filename}, verified by: {_verified(corpus, source)}.")
    with bars(of_bytes=True) as progress:
        found = got(name, folder, archives=archives or (), progress=progress)
    report = checked(name, found.folder)
    tell(f"{corpus.name} is in {found.folder}. Licence: {corpus.licence}. Please cite: {corpus.citation}")
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
        with bars() as progress:
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
        "commercial": corpus.commercial,
        "citation": corpus.citation,
        "homepage": corpus.homepage,
        "sources": [asdict(source) for source in corpus.sources],
        "instructions": corpus.instructions,
    }


def _show(report: "Report", *, as_json: bool) -> None:
    if as_json:
        say(written(report.to_dict()))
        return
    sections = {"emotion": report.emotions, "sex": report.sexes}
    if len(report.channels) > 1:
        sections["channel"] = report.channels
    rows = [[section, value, f"{count:,}"] for section, counts in sections.items() for value, count in counts.items()]
    rows.append(["speakers", f"of {report.speakers_expected}", str(len(report.speakers))])
    rows.append(["total", f"of {report.expected:,}", f"{report.recordings:,}"])
    table(["", "", "Recordings"], rows, title=f"{report.corpus} in {report.folder}", right=(2,))
    say(f"By speaker: {', '.join(f'{speaker} {count}' for speaker, count in report.speakers.items())}")
    if report.recordings < report.expected:
        lacking = counted(report.expected - report.recordings, "recording")
        say(f"Lacking of a complete copy: {lacking}.")
    if report.foreign:
        say(f"With other names: {counted(len(report.foreign), 'sound file')}, such as {report.foreign[0]}.")
    if report.copies:
        copy, first = next(iter(report.copies.items()))
        files = counted(len(report.copies), "file")
        say(f"Named as others are, so that only the first counts: {files}, such as {copy}, as {first}.")
    for group in report.duplicates:
        say(f"The same sound: {', '.join(group)}")
    for path, why in report.unreadable.items():
        say(f"{path}: {why}")
    for why in report.unheard.values():
        say(why)
