"""What a corpus is: where its facts come from, and how a file name becomes an utterance.

Each corpus has one small file beside this one that fills in a :class:`Corpus`. Labels come from the file's own name,
never from its folder, because folders are spelt differently in every copy that goes round.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import Literal

from intone.emotions import Emotion

CALM = "calm"
"""RAVDESS's second baseline. It stays its own label unless a recipe says that it is neutral."""
BOREDOM = "boredom"
"""EmoDB's seventh emotion, outside the seven."""
SEVEN = frozenset(str(emotion) for emotion in Emotion)
"""The seven spellings of :class:`~intone.emotions.Emotion`."""

Sex = Literal["female", "male", "unknown"]
Sexes = Mapping[str, Sex]
_SEXES: Sexes = {"female": "female", "male": "male"}


@dataclass(frozen=True)
class Utterance:
    """One recording, as its name describes it.

    Attributes
    ----------
    speaker : str
        The corpus's own code for the speaker; the table puts the corpus's name before it.
    sex : {"female", "male", "unknown"}
        The speaker's.
    emotion : str
        One of the seven, or ``calm`` or ``boredom``.
    sentence : str
        The words where the corpus documents them, else its code for them; equal where the same words are said.
    intensity : str
        ``normal``, ``strong``, ``low``, ``medium``, ``high``, or empty where the corpus has none.
    channel : {"speech", "song"}
        Spoken or sung.
    """

    speaker: str
    sex: Sex
    emotion: str
    sentence: str
    intensity: str = ""
    channel: Literal["speech", "song"] = "speech"


class UnreadableNameError(ValueError):
    """A name that nearly fits the corpus, with a code in it that the corpus does not have."""


@dataclass(frozen=True)
class Source:
    """An archive that anybody may download.

    Attributes
    ----------
    url : str
        Its address.
    filename : str
        What the archive is called on disk.
    size : int, optional
        Its length in bytes where the publisher states it.
    checksum : str, optional
        ``"md5:…"`` or ``"sha256:…"`` as published. Without one, what was unpacked is held against the corpus's
        :attr:`Corpus.counts`.
    """

    url: str
    filename: str
    size: int | None = None
    checksum: str | None = None


Parse = Callable[[PurePath], Utterance | None]
Notes = Mapping[str, Mapping[str, str]]


def no_notes(_root: Path) -> Notes:
    """Say that nothing beside the recordings needs reading."""
    return {}


@dataclass(frozen=True)
class Corpus:
    """A corpus of emotional speech: what it is, what may be done with it, and how its names are read.

    Attributes
    ----------
    name : str
        Its short name, in lower case; also its folder's usual name.
    title : str
        Its full name.
    language : str
        ISO 639-1 code of the language spoken.
    licence, citation, homepage : str
        What it may be used for, whom to cite, and where it lives.
    commercial : bool
        Whether the licence allows commercial use.
    counts : dict of str to int
        How many spoken recordings of each emotion a complete copy holds, as the corpus's own documents tell; in the
        spellings of :class:`~intone.emotions.Emotion` where they are among the seven.
    speakers : int
        How many a complete copy holds.
    songs : int
        How many sung ones a complete copy holds beside them.
    example : str
        What a file's name looks like; shown where none was found.
    instructions : str
        How a person gets it, one step a line.
    sources : tuple of Source
        The archives that `intone corpora get` downloads; empty where a person has to get them.
    folders : tuple of str
        Other names under which its folder is found.
    """

    name: str
    title: str
    language: str
    licence: str
    citation: str
    homepage: str
    commercial: bool
    counts: Mapping[str, int]
    speakers: int
    example: str
    instructions: str
    read_name: Parse = field(repr=False)
    read_notes: Callable[[Path], Notes] = field(default=no_notes, repr=False)
    songs: int = 0
    sources: tuple[Source, ...] = ()
    folders: tuple[str, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """The emotions that it holds."""
        return tuple(self.counts)

    @property
    def utterances(self) -> int:
        """How many spoken recordings a complete copy holds."""
        return sum(self.counts.values())

    def parse(self, path: str | PurePath) -> Utterance | None:
        """Read an utterance from a file's name, whatever its ending and the case of its letters.

        Parameters
        ----------
        path : path
            The recording's; only its last part is read, and for SAVEE the folder above it, which names the speaker.

        Returns
        -------
        Utterance or None
            None where the name is not of this corpus.

        Raises
        ------
        UnreadableNameError
            The name has this corpus's form, and a code that the corpus does not have.

        Examples
        --------
        >>> from intone.corpora import describe
        >>> str(describe("tess").parse("OAF_back_ps.wav").emotion)
        'surprise'
        >>> print(describe("tess").parse("notes.wav"))
        None
        """
        return self.read_name(PurePath(path))


def with_notes(utterance: Utterance, notes: Mapping[str, str]) -> Utterance:
    """Complete an utterance by what a file beside the recordings says of it."""
    return replace(
        utterance,
        sex=_SEXES.get(notes.get("sex", ""), utterance.sex),
        sentence=notes.get("sentence") or utterance.sentence,
    )


def code(kind: str, found: str, accepted: Mapping[str, str]) -> str:
    """Look a code of a file's name up.

    Examples
    --------
    >>> code("emotion", "ANG", {"ANG": "anger"})
    'anger'
    >>> code("emotion", "XYZ", {"ANG": "anger", "FEA": "fear"})
    Traceback (most recent call last):
    intone.corpora.corpus.UnreadableNameError: unknown emotion 'XYZ'; known are ANG, FEA
    """
    try:
        return accepted[found]
    except KeyError:
        raise UnreadableNameError(f"unknown {kind} '{found}'; known are {', '.join(sorted(accepted))}") from None


def sex_of(speaker: str, sexes: Sexes) -> Sex:
    """Look a speaker up among those that the corpus has."""
    try:
        return sexes[speaker]
    except KeyError:
        raise UnreadableNameError(f"unknown speaker '{speaker}'; known are {', '.join(sorted(sexes))}") from None
