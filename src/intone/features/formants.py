"""Formants: the resonances of the vocal tract, which tell vowels, and effort, apart.

An all-pole model is fitted to the part of the spectrum below 5.5 kHz [Makhoul 1975, "Linear prediction: a tutorial
review", selective linear prediction]; its poles are the resonances. Window and pre-emphasis are Praat's.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from intone.features.frames import Floats, Recording, power_blocks
from intone.features.pitch import PITCH_HOP
from intone.hear.audio import RATE

FORMANTS = 4
"""How many are told, of the five that are modelled."""
POLES = 10
"""Two for each resonance."""
CEILING_HZ = 5500.0
"""The spectrum is modelled up to here: five resonances of a vocal tract of 16 cm."""
WINDOW = 800
"""Samples in a frame (50 ms, of which the Gaussian window lets half be heard)."""
POINTS = 1024
EMPHASIS_HZ = 50.0
"""The spectrum is lifted by 6 dB an octave from here."""
MARGIN_HZ = 50.0
"""Poles nearer than this to the edges of the modelled band are no resonances."""

Doubles = NDArray[np.float64]


@cache
def _window() -> Doubles:
    middle = (WINDOW - 1) / 2
    position = (np.arange(WINDOW) - middle) / (WINDOW + 1)
    edge = np.exp(-12.0)
    window: Doubles = (np.exp(-48.0 * np.square(position)) - edge) / (1 - edge)
    return window


@cache
def _to_autocorrelation() -> Doubles:
    """Make the matrix from a power spectrum to the first lags of its lower part's autocorrelation, pre-emphasised."""
    bins = round(CEILING_HZ * POINTS / RATE) + 1
    angle = 2 * np.pi * np.arange(bins) / POINTS
    pole = np.exp(-2 * np.pi * EMPHASIS_HZ / RATE)
    lift = 1 + pole**2 - 2 * pole * np.cos(angle)
    ends = np.ones(bins)
    ends[[0, -1]] = 0.5
    lags = np.cos(np.pi * np.arange(bins)[:, np.newaxis] / (bins - 1) * np.arange(POLES + 1))
    matrix: Doubles = (lift * ends)[:, np.newaxis] * lags
    return matrix


def track_formants(recording: Recording, voiced: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Find the formants in the voiced frames of a recording.

    Parameters
    ----------
    recording : Recording
        Samples at 16 kHz.
    voiced : numpy.ndarray of bool, shape (frames,)
        Which frames have a voice, 10 ms apart.

    Returns
    -------
    frequencies, bandwidths : numpy.ndarray of float32, shape (frames, 4)
        In Hz; NaN where there is no voice or no such resonance.
    """
    frequencies, bandwidths = np.full((2, len(voiced), FORMANTS), np.nan, dtype=np.float32)
    matrix = _to_autocorrelation()
    done = 0
    for block in power_blocks(recording, size=WINDOW, hop=PITCH_HOP, window=_window(), points=POINTS):
        chosen = np.flatnonzero(voiced[done : done + len(block.frames)])
        if len(chosen):
            curves = block.power[chosen, : len(matrix)].astype(np.float64) @ matrix
            frequencies[done + chosen], bandwidths[done + chosen] = _resonances(_all_pole(curves))
        done += len(block.frames)
    return frequencies, bandwidths


def _all_pole(autocorrelation: Doubles) -> Doubles:
    """Solve for the predictors of each frame (Levinson and Durbin), shape (frames, POLES)."""
    frames = len(autocorrelation)
    predictor = np.zeros((frames, POLES + 1))
    predictor[:, 0] = 1
    error = autocorrelation[:, 0] * (1 + 1e-9)  # a hair of white noise keeps a pure tone solvable
    error = np.where(error > 0, error, 1)
    for order in range(1, POLES + 1):
        residue = (predictor[:, :order] * autocorrelation[:, order:0:-1]).sum(axis=1)
        reflection = (-residue / error)[:, np.newaxis]
        predictor[:, 1 : order + 1] += reflection * predictor[:, order - 1 :: -1][:, :order]
        error = error * np.maximum(1 - np.square(reflection[:, 0]), 1e-12)
    return predictor[:, 1:]


def _resonances(predictors: Doubles) -> tuple[Floats, Floats]:
    """Turn predictors into the frequencies and bandwidths of their poles, lowest first."""
    companion = np.zeros((len(predictors), POLES, POLES))
    companion[:, 0] = -predictors
    companion[:, np.arange(1, POLES), np.arange(POLES - 1)] = 1
    roots = np.linalg.eigvals(companion)
    hertz = np.angle(roots) * (CEILING_HZ / np.pi)
    width = -np.log(np.maximum(np.abs(roots), 1e-12)) * (2 * CEILING_HZ / np.pi)
    resonates = (hertz > MARGIN_HZ) & (hertz < CEILING_HZ - MARGIN_HZ)
    order = np.argsort(np.where(resonates, hertz, np.inf), axis=1)[:, :FORMANTS]
    found = np.take_along_axis(resonates, order, axis=1)
    sorted_pairs = (np.where(found, np.take_along_axis(values, order, axis=1), np.nan) for values in (hertz, width))
    frequencies, bandwidths = (values.astype(np.float32) for values in sorted_pairs)
    return frequencies, bandwidths
