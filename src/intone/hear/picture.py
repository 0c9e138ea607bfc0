"""Draws what was heard: waveform, mel spectrogram and the seven probabilities (extra ``plot``)."""

from pathlib import Path

import numpy as np

from intone import features
from intone.emotions import Emotion
from intone.errors import MissingExtraError, UsageError, unknown
from intone.features.recipes import FeatureRecipe, Measure
from intone.hear.audio import RATE, Waveform
from intone.results import Prediction

FORMATS = ("pdf", "png", "svg")
FRAME = 1024
"""Length of a frame of the spectrogram in samples at 16 kHz."""
COLUMNS = 2000
"""About how many columns the spectrogram has: the distance of the frames grows with the sound."""
DECIBELS = 70.0
"""The range of the spectrogram's colours below its loudest band; quieter is black, or noise would fill the picture."""
POINTS = 4000
"""How many stretches the waveform is drawn as; each shows its lowest and highest sample."""
LONGEST_NAME = 80
"""A longer file name is cut in the title."""


def check(path: Path) -> None:
    """Refuse a picture's path before anything is heard.

    Raises
    ------
    UsageError
        The ending is not one of :data:`FORMATS`, or there is no such folder.
    """
    suffix = path.suffix.removeprefix(".").lower()
    if suffix not in FORMATS:
        raise unknown("picture format", suffix, FORMATS)
    if not path.parent.is_dir():
        raise UsageError(f"{path}: the picture cannot be written; there is no folder {path.parent}.")


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
    try:
        from matplotlib.figure import Figure
        from matplotlib.font_manager import findfont, get_font
    except ImportError as error:
        raise MissingExtraError("A picture needs Matplotlib: pip install 'intone[plot]'.") from error
    figure = Figure(figsize=(10, 6), layout="constrained")
    grid = figure.add_gridspec(2, 2, width_ratios=(2, 1), height_ratios=(1, 1.6))
    wave, mel, bars = (figure.add_subplot(place) for place in (grid[0, 0], grid[1, 0], grid[:, 1]))

    stretches = np.array_split(waveform.samples, min(POINTS, len(waveform.samples)))
    times = np.linspace(0, waveform.duration, len(stretches))
    wave.fill_between(
        times, [part.min() for part in stretches], [part.max() for part in stretches],
        color=prediction.emotion.colour, linewidth=0.6,
    )  # fmt: skip
    wave.set(xlim=(0, waveform.duration), ylabel="amplitude", title="waveform")
    wave.spines[["top", "right"]].set_visible(False)

    hop = min(max(len(waveform.samples) // COLUMNS, FRAME // 16), FRAME)
    recipe = FeatureRecipe("picture", (Measure("logmel", count=64),), frame=FRAME, hop=hop)
    levels = features.extract(waveform, recipe).values.T
    extent = (0, waveform.duration, 0, len(levels))
    mel.imshow(levels, origin="lower", aspect="auto", cmap="magma", extent=extent, vmin=levels.max() - DECIBELS)
    hertz = np.array([250, 500, 1000, 2000, 4000])
    mel.set_yticks(_mel(hertz) / _mel(np.array([RATE / 2])) * len(levels), [str(value) for value in hertz])
    mel.set(xlabel="seconds", ylabel="Hz (mel scale)", title="mel spectrogram")

    emotions = list(reversed(Emotion))
    scores = [prediction.scores[emotion] for emotion in emotions]
    drawn = bars.barh(emotions, scores, color=[emotion.colour for emotion in emotions])
    bars.bar_label(drawn, [f"{score:.0%}" for score in scores], padding=3)
    bars.set(xlim=(0, 1.12), xlabel="probability")
    bars.set_xticks((0, 0.5, 1), ("0%", "50%", "100%"))
    bars.spines[["top", "right"]].set_visible(False)
    heard = f"unsure ({prediction.emotion}?)" if prediction.unsure else str(prediction.emotion)
    bars.set_title(f"{heard}, {prediction.confidence:.0%}", fontweight="bold")
    # A file's name may be anything: no formula, no letter that the font lacks, and no longer than the picture is wide.
    font = get_font(findfont("DejaVu Sans"))
    name = "".join(
        c if font.get_char_index(ord(c)) else "\N{REPLACEMENT CHARACTER}" for c in Path(prediction.file).name
    )
    figure.suptitle(name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…", parse_math=False)
    try:
        figure.savefig(path, dpi=120)
    except OSError as error:
        raise UsageError(f"{path}: the picture cannot be written ({error.strerror}).") from error


def _mel(
    hertz: "np.ndarray[tuple[int, ...], np.dtype[np.int64]]",
) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    """Convert to the mel scale of Slaney's Auditory Toolbox (1998): linear to 1 kHz, logarithmic above."""
    return np.where(hertz < 1000, hertz * 3 / 200, 15 + 27 * np.log(np.maximum(hertz, 1000) / 1000) / np.log(6.4))
