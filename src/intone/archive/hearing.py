"""Hears the recordings of an archive, one job after the other, in a process that has a model to itself."""

import json
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import groupby, islice

import numpy as np

from intone.archive import places
from intone.archive.entries import Entry, Refusal
from intone.archive.jobs import Answer, Done, Failure, Gather, Hash, Hear, Item, Job, Result
from intone.archive.measure import Measures, Meter
from intone.archive.options import Options
from intone.archive.schema import SEGMENT
from intone.emotions import Emotion
from intone.errors import IntoneError, ModelError, TooLongError, UsageError
from intone.hear import audio, loading, timeline
from intone.hear.audio import RATE, Samples, Sound, Waveform
from intone.hear.baseline import Baseline
from intone.hear.engines import Floats, Heard
from intone.hear.modelfile import Card
from intone.hear.recogniser import Recogniser
from intone.hear.streamed import Audible, Streamed
from intone.results import Prediction, Segment, Timeline

AHEAD = 8
"""How many recordings are read while others are heard."""
TOGETHER_SECONDS = 120.0
"""So much sound is heard together, in the order of length."""
LONG_SECONDS = 600.0
"""Of a longer recording never all is in memory: two hours at once would take half a gigabyte."""
BASELINE_SECONDS = 60.0
"""So much of a recording's beginning counts to its speaker's baseline."""
MOSTLY = 0.5
"""A recording over time is unsure where the model was in more than this share of the speech."""


@dataclass(frozen=True, eq=False)
class _Loaded:
    """A recording that can be heard."""

    item: Item
    sha256: str
    sound: Audible
    meter: Meter
    """Has been given the sound, all of it when that has been heard."""


@dataclass(frozen=True, eq=False)
class _Read:
    """A recording that has been read; what it holds is at hand until the stack is closed."""

    item: Item
    sha256: str
    content: Sound
    until_heard: ExitStack


def opened(options: Options, fingerprint: str, baseline: Callable[[str], Baseline]) -> "Hearer":
    """Load the model, for one thread, into a process that hears.

    Parameters
    ----------
    options : Options
        How recordings are heard.
    fingerprint : str
        Of the model that all of the archive is heard by.
    baseline : callable
        Gives the baseline of a name.

    Raises
    ------
    IntoneError
        The model cannot be loaded, or is another one.
    """
    recogniser = loading.load(options.model, threads=1)
    found = recogniser.card.fingerprint
    if found != fingerprint:
        raise UsageError(
            f"{options.model}: a process that hears has another model of that name ({found[:12]} and not "
            f"{fingerprint[:12]}); accepted is the same on every machine."
        )
    return Hearer(recogniser, options, baseline)


class Hearer:
    """Does jobs.

    Parameters
    ----------
    recogniser : Recogniser
        For one thread.
    options : Options
        How recordings are heard.
    baseline : callable
        Gives the baseline of a name.
    """

    def __init__(self, recogniser: Recogniser, options: Options, baseline: Callable[[str], Baseline]) -> None:
        self._recogniser, self._options, self._find = recogniser, options, baseline
        self._prior = dict(options.prior) or None

    def do(self, job: Job) -> Done:
        """Do a job."""
        if isinstance(job, Hash):
            return Done(job, tuple(_digest(item.entry) for item in job.items))
        if isinstance(job, Gather):
            return Done(job, (self._gathered([item.entry for item in job.items]),))
        hears = self._over_time if self._options.timeline else self._utterances
        results = dict(hears(job))
        return Done(job, tuple(results[item.entry.path] for item in job.items))

    def _baseline(self, item: Item) -> Baseline | None:
        return None if item.baseline is None else self._find(item.baseline)

    # --- Utterances ---------------------------------------------------------------------------------------------------

    def _utterances(self, job: Hear) -> Iterator[tuple[str, Result]]:
        group: list[_Loaded] = []
        seconds = 0.0
        for item, read in _ahead(job.items):
            loaded = read if isinstance(read, Failure) else _loaded(read)
            if isinstance(loaded, Failure):
                yield item.entry.path, loaded
                continue
            if isinstance(loaded, _Read):
                with loaded.until_heard:
                    yield item.entry.path, self._by_itself(loaded)
                continue
            group.append(loaded)
            seconds += loaded.sound.duration
            if seconds >= TOGETHER_SECONDS:
                yield from self._heard(group)
                group, seconds = [], 0.0
        yield from self._heard(group)

    def _heard(self, group: Sequence[_Loaded]) -> Iterator[tuple[str, Result]]:
        def whose(loaded: _Loaded) -> str:
            return loaded.item.baseline or ""

        for _, own in groupby(sorted(group, key=whose), whose):
            together = list(own)
            try:
                yield from self._answers(together)
            except ModelError as error:  # no answer for one of them, which has to be found
                if len(together) == 1:
                    yield together[0].item.entry.path, Failure.of(error)
                    continue
                for one in together:
                    yield from self._heard([one])

    def _answers(self, group: Sequence[_Loaded]) -> list[tuple[str, Result]]:
        predictions, vectors = self._recogniser.predict_and_embed(
            [loaded.sound for loaded in group], prior=self._prior, baseline=self._baseline(group[0].item)
        )
        each = zip(group, predictions, vectors if vectors is not None else [None] * len(group), strict=True)
        return [(loaded.item.entry.path, _of_utterance(loaded, *given)) for loaded, *given in each]

    def _by_itself(self, long: _Read) -> Result:
        """Hear a long recording, of which only some seconds are in memory at a time."""
        meter = Meter()
        sound = Streamed(long.content, name=long.item.entry.path, decoded=meter.push)
        try:
            ((_, answer),) = self._answers([_Loaded(long.item, long.sha256, sound, meter)])
        except IntoneError as error:
            return Failure.of(error)
        return answer

    # --- Over time ----------------------------------------------------------------------------------------------------

    def _over_time(self, job: Hear) -> Iterator[tuple[str, Result]]:
        for item in job.items:
            try:
                yield item.entry.path, self._followed(item)
            except IntoneError as error:
                yield item.entry.path, Failure.of(error)

    def _followed(self, item: Item) -> Answer:
        meter, ear = Meter(), _Ear(self._recogniser)
        options = timeline.Options(
            self._prior, self._baseline(item), self._options.channels, hindsight=self._options.hindsight
        )
        with places.content(item.entry, item.sha256) as (sound, sha256):
            found = timeline.made(
                ear, sound, options, name=item.entry.path, decoded=lambda block: meter.push(block.mean(axis=1))
            )
        return _of_timeline(found, sha256, meter.finish(), ear.vector())

    # --- Baselines ----------------------------------------------------------------------------------------------------

    def _gathered(self, entries: Iterable[Entry]) -> str | None:
        """Gather a baseline from the beginnings of recordings; one that cannot be heard adds nothing."""
        found: Baseline | None = None
        for entry in entries:
            looked_up = places.at(entry.place)
            if isinstance(looked_up, Refusal):
                continue
            try:
                with places.content(looked_up) as (sound, _):
                    blocks = _until(audio.blocks(sound, name=entry.path, max_seconds=math.inf))
                    samples = np.concatenate(list(blocks))[: round(BASELINE_SECONDS * RATE)]
                one = self._recogniser.baseline([Waveform(samples, entry.path)])
            except IntoneError:  # its own row of the errors says so when it is heard
                continue
            found = one if found is None else found + one
        return None if found is None else json.dumps(found.to_dict())


@dataclass
class _Ear:
    """A recogniser that remembers, of the stretches of speech that it hears, the mean of their vectors."""

    recogniser: Recogniser
    total: Floats | None = None
    samples: int = 0
    card: Card = field(init=False)
    gathers: bool = field(init=False)

    def __post_init__(self) -> None:
        self.card, self.gathers = self.recogniser.card, self.recogniser.gathers
        self.again, self.gathered = self.recogniser.again, self.recogniser.gathered

    def hear(self, sound: Waveform, baseline: Baseline | None = None) -> Heard:
        """Give what the model gives of a sound."""
        heard = self.recogniser.hear(sound, baseline)
        if heard.embedding is not None:
            weighted = heard.embedding[0] * np.float32(len(sound.samples))
            self.total = weighted if self.total is None else self.total + weighted
            self.samples += len(sound.samples)
        return heard

    def vector(self) -> Floats | None:
        """Give the mean, each stretch for its length."""
        return None if self.total is None else self.total / np.float32(self.samples)


def _until(blocks: Iterable[Samples]) -> Iterator[Samples]:
    count = 0
    for block in blocks:
        yield block
        count += len(block)
        if count >= BASELINE_SECONDS * RATE:
            return


def _ahead(items: Sequence[Item]) -> Iterator[tuple[Item, _Read | Failure]]:
    """Read recordings a few ahead: from afar or a slow disk that takes time, and no core."""
    waiting: deque[tuple[Item, Future[_Read | Failure]]] = deque()
    left = iter(items)
    with ThreadPoolExecutor(2, thread_name_prefix="intone-read") as pool:
        while True:
            waiting.extend((item, pool.submit(_read, item)) for item in islice(left, AHEAD - len(waiting)))
            if not waiting:
                return
            item, future = waiting.popleft()
            yield item, future.result()


def _read(item: Item) -> _Read | Failure:
    with ExitStack() as until_heard:
        try:
            content, sha256 = until_heard.enter_context(places.content(item.entry, item.sha256))
        except IntoneError as error:
            return Failure.of(error)
        return _Read(item, sha256, content, until_heard.pop_all())


def _loaded(read: _Read) -> _Loaded | _Read | Failure:
    """Decode a recording, but for one that is too long, of which the content stays at hand."""
    meter = Meter()
    with read.until_heard:
        try:
            waveform = audio.load(read.content, name=read.item.entry.path, max_seconds=LONG_SECONDS)
        except TooLongError:
            return replace(read, until_heard=read.until_heard.pop_all())
        except IntoneError as error:
            return Failure.of(error)
    meter.push(waveform.samples)
    return _Loaded(read.item, read.sha256, waveform, meter)


def _digest(entry: Entry) -> str | None:
    try:
        return places.digest(entry)
    except places.failures():  # hearing it says what is the matter
        return None


# --- From answers to rows --------------------------------------------------------------------------------------------


def _of_utterance(loaded: _Loaded, prediction: Prediction, vector: Floats | None) -> Answer:
    return Answer(
        sha256=loaded.sha256,
        kind="utterance",
        model=prediction.model,
        duration=prediction.duration,
        speech=prediction.duration,
        emotion=str(prediction.emotion),
        confidence=prediction.confidence,
        unsure=prediction.unsure,
        unsure_share=float(prediction.unsure),
        shares=tuple(prediction.scores[emotion] for emotion in Emotion),
        measures=loaded.meter.finish(),
        embedding=None if vector is None else vector.astype(np.float16),
    )


def _of_timeline(found: Timeline, sha256: str, measures: Measures, vector: Floats | None) -> Answer:
    summary = found.summary
    spoken = summary.speech > 0
    emotion = max(Emotion, key=summary.shares.__getitem__)
    return Answer(
        sha256=sha256,
        kind="timeline",
        model=found.model,
        duration=found.duration,
        speech=summary.speech,
        emotion=str(emotion) if spoken else None,
        confidence=summary.shares[emotion] if spoken else None,
        unsure=summary.unsure > MOSTLY or not spoken,
        unsure_share=summary.unsure if spoken else None,
        shares=tuple(summary.shares[emotion] for emotion in Emotion),
        measures=measures,
        embedding=None if vector is None else vector.astype(np.float16),
        segments=[_line(number, segment) for number, segment in enumerate(found.segments, 1)],
    )


def _line(number: int, segment: Segment) -> tuple[object, ...]:
    told = {
        "number": number, "start": segment.start, "end": segment.end, "channel": segment.channel,
        "speaker": segment.speaker, "emotion": str(segment.emotion), "confidence": segment.confidence,
        "unsure": segment.unsure, **{str(emotion): segment.scores[emotion] for emotion in Emotion},
    }  # fmt: skip
    return tuple(told[name] for name in SEGMENT)
