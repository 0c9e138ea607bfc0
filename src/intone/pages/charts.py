"""The charts of a report, as SVG: sharp at any size, and in the colours of the page that they stand in."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from intone.pages.markup import Html, tag

WIDTH, HEIGHT = 360, 230
"""Of a chart with axes, in units that are pixels on a phone."""
LEFT, RIGHT, TOP, BOTTOM = 42, 18, 10, 50
"""Its margins."""
ROW = 40
"""Height of a bar with its label above."""


@dataclass(frozen=True)
class Series:
    """A curve: its name, its points, and its colour, ``one``, ``two`` or the dashed ``ideal``."""

    name: str
    points: Sequence[tuple[float, float]]
    colour: str


@dataclass(frozen=True)
class Bar:
    """A bar from 0 to 1: its name, what is written behind the name, its length, its interval, and its colour."""

    name: str
    note: str
    value: float
    interval: tuple[float, float] | None = None
    colour: str = "one"


def lines(
    series: Sequence[Series],
    *,
    across: str,
    up: str,
    highest: float = 1.0,
    span: tuple[float, float] = (0.0, 1.0),
    share: bool = True,
) -> Html:
    """Draw curves over two axes.

    Parameters
    ----------
    series : sequence of Series
        The curves; those with two points or more.
    across, up : str
        What the axes are.
    highest : float, default 1
        The upper end of the upright axis, which begins at 0.
    span : tuple of float
        The ends of the lying axis.
    share : bool, default True
        Whether the upright axis is in per cent.
    """
    wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    first, last = span

    def x(value: float) -> float:
        return LEFT + wide * (value - first) / ((last - first) or 1)

    def y(value: float) -> float:
        return TOP + high * (1 - min(value, highest) / highest)

    drawn = []
    for part in (0, 0.25, 0.5, 0.75, 1):
        level = highest * part
        drawn.append(line(LEFT, y(level), WIDTH - RIGHT, y(level), "grid" if part else "axis"))
        mark = f"{level:.0%}" if share else f"{level:.2g}"
        drawn.append(text(LEFT - 6, y(level) + 4, mark, anchor="end"))
    for place, mark in _marks(first, last):
        drawn.append(text(x(place), HEIGHT - BOTTOM + 15, mark, anchor="middle"))
    for curve in series:
        points = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in curve.points)
        drawn.append(tag("polyline", points=points, class_=f"line {curve.colour}"))
    drawn.append(text(LEFT + wide / 2, HEIGHT - BOTTOM + 29, across, anchor="middle"))
    return svg(HEIGHT, drawn, _legend(series), f"{up} over {across}")


def bars(rows: Sequence[Bar], *, chance: float | None = None, what: str) -> Html:
    """Draw bars below one another, each with its name above it, so that names of any length fit on a phone.

    Parameters
    ----------
    rows : sequence of Bar
        From above to below.
    chance : float, optional
        Where guessing would be: a mark across each bar.
    what : str
        Told to those who cannot see it.
    """
    bottom = ROW * len(rows)

    def x(value: float) -> float:
        return (WIDTH - RIGHT) * min(max(value, 0), 1)

    drawn: list[Html] = []
    for number, row in enumerate(rows):
        top = number * ROW
        drawn.append(text(0, top + 13, shortened(row.name, 38 - len(row.note) // 2)))
        drawn.append(text(WIDTH, top + 13, row.note, anchor="end"))
        drawn.append(tag("rect", x=0, y=top + 19, width=f"{x(row.value):.1f}", height=11, class_=f"fill-{row.colour}"))
        if row.interval:
            low, high = x(row.interval[0]), x(row.interval[1])
            drawn.append(line(low, top + 24.5, high, top + 24.5, "whisker"))
            drawn += [line(end, top + 20, end, top + 29, "whisker") for end in (low, high)]
    if chance is not None:
        ends = [(number * ROW + 16, number * ROW + 33) for number in range(len(rows))]
        drawn += [line(x(chance), begin, x(chance), end, "whisker") for begin, end in ends]
        drawn.append(text(x(chance) + 4, bottom + 10, f"guessing: {chance:.0%}", soft=True))
    return svg(bottom + 14, drawn, None, what)


def dots(rows: Sequence[tuple[str, float]], *, what: str) -> Html:
    """Draw one short line a name with a dot from 0 to 100 %, close together."""
    begin, step = 118, 17
    wide = WIDTH - begin - RIGHT - 30
    bottom = step * len(rows)
    drawn = []
    for part in (0, 0.25, 0.5, 0.75, 1):
        place = begin + wide * part
        drawn.append(line(place, 0, place, bottom, "grid"))
        drawn.append(text(place, bottom + 14, f"{part:.0%}", anchor="middle", soft=True))
    for number, (name, value) in enumerate(rows):
        middle = number * step + 8
        drawn.append(text(begin - 8, middle + 4, shortened(name, 17), anchor="end"))
        drawn.append(line(begin, middle, begin + wide * value, middle, "one"))
        drawn.append(tag("circle", cx=f"{begin + wide * value:.1f}", cy=middle, r=4, class_="fill-one"))
        drawn.append(text(WIDTH, middle + 4, f"{value:.0%}", anchor="end"))
    return svg(bottom + 20, drawn, None, what)


def rounded_up(value: float) -> float:
    """Give the end of an axis that holds ``value`` and whose quarters are short to write.

    Examples
    --------
    >>> [rounded_up(value) for value in (0.03, 1.2, 1.95, 7)]
    [0.04, 2.0, 2.0, 8.0]
    """
    if value <= 0:
        return 1.0
    unit = 10.0 ** math.floor(math.log10(value))
    return next(round(step * unit, 12) for step in (1, 2, 4, 6, 8, 10) if step * unit >= value)


def shortened(name: str, most: int) -> str:
    """Cut a name that would run out of its chart."""
    return name if len(name) <= most else name[: most - 1] + "…"


def _marks(first: float, last: float) -> list[tuple[float, str]]:
    """Give the marks of the lying axis: per cent of a share, or whole numbers."""
    places = [first + (last - first) * part for part in (0, 0.25, 0.5, 0.75, 1)]
    if last <= 1:
        return [(place, f"{place:.0%}") for place in places]
    return [(whole, str(whole)) for whole in sorted({round(place) for place in places})]


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Html:
    """Draw a line; ``kind`` is its class in the style."""
    return tag("line", x1=f"{x1:.1f}", y1=f"{y1:.1f}", x2=f"{x2:.1f}", y2=f"{y2:.1f}", class_=kind)


def text(x: float, y: float, content: str, *, anchor: str = "start", soft: bool = False) -> Html:
    """Write into a chart."""
    return tag("text", content, x=f"{x:.1f}", y=f"{y:.1f}", text_anchor=anchor, class_="soft" if soft else None)


def _legend(series: Sequence[Series]) -> list[Html]:
    drawn, x = [], float(LEFT)
    for curve in series:
        drawn.append(line(x, HEIGHT - 9, x + 18, HEIGHT - 9, f"line {curve.colour}"))
        drawn.append(text(x + 23, HEIGHT - 5, curve.name, soft=True))
        x += 38 + 6 * len(curve.name)
    return drawn


def svg(height: float, drawn: list[Html], legend: list[Html] | None, what: str) -> Html:
    """Make a chart of what was drawn; ``what`` is told to those who cannot see it."""
    return tag("svg", *drawn, *(legend or []), viewBox=f"0 0 {WIDTH} {height:.0f}", role="img", aria_label=what)
