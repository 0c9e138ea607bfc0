"""Draws what was heard: waveform, mel spectrogram and the seven probabilities (extra ``plot``)."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from intone import features
from intone.emotions import Emotion
from intone.errors import MissingExtraError, UsageError, unknown
from intone.features.filterbanks import mel_filters
from intone.features.recipes import FeatureRecipe, Measure
from intone.hear.audio import RATE, Waveform
from intone.hear.engines import STEP
from intone.results import Prediction

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = ("pdf", "png", "svg")
FRAME = 1024
"""Length of a frame of the spectrogram in samples at 16 kHz."""
BANDS = 64
"""How many mel bands the spectrogram has."""
COLUMNS = 2000
"""About how many columns the spectrogram has: the distance of the frames grows with the sound."""
DECIBELS = 70.0
"""The range of the spectrogram's colours below its loudest band; quieter is black, or noise would fill the picture."""
POINTS = 4000
"""How many stretches the waveform is drawn as; each shows its lowest and highest sample."""
ATTENDED_SECONDS = 30.0
"""Of a longer sound it would not show which moments counted."""
LONGEST_NAME = 80
"""A longer file name is cut in the title."""


def check(path: Path) -> None:
    """Refuse a picture that could not be drawn before anything is heard.

    Raises
    ------
    MissingExtraError
        Matplotlib is not installed.
    UsageError
        The ending is not one of :data:`FORMATS`, or there is no such folder.
    """
    suffix = path.suffix.removeprefix(".").lower()
    if suffix not in FORMATS:
        raise unknown("picture format", suffix, FORMATS)
    if not path.parent.is_dir():
        raise UsageError(f"{path}: the picture cannot be written; there is no folder {path.parent}.")
    if find_spec("matplotlib") is None:
        raise MissingExtraError("A picture needs Matplotlib: pip install 'intone[plot]'.")


def write(figure: "Figure", path: Path) -> None:
    """Write a figure into a file.

    Raises
    ------
    UsageError
        It cannot be written.
    """
    try:
        figure.savefig(path, dpi=120)
    except OSError as error:
        raise UsageError(f"{path}: the picture cannot be written ({error.strerror}).") from error


def save(waveform: Waveform, prediction: Prediction, path: Path) -> None:
    """Draw a prediction into a file.

    Parameters
    ----------
    waveform : Waveform
        The sound.
    prediction : Prediction
        What was heard in it.
    path : pathlib.Path
        The picture; its ending says the format, PNG, SVG or PDF.

    Raises
    ------
    MissingExtraError
        Matplotlib is not installed.
    UsageError
        The format is not one of these, or the file cannot be written.
    """
    check(path)
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 6), layout="constrained")
    grid = figure.add_gridspec(2, 2, width_ratios=(2, 1), height_ratios=(1, 1.6))
    _draw_wave(figure.add_subplot(grid[0, 0]), waveform, prediction)
    _draw_mel(figure.add_subplot(grid[1, 0]), waveform)
    _draw_bars(figure.add_subplot(grid[:, 1]), prediction)
    figure.suptitle(drawable(prediction.file), parse_math=False)
    write(figure, path)


def drawable(file: str) -> str:
    """Give a file's name for a title: no letter that the font lacks, and no longer than the picture is wide."""
    from matplotlib.font_manager import findfont, get_font

    font = get_font(findfont("DejaVu Sans"))
    name = "".join(c if font.get_char_index(ord(c)) else "\N{REPLACEMENT CHARACTER}" for c in Path(file).name)
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def _draw_wave(axes: "Axes", waveform: Waveform, prediction: Prediction) -> None:
    stretches = np.array_split(waveform.samples, min(POINTS, len(waveform.samples)))
    times = np.linspace(0, waveform.duration, len(stretches))
    lowest, highest = [part.min() for part in stretches], [part.max() for part in stretches]
    axes.fill_between(times, lowest, highest, color=prediction.emotion.colour, linewidth=0.6)
    title = "waveform"
    if prediction.attention is not None and waveform.duration <= ATTENDED_SECONDS:
        height = 1.05 * float(np.abs(waveform.samples).max())
        extent = (0, len(prediction.attention) * STEP / RATE, -height, height)
        axes.imshow(prediction.attention[np.newaxis], aspect="auto", cmap="Greys", extent=extent, vmin=0, zorder=0)
        title = "waveform; the darker behind it, the more a moment counted"
    axes.set(xlim=(0, waveform.duration), ylabel="amplitude", title=title)
    axes.spines[["top", "right"]].set_visible(False)


def _draw_mel(axes: "Axes", waveform: Waveform) -> None:
    hop = min(max(len(waveform.samples) // COLUMNS, FRAME // 16), FRAME)
    recipe = FeatureRecipe("picture", (Measure("logmel", count=BANDS),), frame=FRAME, hop=hop)
    levels = features.extract(waveform, recipe).values.T  # (bands, frames)
    extent = (0, waveform.duration, 0, BANDS)
    axes.imshow(levels, origin="lower", aspect="auto", cmap="magma", extent=extent, vmin=levels.max() - DECIBELS)
    hertz = (250, 500, 1000, 2000, 4000)
    axes.set_yticks(heights(hertz), [str(value) for value in hertz])
    axes.set(xlabel="seconds", ylabel="Hz (mel scale)", title="mel spectrogram")


def heights(hertz: Sequence[float]) -> NDArray[np.float64]:
    """Give where frequencies lie in the spectrogram, in bands from its foot; the filters themselves say it."""
    filters = mel_filters(BANDS, FRAME)
    bins = np.arange(len(filters)) * (RATE / FRAME)
    heights: NDArray[np.float64] = np.interp(hertz, bins @ filters / filters.sum(axis=0), np.arange(BANDS) + 0.5)
    return heights


def _draw_bars(axes: "Axes", prediction: Prediction) -> None:
    emotions = list(reversed(Emotion))
    scores = [prediction.scores[emotion] for emotion in emotions]
    drawn = axes.barh(emotions, scores, color=[emotion.colour for emotion in emotions])
    axes.bar_label(drawn, [f"{score:.0%}" for score in scores], padding=3)
    axes.set(xlim=(0, 1.12), xlabel="probability")
    axes.set_xticks((0, 0.5, 1), ("0%", "50%", "100%"))
    axes.spines[["top", "right"]].set_visible(False)
    heard = f"unsure ({prediction.emotion}?)" if prediction.unsure else str(prediction.emotion)
    axes.set_title(f"{heard}, {prediction.confidence:.0%}", fontweight="bold")
