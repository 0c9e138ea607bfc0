"""The sections of a report, each from the content alone."""

from intone.learn.figures import Figures, Group
from intone.learn.intervals import Interval
from intone.learn.report.content import Content
from intone.pages import charts
from intone.pages.charts import Bar, Series
from intone.pages.markup import Html, joined, pairs, picture, table, tag, text

MOST_SPEAKERS = 40
"""More are told by the hardest of them."""
NOTHING = Html("")


def summary(content: Content) -> Html:
    """Say in one sentence what the model is worth."""
    first = content.figures[0]
    chance = f"guessing would be {1 / len(first.classes):.1%}"
    found = joined(
        "on ", "voices that it has heard before" if first.leaks_speakers else "voices that it has never heard", ", ",
        tag("strong", f"{first.mean['ua']:.1%}"), f" of each emotion on average (UA; {chance})",
    )  # fmt: skip
    return joined(
        tag("h1", content.name),
        tag("p", content.about, class_="note"),
        tag("p", "It recognises, ", found, f", 95 % interval {_interval(first.intervals.ua)}.", class_="lead"),
    )


def facts(content: Content) -> Html:
    """Say what was trained and tested, and what was left out."""
    return joined(
        pairs(content.facts),
        tag("ul", *(tag("li", note) for note in content.notes)) if content.notes else NOTHING,
    )


def honest_table(content: Content) -> Html:
    """Set the tests below one another, unseen speakers first."""
    rows = []
    for one in content.figures:
        seeds = f" ± {one.deviation['ua']:.1%}" if len(one.seeds) > 1 else ""
        rows.append([
            tag("span", one.title, class_=None if one.leaks_speakers else "unseen"),
            f"{one.mean['ua']:.1%}{seeds}", _interval(one.intervals.ua), f"{one.mean['accuracy']:.1%}",
            f"{one.mean['f1']:.1%}", f"{one.mean['weighted_f1']:.1%}", f"{one.mean['precision']:.1%}",
            f"{one.calibration.ece:.3f}", one.utterances, one.speakers, len(one.seeds),
        ])  # fmt: skip
        if one.masked:
            rows.append([
                f"… only {one.masked.allowed} allowed", f"{one.masked.ua:.1%}", "",
                f"{one.masked.accuracy:.1%}", "", "", "", "", one.utterances, one.speakers, len(one.seeds),
            ])  # fmt: skip
    headings = ["Test", "UA", "95 % interval", "Accuracy", "F1", "F1, weighted", "Precision", "ECE", "Utterances",
                "Speakers", "Seeds"]  # fmt: skip
    over = {one.intervals.over for one in content.figures}
    return joined(
        table(headings, rows),
        *_caveats(content),
        tag(
            "p",
            "UA is the unweighted average recall, the mean of the emotions' recalls; F1 and precision are macro "
            "averages unless they say otherwise; ± is the standard deviation over the seeds; ECE the expected "
            f"calibration error. Intervals are by bootstrap over {' or '.join(sorted(over))}.",
            *(f" The classes are {', '.join(classes)}." for classes in {one.classes: None for one in content.figures}),
            class_="note",
        ),
    )


def _caveats(content: Content) -> list[Html]:
    """Say each caveat once, and of which tests it holds where it does not hold of all."""
    of: dict[str, list[str]] = {}
    for one in content.figures:
        for note in one.caveats:
            of.setdefault(note, []).append(one.title)
    told = []
    for note, titles in of.items():
        whose = "" if len(titles) == len(content.figures) else f"{', '.join(titles).capitalize()}: "
        told.append(tag("p", tag("b", whose), note, class_="warning"))
    return told


def leak_gap(content: Content) -> Html:
    """Show unseen speakers beside the random split."""
    rows = [
        Bar(
            one.title,
            f"{one.mean['ua']:.1%}",
            one.mean["ua"],
            (one.intervals.ua.low, one.intervals.ua.high),
            "two" if one.leaks_speakers else "one",
        )
        for one in content.figures
    ]
    gap = tag(
        "p", "All of these tests are of the same kind; none of the other kind was made beside them.", class_="note"
    )
    leaking = [one for one in content.figures if one.leaks_speakers]
    honest = [one for one in content.figures if not one.leaks_speakers]
    if leaking and honest:
        lost = 100 * (leaking[0].mean["ua"] - honest[0].mean["ua"])
        gap = tag(
            "p", "Between a test on voices that stood in the training and one on voices that did not lie ",
            tag("strong", f"{lost:.1f} points of UA"), ". Only the latter can be expected of a new voice.",
        )  # fmt: skip
    chance = 1 / len(content.figures[0].classes)
    what = "UA of each test, with its interval"
    return joined(gap, _figure(charts.bars(rows, chance=chance, what=what), "UA and its 95 % interval"))


def learning(content: Content) -> Html:
    """Draw accuracy and loss over the epochs."""
    history = content.history
    if history is None:
        return NOTHING
    epochs = [float(epoch) for epoch in history["epoch"]]
    drawn = []
    for measure in ("accuracy", "loss"):
        series = [
            Series(name, list(zip(epochs, [float(value) for value in history[column]], strict=True)), colour)
            for column, name, colour in ((measure, "training", "one"), (f"val_{measure}", "validation", "two"))
            if column in history
        ]
        top = max(value for one in series for _, value in one.points)
        highest = 1.0 if measure == "accuracy" else charts.rounded_up(top)
        chart = charts.lines(
            series, across="epoch", up=measure, highest=highest, span=(min(epochs), max(*epochs, 2.0)),
            share=measure == "accuracy",
        )  # fmt: skip
        drawn.append(_figure(chart, f"{measure.capitalize()} while the first fold was trained"))
    return tag("div", *drawn, class_="charts")


def confusions(content: Content) -> Html:
    """Show what was heard for what was said, in per cent of what was said."""
    return tag("div", *(_figure(_matrix(one), one.title) for one in content.figures), class_="charts")


def _matrix(one: Figures) -> Html:
    labels = one.pooled.labels
    head = [tag("th", class_="row"), *(tag("th", tag("span", label), scope="col") for label in labels)]
    rows = []
    for label, counts in zip(labels, one.pooled.confusion, strict=True):
        every = sum(counts)
        if every:
            cells = [
                _cell(count / every, f"{label} heard as {heard}") for heard, count in zip(labels, counts, strict=True)
            ]
            rows.append(tag("tr", tag("th", label, scope="row", class_="row"), *cells))
    return tag("table", tag("thead", tag("tr", *head)), tag("tbody", *rows), class_="matrix")


def _cell(share: float, what: str) -> Html:
    colour = f"background:color-mix(in srgb, var(--heat) {100 * share:.0f}%, var(--card))"
    shown = f"{100 * share:.0f}" if share >= 0.005 else ""
    return tag("td", shown, style=colour, title=f"{what}: {share:.1%}", class_="hot" if share > 0.5 else None)


def classes(content: Content) -> Html:
    """List each emotion's scores, of unseen speakers first."""
    tables = []
    for one in content.figures:
        rows = [
            [label, f"{score.precision:.1%}", f"{score.recall:.1%}", f"{score.f1:.1%}", score.support]
            for label, score in one.pooled.per_class.items()
        ]
        whole, weighted = one.pooled, one.pooled.weighted
        every = sum(score.support for score in whole.per_class.values())
        rows.append(["macro", f"{whole.precision:.1%}", f"{whole.ua:.1%}", f"{whole.f1:.1%}", every])
        rows.append([
            "weighted", f"{weighted.precision:.1%}", f"{weighted.recall:.1%}", f"{weighted.f1:.1%}", every,
        ])  # fmt: skip
        tables.append(table(["Emotion", "Precision", "Recall", "F1", "Answers"], rows, caption=one.title))
    return tag("div", *tables, class_="charts")


def confidence(content: Content) -> Html:
    """Show whether the first test's confidence can be believed, and what "unsure" buys."""
    one = content.figures[0]
    reliable = charts.lines(
        [
            Series("perfect", [(0, 0), (1, 1)], "ideal"),
            Series("measured", [(part.confidence, part.accuracy) for part in one.calibration.bins], "one"),
        ],
        across="confidence",
        up="share that is right",
    )
    risky = charts.lines(
        [Series("wrong answers", one.coverage.curve, "two")], across="share of utterances answered", up="share wrong"
    )
    told = f"Expected calibration error {one.calibration.ece:.3f} ({len(one.calibration.bins)} bins of equally many)"
    if abs(one.calibration.ece - one.calibration.ece_before) > 0.0005:
        told += f"; {one.calibration.ece_before:.3f} before the temperature was fitted"
    risk = f"Risk against coverage: the mean risk is {one.coverage.aurc:.1%}"
    threshold = ""
    if one.coverage.answered is not None:
        threshold = f" With its threshold the model answers {one.coverage.answered:.1%} of the utterances"
        threshold += f", and {one.coverage.risk:.1%} of those wrongly." if one.coverage.risk is not None else "."
    return joined(
        tag("p", f"{one.title[:1].upper()}{one.title[1:]}.{threshold}"),
        tag("div", _figure(reliable, told), _figure(risky, risk), class_="charts"),
    )


def robustness(content: Content) -> Html:
    """List what remains under each condition."""
    found = content.robustness
    if found is None:
        return NOTHING
    clean = found.rows[0].ua
    rows = [
        [row.condition, f"{row.ua:.1%}", f"{100 * (row.ua - clean):+.1f}" if number else "",
         f"{row.changed:.1%}" if number else "", f"{row.accuracy:.1%}"]
        for number, row in enumerate(found.rows)
    ]  # fmt: skip
    who = f"{found.utterances} utterances of {_plural(found.speakers, 'speaker')}, {found.tested_on}"
    return joined(
        table(["Sound", "UA", "points", "changed", "Accuracy"], rows, caption=who),
        tag("p", "“changed” is the share of answers that are not those to the clean sound.", class_="note"),
        *(tag("p", sentence, class_="note") for sentence in found.missing),
    )


def baselines(content: Content) -> Html:
    """List what it is worth beside baselines of several kinds."""
    if not content.baselines:
        return NOTHING
    rows = [[line.condition, f"{line.ua:.1%}", f"{line.masked:.1%}", f"{line.anger:.1%}"] for line in content.baselines]
    headings = ["In the baseline", "UA", "UA among the test's classes", "Recall of anger"]
    return joined(
        table(headings, rows, caption=f"{content.figures[0].title}, means over the folds"),
        tag("p", "Of the speaker's other utterances, never the one that is answered.", class_="note"),
    )


def speakers(content: Content) -> Html:
    """Show each speaker's recall, and that of the sexes."""
    one = content.figures[0]
    ranked = sorted(one.by_speaker, key=lambda group: (group.ua, group.name))
    shown = ranked[:MOST_SPEAKERS]
    more = f"; the {len(shown)} hardest of {len(ranked)}" if len(shown) < len(ranked) else ""
    drawn = charts.dots([(group.name, group.ua) for group in shown], what="UA of each speaker")
    parts = [_figure(drawn, f"UA of each speaker, {one.title}{more}")]
    if one.by_sex:
        rows = [[group.name, f"{group.ua:.1%}", f"{group.accuracy:.1%}", group.answers] for group in one.by_sex]
        parts.append(table(["Sex", "UA", "Accuracy", "Answers"], rows, caption=_between(one.by_sex)))
    return tag("div", *parts, class_="charts")


def _between(sexes: tuple[Group, ...]) -> str:
    scores = [group.ua for group in sexes]
    return f"{100 * (max(scores) - min(scores)):.1f} points lie between them." if len(scores) > 1 else ""


def mistakes(content: Content) -> Html:
    """Show the most confident mistakes."""
    if not content.mistakes:
        return tag("p", "There are none.")
    cards = []
    for one in content.mistakes:
        seen = (
            picture(one.picture, alt=f"spectrogram of {one.path}")
            if one.picture
            else tag("div", "no picture", class_="none note")
        )
        told = tag(
            "figcaption",
            tag("b", f"{one.given}, {one.confidence:.0%} sure"),
            f"; it is {one.truth}. ",
            tag("code", one.path),
            f" ({one.speaker})",
        )
        cards.append(tag("figure", seen, told))
    return joined(
        tag(
            "p",
            f"{content.figures[0].title}; the pictures are the mel bands over time, low notes below.",
            class_="note",
        ),
        tag("div", *cards, class_="mistakes"),
    )


def card(content: Content) -> Html:
    """Show the model's card."""
    one = content.card
    if one is None:
        return NOTHING
    sure = f"on {one.calibrated_on}" if one.calibrated_on else "not fitted; the defaults"
    rows = [
        ("Name", one.name),
        ("Licence", one.licence),
        ("Labels", ", ".join(one.labels)),
        ("Input", f"{one.input} at {one.rate} Hz"),
        ("Trained on", ", ".join(f"{name} ({licence})" for name, licence in one.corpora.items())),
        ("Voices heard", f"{len(one.speakers)}: {', '.join(one.speakers)}"),
        ("Confidence", f"temperature {one.temperature:.2f}, unsure below {one.threshold:.0%}; {sure}"),
    ]
    rows += [(f"Score, {s.corpora}", f"{s.protocol}: UA {s.ua:.1%}, accuracy {s.accuracy:.1%}") for s in one.scores]
    return pairs(rows)


def reproduction(content: Content) -> Html:
    """Say how to get the same again."""
    parts = [tag("pre", tag("code", content.command))]
    if content.recipe:
        parts.append(tag("pre", tag("code", content.recipe.strip())))
    return joined(*parts)


def _figure(drawn: Html, caption: str) -> Html:
    return tag("figure", drawn, tag("figcaption", text(caption)))


def _interval(found: Interval) -> str:
    return f"{100 * found.low:.1f} to {100 * found.high:.1f} %"


def _plural(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
