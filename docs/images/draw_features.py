"""Draw the pictures of docs/features.md from the recordings in examples/: ``python docs/images/draw_features.py``."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from intone.features import FeatureRecipe, Measure, extract
from intone.features.picture import draw

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "examples"
MANNERS = {"slow-low-quiet": "#1d4ed8", "plain": "#6b7280", "fast-high-loud": "#c2410c"}
DPI = 80


def spectrum() -> None:
    """Draw what the spectrum of a question comes down to."""
    recipe = FeatureRecipe(
        "spectrum",
        (Measure("logmel", count=64), Measure("mfcc", count=20), Measure("chroma"), Measure("contrast")),
    )
    measured = extract(EXAMPLES / "questioning.flac", recipe, frames=True)
    kinds = np.array([name.split("_")[0] for name in measured.names])
    figure = Figure(figsize=(9, 8), layout="constrained")
    panels = figure.subplots(4, 1, sharex=True)
    units = {"logmel": "mel band", "mfcc": "coefficient", "chroma": "pitch class", "contrast": "octave band"}
    for axes, (kind, label) in zip(panels, units.items(), strict=True):
        values = measured.values[:, kinds == kind]
        values = values[:, 1:] if kind == "mfcc" else values  # the first is the level, and hides the others
        assert measured.times is not None
        extent = (0, float(measured.times[-1]), 0.5, values.shape[1] + 0.5)
        axes.imshow(values.T, origin="lower", aspect="auto", extent=extent, cmap="magma")
        axes.set_ylabel(label)
        axes.set_title(kind, loc="left", fontsize=10)
    panels[-1].set_xlabel("time (s)")
    figure.savefig(HERE / "features-spectrum.png", dpi=DPI)


def lines(name: str, wanted: dict[str, str]) -> None:
    """Draw features over time, one sentence in three manners."""
    figure = Figure(figsize=(9, 1.9 * len(wanted)), layout="constrained")
    panels = figure.subplots(len(wanted), 1, sharex=True)
    recipe = FeatureRecipe("lines", tuple(Measure(feature) for feature in wanted), hop=160)
    for manner, colour in MANNERS.items():
        measured = extract(EXAMPLES / f"{manner}.flac", recipe, frames=True)
        for axes, feature in zip(panels, wanted, strict=True):
            column = measured.values[:, measured.names.index(feature)]
            axes.plot(measured.times, column, color=colour, linewidth=1, label=manner)
    for axes, label in zip(panels, wanted.values(), strict=True):
        axes.set_ylabel(label)
    panels[0].legend(ncols=3, fontsize=8, frameon=False)
    panels[-1].set_xlabel("time (s)")
    figure.savefig(HERE / name, dpi=DPI)


def bars() -> None:
    """Draw what is one number for each of the manners."""
    wanted = {
        "speech_rate": "syllables a second",
        "pause_share": "share of pauses",
        "pitch_range": "pitch range (semitones)",
        "jitter": "jitter",
        "shimmer": "shimmer",
    }
    figure = Figure(figsize=(9, 2.4), layout="constrained")
    recipe = FeatureRecipe("bars", tuple(Measure(feature) for feature in wanted))
    values = [extract(EXAMPLES / f"{manner}.flac", recipe).values for manner in MANNERS]
    for axes, column, label in zip(figure.subplots(1, len(wanted)), np.transpose(values), wanted.values(), strict=True):
        axes.bar(range(len(MANNERS)), column, color=list(MANNERS.values()))
        axes.set_title(label, fontsize=9)
        axes.set_xticks(range(len(MANNERS)), ["slow", "plain", "fast"])
    figure.savefig(HERE / "features-whole.png", dpi=DPI)


if __name__ == "__main__":
    draw(EXAMPLES / "kennedy.flac", HERE / "features-plot.png")
    spectrum()
    lines(
        "features-shape.png",
        {
            "centroid": "centroid (Hz)", "bandwidth": "bandwidth (Hz)", "rolloff": "roll-off (Hz)",
            "flatness": "flatness", "flux": "flux", "zcr": "zero crossings",
        },
    )  # fmt: skip
    lines("features-voice.png", {"pitch": "pitch (Hz)", "energy": "energy (dB)", "hnr": "harmonics to noise (dB)"})
    bars()
    for path in HERE.glob("features-*.png"):
        Image.open(path).convert("RGB").quantize(64).save(path, optimize=True)
