"""What ``intone live`` shows on a terminal: level, emotion, the seven probabilities and the last minute."""

import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.constrain import Constrain
from rich.live import Live
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from intone.cli.console import clock, complain, printable
from intone.emotions import Emotion
from intone.hear.alerts import Alert
from intone.hear.sources import Chunk
from intone.results import Segment, Update

RIBBON_SECONDS = 60.0
"""How much of the past the ribbon shows."""
FLOOR_DB = -60.0
"""The quietest level that moves the meter (dB below full scale)."""
FALL_DB = 24.0
"""How fast the meter falls (dB a second), so that an eye can follow it."""
LOUD_DB = -3.0
"""From here on the meter warns."""
STALE_SECONDS = 1.0
"""This long after its end a segment is no longer what is being heard."""
REFRESH_SECONDS = 0.1
"""The view is drawn no more often."""
WIDEST = 100
"""Columns; a wider terminal is not filled."""
MESSAGES = 4
"""So many of the last messages are shown."""
LIGHT = 140
"""A colour of more luma than this (0 to 255) is written on in black."""


@dataclass
class State:
    """What the view shows.

    Attributes
    ----------
    source : str
        Where the sound comes from.
    elapsed : float
        Seconds of sound that were heard.
    level : float
        Of the sound, in dB below full scale.
    current : Segment or None
        What was heard last, whether it has ended or not.
    segments : deque of Segment
        Those that ended within the last minute.
    messages : deque of tuple of float, str and str
        When, what, and in which style.
    """

    source: str
    elapsed: float = 0.0
    level: float = FLOOR_DB
    current: Segment | None = None
    segments: deque[Segment] = field(default_factory=deque)
    messages: deque[tuple[float, str, str]] = field(default_factory=lambda: deque(maxlen=MESSAGES))

    def heard(self, chunk: Chunk) -> None:
        """Let the meter follow a piece of sound."""
        power = float(np.mean(np.square(np.nan_to_num(chunk.samples, posinf=1, neginf=1), dtype=np.float64)))
        level = 10 * float(np.log10(max(power, 1e-12)))
        self.elapsed += chunk.duration
        self.level = min(max(level, self.level - FALL_DB * chunk.duration, FLOOR_DB), 0.0)

    def updated(self, update: Update) -> None:
        """Take what a stream has to say."""
        if update.notice is not None:
            self.messages.append((update.at, printable(update.notice.message), "yellow"))
        if update.segment is None:
            return
        self.current = update.segment
        if update.final:
            self.segments.append(update.segment)
        while self.segments and self.segments[0].end < self.elapsed - RIBBON_SECONDS:
            self.segments.popleft()

    def alerted(self, alert: Alert) -> None:
        """Take an alert."""
        self.messages.append((alert.at, f"ALERT {alert.condition}", "bold red"))

    @property
    def speaking(self) -> Segment | None:
        """The segment that is being heard; None in silence."""
        if self.current is None or self.elapsed - self.current.end > STALE_SECONDS:
            return None
        return self.current


def render(state: State) -> RenderableType:
    """Draw the view, for a terminal of any width."""
    now = state.speaking
    rows = Table.grid(expand=True, padding=(0, 1))
    rows.add_column(width=max(map(len, Emotion)), no_wrap=True)
    rows.add_column(ratio=1)
    rows.add_column(width=8, justify="right", no_wrap=True)
    loud = state.level >= LOUD_DB
    meter = _Bar(1 - state.level / FLOOR_DB, "bold red" if loud else "green")
    rows.add_row("level", meter, f"{state.level:.0f} dBFS" if state.level > FLOOR_DB else "silent")
    rows.add_row()
    rows.add_row("now", _spoken(now), "" if now is None else Text(f"{now.confidence:.0%}", style="bold"))
    rows.add_row()
    for emotion in Emotion:
        share = 0.0 if now is None else now.scores[emotion]
        dim = "dim " if now is None or now.unsure else ""
        rows.add_row(
            Text(emotion, style=dim), _Bar(share, f"{dim}{emotion.colour}"), "" if now is None else f"{share:.0%}"
        )
    parts: list[RenderableType] = [_ends("intone live", clock(state.elapsed), state.source), Text(), rows, Text()]
    parts += [_ends("the last minute", "now"), _Ribbon(state)]
    parts += [_message(*message) for message in state.messages]
    parts.append(Text("Ctrl-C ends it", style="dim"))
    return Constrain(Group(*parts), WIDEST)


def _spoken(segment: Segment | None) -> Text:
    if segment is None:
        return Text("listening", style="dim")
    if segment.unsure:
        return Text(f"unsure ({segment.emotion}?)", style="dim")
    badge = f"bold {_ink(segment.emotion)} on {segment.emotion.colour}"
    return Text.assemble((f" {segment.emotion} ", badge))  # as the style of the whole it would fill the column


def _ink(emotion: Emotion) -> str:
    red, green, blue = (int(emotion.colour[at : at + 2], 16) for at in (1, 3, 5))
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > LIGHT else "white"


def _ends(left: str, right: str, middle: str = "") -> Table:
    line = Table.grid(expand=True, padding=(0, 1))
    line.add_column(no_wrap=True)
    line.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    line.add_column(no_wrap=True, justify="right")
    line.add_row(Text(left, style="bold"), Text(printable(middle), style="dim"), Text(right, style="dim"))
    return line


def _message(at: float, message: str, style: str) -> Table:
    line = Table.grid(padding=(0, 1))
    line.add_column(no_wrap=True, style="dim")
    line.add_column(overflow="fold")
    line.add_row(clock(at), Text(message, style=style))
    return line


@dataclass
class _Bar:
    """A bar as wide as its place, filled to a share of it."""

    share: float
    style: str

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        filled = round(min(max(self.share, 0.0), 1.0) * options.max_width)
        yield Text(("=" if options.ascii_only else "━") * filled, style=self.style, no_wrap=True)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(1, options.max_width)


@dataclass
class _Ribbon:
    """The last minute: a cell for each moment in its emotion's colour, and the names below."""

    state: State

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        step = RIBBON_SECONDS / options.max_width
        first = self.state.elapsed - RIBBON_SECONDS + step / 2
        cells = (self._heard(first + number * step) for number in range(options.max_width))
        full, faint, rest = "##-" if options.ascii_only else "█▒·"
        colours, names = Text(no_wrap=True), ""
        for heard, run in groupby(cells):
            width = len(list(run))
            if heard is None:
                colours.append(rest * width, style="dim")
                continue
            emotion, unsure = heard
            at = len(colours)
            colours.append(
                (faint if unsure else full) * width, style=f"dim {emotion.colour}" if unsure else emotion.colour
            )
            if not unsure:  # a name has room up to the next one
                names = (names[: at - 1].ljust(at) if at else "") + emotion
        yield colours
        yield Text(names[: options.max_width], style="dim", no_wrap=True)

    def _heard(self, at: float) -> tuple[Emotion, bool] | None:
        latest = [] if self.state.current is None else [self.state.current]
        for segment in (*latest, *reversed(self.state.segments)):
            if segment.start <= at < segment.end:
                return segment.emotion, segment.unsure
        return None


class View:
    """The view on a terminal, drawn anew as things happen.

    Parameters
    ----------
    source : str
        Where the sound comes from.
    console : Console, optional
        The terminal; standard output where it is left out.
    now : callable, optional
        The time in seconds.
    """

    def __init__(
        self, source: str, *, console: Console | None = None, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.state = State(source)
        self._now, self._drawn = now, now()
        self._live = Live(
            render(self.state),
            console=console or Console(),
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start(refresh=True)

    def started(self, record: dict[str, object]) -> None:
        """Show nothing of it: the source's name stands there already."""

    def heard(self, chunk: Chunk) -> None:
        """Show a piece of sound."""
        self.state.heard(chunk)
        self._draw()

    def updated(self, update: Update) -> None:
        """Show what the stream says; a notice also goes to standard error where that is no terminal."""
        self.state.updated(update)
        if update.notice is not None and sys.stderr is not None and not sys.stderr.isatty():
            complain(f"{update.at:.1f} s: {update.notice.message}")
        self._draw(at_once=update.notice is not None)

    def alerted(self, alert: Alert) -> None:
        """Show an alert at once."""
        self.state.alerted(alert)
        self._draw(at_once=True)

    def close(self) -> None:
        """Draw it a last time, and leave it standing."""
        self._draw(at_once=True)
        self._live.stop()

    def _draw(self, *, at_once: bool = False) -> None:
        now = self._now()
        if at_once or now - self._drawn >= REFRESH_SECONDS:
            self._drawn = now
            self._live.update(render(self.state), refresh=True)
