"""Cuts a long sound into the stretches of speech in it, which are as long as the utterances that models learn from.

Half a minute at once tells a model little, and pauses and words cut in two mislead it: of composed recordings of one
emotion ``intone-tiny`` is right about twice as many stretch by stretch (``docs/experiments.md``).
"""

import math
from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from intone.features import prepare
from intone.hear.audio import MIN_SECONDS, RATE, Samples
from intone.hear.segmenter import MARGIN, MOST, Segmenter
from intone.hear.streamed import Slices
from intone.hear.voice import FRAME

LONGEST = (MOST + 2 * MARGIN) * FRAME
"""Samples of the longest stretch of speech with its margins; what is no longer is heard in one piece."""
TRIMMED = 60 * RATE
"""Of more samples the silent ends are not looked for first, which takes going through them: few would be short then."""
BLOCK = 30 * RATE
"""Samples that the detector of speech is given at a time."""


def pieces(samples: Slices, below_db: float) -> Iterator[tuple[slice, Samples]]:
    """Cut what a model of waveforms is given of a sound, one piece after the other.

    A long sound is gone through once and in order, as pieces are asked for, and how long it is is asked at its end
    only; that somebody speaks in it is what this takes.

    Parameters
    ----------
    samples : array of float32, shape (samples,)
        At 16 kHz.
    below_db : float
        How much quieter than its loudest frame the ends of a sound are that are left out; 0 leaves nothing out.

    Yields
    ------
    slice, numpy.ndarray of float32
        Where each piece lies, and its samples. It is what can be heard, where that is at most 6.2 s. Of more the
        stretches of speech; where nobody speaks, as few pieces of much the same length as are short enough.

    Examples
    --------
    >>> hum = np.sin(np.arange(160_000)).astype(np.float32)
    >>> [part for part, _ in pieces(np.pad(hum[:48_000], 16_000), 40.0)]
    [slice(15360, 65024, None)]
    >>> [part for part, _ in pieces(hum, 40.0)]
    [slice(0, 80000, None), slice(80000, 160000, None)]
    """
    begin = samples[0 : TRIMMED + 1]
    audible = sounding(begin, below_db) if len(begin) <= TRIMMED else None
    if audible and audible.stop - audible.start <= LONGEST:
        yield audible, begin[audible]
        return
    part = None
    for part, sound in _spoken(begin, samples):
        yield part, sound
    if part is None:
        for part in _alike(audible or sounding(samples, below_db)):
            yield part, samples[part]


def sounding(samples: Slices, below_db: float) -> slice:
    """Say what is left of a sound without its silent ends; the whole, where less than 0.1 s would be."""
    kept = prepare.sounding(samples, below_db=below_db) if below_db else slice(0, len(samples))
    return kept if kept.stop - kept.start >= MIN_SECONDS * RATE else slice(0, len(samples))


def _spoken(begin: Samples, samples: Slices) -> Iterator[tuple[slice, Samples]]:
    """Give the stretches of speech with their margins, of which two that touch share none."""
    segmenter, until, count = Segmenter(), 0, 0
    for block in _blocks(begin, samples):
        count += len(block)
        for piece in segmenter.push(block) if len(block) else segmenter.finish():
            first = max(piece.start - MARGIN, 0) * FRAME
            start, until = max(until, first), min((piece.end + MARGIN) * FRAME, count)
            yield slice(start, until), piece.samples[start - first : until - first]


def _blocks(begin: Samples, samples: Slices) -> Iterator[Samples]:
    """Give a sound, of which the beginning is there, block by block; the last is empty."""
    block, start = begin, 0
    while len(block):
        yield block
        start += len(block)
        block = samples[start : start + BLOCK]
    yield block


def _alike(whole: slice) -> list[slice]:
    """Cut into as few pieces of much the same length as are short enough."""
    borders = np.linspace(whole.start, whole.stop, math.ceil((whole.stop - whole.start) / LONGEST) + 1)
    return [slice(begin, end) for begin, end in pairwise(borders.astype(int).tolist())]
