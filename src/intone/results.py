"""What Intone answers with: frozen, small, and ready for a table, a program or another library."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from intone.emotions import Emotion


class LabelScore(TypedDict):
    """One line of a Hugging Face audio-classification result."""

    label: str
    score: float


@dataclass(frozen=True)
class Prediction:
    """The emotion of one utterance, and how sure the model is.

    Attributes
    ----------
    file : str
        The sound's name: a path as it was given, or ``"<array>"``.
    emotion : Emotion
        The likeliest of the seven, whether sure or not.
    scores : mapping of Emotion to float
        Calibrated probability of each of the seven; they sum to 1.
    unsure : bool
        True where :attr:`confidence` is below the threshold on the model's card, or the sound is unlike the speech that
        the model knows; the emotion is then a guess.
    duration : float
        Length of the sound in seconds.
    model : str
        Name of the model that answered.
    attention : numpy.ndarray of float32, shape (steps,), or None
        How much each 20 ms of the sound counted; they sum to 1. None where the model does not tell.

    Examples
    --------
    >>> from intone import Emotion
    >>> scores = dict.fromkeys(Emotion, 0.05) | {Emotion.ANGER: 0.7}
    >>> heard = Prediction(
    ...     file="call.wav", emotion=Emotion.ANGER, scores=scores, unsure=False, duration=2.5, model="m"
    ... )
    >>> heard.confidence
    0.7
    >>> heard.top(1)
    [(<Emotion.ANGER: 'anger'>, 0.7)]
    >>> heard.as_pipeline()[0]
    {'label': 'anger', 'score': 0.7}
    """

    file: str
    emotion: Emotion
    scores: Mapping[Emotion, float]
    unsure: bool
    duration: float
    model: str
    attention: NDArray[np.float32] | None = field(default=None, repr=False, compare=False)

    @property
    def confidence(self) -> float:
        """Probability of :attr:`emotion`, 0 to 1."""
        return self.scores[self.emotion]

    def top(self, count: int = 7) -> list[tuple[Emotion, float]]:
        """Give the ``count`` likeliest emotions with their probabilities, likeliest first."""
        return sorted(self.scores.items(), key=lambda pair: -pair[1])[:count]

    def as_pipeline(self) -> list[LabelScore]:
        """Give the scores as Hugging Face's audio-classification pipeline does, likeliest first."""
        return [{"label": str(emotion), "score": score} for emotion, score in self.top()]

    def to_dict(self, top: int = 7) -> dict[str, object]:
        """Give a dictionary for JSON: file, emotion, confidence, unsure, scores, duration, model.

        Parameters
        ----------
        top : int, default 7
            How many of the likeliest scores to give; 7 gives all, in the emotions' fixed order.
        """
        kept = {emotion for emotion, _ in self.top(top)}
        return {
            "file": self.file,
            "emotion": str(self.emotion),
            "confidence": self.confidence,
            "unsure": self.unsure,
            "scores": {str(emotion): self.scores[emotion] for emotion in Emotion if emotion in kept},
            "duration": self.duration,
            "model": self.model,
        }


@dataclass(frozen=True)
class Segment:
    """A stretch of speech with one prediction.

    Attributes
    ----------
    start, end : float
        Seconds from the beginning of the recording.
    emotion : Emotion
        The likeliest of the seven, whether sure or not.
    scores : mapping of Emotion to float
        Probability of each of the seven, smoothed over time; they sum to 1.
    unsure : bool
        As in :class:`Prediction`.
    channel : int
        Of the recording, counted from 1; 1 where the channels were mixed.
    speaker : str or None
        Who speaks, where that was told.
    alone : mapping of Emotion to float, or None
        The probabilities by this stretch of speech itself, before they were smoothed.
    """

    start: float
    end: float
    emotion: Emotion
    scores: Mapping[Emotion, float]
    unsure: bool
    channel: int = 1
    speaker: str | None = None
    alone: Mapping[Emotion, float] | None = field(default=None, repr=False, compare=False)

    @property
    def confidence(self) -> float:
        """Probability of :attr:`emotion`, 0 to 1."""
        return self.scores[self.emotion]

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.end - self.start

    @property
    def voice(self) -> str:
        """Whose line of the timeline it belongs to: the speaker's name, or the channel's number."""
        return self.speaker if self.speaker is not None else str(self.channel)

    def to_dict(self) -> dict[str, object]:
        """Give a dictionary for JSON: start, end, channel, speaker where told, emotion, confidence, unsure, scores."""
        return {
            "start": self.start,
            "end": self.end,
            "channel": self.channel,
            **({} if self.speaker is None else {"speaker": self.speaker}),
            "emotion": str(self.emotion),
            "confidence": self.confidence,
            "unsure": self.unsure,
            "scores": {str(emotion): self.scores[emotion] for emotion in Emotion},
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> "Segment":
        """Read what :meth:`to_dict` gave; :attr:`alone` is not in it."""
        return cls(
            start=stored["start"],
            end=stored["end"],
            emotion=Emotion(stored["emotion"]),
            scores=_by_emotion(stored["scores"]),
            unsure=stored["unsure"],
            channel=stored["channel"],
            speaker=stored.get("speaker"),
        )


@dataclass(frozen=True)
class TurningPoint:
    """A moment from which on another emotion prevails; ``channel`` and ``speaker`` are those of :class:`Segment`."""

    at: float
    before: Emotion
    after: Emotion
    channel: int = 1
    speaker: str | None = None

    def to_dict(self) -> dict[str, object]:
        """Give a dictionary for JSON."""
        return {
            "at": self.at,
            "from": str(self.before),
            "to": str(self.after),
            "channel": self.channel,
            **({} if self.speaker is None else {"speaker": self.speaker}),
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> "TurningPoint":
        """Read what :meth:`to_dict` gave."""
        before, after = Emotion(stored["from"]), Emotion(stored["to"])
        return cls(stored["at"], before, after, stored["channel"], stored.get("speaker"))


@dataclass(frozen=True)
class Summary:
    """What a timeline comes to.

    Attributes
    ----------
    speech : float
        Seconds of speech; where two speak at once, both count.
    shares : mapping of Emotion to float
        Share of that time which each emotion has, unsure segments too; they sum to 1, or are all 0 without speech.
    unsure : float
        Share of that time in which the model was unsure.
    turning_points : tuple of TurningPoint
        In the order of time.
    peaks : tuple of Segment
        For each emotion that was heard and sure, the segment in which it was likeliest; in the order of time.
    """

    speech: float
    shares: Mapping[Emotion, float]
    unsure: float
    turning_points: tuple[TurningPoint, ...]
    peaks: tuple[Segment, ...]

    def to_dict(self) -> dict[str, object]:
        """Give a dictionary for JSON."""
        return {
            "speech": self.speech,
            "shares": {str(emotion): self.shares[emotion] for emotion in Emotion},
            "unsure": self.unsure,
            "turning_points": [point.to_dict() for point in self.turning_points],
            "peaks": [peak.to_dict() for peak in self.peaks],
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> "Summary":
        """Read what :meth:`to_dict` gave."""
        return cls(
            speech=stored["speech"],
            shares=_by_emotion(stored["shares"]),
            unsure=stored["unsure"],
            turning_points=tuple(map(TurningPoint.from_dict, stored["turning_points"])),
            peaks=tuple(map(Segment.from_dict, stored["peaks"])),
        )


@dataclass(frozen=True)
class Talk:
    """How the voices of a conversation take turns.

    Attributes
    ----------
    speech : mapping of str to float
        Seconds of speech of each voice, by speaker's name or channel's number.
    overlap : float
        Seconds in which at least two speak.
    silence : float
        Seconds in which nobody speaks.
    turns : mapping of str to int
        How many turns each voice has: stretches of its segments between which no other voice begins.
    interruptions : mapping of str to int
        How many of these began while another voice was speaking.
    gap : float
        Median of the seconds from the end of one voice's turn to the beginning of another's; below 0 where they
        overlap, and 0 where there was no change of turns.
    """

    speech: Mapping[str, float]
    overlap: float
    silence: float
    turns: Mapping[str, int]
    interruptions: Mapping[str, int]
    gap: float

    def to_dict(self) -> dict[str, object]:
        """Give a dictionary for JSON."""
        return {
            "speech": dict(self.speech),
            "overlap": self.overlap,
            "silence": self.silence,
            "turns": dict(self.turns),
            "interruptions": dict(self.interruptions),
            "gap": self.gap,
        }


@dataclass(frozen=True)
class Timeline:
    """The segments of a recording, in the order of time, and what they come to.

    Attributes
    ----------
    file : str
        The recording's name: a path as it was given, or ``"<array>"``.
    duration : float
        Length of the recording in seconds.
    segments : tuple of Segment
        In the order of their ends; those of one voice do not overlap.
    summary : Summary
        Over all voices.
    model : str
        Name of the model that answered.
    voices : mapping of str to Summary
        The summary of each voice, by speaker's name or channel's number; one entry where nothing was told apart.
    hindsight : bool
        Whether what came later counted in each answer; otherwise only the past did, as in a stream.
    talk : Talk or None
        How the voices take turns, where there are several.
    """

    file: str
    duration: float
    segments: tuple[Segment, ...]
    summary: Summary
    model: str
    voices: Mapping[str, Summary] = field(default_factory=dict)
    hindsight: bool = False
    talk: Talk | None = None

    def to_dict(self) -> dict[str, object]:
        """Give a dictionary for JSON; voices and talk are in it where there are several voices."""
        several = len(self.voices) > 1
        return {
            "file": self.file,
            "duration": self.duration,
            "model": self.model,
            "hindsight": self.hindsight,
            "segments": [segment.to_dict() for segment in self.segments],
            "summary": self.summary.to_dict(),
            **({"voices": {name: summary.to_dict() for name, summary in self.voices.items()}} if several else {}),
            **({} if self.talk is None else {"talk": self.talk.to_dict()}),
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> "Timeline":
        """Read what :meth:`to_dict` gave."""
        segments, summary = tuple(map(Segment.from_dict, stored["segments"])), Summary.from_dict(stored["summary"])
        only = segments[0].voice if segments else "1"
        return cls(
            file=stored["file"],
            duration=stored["duration"],
            segments=segments,
            summary=summary,
            model=stored["model"],
            voices={name: Summary.from_dict(each) for name, each in stored.get("voices", {}).items()}
            or {only: summary},
            hindsight=stored["hindsight"],
            talk=Talk(**stored["talk"]) if "talk" in stored else None,
        )


@dataclass(frozen=True)
class Notice:
    """Something about the sound of a stream that is worth knowing, and did not end it.

    Attributes
    ----------
    code : str
        ``"not-finite"``, ``"silence"``, ``"clipping"`` or ``"rate"``, and where a microphone is heard others too
        (``docs/live.md``); a program may tell them apart by it.
    message : str
        A sentence.
    """

    code: str
    message: str


@dataclass(frozen=True)
class Update:
    """What a stream has to say: of a segment that is being spoken, of one that has ended, or of the sound itself.

    Attributes
    ----------
    at : float
        Seconds of sound that the stream had heard.
    segment : Segment or None
        The segment; None where there is a notice instead.
    final : bool
        Whether the segment has ended; otherwise its end and its emotion are those so far.
    notice : Notice or None
        What was noticed.
    """

    at: float
    segment: Segment | None = None
    final: bool = False
    notice: Notice | None = None

    def to_dict(self) -> dict[str, object]:
        """Give a dictionary for JSON: at and type, and the segment or the notice."""
        if self.notice is not None:
            return {"at": self.at, "type": "notice", "code": self.notice.code, "message": self.notice.message}
        assert self.segment is not None
        return {"at": self.at, "type": "final" if self.final else "interim", "segment": self.segment.to_dict()}


def _by_emotion(stored: Mapping[str, float]) -> dict[Emotion, float]:
    return {Emotion(name): value for name, value in stored.items()}
