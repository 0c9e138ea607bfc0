"""Voice quality: how steady the vocal folds are from one period to the next.

Glottal pulses are placed as Praat's "To PointProcess (cc)" does: from the middle of each voiced stretch outwards, each
a period from the last, where the waveform correlates best with the period before.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from intone.features.frames import Recording
from intone.features.pitch import FLOOR_HZ, PITCH_HOP, Pitch
from intone.hear.audio import RATE

SHORTEST_PERIOD, LONGEST_PERIOD = 0.0001, 0.02
"""Distances between pulses that count as periods (s)."""
LARGEST_PERIOD_FACTOR, LARGEST_AMPLITUDE_FACTOR = 1.3, 1.6
"""Neighbouring periods, or amplitudes, that differ by more are not compared."""
NEAREST, FARTHEST = 0.8, 1.25
"""Where the next pulse is looked for, in periods."""
LEAST_CORRELATION, LEAST_AT_EDGE = 0.3, 0.7
"""Between neighbouring periods within a voiced stretch, and for a last one beyond its edge."""
LEAST_PEAK = 0.0233
"""Of the recording's largest magnitude: what is quieter is no pulse."""
MARGIN = int(2.5 * RATE / FLOOR_HZ)
"""Samples read around a voiced stretch, so that the last period's search stays inside."""

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class VoiceQuality:
    """Steadiness of the voice over a recording.

    Attributes
    ----------
    jitter : float
        Mean difference of neighbouring periods over the mean period (Praat's "jitter (local)"); NaN without a voice.
    shimmer : float
        Mean difference of neighbouring periods' amplitudes over the mean amplitude ("shimmer (local)"); NaN likewise.
    """

    jitter: float
    shimmer: float


def voiced_runs(voiced: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Give the first frame of each stretch, and the one after its last.

    Examples
    --------
    >>> voiced_runs(np.array([False, True, True, False, True]))
    [(1, 3), (4, 5)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate(([False], voiced, [False])).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def voice_quality(recording: Recording, pitch: Pitch) -> VoiceQuality:
    """Measure jitter and shimmer over the voiced stretches of a recording.

    Parameters
    ----------
    recording : Recording
        Samples at 16 kHz.
    pitch : Pitch
        The recording's.

    Returns
    -------
    VoiceQuality
        Over all stretches together.
    """
    period_change = np.zeros(2)  # sum and number
    periods = np.zeros(2)
    amplitude_change = np.zeros(2)
    amplitudes = np.zeros(2)
    for first, stop in voiced_runs(pitch.voiced):
        start = first * PITCH_HOP - PITCH_HOP // 2 - MARGIN
        samples = recording.read(start, stop * PITCH_HOP - PITCH_HOP // 2 + MARGIN).astype(np.float64)
        pulses = _pulses(samples, RATE / pitch.hertz[first:stop].astype(np.float64), LEAST_PEAK * pitch.peak)
        _count_periods(np.diff(pulses), period_change, periods)
        _count_amplitudes(samples, pulses, amplitude_change, amplitudes)
    return VoiceQuality(_share(period_change, periods), _share(amplitude_change, amplitudes))


def _share(change: Doubles, level: Doubles) -> float:
    if change[1] == 0 or level[0] <= 0:
        return float("nan")
    return float(change[0] / change[1] / (level[0] / level[1]))


def _pulses(samples: Doubles, periods: Doubles, quietest: float) -> Doubles:
    """Place the pulses of one voiced stretch, whose samples begin MARGIN before it.

    Parameters
    ----------
    samples : numpy.ndarray, shape (samples,)
        With MARGIN of them before and after the stretch.
    periods : numpy.ndarray, shape (frames,)
        The voice's period in each frame, in samples.
    quietest : float
        A period whose largest magnitude is below this has no pulse.

    Returns
    -------
    numpy.ndarray, shape (pulses,)
        Positions in samples, in order.
    """
    left, right = MARGIN, len(samples) - MARGIN
    energy = np.concatenate(([0.0], np.cumsum(np.square(samples))))

    def period_at(position: float) -> float:
        return float(periods[min(max(int(position - MARGIN) // PITCH_HOP, 0), len(periods) - 1)])

    middle = (left + right) // 2
    half = int(period_at(middle) / 2)
    origin = float(middle - half + int(np.abs(samples[middle - half : middle + half + 1]).argmax()))
    found = [origin]
    for direction in (-1, 1):
        position = origin
        while True:
            period = period_at(position)
            step, correlation = _next_pulse(samples, energy, position, period, direction)
            if correlation < 0:
                break
            position += step
            outside = not left <= position < right
            around = samples[round(position) - int(period / 2) : round(position) + int(period / 2) + 1]
            if correlation > (LEAST_AT_EDGE if outside else LEAST_CORRELATION) and np.abs(around).max() > quietest:
                found.append(position)
            if outside:
                break
    return np.sort(np.array(found))


def _next_pulse(
    samples: Doubles, energy: Doubles, position: float, period: float, direction: int
) -> tuple[float, float]:
    """Find the step to where a period correlates best with the one around ``position``, and how well it does.

    The step is 0 and the correlation -1 where no place is better than its neighbours.
    """
    here, half = round(position), int(period / 2)
    steps = sorted((int(direction * NEAREST * period), int(direction * FARTHEST * period)))
    first, last = here + steps[0] - half, here + steps[1] + half + 1
    pattern = samples[here - half : here + half + 1]
    products = np.correlate(samples[first:last], pattern, "valid")
    width = len(pattern)
    squares = energy[first + width : last + 1] - energy[first : last + 1 - width]
    own = energy[here + half + 1] - energy[here - half]
    curve = products / np.sqrt(np.maximum(squares * own, 1e-300))
    before, at, after = curve[:-2], curve[1:-1], curve[2:]
    peaks = np.flatnonzero((at >= before) & (at >= after))
    if len(peaks) == 0:
        return 0.0, -1.0
    best = int(peaks[at[peaks].argmax()])
    left, top, right = curve[best : best + 3].tolist()
    bend = 2 * top - left - right
    shift = (right - left) / (2 * bend) if bend > 0 else 0.0
    return steps[0] + best + 1 + shift, top


def _regular(periods: Doubles) -> NDArray[np.bool_]:
    """Tell which periods can be compared with the next."""
    fits = (periods >= SHORTEST_PERIOD * RATE) & (periods <= LONGEST_PERIOD * RATE)
    factor = np.maximum(periods[1:], periods[:-1]) / np.maximum(np.minimum(periods[1:], periods[:-1]), 1e-9)
    return fits[1:] & fits[:-1] & (factor <= LARGEST_PERIOD_FACTOR)


def _count_periods(periods: Doubles, change: Doubles, total: Doubles) -> None:
    regular = _regular(periods)
    change += np.abs(np.diff(periods))[regular].sum(), regular.sum()
    in_range = periods[(periods >= SHORTEST_PERIOD * RATE) & (periods <= LONGEST_PERIOD * RATE)]
    total += in_range.sum(), len(in_range)


def _count_amplitudes(samples: Doubles, pulses: Doubles, change: Doubles, total: Doubles) -> None:
    """Compare the level around neighbouring pulses: root mean square under a Hann window of two fifths of a period."""
    periods = np.diff(pulses)
    usable = np.flatnonzero(_regular(periods)) + 1
    if len(usable) == 0:
        return
    centre = pulses[usable][:, np.newaxis]
    before, after = 0.2 * periods[usable - 1][:, np.newaxis], 0.2 * periods[usable][:, np.newaxis]
    reach = int(np.ceil(0.2 * LONGEST_PERIOD * RATE))
    index = np.floor(centre).astype(np.intp) + np.arange(-reach, reach + 1)
    offset = index - centre
    phase = np.clip(offset / np.where(offset < 0, before, after), -1, 1)
    weight = np.square(0.5 + 0.5 * np.cos(np.pi * phase))
    heard = np.square(samples[np.clip(index, 0, len(samples) - 1)])
    level = np.sqrt((heard * weight).sum(axis=1) / np.maximum(weight.sum(axis=1), 1e-12))
    neighbours = np.diff(usable) == 1
    factor = np.maximum(level[1:], level[:-1]) / np.maximum(np.minimum(level[1:], level[:-1]), 1e-30)
    compared = neighbours & (factor <= LARGEST_AMPLITUDE_FACTOR)
    change += np.abs(np.diff(level))[compared].sum(), compared.sum()
    total += level.sum(), len(level)
