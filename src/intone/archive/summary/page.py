"""A summary as one HTML file that needs nothing beside it."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from intone.archive.summary import drawing, wording
from intone.archive.summary.drawing import Course
from intone.archive.summary.figures import ArchiveSummary, Groups
from intone.emotions import Emotion
from intone.errors import UsageError
from intone.pages.document import document
from intone.pages.markup import Html, joined, table, tag

MOST_AGENTS = 30
"""More are in the table alone."""


def write(summary: ArchiveSummary, emotions: Sequence[Emotion], path: Path) -> None:
    """Write the page.

    Raises
    ------
    UsageError
        The file cannot be written.
    """
    try:
        path.write_text(html(summary, emotions), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: it cannot be written ({error.strerror}).") from error


def html(summary: ArchiveSummary, emotions: Sequence[Emotion]) -> str:
    """Make the page; ``emotions`` are those that are followed over groups and time."""
    drawn = {
        "shares": _shares(summary),
        "agents": _agents(summary),
        "drift": _warnings(summary),
        **({summary.over.key: _over(summary.over, emotions)} if summary.over else {}),
    }
    sections = [
        (one.name, one.title, joined(drawn.get(one.name, ""), _table(one))) for one in wording.tables(summary, emotions)
    ]
    notes = tag("ul", *(tag("li", note) for note in summary.notes)) if summary.notes else Html("")
    header = joined(
        tag("h1", "What the recordings carry"),
        tag("p", wording.headline(summary), class_="lead"),
        *(
            tag("p", "The quality has changed; see ", tag("a", "below", href="#drift"), ".", class_="warning")
            for _ in [None]
            if summary.drift and any(change.warning for change in summary.drift.changes)
        ),
    )
    return document("Summary of an archive", header, [*sections, ("notes", "What has to be said", notes)])


def _table(one: wording.Table) -> Html:
    note = tag("p", one.note, class_="note") if one.note else Html("")
    if not one.rows:
        return note
    rows = [list(row) for row in one.rows]
    return joined(
        table(list(one.headings), rows, numbers=one.numbers, caption=tag("span", one.title, class_="spoken")), note
    )


def _figure(chart: Html, caption: str) -> Html:
    return tag("figure", chart, tag("figcaption", caption))


def _shares(summary: ArchiveSummary) -> Html:
    found = summary.whole.shares
    if found is None:
        return Html("")
    rows = [
        (str(emotion), found.raw[emotion], found.corrected[emotion] if found.corrected else None)
        for emotion in sorted(Emotion, key=lambda emotion: -(found.corrected or found.raw)[emotion].value)
    ]
    chart = drawing.beside(rows, what="Share of each emotion, as heard and corrected; the table below has the figures")
    return tag("div", _figure(chart, "Share of each emotion, with its 95 % interval"), class_="charts")


def _over(groups: Groups, emotions: Sequence[Emotion]) -> Html:
    told = [group for group in groups.groups if group.name]
    if not told:
        return Html("")
    places, names = [_begin(group.name) for group in told], [group.name for group in told]
    drawn = []
    for emotion in emotions:
        heard = [group.shares.raw[emotion] if group.shares else None for group in told]
        corrected = [
            group.shares.corrected[emotion] if group.shares and group.shares.corrected else None for group in told
        ]
        courses = [Course("as heard", "two", heard)]
        if any(corrected):
            courses.append(Course("corrected", "one", corrected))
        what = f"Share of {emotion} over time; the table below has the figures"
        drawn.append(_figure(drawing.over_time(places, names, courses, what=what), f"{emotion.capitalize()} over time"))
    unsure = Course("unsure", "one", [group.shares.unsure if group.shares else None for group in told])
    chart = drawing.over_time(places, names, [unsure], what="Unsure share over time; the table below has the figures")
    return tag("div", *drawn, _figure(chart, "Share that the model is unsure of"), class_="charts")


def _begin(period: str) -> date:
    """Give the first day of a period by its name.

    Examples
    --------
    >>> [str(_begin(name)) for name in ("2026-02-03", "2026-02", "2026-W02")]
    ['2026-02-03', '2026-02-01', '2026-01-05']
    """
    if "W" in period:
        year, week = period.split("-W")
        return date.fromisocalendar(int(year), int(week), 1)
    return date.fromisoformat(period if len(period) > len("2026-02") else f"{period}-01")


def _agents(summary: ArchiveSummary) -> Html:
    found = summary.conversations
    rows = [(agent.name, agent.change) for agent in found.agents if agent.change is not None] if found else []
    if found is None or not rows:
        return Html("")
    centre = found.all_agents.value if found.all_agents else None
    chart = drawing.around_zero(
        rows[:MOST_AGENTS],
        centre=centre,
        what="Change of the customers' negativity by agent; figures in the table",
    )
    caption = "Points of negativity from the first third of calls to the last; dashed: the mean of those shown"
    return tag("div", _figure(chart, caption), class_="charts")


def _warnings(summary: ArchiveSummary) -> Html:
    changes = summary.drift.changes if summary.drift else ()
    warned = [tag("p", change.warning, class_="warning") for change in changes if change.warning]
    return joined(*warned) if warned or not changes else tag("p", "Nothing has changed enough to matter.")
