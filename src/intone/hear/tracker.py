"""Follows one voice through a recording: each stretch of speech beside its own past, and smoothed over time.

Two things are remembered, both of the past alone. The *baseline* is what the voice has sounded like so far. The
*belief* is what it expressed last: emotions last longer than a sentence, so that each answer is one step of a hidden
Markov model's forward pass (Rabiner 1989, "A tutorial on hidden Markov models", Proc. IEEE 77(2)). Before a stretch is
heard, its emotion is the last one's with a chance that falls from :data:`STAY` with the pause between them, and else
any by how often it occurs; what is heard then counts for what it is worth. With hindsight the backward pass is made
too, and the baseline is that of the whole recording.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from intone.hear.answering import Answering
from intone.hear.audio import Waveform
from intone.hear.baseline import Baseline
from intone.hear.engines import Floats, Heard
from intone.hear.modelfile import Card
from intone.hear.segmenter import Piece
from intone.results import Segment

STAY = 0.6
"""Chance that an emotion goes on from one stretch to the next, were there no pause."""
FADES = 10.0
"""Seconds of pause in which that chance falls to a third (a factor of e)."""

Shares = NDArray[np.float64]


class Ear(Protocol):
    """What hears a stretch of speech for a tracker: a :class:`intone.Recogniser`."""

    @property
    def card(self) -> Card:
        """The model's."""

    @property
    def gathers(self) -> bool:
        """Whether a recording's own baseline can be gathered while it is heard."""

    def hear(self, sound: Waveform, baseline: Baseline | None = None) -> Heard:
        """Give what the model gives of a sound."""

    def again(self, heard: Heard, baseline: Baseline) -> Floats:
        """Answer from what was heard beside another baseline."""

    def gathered(self, voices: Floats, seconds: float) -> Baseline:
        """Give the baseline that voices make."""


@dataclass(frozen=True)
class Voice:
    """Whose line of a timeline it is.

    Attributes
    ----------
    channel : int
        Of the recording, from 1.
    speaker : str or None
        The speaker's name, where it was told.
    """

    channel: int = 1
    speaker: str | None = None

    @property
    def name(self) -> str:
        """What the voice is called; as :attr:`intone.Segment.voice`."""
        return str(self.channel) if self.speaker is None else self.speaker


class Tracker:
    """Answers the stretches of speech of one voice, in their order.

    Parameters
    ----------
    ear : Ear
        Hears them.
    reads : Answering
        Reads what it gives.
    voice : Voice
        Whose they are.
    baseline : Baseline, optional
        What is known of the voice at the beginning.
    """

    def __init__(self, ear: Ear, reads: Answering, voice: Voice, baseline: Baseline | None = None) -> None:
        self.baseline = baseline
        self._ear, self._reads, self._voice = ear, reads, voice
        self._belief, self._until = reads.shares, 0.0

    def place(self, piece: Piece, heard: Heard) -> Segment:
        """Answer a stretch that has ended, from what was heard of it without a baseline, and remember it."""
        logits = heard.logits if self.baseline is None else self._ear.again(heard, self.baseline)
        (strange,) = self._reads.strange(heard)
        (alone,) = self._reads.scores(logits, beside=self._beside)
        start, end = piece.seconds
        believed = self._smoothed(alone, start)
        segment = self._segment(piece, believed, alone, strange=strange)
        if not strange:
            self._belief, self._until = believed, end
            if heard.voice is not None and self._ear.gathers:
                more = self._ear.gathered(heard.voice, end - start)
                self.baseline = more if self.baseline is None else self.baseline + more
        return segment

    def glimpse(self, piece: Piece, start: float) -> Segment:
        """Answer the end of a stretch that is still being spoken, which began at ``start``; nothing is remembered."""
        heard = self._ear.hear(Waveform(piece.samples), self.baseline)
        (strange,) = self._reads.strange(heard)
        (alone,) = self._reads.scores(heard.logits, beside=self._beside)
        return replace(self._segment(piece, self._smoothed(alone, start), alone, strange=strange), start=start)

    @property
    def _beside(self) -> bool:
        return self.baseline is not None

    def _smoothed(self, alone: Shares, start: float) -> Shares:
        usual = self._reads.shares
        stays = _stays(start - self._until)
        return _normalised((stays * self._belief + (1 - stays) * usual) * alone / usual)

    def _segment(self, piece: Piece, believed: Shares, alone: Shares, *, strange: bool) -> Segment:
        start, end = piece.seconds
        emotion, scores, unsure = self._reads.answer(believed, strange=strange, beside=self._beside)
        voice = self._voice
        return Segment(start, end, emotion, scores, unsure, voice.channel, voice.speaker, self._reads.named(alone))


class Hindsight:
    """Answers all stretches of one voice anew, each from the whole recording; it keeps what was heard of each."""

    def __init__(self, ear: Ear, reads: Answering, baseline: Baseline | None = None) -> None:
        self._ear, self._reads, self._baseline = ear, reads, baseline
        self._heard: list[Heard] = []

    def keep(self, heard: Heard) -> None:
        """Keep what was heard of the next stretch."""
        self._heard.append(replace(heard, attention=None))

    def answered(self, segments: Sequence[Segment]) -> list[Segment]:
        """Give the segments of the stretches that were kept, answered anew."""
        if not segments:
            return []
        whole = _joined(self._heard)
        strange = np.array(self._reads.strange(whole))
        baseline = self._whole_baseline(whole, segments, strange)
        logits = whole.logits if baseline is None else self._ear.again(whole, baseline)
        alone = self._reads.scores(logits, beside=baseline is not None)
        usual = self._reads.shares
        # What is no speech says nothing of the emotion before and after it.
        likely = np.where(strange[:, np.newaxis], 1.0, alone / usual)
        pauses = [later.start - earlier.end for earlier, later in pairwise(segments)]
        believed = _forward_backward(likely, usual, [_stays(pause) for pause in pauses])
        anew = []
        for segment, chances, own, odd in zip(segments, believed, alone, strange.tolist(), strict=True):
            emotion, scores, unsure = self._reads.answer(chances, strange=odd, beside=baseline is not None)
            known = self._reads.named(own)
            anew.append(replace(segment, emotion=emotion, scores=scores, unsure=unsure, alone=known))
        return anew

    def _whole_baseline(self, whole: Heard, segments: Sequence[Segment], strange: NDArray[np.bool_]) -> Baseline | None:
        if whole.voice is None or not self._ear.gathers or strange.all():
            return self._baseline
        seconds = sum(segment.duration for segment, odd in zip(segments, strange.tolist(), strict=True) if not odd)
        gathered = self._ear.gathered(whole.voice[~strange], seconds)
        return gathered if self._baseline is None else self._baseline + gathered


def _stays(pause: float) -> float:
    """Give the chance that an emotion goes on over a pause (seconds)."""
    return float(STAY * np.exp(-max(pause, 0.0) / FADES))


def _normalised(chances: Shares) -> Shares:
    return np.asarray(chances / chances.sum(axis=-1, keepdims=True))


def _forward_backward(likely: Shares, usual: Shares, stays: Sequence[float]) -> Shares:
    """Give the chance of each emotion in each stretch ``(stretches, labels)`` by all of them; see Rabiner 1989."""
    forward = [_normalised(usual * likely[0])]
    for stay, seen in zip(stays, likely[1:], strict=True):
        forward.append(_normalised((stay * forward[-1] + (1 - stay) * usual) * seen))
    backward = [np.ones_like(usual)]
    for stay, seen in zip(reversed(stays), likely[:0:-1], strict=True):
        after = seen * backward[-1]
        onward = stay * after + (1 - stay) * (usual @ after)
        backward.append(onward / onward.max())
    return _normalised(np.array(forward) * np.array(backward[::-1]))


def _joined(heard: Sequence[Heard]) -> Heard:
    def of(parts: list[Floats | None]) -> Floats | None:
        found = [part for part in parts if part is not None]
        return np.concatenate(found) if found else None

    return Heard(
        np.concatenate([one.logits for one in heard]),
        of([one.embedding for one in heard]),
        voice=of([one.voice for one in heard]),
        strangeness=of([one.strangeness for one in heard]),
    )
