"""Fundamental frequency: how high the voice is, frame by frame, and whether it is there at all.

The method is Boersma's (1993), "Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise
ratio of a sampled sound", with the settings that Praat's "To Pitch" takes by default.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from intone.features.frames import Floats, Recording, frame_count, power_blocks
from intone.hear.audio import RATE

PITCH_HOP = 160
"""Samples from one frame to the next (10 ms)."""
FLOOR_HZ, CEILING_HZ = 75.0, 600.0
"""The voice is looked for between these."""
WINDOW = 640
"""Samples in a frame: three periods of the lowest voice (40 ms)."""
NEAR = slice(WINDOW // 2 - WINDOW // 6, WINDOW // 2 + WINDOW // 6)
"""Of a frame, the period of the lowest voice in its middle."""
OVERSAMPLING = 2
"""The autocorrelation is computed at so many times the rate, for the height and place of its peaks."""
POINTS = 1024
"""Points of the transform: no less than one and a half windows, so that lags up to half of it do not wrap."""
SILENCE, VOICING = 0.03, 0.45
"""A frame quieter than this share of the loudest sample tends to voiceless; so does one less periodic than this."""
OCTAVE_COST, JUMP_COST, VOICING_COST = 0.01, 0.35, 0.14
"""What a low candidate, an octave between neighbours, and a change of voicing cost, on the scale of a correlation."""
CANDIDATES = 8
"""Periodicities followed in each frame."""

Doubles = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Pitch:
    """The voice's fundamental frequency over time.

    Attributes
    ----------
    hertz : numpy.ndarray of float32, shape (frames,)
        NaN where there is no voice. Frame ``i`` is centred at ``i`` times 10 ms.
    periodicity : numpy.ndarray of float64, shape (frames,)
        Autocorrelation at the period, 0 to 1; NaN where there is no voice.
    energy : numpy.ndarray of float32, shape (frames,)
        Mean square of the samples under the frame's window.
    peak : float
        The recording's largest magnitude.
    """

    hertz: Floats
    periodicity: Doubles
    energy: Floats
    peak: float

    @property
    def voiced(self) -> NDArray[np.bool_]:
        """Which frames have a voice, shape (frames,)."""
        return ~np.isnan(self.hertz)


def track_pitch(recording: Recording) -> Pitch:
    """Follow the fundamental frequency through a recording.

    Parameters
    ----------
    recording : Recording
        Samples at 16 kHz.

    Returns
    -------
    Pitch
        A frame every 10 ms.

    Examples
    --------
    >>> from intone.features.frames import Held
    >>> time = np.arange(16_000) / 16_000
    >>> voice = sum(np.sin(2 * np.pi * 200 * k * time) / k for k in range(1, 10))
    >>> round(float(np.nanmedian(track_pitch(Held(voice.astype(np.float32))).hertz)), 1)
    200.0
    """
    window = 0.5 + 0.5 * np.cos(np.linspace(-np.pi, np.pi, WINDOW + 2)[1:-1])
    frames = frame_count(recording.length, PITCH_HOP)
    lags = np.zeros((frames, CANDIDATES), dtype=np.float32)
    heights = np.full((frames, CANDIDATES), -np.inf)
    energy, local_peak = np.zeros((2, frames), dtype=np.float32)
    done, loudest = 0, 0.0
    for block in power_blocks(recording, size=WINDOW, hop=PITCH_HOP, window=window, points=POINTS, centred=True):
        here = slice(done, done + len(block.frames))
        lags[here], heights[here], energy[here] = _candidates(block.power, window)
        heard = block.frames[:, NEAR] - block.frames.mean(axis=1, keepdims=True)
        local_peak[here] = np.abs(heard * window[NEAR]).max(axis=1)
        loudest = max(loudest, float(np.abs(block.samples).max()))
        done = here.stop
    unvoiced = VOICING + np.maximum(0, 2 - local_peak / max(loudest, 1e-30) / (SILENCE / (1 + VOICING)))
    chosen = _best_path(lags, heights, unvoiced.astype(np.float32))
    voiced = chosen >= 0
    rows = np.arange(frames)
    hertz = np.where(voiced, RATE / np.where(voiced, lags[rows, chosen], 1), np.nan)
    periodicity = np.where(voiced, heights[rows, chosen], np.nan)
    return Pitch(hertz.astype(np.float32), periodicity, energy, loudest)


def _autocorrelation(power: NDArray[np.floating]) -> Doubles:
    # Double precision: a clear voice's harmonics-to-noise ratio hangs on the last digits of a correlation near 1.
    return np.fft.irfft(power.astype(np.float64), POINTS * OVERSAMPLING)[..., : int(RATE / FLOOR_HZ * OVERSAMPLING) + 3]


def _candidates(power: Floats, window: Doubles) -> tuple[Floats, Doubles, Floats]:
    """Find the highest peaks of each frame's autocorrelation: lags in samples, heights, and the frame's energy."""
    raw = _autocorrelation(power)
    energy = raw[:, 0] * (OVERSAMPLING / np.square(window).sum())
    of_window = _autocorrelation(np.square(np.abs(np.fft.rfft(window, POINTS))))
    silent = raw[:, :1] <= 0
    curve = np.where(silent, 0, raw / np.where(silent, 1, raw[:, :1])) * (of_window[0] / of_window)
    row, lag = np.nonzero(
        (curve[:, 1:-1] > 0.5 * VOICING) & (curve[:, 1:-1] > curve[:, :-2]) & (curve[:, 1:-1] >= curve[:, 2:])
    )
    lag += 1
    left, here, right = (curve[row, lag + step] for step in (-1, 0, 1))
    shift = (left - right) / (2 * (left - 2 * here + right))
    place, height = (lag + shift) / OVERSAMPLING, here - (left - right) * shift / 4
    height = np.where(height > 1, 1 / height, height)  # Praat's way with the noise of the estimate
    inside = (place > RATE / CEILING_HZ) & (place < RATE / FLOOR_HZ)
    row, place, height = row[inside], place[inside], height[inside]
    # The best of each frame, by height less the cost of being low, into the first places of its row.
    order = np.lexsort((-(height - OCTAVE_COST * np.log2(place)), row))
    row = row[order]
    rank = np.arange(len(row)) - np.searchsorted(row, row)
    kept = rank < CANDIDATES
    lags = np.zeros((len(power), CANDIDATES), dtype=np.float32)
    heights = np.full((len(power), CANDIDATES), -np.inf)
    lags[row[kept], rank[kept]] = place[order][kept]
    heights[row[kept], rank[kept]] = height[order][kept]
    return lags, heights, energy.astype(np.float32)


def _best_path(lags: Floats, heights: Doubles, unvoiced: Floats) -> NDArray[np.intp]:
    """Choose a candidate in each frame, or -1 for no voice, so that the whole costs least (Viterbi).

    Returns
    -------
    numpy.ndarray of int, shape (frames,)
        Columns of ``lags``, or -1.
    """
    frames, places = len(lags), CANDIDATES + 1
    octaves = np.log2(np.where(lags > 0, lags, 1))
    worth = np.full((frames, places), -np.inf, dtype=np.float32)  # the last place is "no voice"
    worth[:, :-1] = heights - OCTAVE_COST * (octaves - np.float32(np.log2(RATE / CEILING_HZ)))
    worth[:, -1] = unvoiced
    came_from = np.zeros((frames, places), dtype=np.int8)
    cost = np.full((places, places), VOICING_COST, dtype=np.float32)
    cost[-1, -1] = 0
    total = worth[0].copy()
    columns = np.arange(places)
    for frame in range(1, frames):
        cost[:-1, :-1] = JUMP_COST * np.abs(octaves[frame - 1, :, np.newaxis] - octaves[frame])
        reached = total[:, np.newaxis] - cost
        came_from[frame] = best = reached.argmax(axis=0)
        total = reached[best, columns] + worth[frame]
        total -= total.max()  # an hour's sum would outgrow single precision
    path = np.empty(frames, dtype=np.intp)
    path[-1] = total.argmax()
    for frame in range(frames - 1, 0, -1):
        path[frame - 1] = came_from[frame, path[frame]]
    return np.where(path == CANDIDATES, -1, path)
