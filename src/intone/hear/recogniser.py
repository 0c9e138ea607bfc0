"""The recogniser: a model, its card, and the way from a sound to a prediction."""

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from intone.emotions import Emotion
from intone.errors import BaselineError, ModelError, NoSpeechError, UsageError, unknown
from intone.hear import audio, engines, modelfile
from intone.hear.audio import RATE, Sound, Waveform
from intone.hear.baseline import Baseline
from intone.hear.engines import Floats, Heard, Hearing
from intone.hear.following import Following
from intone.hear.modelfile import Card
from intone.results import Prediction

BATCH = 128
"""How many utterances are held at a time, for the model to hear like lengths together."""
BASELINE_SECONDS = 5.0
"""Longest piece of a recording that counts as one utterance of a baseline."""
SLACK = 1e-6
"""How far the shares of a prior may be from a sum of 1."""
RAREST = 1e-6
"""An emotion that a prior says never occurs, or that a model never learned, counts as this rare."""


class Recogniser:
    """Hears which of the seven emotions a sound carries.

    Made by :func:`intone.load`. It holds no state between calls and may be used from several threads.

    Attributes
    ----------
    card : Card
        What the model says of itself: labels, features, licence and honest scores.
    """

    def __init__(self, hearing: Hearing, card: Card) -> None:
        self.card = card
        self._hearing = hearing

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
        """Hear the emotion of one sound.

        Parameters
        ----------
        sound : path, bytes, binary file, array or Waveform
            See :func:`intone.hear.audio.load`.
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
        shift = self._shift(prior) if prior else np.zeros(len(self.card.labels))
        predictions: list[Prediction] = []
        for start in range(0, len(sounds), BATCH):
            waveforms = [
                audio.load(sound, rate=rate if isinstance(sound, np.ndarray) else None)
                for sound in sounds[start : start + BATCH]
            ]
            heard = self._hearing(waveforms, usual)
            attention = heard.attention or (None,) * len(waveforms)
            each = zip(waveforms, heard.logits, attention, self._strange(heard), strict=True)
            predictions += [self._prediction(*one, shift, beside=baseline is not None) for one in each]
        return predictions

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
        (strange,) = self._strange(heard)
        attention = heard.attention[0] if heard.attention else None
        shift = self._shift(prior) if prior else np.zeros(len(self.card.labels))
        answer = self._prediction(waveform, heard.logits[0], attention, strange, shift, beside=baseline is not None)
        if strange or heard.voice is None:
            return answer, None
        card, seconds = self.card, waveform.duration
        return answer, Baseline.of(heard.voice, model=card.name, fingerprint=card.fingerprint, seconds=seconds)

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
        voices, seconds = list[Floats](), 0.0
        for sound in sounds:
            whole = audio.load(sound, rate=rate if isinstance(sound, np.ndarray) else None)
            cut = np.array_split(whole.samples, math.ceil(whole.duration / BASELINE_SECONDS))
            pieces = [Waveform(piece, whole.name) for piece in cut if piece.any()]
            heard: Heard = self._hearing(pieces)
            if heard.voice is None:
                raise UsageError(self._knows_none())
            spoken = [not strange for strange in self._strange(heard)]
            if not any(spoken):
                raise NoSpeechError(f"{whole.name}: no speech was heard in it, so that it says nothing of a speaker.")
            voices.append(heard.voice[spoken])
            seconds += sum(piece.duration for piece, kept in zip(pieces, spoken, strict=True) if kept)
        return Baseline.of(
            np.concatenate(voices), model=self.card.name, fingerprint=self.card.fingerprint, seconds=seconds, rest=rest
        )

    def _knows_none(self) -> str:
        return f"{self.card.name}: this model knows no speakers' baselines; 'intone models list' says which do."

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

    def _shift(self, prior: Mapping[str, float]) -> NDArray[np.float64]:
        """Give what is added to logits for a world of other shares (Saerens, Latinne and Decaestecker 2002)."""
        for emotion, share in prior.items():
            if emotion not in self.card.labels:
                raise unknown("emotion", str(emotion), self.card.labels)
            if not 0 <= share <= 1:
                raise UsageError(f"The prior has {emotion} = {share}; accepted is a share from 0 to 1.")
        said, whole = np.array([prior.get(label, np.nan) for label in self.card.labels]), sum(prior.values())
        before = np.array([self.card.prior.get(label, 1.0) for label in self.card.labels])
        left = before[np.isnan(said)].sum()
        if whole > 1 + SLACK or (left == 0 and whole < 1 - SLACK):
            raise UsageError(f"The shares of the prior sum to {whole:g}; accepted is 1 for all, and up to 1 for some.")
        wanted = np.where(np.isnan(said), max(1 - whole, 0) * before / (left or 1), said)
        return np.asarray(np.log(np.maximum(wanted, RAREST)) - np.log(np.maximum(before / before.sum(), RAREST)))

    def _strange(self, heard: Heard) -> list[bool]:
        """Say which sounds are unlike all speech that the model knows: a noise, a melody, a siren."""
        if heard.voice is None or not self.card.strangest:
            return [False] * len(heard.logits)
        strange: list[bool] = (np.square(heard.voice).mean(axis=1) > self.card.strangest).tolist()
        return strange

    def _prediction(
        self,
        waveform: Waveform,
        logits: Floats,
        attention: Floats | None,
        strange: bool,
        shift: NDArray[np.float64],
        *,
        beside: bool,
    ) -> Prediction:
        if logits.shape != (len(self.card.labels),) or not np.isfinite(logits).all():
            raise ModelError(
                f"{self.card.name}: the network gave {logits.shape} values, or some that are not finite; "
                f"accepted is one for each of the {len(self.card.labels)} labels."
            )
        card, apart = self.card, beside and self.card.temperature_beside > 0
        temperature = card.temperature_beside if apart else card.temperature
        threshold = card.threshold_beside if apart else card.threshold
        probabilities = softmax(logits.astype(np.float64) / temperature + shift)
        scores = dict.fromkeys(Emotion, 0.0)
        scores |= {Emotion(label): float(p) for label, p in zip(self.card.labels, probabilities, strict=True)}
        emotion = max(scores, key=scores.__getitem__)
        return Prediction(
            file=waveform.name,
            emotion=emotion,
            scores=scores,
            unsure=strange or scores[emotion] < threshold,
            duration=waveform.duration,
            model=self.card.name,
            attention=attention,
        )


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn logits ``(…, labels)`` into probabilities that sum to 1 along the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def load(model: str | Path = modelfile.DEFAULT, *, threads: int = 0) -> Recogniser:
    """Load a model and give a recogniser.

    Parameters
    ----------
    model : str or path
        The name of a model that ships (``intone models list``), a model file (``*.intone.onnx``), a run folder, or the
        ``model.keras`` of a run folder (that one alone imports Keras).
    threads : int, default 0
        How many threads the model may use; 0 means one for each core.

    Returns
    -------
    Recogniser
        Ready to hear, with no network and no download.

    Raises
    ------
    ModelError
        The file is not a model of Intone, or not one that this version can run.
    UsageError
        There is no model of that name.

    Examples
    --------
    >>> import intone
    >>> intone.load().card.labels
    ('anger', 'disgust', 'fear', 'happiness', 'neutral', 'sadness', 'surprise')
    """
    if threads < 0:
        raise UsageError(f"threads is {threads}; accepted are 0, for one for each core, and any number above.")
    path = modelfile.find(model)
    by_keras = path.suffix == ".keras"
    engine, text = engines.from_keras(path) if by_keras else engines.from_onnx(path, threads=threads)
    card = _for_use(Card.from_json(text, name=str(path)), path)
    return _tried(Recogniser(engines.hearing(engine, card, name=str(path)), card), path)


def _tried(recogniser: Recogniser, path: Path) -> Recogniser:
    """Let the model hear a second of noise, so that one whose network and card do not fit is refused here."""
    noise = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)
    try:
        recogniser.predict(Waveform(noise))
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error
    return recogniser


def _for_use(card: Card, path: Path) -> Card:
    """Refuse what cannot answer with the seven emotions; evaluation may have other labels, use may not."""
    others = [label for label in card.labels if label not in set(Emotion)]
    if others:
        raise UsageError(
            f"{path}: this model was made for evaluation and answers {', '.join(others)} too; "
            f"a model for use answers with the seven: {', '.join(Emotion)}."
        )
    return card
