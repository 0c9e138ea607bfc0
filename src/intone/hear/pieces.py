"""Cuts a long sound into the stretches of speech in it, which are as long as the utterances that models learn from.

Half a minute at once tells a model little, and pauses and words cut in two mislead it: of composed recordings of one
emotion ``intone-tiny`` is right about twice as many stretch by stretch (``docs/experiments.md``).
"""

import math
from collections.abc import Iterator

from intone.features import prepare
from intone.hear.audio import MIN_SECONDS, RATE
from intone.hear.segmenter import MARGIN, MOST, Segmenter
from intone.hear.streamed import Slices
from intone.hear.voice import FRAME

LONGEST = (MOST + 2 * MARGIN) * FRAME
"""Samples of the longest stretch of speech with its margins; what is no longer is heard in one piece."""
TRIMMED = 60 * RATE
"""Of more samples the silence at both ends is not looked for: only what lies between them would be as long."""
BLOCK = 30 * RATE
"""Samples that the detector of speech is given at a time."""
STEP = RATE // 50
"""Pieces of a sound without speech begin at whole 20 ms."""


def pieces(samples: Slices, below_db: float) -> list[slice]:
    """Say which parts of a sound a model of waveforms is given, one after the other.

    Parameters
    ----------
    samples : array of float32, shape (samples,)
        At 16 kHz.
    below_db : float
        How much quieter than its loudest frame the ends of a sound are that are left out; 0 leaves nothing out.

    Returns
    -------
    list of slice
        What can be heard, where that is at most 6.2 s. Of more the stretches of speech; where nobody speaks, as few
        pieces of one length as are short enough.

    Examples
    --------
    >>> import numpy as np
    >>> hum = np.sin(np.arange(160_000)).astype(np.float32)
    >>> pieces(np.pad(hum[:48_000], 16_000), 40.0)
    [slice(15360, 65024, None)]
    >>> pieces(hum, 40.0)
    [slice(0, 80000, None), slice(80000, 160000, None)]
    """
    whole = sounding(samples, below_db) if len(samples) <= TRIMMED else slice(0, len(samples))
    if whole.stop - whole.start <= LONGEST:
        return [whole]
    return list(_spoken(samples)) or _alike(whole)


def sounding(samples: Slices, below_db: float) -> slice:
    """Say what is left of a sound without its silent ends; the whole, where less than 0.1 s would be."""
    kept = prepare.sounding(samples, below_db=below_db) if below_db else slice(0, len(samples))
    return kept if kept.stop - kept.start >= MIN_SECONDS * RATE else slice(0, len(samples))


def _spoken(samples: Slices) -> Iterator[slice]:
    """Give the stretches of speech with their margins."""
    segmenter = Segmenter()
    blocks = (samples[start : start + BLOCK] for start in range(0, len(samples), BLOCK))
    for found in (*map(segmenter.push, blocks), segmenter.finish()):
        for piece in found:
            yield slice(max(0, piece.start - MARGIN) * FRAME, min((piece.end + MARGIN) * FRAME, len(samples)))


def _alike(whole: slice) -> list[slice]:
    """Cut into as few pieces of one length as are short enough."""
    count = math.ceil((whole.stop - whole.start) / LONGEST)
    length = math.ceil((whole.stop - whole.start) / count / STEP) * STEP
    return [slice(start, min(start + length, whole.stop)) for start in range(whole.start, whole.stop, length)]
