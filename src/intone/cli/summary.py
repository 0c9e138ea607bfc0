"""``intone summary``: what the tables of an archive come to."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from intone.cli.console import as_json, say, table, tell
from intone.emotions import Emotion
from intone.errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    from intone.archive.summary import ArchiveSummary

FOLLOWED = (Emotion.ANGER, Emotion.SADNESS)
HELP = """Sum up the tables that 'intone batch' has made of an archive.

How common each emotion is, as heard and corrected for what was common in the model's training; over time and by group;
dissatisfied customers, the calls to listen to first, and whether the quality drifts. Groups of few recordings have no
figures. What each figure means stands in docs/summary.md.

[bold]Examples[/bold]

  intone summary results/

  intone summary results/ --over week --since 2026-01 --html report.html

  intone summary results/ --by agent --channel-of customer=1

  intone summary results/ --drift 2026-01..2026-03:2026-04 --json
"""


def summary(
    results: Annotated[str, typer.Argument(help="The folder of the tables, or its address.", show_default=False)],
    by: Annotated[
        Literal["agent", "day", "queue", "speaker"] | None, typer.Option(help="Make groups of the recordings.")
    ] = None,
    over: Annotated[Literal["day", "week", "month"] | None, typer.Option(help="Show it over time.")] = None,
    channel_of: Annotated[
        str, typer.Option(help="On which channel the customer speaks, as in customer=1: only this voice counts.")
    ] = "",
    since: Annotated[str, typer.Option(help="From this day, month or year on.")] = "",
    until: Annotated[str, typer.Option(help="Until this day, month or year, which is in it.")] = "",
    drift: Annotated[
        str, typer.Option(help="Two periods to compare, as in 2026-01..2026-03:2026-04; the two halves otherwise.")
    ] = "",
    emotion: Annotated[
        list[Emotion] | None, typer.Option(help="Follow this one over groups and time; anger and sadness otherwise.")
    ] = None,
    smallest: Annotated[int, typer.Option(min=1, help="Groups of fewer recordings have no figures.")] = 10,
    model: Annotated[str, typer.Option(help="The model that heard the recordings, where it does not ship.")] = "",
    html: Annotated[Path | None, typer.Option(help="Write a page, with plots, into this file.")] = None,
    json: Annotated[bool, typer.Option("--json", help="All figures as one object.")] = False,
) -> None:
    """See HELP, which stands in the command's --help."""
    try:
        from intone.archive import summary as archive
        from intone.archive.summary import page, periods
    except ImportError as error:
        raise MissingExtraError(
            f"'intone summary' reads tables with {error.name}, which is not installed: pip install 'intone[archive]'."
        ) from error
    question = archive.Question(
        by=by or "",
        over=over or "",
        customer=_customer(channel_of),
        since=periods.parsed(since, "--since") if since else None,
        until=periods.parsed(until, "--until") if until else None,
        drift=periods.pair(drift, "--drift") if drift else None,
        smallest=smallest,
        model=model,
    )
    found = archive.summarise(results, question)
    followed = tuple(dict.fromkeys(emotion or FOLLOWED))
    if html is not None:
        page.write(found, followed, html)
        tell(f"Written to {html}.")
    if json:
        print(as_json(found.to_dict()))
        return
    _show(found, followed)


def _customer(text: str) -> int | None:
    """Read ``customer=1``."""
    if not text:
        return None
    role, _, number = text.partition("=")
    if role != "customer" or not number.isdecimal() or int(number) < 1:
        raise UsageError(f"--channel-of {text}: accepted is the customer's channel, counted from 1, as in customer=1.")
    return int(number)


def _show(found: "ArchiveSummary", emotions: tuple[Emotion, ...]) -> None:
    from intone.archive.summary import wording

    say(wording.headline(found))
    for one in wording.tables(found, emotions):
        if one.rows:
            table(one.headings, one.rows, title=one.title, right=range(one.numbers, len(one.headings)))
        if one.note:
            say(one.note)
    for change in found.drift.changes if found.drift else ():
        if change.warning:
            say(f"Warning: {change.warning}")
    for note in found.notes:
        tell(note)


summary.__doc__ = HELP
