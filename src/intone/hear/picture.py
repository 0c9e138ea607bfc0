"""Draws what was heard: waveform, mel spectrogram and the seven probabilities (extra ``plot``)."""

from pathlib import Path

import numpy as np

from intone import features
from intone.emotions import Emotion
from intone.errors import MissingExtraError, UsageError, unknown
from intone.hear.audio import RATE, Waveform
from intone.results import Prediction

FORMATS = ("pdf", "png", "svg")
POINTS = 4000
"""How many stretches the waveform is drawn as; each shows its lowest and highest sample."""


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
    suffix = path.suffix.removeprefix(".").lower()
    if suffix not in FORMATS:
        raise unknown("picture format", suffix, FORMATS)
    try:
        from matplotlib.figure import Figure
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

    levels = features.extract(waveform, "logmel").values.T
    extent = (0, waveform.duration, 0, len(levels))
    mel.imshow(levels, origin="lower", aspect="auto", cmap="magma", extent=extent)
    hertz = np.array([250, 500, 1000, 2000, 4000])
    mel.set_yticks(_mel(hertz) / _mel(np.array([RATE / 2])) * len(levels), [str(value) for value in hertz])
    mel.set(xlabel="seconds", ylabel="Hz (mel scale)", title="mel spectrogram")

    emotions = list(reversed(Emotion))
    scores = [prediction.scores[emotion] for emotion in emotions]
    drawn = bars.barh(emotions, scores, color=[emotion.colour for emotion in emotions])
    bars.bar_label(drawn, [f"{score:.0%}" for score in scores], padding=3)
    bars.set(xlim=(0, 1.12), xticks=(0, 0.5, 1), xlabel="probability")
    bars.spines[["top", "right"]].set_visible(False)
    heard = f"unsure ({prediction.emotion}?)" if prediction.unsure else str(prediction.emotion)
    bars.set_title(f"{heard}, {prediction.confidence:.0%}", fontweight="bold")
    figure.suptitle(Path(prediction.file).name.encode("utf-8", "replace").decode())
    try:
        figure.savefig(path, dpi=120)
    except OSError as error:
        raise UsageError(f"{path}: the picture cannot be written ({error.strerror}).") from error


def _mel(
    hertz: "np.ndarray[tuple[int, ...], np.dtype[np.int64]]",
) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    """Convert to the mel scale of Slaney's Auditory Toolbox (1998): linear to 1 kHz, logarithmic above."""
    return np.where(hertz < 1000, hertz * 3 / 200, 15 + 27 * np.log(np.maximum(hertz, 1000) / 1000) / np.log(6.4))
