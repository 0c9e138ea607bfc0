"""Draws a recording as its features hear it (extra ``plot``): melody, formants, energy and pauses."""

import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from intone.errors import MissingExtraError
from intone.features.frames import Recording, power_blocks, recorded
from intone.features.prosody import Prosody, measure_prosody
from intone.features.timing import FRAME_SECONDS
from intone.hear.audio import RATE, Sound

SPECTRUM_WINDOW, SPECTRUM_HOP = 256, 64
"""Samples of the spectrogram's frames: 16 ms, short enough for formants to show as bands."""
SHOWN_DB = 70.0
CEILING_HZ = 5500
WAVE, PITCH, FORMANT, ENERGY, PAUSE = "#9aa5b1", "#c2410c", "#dc2626", "#1d4ed8", "#fde68a"


def draw(sound: Sound, out: str | os.PathLike[str], *, rate: int | None = None) -> None:
    """Draw a sound in three panels and write the picture.

    Above, the waveform with the pitch; in the middle, the spectrogram with the formants; below, the energy with
    pauses and syllables marked.

    Parameters
    ----------
    sound, rate
        As for :func:`intone.features.extract`.
    out : path
        A file that matplotlib can write: .png, .svg, .pdf.

    Raises
    ------
    SoundError
        The sound cannot be heard.
    MissingExtraError
        matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError(
            "A picture needs matplotlib, which is not installed: pip install 'intone[plot]'."
        ) from error
    figure = Figure(figsize=(10, 7.5), layout="constrained")
    wave, spectrum, energy = figure.subplots(3, 1, sharex=True, height_ratios=(2, 3, 2))
    with recorded(sound, rate=rate) as recording:
        prosody = measure_prosody(recording, {"formant"})
        _draw_wave(wave, recording, prosody)
        _draw_spectrum(spectrum, recording, prosody)
    _draw_energy(energy, prosody)
    energy.set_xlabel("time (s)")
    energy.set_xlim(0, recording.length / RATE)
    if isinstance(sound, str | os.PathLike):
        wave.set_title(Path(sound).name, loc="left")
    figure.savefig(out, dpi=110)


def _times(prosody: Prosody) -> Any:
    return np.arange(len(prosody.voiced)) * FRAME_SECONDS


def _draw_wave(axes: Any, recording: Recording, prosody: Prosody) -> None:
    step = max(1, recording.length // 4000)
    whole = recording.read(0, recording.length // step * step).reshape(-1, step)
    seconds = np.arange(len(whole)) * step / RATE
    axes.fill_between(seconds, whole.min(axis=1), whole.max(axis=1), color=WAVE, linewidth=0.5)
    axes.set_ylabel("waveform")
    pitch = axes.twinx()
    pitch.plot(_times(prosody), prosody.tracks["pitch"][:, 0], ".", color=PITCH, markersize=3)
    pitch.set_ylabel("pitch (Hz)", color=PITCH)
    pitch.set_ylim(50, max(300.0, float(np.nanmax(np.append(prosody.tracks["pitch"], 0))) * 1.1))


def _draw_spectrum(axes: Any, recording: Recording, prosody: Prosody) -> None:
    blocks = power_blocks(recording, size=SPECTRUM_WINDOW, hop=SPECTRUM_HOP, points=512)
    power = np.concatenate([block.power for block in blocks])
    power *= np.square(np.arange(power.shape[1]) + 1)  # the voice falls by 6 dB an octave; lifted, formants show
    levels = 10 * np.log10(np.maximum(power, power.max() * 10 ** (-SHOWN_DB / 10)))
    extent = (0, recording.length / RATE, 0, RATE / 2)
    axes.imshow(levels.T, origin="lower", aspect="auto", extent=extent, cmap="Greys")
    axes.plot(_times(prosody), prosody.tracks["formant"], ".", color=FORMANT, markersize=2)
    axes.set_ylim(0, CEILING_HZ)
    axes.set_ylabel("frequency (Hz)\nformants in red")


def _draw_energy(axes: Any, prosody: Prosody) -> None:
    seconds, energy = _times(prosody), prosody.tracks["energy"][:, 0]
    axes.plot(seconds, energy, color=ENERGY, linewidth=1)
    nuclei = prosody.timing.nuclei
    axes.plot(seconds[nuclei], energy[nuclei], "v", color=ENERGY, markersize=5, label="syllables")
    segments = prosody.timing.segments
    pauses = [(before[1], after[0]) for before, after in pairwise(segments)]
    for number, (start, stop) in enumerate(pauses):
        label = "pauses" if number == 0 else None
        axes.axvspan(start * FRAME_SECONDS, stop * FRAME_SECONDS, color=PAUSE, label=label)
    axes.set_ylabel("energy (dB)")
    axes.set_ylim(float(energy.max()) - SHOWN_DB, float(energy.max()) + 5)
    axes.legend(loc="lower right", ncols=2)
