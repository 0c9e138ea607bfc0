"""Hearing while somebody speaks: sound is pushed as it comes, and answers come as soon as they can be given."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from intone.errors import UsageError
from intone.hear import audio
from intone.hear.answering import Answering
from intone.hear.audio import RATE, Converter, Samples, Waveform
from intone.hear.baseline import Baseline
from intone.hear.segmenter import LEAST, Piece, Segmenter
from intone.hear.tracker import Ear, Tracker, Voice
from intone.hear.voice import TICK
from intone.results import Notice, Update

GLIMPSE_SECONDS = 1.5
"""How much of the end of what is being spoken an interim answer is from, so that its cost stays the same."""
SILENT_SECONDS = 5.0
"""So long must every sample be zero until that is told."""
QUIET_SECONDS = 10.0
"""What was told of is told again only after so long without it."""
FULL_SCALE = 0.999
CLIPPED = 3
"""So many samples on end at full scale are clipped; a loud moment touches it once."""


class Stream:
    """Hears one voice as it speaks. Made by :meth:`intone.Recogniser.stream`; each is for one thread at a time.

    What it gives of a segment that has ended is what :meth:`intone.Recogniser.timeline` gives for the recording,
    however the sound is cut into pieces on the way. It keeps a few seconds of sound, whatever its length.
    """

    def __init__(
        self,
        ear: Ear,
        reads: Answering,
        *,
        rate: int = RATE,
        baseline: Baseline | None = None,
        interim: bool = True,
    ) -> None:
        self._ear, self._interim = ear, interim
        self._segmenter, self._tracker = Segmenter(), Tracker(ear, reads, Voice(), baseline)
        self._rate = audio.accepted_rate(rate, "<stream>")
        self._converter: Converter | None = None
        self._ticks, self._ended = 0, False
        self._answered = 0  # up to which frame there was an interim answer
        self._condition = Condition()

    @property
    def baseline(self) -> Baseline | None:
        """What has been gathered of the voice so far; it may be kept, and gone on from."""
        return self._tracker.baseline

    def push(self, samples: NDArray[Any], *, rate: int | None = None) -> list[Update]:
        """Hear more sound.

        Parameters
        ----------
        samples : numpy.ndarray, shape (samples,) or (samples, channels)
            Of any length, floating-point with full scale at ±1, or integers as :func:`intone.hear.audio.load` takes
            them. Samples that are not finite are taken for zeros, and told of.
        rate : int, optional
            Samples a second, 4,000 to 192,000; as before where it is left out. Another one than before is told of.

        Returns
        -------
        list of Update
            What there is to say, in the order of time; often nothing.

        Raises
        ------
        NotSoundError
            The array is none of samples.
        RateError
            The rate is not accepted.
        UsageError
            The stream has been finished.
        """
        if self._ended:
            raise UsageError("The stream has been finished; begin another one for more sound.")
        block = audio.as_block(samples, "<stream>")
        updates = self._changed_rate(rate)
        if not len(block):
            return updates
        mono, notices = self._condition.checked(audio.mixed(block), self._rate)
        updates += [Update(self._seconds, notice=notice) for notice in notices]
        self._converter = self._converter or Converter(self._rate, 1)
        return updates + self._heard(self._converter.push(mono)[:, 0])

    def finish(self) -> list[Update]:
        """Say what is left to say: the sound has ended, and with it the segment that was being spoken.

        Raises
        ------
        UsageError
            The stream has been finished before.
        """
        if self._ended:
            raise UsageError("The stream has been finished before.")
        self._ended = True
        updates = [] if self._converter is None else self._heard(self._converter.finish()[:, 0])
        return updates + self._final(self._segmenter.finish())

    @property
    def _seconds(self) -> float:
        """Seconds of sound that have been listened to: those that came, less what is short of a tick."""
        return self._ticks * TICK / RATE

    def _changed_rate(self, rate: int | None) -> list[Update]:
        if rate is None or rate == self._rate:
            return []
        before, self._rate = self._rate, audio.accepted_rate(rate, "<stream>")
        rest = np.zeros(0, np.float32) if self._converter is None else self._converter.finish()[:, 0]
        self._converter = None
        notice = Notice("rate", f"The sound came at {before} samples a second, and comes at {rate} from here on.")
        return [*self._heard(rest), Update(self._seconds, notice=notice)]

    def _heard(self, samples: Samples) -> list[Update]:
        updates: list[Update] = []
        for tick in self._segmenter.ticks(samples):
            pieces = self._segmenter.hear(tick)
            self._ticks += 1
            updates += self._final(pieces)
            if self._interim and not pieces:
                updates += self._so_far()
        return updates

    def _final(self, pieces: Iterable[Piece]) -> list[Update]:
        return [
            Update(
                self._seconds,
                self._tracker.place(piece, self._ear.hear(Waveform(piece.samples))),
                final=True,
            )
            for piece in pieces
        ]

    def _so_far(self) -> list[Update]:
        """Answer what is being spoken, where more of it was spoken since the last time."""
        piece, began = self._segmenter.under_way(GLIMPSE_SECONDS), self._segmenter.began
        if piece is None or began is None or piece.end - piece.start < LEAST or piece.end <= self._answered:
            return []
        self._answered = piece.end
        return [Update(self._seconds, self._tracker.glimpse(piece, began))]


class Condition:
    """Watches the sound itself; what is wrong with it is told of once, until it has been well for some time."""

    def __init__(self) -> None:
        self._since = {"not-finite": QUIET_SECONDS, "clipping": QUIET_SECONDS}
        self._silent = 0.0

    def checked(self, samples: Samples, rate: int) -> tuple[Samples, list[Notice]]:
        """Give sound ``(samples, 1)`` that is finite, and what is to be told of it."""
        notices, seconds = [], len(samples) / rate
        finite = np.isfinite(samples)
        if not finite.all():
            samples = np.where(finite, samples, np.float32(0))
            notices += self._told("not-finite", "Some samples are NaN or infinite; they were taken for silence.")
        if _clipped(samples[:, 0]):
            notices += self._told("clipping", "The sound is clipped: it is louder than it can be; turn the input down.")
        if samples.any():
            self._silent = 0.0
        else:
            before, self._silent = self._silent, self._silent + seconds
            if before < SILENT_SECONDS <= self._silent:
                message = f"Digital silence for {SILENT_SECONDS:g} s: every sample is zero; is the input muted?"
                notices.append(Notice("silence", message))
        for code in self._since:
            self._since[code] += seconds
        return samples, notices

    def _told(self, code: str, message: str) -> list[Notice]:
        again, self._since[code] = self._since[code] >= QUIET_SECONDS, 0.0
        return [Notice(code, message)] if again else []


def _clipped(samples: Samples) -> bool:
    full = np.abs(samples) >= FULL_SCALE
    if np.count_nonzero(full) < CLIPPED:
        return False
    return bool(np.convolve(full, np.ones(CLIPPED), "valid").max(initial=0) >= CLIPPED)
