"""Draws a timeline: waveform, emotions, confidence, and what it comes to (extra ``plot``)."""

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from intone.emotions import Emotion
from intone.hear import audio, picture
from intone.hear.audio import RATE, Sound
from intone.hear.engines import Floats
from intone.hear.summary import by_voice
from intone.results import Segment, Timeline

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 3000
"""How many stretches the waveform is drawn as; each shows its lowest and highest sample."""
FAINT = 0.35
"""How opaque a segment is of which the model is unsure."""
NARROWEST = 0.002
"""A segment is drawn at least this wide, as a share of the whole, or a short one could not be seen in an hour."""
LONGEST_NAME = 14
"""A voice's name is cut beside its line."""
STEPS, MOST_TICKS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600), 10
"""Seconds between two marks of the axis, the first of these that needs no more marks."""


def save(sound: Sound, timeline: Timeline, path: Path) -> None:
    """Draw a timeline into a file; the recording is read again, block by block.

    Parameters
    ----------
    sound : sound
        The recording, as :meth:`intone.Recogniser.timeline` heard it; an array at 16 kHz.
    timeline : Timeline
        What was heard in it.
    path : pathlib.Path
        The picture; its ending says the format, PNG, SVG or PDF.

    Raises
    ------
    MissingExtraError
        Matplotlib is not installed.
    SoundError
        The recording cannot be read.
    UsageError
        The format is not one of these, or the file cannot be written.
    """
    picture.check(path)
    from matplotlib.figure import Figure

    voices = by_voice(timeline.segments)
    names = list(timeline.voices)
    lines = max(len(names), 1)
    figure = Figure(figsize=(12, 4.4 + 0.5 * lines), layout="constrained")
    grid = figure.add_gridspec(3, 2, width_ratios=(3.4, 1), height_ratios=(1.5, 0.5 * lines, 1.2))
    wave = figure.add_subplot(grid[0, 0])
    _draw_wave(wave, sound, timeline)
    ribbon = figure.add_subplot(grid[1, 0], sharex=wave)
    _draw_ribbon(ribbon, timeline, voices, names)
    _draw_confidence(figure.add_subplot(grid[2, 0], sharex=wave), timeline, voices, names)
    _draw_summary(figure.add_subplot(grid[:, 1]), timeline)
    _titled(figure, timeline)
    picture.write(figure, path)


def envelope(sound: Sound, duration: float) -> tuple[Floats, Floats]:
    """Give the lowest and the highest sample of each of :data:`COLUMNS` stretches of a recording."""
    step = max(1, math.ceil(duration * RATE / COLUMNS))
    lowest, highest = list[Floats](), list[Floats]()
    rest = np.zeros(0, np.float32)
    for block in audio.blocks(sound, max_seconds=math.inf):
        whole = np.concatenate([rest, block])
        ready = len(whole) // step * step
        stretches = whole[:ready].reshape(-1, step)
        lowest.append(stretches.min(axis=1))
        highest.append(stretches.max(axis=1))
        rest = whole[ready:]
    if len(rest):
        lowest.append(rest.min(keepdims=True))
        highest.append(rest.max(keepdims=True))
    return np.concatenate(lowest), np.concatenate(highest)


def _draw_wave(axes: "Axes", sound: Sound, timeline: Timeline) -> None:
    lowest, highest = envelope(sound, timeline.duration)
    times = np.linspace(0, timeline.duration, len(lowest))
    axes.fill_between(times, lowest, highest, color="#555555", linewidth=0.3)
    for point in timeline.summary.turning_points:
        axes.axvline(point.at, color=point.after.colour, linewidth=1.2, linestyle="--")
    turned = "; dashed where it turns" if timeline.summary.turning_points else ""
    axes.set(xlim=(0, timeline.duration), ylabel="amplitude", title=f"waveform{turned}")
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelbottom=False)


def _draw_ribbon(axes: "Axes", timeline: Timeline, voices: dict[str, list[Segment]], names: list[str]) -> None:
    least = NARROWEST * timeline.duration
    for line, name in enumerate(names):
        for emotion in Emotion:
            for unsure in (False, True):
                spans = [
                    (segment.start, max(segment.duration, least))
                    for segment in voices.get(name, [])
                    if segment.emotion is emotion and segment.unsure is unsure
                ]
                axes.broken_barh(spans, (line - 0.4, 0.8), color=emotion.colour, alpha=FAINT if unsure else 1)
    axes.set(ylim=(len(names) - 0.5, -0.5), title="emotion; pale where unsure")
    several = len(names) > 1
    axes.set_yticks(range(len(names)), [_short(name) for name in names] if several else [""] * len(names))
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(labelbottom=False, left=False)


def _draw_confidence(axes: "Axes", timeline: Timeline, voices: dict[str, list[Segment]], names: list[str]) -> None:
    for name in names:
        for segment in voices.get(name, []):
            axes.plot(
                (segment.start, segment.end), (segment.confidence,) * 2, color=segment.emotion.colour, linewidth=3,
                alpha=FAINT if segment.unsure else 1, solid_capstyle="butt",
            )  # fmt: skip
    axes.set(ylim=(0, 1.02), title="confidence", xlabel=_unit(timeline.duration))
    axes.set_yticks((0, 0.5, 1), ("0%", "50%", "100%"))
    step = next((step for step in STEPS if timeline.duration / step <= MOST_TICKS), STEPS[-1])
    axes.set_xticks(np.arange(0, timeline.duration, step))
    axes.xaxis.set_major_formatter(lambda seconds, _: clock(seconds, timeline.duration))
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", linewidth=0.4)


def _draw_summary(axes: "Axes", timeline: Timeline) -> None:
    emotions = list(reversed(Emotion))
    shares = [timeline.summary.shares[emotion] for emotion in emotions]
    drawn = axes.barh(emotions, shares, color=[emotion.colour for emotion in emotions])
    axes.bar_label(drawn, [f"{share:.0%}" for share in shares], padding=3)
    # Its colour is told of an emotion that has no share too.
    axes.scatter(
        [0] * len(emotions), emotions, color=[emotion.colour for emotion in emotions], marker="s", clip_on=False
    )
    axes.set(xlim=(0, max(1.25 * max(shares), 0.1)), xlabel="share of the speech")
    axes.set_xticks([])
    axes.spines[["top", "right"]].set_visible(False)
    summary = timeline.summary
    unit = " s" if summary.speech < 60 else ""
    spoken = f"{clock(round(summary.speech, 1), summary.speech)}{unit} of speech"
    axes.set_title(f"{spoken},\nunsure in {summary.unsure:.0%} of it")


def _titled(figure: "Figure", timeline: Timeline) -> None:
    name = picture.drawable(timeline.file)
    figure.suptitle(f"{name}{' (with hindsight)' if timeline.hindsight else ''}", parse_math=False)


def _short(name: str) -> str:
    shown = picture.drawable(name)
    return shown if len(shown) <= LONGEST_NAME else f"{shown[: LONGEST_NAME - 1]}…"


def _unit(duration: float) -> str:
    return "seconds" if duration < 60 else "minutes and seconds" if duration < 3600 else "hours, minutes and seconds"


def clock(seconds: float, longest: float) -> str:
    """Write a moment on an axis that goes to ``longest``.

    Examples
    --------
    >>> clock(7.5, 20), clock(75, 90), clock(3700, 9000)
    ('7.5', '1:15', '1:01:40')
    """
    if longest < 60:
        return f"{seconds:g}"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if longest >= 3600 else f"{60 * hours + minutes}:{rest:02d}"
