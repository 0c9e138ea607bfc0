"""The charts of a summary, as SVG in the style of the reports."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from intone.archive.summary.figures import Figure
from intone.pages.charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, line, rounded_up, shortened, svg, text
from intone.pages.markup import Html, tag

Scale = Callable[[float], float]
ROW = 32
NAMES = 92
"""Width of the names beside bars and dots."""
MOST_MARKS = 4
"""Dates that fit below a chart on a phone."""


@dataclass(frozen=True)
class Course:
    """A share over time: its name, its colour, ``one`` or ``two``, and a figure or a gap for each period."""

    name: str
    colour: str
    figures: Sequence[Figure | None]


def beside(rows: Sequence[tuple[str, Figure, Figure | None]], *, what: str) -> Html:
    """Draw two bars for each name, one above the other, with their intervals: as heard, and corrected."""
    bottom, scale = ROW * len(rows), WIDTH - NAMES - 44
    ends = [part.high or part.value for _, *pair in rows for part in pair if part is not None]
    highest = rounded_up(max(ends, default=1.0))
    drawn: list[Html] = []

    def x(value: float) -> float:
        return NAMES + scale * value / highest

    for number, (name, heard, corrected) in enumerate(rows):
        top = number * ROW
        drawn.append(text(NAMES - 8, top + 18, name, anchor="end"))
        for step, figure, colour in ((0, heard, "two"), (1, corrected, "one")):
            if figure is None:
                continue
            y = top + 4 + 12 * step
            width = max(x(figure.value) - NAMES, 1)
            drawn.append(tag("rect", x=NAMES, y=y, width=f"{width:.1f}", height=10, class_=f"fill-{colour}"))
            drawn += _whisker(x, figure, y + 5)
            drawn.append(text(x(figure.high or figure.value) + 6, y + 9, f"{figure.value:.0%}"))
    legend = [("as heard", "two"), *([("corrected", "one")] if any(row[2] for row in rows) else [])]
    return svg(bottom + 24, drawn, _legend(legend, bottom + 16, NAMES), what)


def over_time(places: Sequence[date], names: Sequence[str], courses: Sequence[Course], *, what: str) -> Html:
    """Draw shares over time, each with its interval as a band; a gap where a period has no figure.

    Parameters
    ----------
    places : sequence of datetime.date
        When each period begins, in order.
    names : sequence of str
        What each period is called.
    courses : sequence of Course
        One figure for each period.
    what : str
        Told to those who cannot see it.
    """
    wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    told = [figure for course in courses for figure in course.figures if figure is not None]
    highest = min(rounded_up(max((figure.high or figure.value for figure in told), default=1.0)), 1.0)
    first, last = places[0].toordinal(), places[-1].toordinal()

    def x(number: int) -> float:
        return LEFT + wide * ((places[number].toordinal() - first) / (last - first) if last > first else 0.5)

    def y(value: float) -> float:
        return TOP + high * (1 - min(value, highest) / highest)

    drawn = []
    for part in (0, 0.25, 0.5, 0.75, 1):
        level = highest * part
        drawn.append(line(LEFT, y(level), WIDTH - RIGHT, y(level), "grid" if part else "axis"))
        drawn.append(text(LEFT - 6, y(level) + 4, f"{100 * level:.3g}%", anchor="end"))
    for number in _marked(len(places)):
        drawn.append(text(x(number), HEIGHT - BOTTOM + 16, names[number], anchor=_anchor(x(number))))
    for course in courses:
        for run in _runs(course.figures):
            drawn += _run(run, x, y, course.colour)
    legend = [(course.name, course.colour) for course in courses]
    return svg(HEIGHT, drawn, _legend(legend, HEIGHT - 8, LEFT), what)


def around_zero(rows: Sequence[tuple[str, Figure]], *, centre: float | None = None, what: str) -> Html:
    """Draw a dot with its interval for each name, beside 0 and, dashed, a centre; in percentage points."""
    bottom, half = ROW * len(rows), (WIDTH - NAMES - RIGHT) / 2
    ends = [abs(end) for _, one in rows for end in (one.low, one.high, one.value) if end is not None]
    most = rounded_up(max(ends, default=1.0))

    def x(value: float) -> float:
        return NAMES + half * (1 + value / most)

    drawn = [line(x(0), 0, x(0), bottom, "axis")]
    if centre is not None:
        drawn.append(line(x(centre), 0, x(centre), bottom, "line ideal"))
    for part in (-1, -0.5, 0, 0.5, 1):
        drawn.append(
            text(
                x(part * most),
                bottom + 15,
                f"{100 * part * most:+.3g}" if part else "0",
                anchor=_anchor(x(part * most)),
            )
        )
    for number, (name, figure) in enumerate(rows):
        middle = number * ROW + ROW / 2
        drawn.append(text(NAMES - 8, middle + 4, shortened(name, 14), anchor="end"))
        drawn += _whisker(x, figure, middle)
        drawn.append(tag("circle", cx=f"{x(figure.value):.1f}", cy=middle, r=4, class_="fill-one"))
    return svg(bottom + 20, drawn, None, what)


def _runs(figures: Sequence[Figure | None]) -> list[list[tuple[int, Figure]]]:
    """Split at the gaps, giving the figures that stand beside one another with their places."""
    runs: list[list[tuple[int, Figure]]] = [[]]
    for number, figure in enumerate(figures):
        if figure is None:
            runs.append([])
        else:
            runs[-1].append((number, figure))
    return [run for run in runs if run]


def _run(run: Sequence[tuple[int, Figure]], x: Callable[[int], float], y: Scale, colour: str) -> list[Html]:
    drawn = []
    banded = [(number, one.low, one.high) for number, one in run if one.low is not None and one.high is not None]
    if len(banded) > 1:
        there = [f"{x(number):.1f},{y(high):.1f}" for number, _, high in banded]
        back = [f"{x(number):.1f},{y(low):.1f}" for number, low, _ in reversed(banded)]
        drawn.append(tag("polygon", points=" ".join(there + back), class_=f"band fill-{colour}"))
    elif banded:
        ((number, low, high),) = banded
        drawn.append(line(x(number), y(low), x(number), y(high), f"line {colour}"))
    points = " ".join(f"{x(number):.1f},{y(one.value):.1f}" for number, one in run)
    drawn.append(tag("polyline", points=points, class_=f"line {colour}"))
    drawn += [
        tag("circle", cx=f"{x(number):.1f}", cy=f"{y(one.value):.1f}", r=2.5, class_=f"fill-{colour}")
        for number, one in run
    ]
    return drawn


def _marked(count: int) -> list[int]:
    """Choose the periods whose names are written, equally many apart."""
    return list(range(0, count, max(1, -(-(count - 1) // (MOST_MARKS - 1)))))


def _whisker(x: Scale, figure: Figure, y: float) -> list[Html]:
    if figure.low is None or figure.high is None:
        return []
    low, high = x(figure.low), x(figure.high)
    return [line(low, y, high, y, "whisker"), *(line(end, y - 3.5, end, y + 3.5, "whisker") for end in (low, high))]


def _anchor(x: float) -> str:
    if x < LEFT + 30:
        return "start"
    return "end" if x > WIDTH - RIGHT - 30 else "middle"


def _legend(series: Sequence[tuple[str, str]], y: float, x: float) -> list[Html]:
    drawn = []
    for name, colour in series:
        drawn.append(tag("rect", x=f"{x:.1f}", y=f"{y - 9:.1f}", width=14, height=9, class_=f"fill-{colour}"))
        drawn.append(text(x + 19, y, name, soft=True))
        x += 40 + 6 * len(name)
    return drawn
