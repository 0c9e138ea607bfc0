"""What a timeline comes to: shares of time, turning points, peaks, and how voices take turns."""

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

import numpy as np

from intone.emotions import Emotion
from intone.results import Segment, Summary, Talk, TurningPoint

SWITCH = 3.0
"""What a change of the prevailing emotion costs, as a logarithm of odds: so much likelier must it make what follows."""
FAINTEST = 1e-3
"""No score counts as less likely than this."""
USUAL_SECONDS = 2.0
"""A segment of this length has full weight in what prevails, a shorter one less."""


def summary(segments: Sequence[Segment]) -> Summary:
    """Sum up segments, of one voice or of several.

    Examples
    --------
    >>> summary(()).speech
    0.0
    """
    speech = sum((segment.duration for segment in segments), 0.0)
    times = dict.fromkeys(Emotion, 0.0)
    for segment in segments:
        times[segment.emotion] += segment.duration
    points = [point for own in by_voice(segments).values() for point in turning_points(own)]
    return Summary(
        speech=speech,
        shares={emotion: time / speech if speech else 0.0 for emotion, time in times.items()},
        unsure=sum(segment.duration for segment in segments if segment.unsure) / speech if speech else 0.0,
        turning_points=tuple(sorted(points, key=lambda point: point.at)),
        peaks=_peaks(segments),
    )


def by_voice(segments: Sequence[Segment]) -> dict[str, list[Segment]]:
    """Give the segments of each voice, in the order of time."""
    voices: dict[str, list[Segment]] = {}
    for segment in sorted(segments, key=lambda segment: (segment.channel, segment.start)):
        voices.setdefault(segment.voice, []).append(segment)
    return voices


def turning_points(segments: Sequence[Segment]) -> list[TurningPoint]:
    """Find the moments from which on another emotion prevails in one voice.

    The emotions that prevail are the likeliest sequence where each change costs :data:`SWITCH` (Viterbi 1967): a single
    doubtful segment is not one. What each stretch says by itself counts, since smoothing delays a change.
    """
    if not segments:
        return []
    emotions = list(Emotion)
    gains = np.array(
        [
            [np.log(max((segment.alone or segment.scores)[emotion], FAINTEST)) for emotion in emotions]
            for segment in segments
        ]
    ) * np.array([[min(segment.duration / USUAL_SECONDS, 1.0)] for segment in segments])
    best, came = gains[0], []
    for gain in gains[1:]:
        changed = best.max() - SWITCH
        came.append(np.where(best >= changed, np.arange(len(emotions)), best.argmax()))
        best = np.maximum(best, changed) + gain
    path = [int(best.argmax())]
    for origins in reversed(came):
        path.append(int(origins[path[-1]]))
    prevailing = [emotions[number] for number in reversed(path)]
    return [
        TurningPoint(segment.start, before, after, segment.channel, segment.speaker)
        for segment, before, after in zip(segments[1:], prevailing, prevailing[1:], strict=False)
        if before is not after
    ]


def _peaks(segments: Sequence[Segment]) -> tuple[Segment, ...]:
    best: dict[Emotion, Segment] = {}
    for segment in segments:
        if not segment.unsure and (
            segment.emotion not in best or segment.confidence > best[segment.emotion].confidence
        ):
            best[segment.emotion] = segment
    return tuple(sorted(best.values(), key=lambda segment: segment.start))


def talk(segments: Sequence[Segment], voices: Sequence[str], duration: float) -> Talk:
    """Say how the voices of a conversation take turns.

    Parameters
    ----------
    segments : sequence of Segment
        Of all voices.
    voices : sequence of str
        Their names; one that never speaks has no segment.
    duration : float
        Length of the recording in seconds.
    """
    speech: dict[str, float] = dict.fromkeys(voices, 0.0)
    turns, interruptions = dict.fromkeys(voices, 0), dict.fromkeys(voices, 0)
    gaps: list[float] = []
    last: Segment | None = None  # of whoever has the turn
    for segment in sorted(segments, key=lambda segment: (segment.start, segment.end)):
        speech[segment.voice] += segment.duration
        if last is None or last.voice != segment.voice:
            turns[segment.voice] += 1
            if last is not None:
                gaps.append(segment.start - last.end)
                interruptions[segment.voice] += segment.start < last.end
        last = segment
    one, two = _covered(segments)
    return Talk(speech, two, max(duration - one, 0.0), turns, interruptions, median(gaps) if gaps else 0.0)


def _covered(segments: Sequence[Segment]) -> tuple[float, float]:
    """Give the seconds in which somebody speaks, and those in which at least two do."""
    steps: dict[float, int] = {}
    for segment in segments:
        steps[segment.start] = steps.get(segment.start, 0) + 1
        steps[segment.end] = steps.get(segment.end, 0) - 1
    times, one, two, speaking = sorted(steps), 0.0, 0.0, 0
    for time, later in pairwise(times):
        speaking += steps[time]
        one += (later - time) * (speaking > 0)
        two += (later - time) * (speaking > 1)
    return one, two
