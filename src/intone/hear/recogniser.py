"""The recogniser: a model, its card, and the way from a sound to a prediction."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

from intone.errors import BaselineError, NoSpeechError, UsageError
from intone.hear import audio
from intone.hear.answering import Answering
from intone.hear.audio import RATE, Sound, Waveform
from intone.hear.baseline import Baseline
from intone.hear.engines import Again, Floats, Heard, Hearing
from intone.hear.following import Following
from intone.hear.modelfile import Card
from intone.hear.streamed import Audible
from intone.results import Prediction, Timeline

if TYPE_CHECKING:
    from intone.hear.stream import Stream
    from intone.hear.timeline import Turn

BATCH = 128
"""How many utterances are held at a time."""
BASELINE_SECONDS = 5.0
"""Longest piece of a recording that counts as one utterance of a baseline."""


class Recogniser:
    """Hears which of the seven emotions a sound carries.

    Made by :func:`intone.load`. It holds no state between calls and may be used from several threads.

    Attributes
    ----------
    card : Card
        What the model says of itself: labels, features, licence and honest scores.
    single : Recogniser
        The same model on one thread, for who hears several sounds side by side.
    """

    def __init__(
        self,
        hearing: Hearing,
        card: Card,
        again: Again | None = None,
        *,
        threads: int = 1,
        single: "Recogniser | None" = None,
    ) -> None:
        self.card = card
        self._hearing, self._again, self._threads = hearing, again, threads
        self.single: Recogniser = single or self

    def __repr__(self) -> str:
        return f"Recogniser({self.card.name!r}: {self.card.input} → {', '.join(self.card.labels)})"

    def predict(
        self,
        sound: Sound,
        *,
        rate: int | None = None,
        prior: Mapping[str, float] | None = None,
        baseline: Baseline | None = None,
    ) -> Prediction:
        """Hear the emotion of one sound; of a long one, the mean over what is said in it.

        Parameters
        ----------
        sound : path, bytes, binary file, array or Waveform
            See :func:`intone.hear.audio.load`. Of more than 6.2 s the stretches of speech are heard, if there are any.
        rate : int, optional
            Samples a second, for arrays.
        prior : mapping of emotion to float, optional
            How often emotions occur where the sound comes from, as shares from 0 to 1; those left out share the rest
            as in the model's training. ``{"neutral": 0.8}`` says that four in five utterances are neutral.
        baseline : Baseline, optional
            What the speaker sounds like otherwise; see :meth:`baseline`.

        Returns
        -------
        Prediction
            The likeliest emotion, the seven probabilities, and whether the model is unsure.

        Raises
        ------
        SoundError
            The sound cannot be heard; the children say why.
        BaselineError
            The baseline is another model's.
        UsageError
            The prior is not one, or the model knows no baselines.

        Examples
        --------
        >>> import intone
        >>> heard = intone.load().predict("examples/kennedy.flac")
        >>> round(sum(heard.scores.values()), 6)
        1.0
        """
        return self.predict_batch([audio.load(sound, rate=rate)], prior=prior, baseline=baseline)[0]

    def predict_batch(
        self,
        sounds: Sequence[Sound],
        *,
        rate: int | None = None,
        prior: Mapping[str, float] | None = None,
        baseline: Baseline | None = None,
    ) -> list[Prediction]:
        """Hear the emotion of each sound; each gets the answer that it would get alone, to 1e-4.

        Parameters
        ----------
        sounds : sequence of sounds
            As for :meth:`predict`; one that cannot be heard raises for all.
        rate : int, optional
            Samples a second of those sounds that are arrays.
        prior, baseline
            As for :meth:`predict`; the baseline is that of the one speaker of all the sounds.

        Returns
        -------
        list of Prediction
            In the order of ``sounds``.
        """
        usual = self._fitting(baseline).vector if baseline else None
        reads = Answering(self.card, prior)
        predictions: list[Prediction] = []
        for start in range(0, len(sounds), BATCH):
            waveforms = [
                audio.load(sound, rate=rate if isinstance(sound, np.ndarray) else None)
                for sound in sounds[start : start + BATCH]
            ]
            predictions += reads.predictions(waveforms, self._hearing(waveforms, usual), beside=baseline is not None)
        return predictions

    def predict_and_embed(
        self,
        sounds: Sequence[Audible],
        *,
        prior: Mapping[str, float] | None = None,
        baseline: Baseline | None = None,
    ) -> tuple[list[Prediction], Floats | None]:
        """Give of a few sounds what :meth:`predict_batch` gives and what :meth:`embed` does, heard once.

        The vectors are ``(sounds, width)``, or None where the model gives none.
        """
        heard: Heard = self._hearing(sounds, self._fitting(baseline).vector if baseline else None)
        reads = Answering(self.card, prior)
        return reads.predictions(sounds, heard, beside=baseline is not None), heard.embedding

    def follow(self, *, prior: Mapping[str, float] | None = None, baseline: Baseline | None = None) -> Following:
        """Hear one speaker's utterances in the order in which they are spoken, each beside what was heard before.

        Parameters
        ----------
        prior, baseline
            As for :meth:`predict`; the baseline is what is known of the speaker at the beginning.

        Returns
        -------
        Following
            Its ``predict`` hears the next one, and its ``baseline`` is what has been gathered.

        Raises
        ------
        UsageError
            The model knows no baselines.

        Examples
        --------
        >>> import intone
        >>> caller = intone.load().follow()
        >>> answers = [caller.predict(f"examples/{name}.flac") for name in ("plain", "questioning")]
        >>> caller.baseline.count
        2
        """
        if not self.card.baselines:
            raise UsageError(self._knows_none())
        if baseline is not None:
            self._fitting(baseline)
        return Following(self, prior=prior, baseline=baseline)

    def timeline(
        self,
        sound: Sound,
        *,
        rate: int | None = None,
        name: str | None = None,
        prior: Mapping[str, float] | None = None,
        baseline: Baseline | None = None,
        channels: Literal["mixed", "separate"] = "mixed",
        speakers: "Sequence[Turn] | None" = None,
        hindsight: bool = False,
        max_seconds: float = math.inf,
        heard: Callable[[float], None] | None = None,
    ) -> Timeline:
        """Hear how the emotion of a recording of any length changes over time.

        It is decoded as it is heard, so that memory does not grow with it. Speech is cut at pauses, and after 6 s; each
        stretch is answered beside what its voice has sounded like before, and smoothed over time, both from the past
        alone unless ``hindsight`` says otherwise.

        Parameters
        ----------
        sound, rate, prior
            As for :meth:`predict`.
        name : str, optional
            What the timeline calls the recording; its own name where it is left out.
        baseline : Baseline, optional
            What the speaker, or each of them, is known to sound like otherwise, before the recording begins.
        channels : "mixed" or "separate"
            Whether the channels are mixed, or each is a voice of its own, as in recordings of calls.
        speakers : sequence of turns, optional
            Who speaks when, from any diariser (:func:`intone.formats.read_rttm`): each becomes a voice of its own.
        hindsight : bool, default False
            Whether all is answered anew when the recording has ended, with what came later: the whole recording's
            baseline and smoothing. It keeps 7 kB for each stretch.
        max_seconds : float, optional
            Longest recording that is accepted; any length where it is left out.
        heard : callable, optional
            Told from time to time how many seconds of the recording have been decoded.

        Returns
        -------
        Timeline

        Raises
        ------
        SoundError
            As for :meth:`predict`.
        BaselineError, UsageError
            As for :meth:`predict`; or both channels and speakers are told apart.

        Examples
        --------
        >>> import intone
        >>> timeline = intone.load().timeline("examples/kennedy.flac")
        >>> all(segment.emotion in intone.Emotion for segment in timeline.segments)
        True
        """
        from intone.hear import timeline  # which is built on this module

        options = timeline.Options(prior, self._beginning(baseline), channels, speakers, hindsight, self._threads)
        return timeline.made(
            self.single, sound, options, rate=rate, name=name, max_seconds=max_seconds, heard=heard or (lambda _: None)
        )

    def stream(
        self,
        *,
        rate: int = RATE,
        prior: Mapping[str, float] | None = None,
        baseline: Baseline | None = None,
        interim: bool = True,
    ) -> "Stream":
        """Begin to hear one voice as it speaks.

        Parameters
        ----------
        rate : int, default 16000
            Samples a second of what will be pushed.
        prior, baseline
            As for :meth:`predict`; the baseline is what is known of the speaker at the beginning.
        interim : bool, default True
            Whether to answer while a stretch is being spoken too, each 0.25 s.

        Returns
        -------
        Stream
            Its ``push`` takes sound and gives updates, and its ``finish`` gives the last.

        Examples
        --------
        >>> import intone
        >>> from intone.hear import audio
        >>> stream = intone.load().stream()
        >>> sound = audio.load("examples/kennedy.flac").samples
        >>> updates = [update for part in np.array_split(sound, 99) for update in stream.push(part)]
        >>> updates += stream.finish()
        >>> timeline = intone.load().timeline("examples/kennedy.flac")
        >>> tuple(update.segment for update in updates if update.final) == timeline.segments
        True
        """
        from intone.hear.stream import Stream

        known = self._beginning(baseline)
        return Stream(self.single, Answering(self.card, prior), rate=rate, baseline=known, interim=interim)

    def heard_beside(
        self,
        sound: Sound,
        *,
        rate: int | None = None,
        prior: Mapping[str, float] | None = None,
        baseline: Baseline | None = None,
    ) -> tuple[Prediction, Baseline | None]:
        """Answer a sound as :meth:`predict` does, and give what it adds to its speaker's baseline, if it is speech."""
        usual = self._fitting(baseline).vector if baseline else None
        waveform = audio.load(sound, rate=rate)
        heard: Heard = self._hearing([waveform], usual)
        reads = Answering(self.card, prior)
        (answer,) = reads.predictions([waveform], heard, beside=baseline is not None)
        if heard.voice is None or reads.strange(heard)[0]:
            return answer, None
        return answer, self.gathered(heard.voice, waveform.duration)

    def gathered(self, voices: Floats, seconds: float, *, rest: bool = False) -> Baseline:
        """Give the baseline that voices ``(utterances, width)`` of one speaker make."""
        return Baseline.of(voices, model=self.card.name, fingerprint=self.card.fingerprint, seconds=seconds, rest=rest)

    def hear(self, sound: Waveform, baseline: Baseline | None = None) -> Heard:
        """Give what the model itself gives of a sound, beside a baseline of its own where there is one."""
        return self._hearing([sound], None if baseline is None else baseline.vector)

    def again(self, heard: Heard, baseline: Baseline) -> Floats:
        """Answer from what was heard beside a baseline, ``(sounds, labels)``; for models that :attr:`gathers`."""
        assert self._again is not None
        return self._again(heard, baseline.vector)

    @property
    def gathers(self) -> bool:
        """Whether a recording's own baseline can be gathered while it is heard."""
        return self.card.baselines and self._again is not None

    def embed(self, sound: Sound, *, rate: int | None = None) -> Floats:
        """Give what the model hears in a sound as a vector, in which sounds of like expression lie close together.

        Parameters
        ----------
        sound, rate
            As for :meth:`predict`.

        Returns
        -------
        numpy.ndarray of float32, shape (width,)

        Raises
        ------
        UsageError
            The model gives no such vector, as those that hear features do not.
        """
        heard: Heard = self._hearing([audio.load(sound, rate=rate)])
        if heard.embedding is None:
            raise UsageError(f"{self.card.name}: this model gives no embedding; those do that hear the sound itself.")
        vector: Floats = heard.embedding[0]
        return vector

    def baseline(self, sounds: Sequence[Sound], *, rate: int | None = None, rest: bool = False) -> Baseline:
        """Gather what a speaker sounds like otherwise, from a few recordings of them.

        Parameters
        ----------
        sounds : sequence of sounds
            Of one speaker, of any length; recordings of more than 5 s count as several utterances. What is no speech in
            them does not count.
        rate : int, optional
            Samples a second of those sounds that are arrays.
        rest : bool, default False
            Whether the speaker is at rest, that is neutral, in all of them.

        Returns
        -------
        Baseline
            For ``predict(..., baseline=...)`` by this model.

        Raises
        ------
        SoundError
            A sound cannot be heard, or holds no speech; the children say why.
        UsageError
            There is no sound, or the model knows no baselines.
        """
        if not sounds:
            raise UsageError("A baseline needs at least one recording of the speaker.")
        reads, voices, seconds = Answering(self.card), list[Floats](), 0.0
        for sound in sounds:
            whole = audio.load(sound, rate=rate if isinstance(sound, np.ndarray) else None)
            cut = np.array_split(whole.samples, math.ceil(whole.duration / BASELINE_SECONDS))
            pieces = [Waveform(piece, whole.name) for piece in cut if piece.any()]
            heard: Heard = self._hearing(pieces)
            if heard.voice is None:
                raise UsageError(self._knows_none())
            spoken = [not strange for strange in reads.strange(heard)]
            if not any(spoken):
                raise NoSpeechError(f"{whole.name}: no speech was heard in it, so that it says nothing of a speaker.")
            voices.append(heard.voice[spoken])
            seconds += sum(piece.duration for piece, kept in zip(pieces, spoken, strict=True) if kept)
        return self.gathered(np.concatenate(voices), seconds, rest=rest)

    def _knows_none(self) -> str:
        return f"{self.card.name}: this model knows no speakers' baselines; 'intone models list' says which do."

    def _beginning(self, baseline: Baseline | None) -> Baseline | None:
        """Take what is known of a voice before a recording begins."""
        if baseline is None:
            return None
        known = self._fitting(baseline)
        if not self.gathers:
            raise UsageError(
                f"{self.card.name}: this file cannot answer again beside a baseline, as a recording over time needs; "
                "the model file (*.intone.onnx) of this version's 'intone train' can."
            )
        return known

    def _fitting(self, baseline: Baseline) -> Baseline:
        if not self.card.baselines:
            raise UsageError(self._knows_none())
        if (baseline.model, baseline.fingerprint) != (self.card.name, self.card.fingerprint):
            raise BaselineError(
                f"The baseline was made with {baseline.model} ({baseline.fingerprint[:8]}), and the model is "
                f"{self.card.name} ({self.card.fingerprint[:8]}); make it anew with this one."
            )
        if len(baseline.mean) != self._width:
            raise BaselineError(
                f"The baseline has {len(baseline.mean)} numbers, and {self.card.name} tells voices by {self._width}; "
                "it is damaged."
            )
        return baseline

    @cached_property
    def _width(self) -> int:
        """How many numbers the model tells voices by."""
        heard: Heard = self._hearing([Waveform(np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32))])
        return 0 if heard.voice is None else heard.voice.shape[1]
