"""A summary as tables of words: the same in a terminal and on a page."""

from collections.abc import Sequence
from dataclasses import dataclass

from intone.archive.summary.conversations import HALF_SECONDS, NEGATIVE
from intone.archive.summary.drift import EFFECT, EMBEDDING, MEASURES
from intone.archive.summary.figures import ArchiveSummary, Change, Figure, Group, Groups, Question, Shares
from intone.emotions import Emotion
from intone.errors import counted

NOT_TOLD = "not told"
SECRET = {"small": "fewer than {smallest}", "beside": "not shown"}


@dataclass(frozen=True)
class Table:
    """A table of words; columns from :attr:`numbers` on are aligned as numbers, and the note has to be said with it."""

    name: str
    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: int = 1
    note: str = ""


def tables(summary: ArchiveSummary, emotions: Sequence[Emotion]) -> list[Table]:
    """Word all that a summary tells; ``emotions`` are those that are followed over groups and time."""
    found = [shares(summary)]
    found += [groups(part, emotions, summary.question) for part in (summary.by, summary.over) if part is not None]
    if summary.conversations is not None:
        found += conversations(summary)
    if summary.drift is not None:
        found.append(drift(summary))
    return found


def percent(figure: Figure | None) -> str:
    """Write a share, with its interval where there is one.

    Examples
    --------
    >>> percent(Figure(0.25, 0.2, 0.31))
    '25.0 % (20.0 to 31.0)'
    """
    if figure is None:
        return ""
    return f"{100 * figure.value:.1f} %{_interval(figure, 100, '.1f')}"


def points(figure: Figure | None) -> str:
    """Write a change in percentage points, with its interval where there is one."""
    return "" if figure is None else f"{100 * figure.value:+.1f}{_interval(figure, 100, '+.1f')}"


def _interval(figure: Figure, scale: float, form: str) -> str:
    if figure.low is None or figure.high is None:
        return ""
    return f" ({scale * figure.low:{form}} to {scale * figure.high:{form}})"


def headline(summary: ArchiveSummary) -> str:
    """Say in a sentence what was summed up."""
    failed = f"; {counted(summary.errors, 'more')[:-1]} could not be heard" if summary.errors > 1 else ""
    failed = "; 1 more could not be heard" if summary.errors == 1 else failed
    whose = f", the customers on channel {summary.question.customer}" if summary.question.customer else ""
    times = [
        f"{word} {period.name}"
        for word, period in (("from", summary.question.since), ("until", summary.question.until))
        if period is not None
    ]
    return f"{' '.join([counted(summary.recordings, 'recording'), *times])} heard by {summary.model}{whose}{failed}."


def shares(summary: ArchiveSummary) -> Table:
    """Set the shares as they were heard beside those corrected for the training."""
    found, note = summary.whole.shares, ""
    if found is None:
        size = counted(summary.whole.recordings, "recording")
        note = f"{size} with speech {'is' if summary.whole.recordings == 1 else 'are'} too few for figures."
        return Table("shares", "How common each emotion is", ["Emotion", "As heard"], [], note=note)
    rows = [
        [str(emotion), percent(found.raw[emotion]), percent(found.corrected[emotion] if found.corrected else None)]
        for emotion in Emotion
    ]
    rows.append(["unsure", percent(found.unsure), ""])
    note = (
        f"In brackets 95 % intervals, over {found.over}; {found.units:,} utterances or segments. 'As heard' is the "
        "mean of their probabilities; 'corrected' is what is likeliest here, where emotions are not as common as in "
        f"the model's training. {found.why_not}"
    ).strip()
    return Table("shares", "How common each emotion is", ["Emotion", "As heard", "Corrected"], rows, note=note)


def groups(found: Groups, emotions: Sequence[Emotion], question: Question) -> Table:
    """List groups, with the emotions that are followed, as heard and corrected, and their change a week."""
    trends = any(group.trend for group in found.groups)
    headings = [found.key.capitalize(), "Recordings"]
    for emotion in emotions:
        headings += [emotion.capitalize(), "Corrected", *(["A week"] if trends else [])]
    rows = [_group(group, emotions, trends, question, len(headings)) for group in found.groups]
    notes = [f"{found.unlisted:,} more are not listed."] if found.unlisted else []
    if trends:
        notes.append("'A week' is the slope of the share as heard, in points a week, over all weeks.")
    if any(group.shares and not group.shares.corrected for group in found.groups):
        notes.append("Where nothing is corrected, too little was recorded to tell (docs/summary.md).")
    if any(group.suppressed for group in found.groups):
        notes.append(
            f"Groups of fewer than {question.smallest} recordings have no figures. What is 'not shown' has none, so "
            "that a smaller one's cannot be worked out from the rest."
        )
    title = f"Over time, by {found.key}" if found.key == question.over else f"By {found.key}"
    return Table(found.key, title, [*headings, "Unsure"], rows, note=" ".join(notes))


def _group(group: Group, emotions: Sequence[Emotion], trends: bool, question: Question, columns: int) -> list[str]:
    cells = [group.name or NOT_TOLD, f"{group.recordings:,}"]
    if group.shares is None:
        why = SECRET[group.suppressed].format(smallest=question.smallest)
        return [*cells, why, *[""] * (columns - 2)]
    for emotion in emotions:
        cells += [percent(group.shares.raw[emotion]), _corrected(group.shares, emotion)]
        if trends:
            cells.append(points(group.trend[emotion]) if group.trend else "")
    return [*cells, percent(group.shares.unsure)]


def _corrected(found: Shares, emotion: Emotion) -> str:
    return percent(found.corrected[emotion]) if found.corrected else "too little"


def conversations(summary: ArchiveSummary) -> list[Table]:
    """List dissatisfied customers, calls to listen to, and agents."""
    found, smallest = summary.conversations, summary.question.smallest
    assert found is not None
    negative = ", ".join(NEGATIVE)
    hidden = f"{counted(found.customers_hidden, 'customer')} with fewer than {smallest} calls not ranked. "
    customers = Table(
        "customers", "Dissatisfied customers", ["Customer", "Calls", "Score", "Negative"],
        [[one.name, f"{one.calls:,}", f"{one.score.value:.0f}{_interval(one.score, 1, '.0f')}", percent(one.negative)]
         for one in found.customers],
        note=f"{hidden if found.customers_hidden else ''}The score, 0 to 100, is the mean over a customer's calls: 40 "
        f"for negative speech ({negative}; of sure speech alone), 40 for that in the last fifth of the call, and 20 "
        f"for how long it lasted, {HALF_SECONDS:.0f} s being half of that.",
    )  # fmt: skip
    listen = Table(
        "listen", "Calls to listen to first",
        ["Recording", "Begin at", "There", "Score", "Negative", "At the end"],
        [[one.path, moment(one.at), f"{one.emotion}, {one.confidence:.0%} sure", f"{one.score:.0f}",
          f"{one.negative:.0%}", "" if one.negative_end is None else f"{one.negative_end:.0%}"]
         for one in found.listen],
        note="Each is one recording, so that there is no interval. A call without a sure, strongly negative moment is "
        "not among them.",
    )  # fmt: skip
    if not found.agents:
        return [customers, listen]
    rows = []
    for agent in found.agents:
        told = [percent(agent.first), percent(agent.last), points(agent.change), points(agent.difference)]
        if agent.suppressed:
            told[0] = SECRET[agent.suppressed].format(smallest=smallest)
        rows.append([agent.name, f"{agent.calls:,}", *told])
    if found.all_agents is not None:
        rows.append(["mean of those shown", "", "", "", points(found.all_agents), ""])
    agents = Table(
        "agents", "De-escalation: the customers of each agent",
        ["Agent", "Calls", "First third", "Last third", "Change", "Beside the mean"], rows,
        note="How much of the customers' sure speech is negative; below 0 they calm down. A call that begins badly "
        "mostly gets better by itself, whoever takes it: compare agents whose calls begin alike.",
    )  # fmt: skip
    return [customers, listen, agents]


def moment(seconds: float) -> str:
    """Write a moment of a call.

    Examples
    --------
    >>> moment(75.5), moment(3725)
    ('1:15', '1:02:05')
    """
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def drift(summary: ArchiveSummary) -> Table:
    """Set the two periods' quality beside one another."""
    found = summary.drift
    assert found is not None
    title = "Quality over time"
    if found.why_not:
        return Table("drift", title, ["Measure"], [], note=found.why_not)
    rows = [
        [_measure(change), _value(change, change.before), _value(change, change.after), f"{change.effect:+.2f}",
         "below 0.001" if change.p < 0.001 else f"{change.p:.3f}", "changed" if change.warning else "as before"]
        for change in found.changes
    ]  # fmt: skip
    sizes = " and ".join(f"{size:,}" for size in found.recordings)
    note = (
        f"{sizes} recordings with speech. The effect is in standard deviations, of embeddings in units of the "
        f"reference's spread; 'changed' is what is at least {EFFECT} and more than chance."
    )
    headings = ["Measure", found.reference.capitalize(), found.compared.capitalize(), "Effect", "p", ""]
    return Table("drift", title, headings, rows, note=note)


def _measure(change: Change) -> str:
    if change.measure == EMBEDDING:
        return "Mean embedding"
    return MEASURES[change.measure][0].removeprefix("the ").capitalize()


def _value(change: Change, value: float | None) -> str:
    return "" if value is None else MEASURES[change.measure][1].format(value)
