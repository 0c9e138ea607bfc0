"""The emotions of a long recording over time: decoded, cut into stretches of speech and answered as it streams by."""

import math
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import Literal, Protocol

from intone.errors import UsageError
from intone.hear import audio
from intone.hear.answering import Answering
from intone.hear.audio import RATE, Samples, Sound, Waveform
from intone.hear.baseline import Baseline
from intone.hear.engines import Heard, hearers
from intone.hear.segmenter import Piece, Segmenter
from intone.hear.summary import by_voice, summary, talk
from intone.hear.tracker import Ear, Hindsight, Tracker, Voice
from intone.results import Segment, Timeline

AHEAD = 4
"""For each thread, how many stretches may wait to be heard: enough that none is idle, few enough for the memory."""


class Turn(Protocol):
    """When somebody speaks, as a diariser says it."""

    @property
    def speaker(self) -> str:
        """Who."""

    @property
    def start(self) -> float:
        """From when on (seconds)."""

    @property
    def end(self) -> float:
        """Until when (seconds)."""


@dataclass(frozen=True)
class Options:
    """How a timeline is made; see :meth:`intone.Recogniser.timeline`."""

    prior: Mapping[str, float] | None = None
    baseline: Baseline | None = None
    channels: Literal["mixed", "separate"] = "mixed"
    speakers: Sequence[Turn] | None = None
    hindsight: bool = False
    threads: int = 1


@dataclass
class Lane:
    """One voice on its way through a recording."""

    voice: Voice
    segmenter: Segmenter
    tracker: Tracker
    hindsight: Hindsight | None = None
    segments: list[Segment] = field(default_factory=list)


def made(
    ear: Ear,
    sound: Sound,
    options: Options,
    *,
    rate: int | None = None,
    name: str | None = None,
    max_seconds: float = math.inf,
    heard: Callable[[float], None] = lambda _: None,
    decoded: Callable[[Samples], None] = lambda _: None,
) -> Timeline:
    """Make the timeline of a recording.

    ``heard`` is told the seconds of it that were decoded, and ``decoded`` is given them, ``(samples, channels)``.

    Raises
    ------
    SoundError
        As :func:`intone.hear.audio.load` does; the length is not limited.
    UsageError
        An option does not fit.
    """
    if options.channels == "separate" and options.speakers is not None:
        raise UsageError("Speakers are told apart by their turns or by their channels, not by both.")
    reads = Answering(ear.card, options.prior)
    lanes: list[Lane] = []
    count = 0
    with hearers(options.threads) as pool:
        ahead = _Ahead(ear, pool, AHEAD * options.threads)
        for block in _blocks(sound, rate, name, max_seconds, options):
            decoded(block)
            lanes = lanes or _lanes(ear, reads, options, block.shape[1])
            for number, lane in enumerate(lanes):
                own = block[:, number if options.channels == "separate" else 0]
                for piece in lane.segmenter.push(own):
                    ahead.add(lane, piece)
            count += len(block)
            heard(count / RATE)
        for lane in lanes:
            for piece in lane.segmenter.finish():
                ahead.add(lane, piece)
        ahead.finish()
    return _timeline(ear, name or audio.name_of(sound), count / RATE, lanes, options)


def _blocks(
    sound: Sound, rate: int | None, name: str | None, max_seconds: float, options: Options
) -> Iterator[Samples]:
    if options.channels == "separate":
        yield from audio.channels(sound, rate=rate, name=name, max_seconds=max_seconds)
    else:
        for block in audio.blocks(sound, rate=rate, name=name, max_seconds=max_seconds):
            yield block.reshape(-1, 1)


def _lanes(ear: Ear, reads: Answering, options: Options, channels: int) -> list[Lane]:
    if options.speakers is None:
        told: list[tuple[Voice, list[tuple[float, float]] | None]] = [
            (Voice(number + 1), None) for number in range(channels)
        ]
    else:
        turns: dict[str, list[tuple[float, float]]] = {}
        for turn in options.speakers:
            turns.setdefault(turn.speaker, []).append((turn.start, turn.end))
        told = [(Voice(1, name), own) for name, own in turns.items()]
    return [
        Lane(
            voice,
            Segmenter(own),
            Tracker(ear, reads, voice, options.baseline),
            Hindsight(ear, reads, options.baseline) if options.hindsight else None,
        )
        for voice, own in told
    ]


class _Ahead:
    """Has stretches heard side by side, and places them one after the other."""

    def __init__(self, ear: Ear, pool: Executor | None, most: int) -> None:
        self._ear, self._pool, self._most = ear, pool, most
        self._waiting: deque[tuple[Lane, Piece, Future[Heard]]] = deque()

    def add(self, lane: Lane, piece: Piece) -> None:
        waveform = Waveform(piece.samples)
        if self._pool is None:
            _placed(lane, piece, self._ear.hear(waveform))
            return
        self._waiting.append((lane, piece, self._pool.submit(self._ear.hear, waveform)))
        while len(self._waiting) > self._most:
            self._place()

    def finish(self) -> None:
        while self._waiting:
            self._place()

    def _place(self) -> None:
        lane, piece, future = self._waiting.popleft()
        _placed(lane, piece, future.result())


def _placed(lane: Lane, piece: Piece, heard: Heard) -> None:
    lane.segments.append(lane.tracker.place(piece, heard))
    if lane.hindsight is not None:
        lane.hindsight.keep(heard)


def _timeline(ear: Ear, file: str, duration: float, lanes: Sequence[Lane], options: Options) -> Timeline:
    segments = [
        segment
        for lane in lanes
        for segment in (lane.segments if lane.hindsight is None else lane.hindsight.answered(lane.segments))
    ]
    segments.sort(key=lambda segment: (segment.start, segment.channel, segment.voice))
    names = [lane.voice.name for lane in lanes]
    voices = by_voice(segments)
    return Timeline(
        file=file,
        duration=duration,
        segments=tuple(segments),
        summary=summary(segments),
        model=ear.card.name,
        voices={name: summary(voices.get(name, ())) for name in names},
        hindsight=options.hindsight,
        talk=talk(segments, names, duration) if len(names) > 1 else None,
    )
