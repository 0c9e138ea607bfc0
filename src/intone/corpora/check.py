"""See whether a copy of a corpus is whole: what is lacking, misnamed, stored twice or not to be heard."""

import hashlib
import os
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from intone.corpora.progress import OfSteps, no_progress
from intone.corpora.registry import CORPORA, describe
from intone.corpora.table import survey
from intone.errors import CorpusError, SoundError

Groups = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Report:
    """What a check found.

    Attributes
    ----------
    corpus, folder : str
        What was checked, and where it was found.
    recordings, expected : int
        How many are there, and how many a complete copy holds; song counts where there is any.
    emotions, speakers, sexes, channels : dict
        Recordings by emotion, speaker, sex and channel.
    speakers_expected : int
        How many speakers a complete copy has.
    unreadable : dict
        What is wrong with each name that nearly fits, by path.
    foreign : tuple of str
        Paths of sound files whose names are not this corpus's.
    duplicates : tuple of tuple of str
        Groups of the same sound, which must never stand on both sides of a split: of the same content, and where
        recordings were decoded, of the same samples.
    copies : dict
        The path of the recording that counts, by path of each file that bears its name again.
    unheard : dict
        Why each recording cannot be decoded, by path; empty where that was not tried.
    """

    corpus: str
    folder: str
    recordings: int
    expected: int
    emotions: dict[str, int]
    speakers: dict[str, int]
    sexes: dict[str, int]
    channels: dict[str, int]
    speakers_expected: int
    unreadable: dict[str, str]
    foreign: tuple[str, ...]
    duplicates: tuple[tuple[str, ...], ...]
    copies: dict[str, str]
    unheard: dict[str, str]

    @property
    def failed(self) -> bool:
        """Whether a recording cannot be used: misnamed or not to be heard."""
        return bool(self.unreadable or self.unheard)

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain values, for JSON."""
        return asdict(self)


def check(name: str, root: str | os.PathLike[str], *, decode: bool = False, progress: OfSteps = no_progress) -> Report:
    """Check a copy of a corpus.

    Parameters
    ----------
    name : str
        The corpus's short name.
    root : path
        The corpus's own folder, or one that holds it under its usual name.
    decode : bool, default False
        Decode every recording to see whether it can be heard, which takes minutes. Lossy files made from the same
        sound differ in their bytes, so their duplicates are found only this way.
    progress : callable
        Told of each file.

    Returns
    -------
    Report
        What was found.

    Raises
    ------
    UsageError
        There is no such corpus.
    CorpusError
        The folder is missing.
    """
    corpus = describe(name)
    found = survey(name, root)
    heard = [recording.utterance for recording in found.recordings]
    paths = [recording.path for recording in found.recordings]
    sung = any(utterance.channel == "song" for utterance in heard)
    sounds = same_sound(paths, progress=progress) if decode else None
    return Report(
        corpus=corpus.name,
        folder=str(found.folder),
        recordings=len(heard),
        expected=corpus.utterances + (corpus.songs if sung else 0),
        emotions=_counts(str(utterance.emotion) for utterance in heard),
        speakers=_counts(utterance.speaker for utterance in heard),
        sexes=_counts(utterance.sex for utterance in heard),
        channels=_counts(utterance.channel for utterance in heard),
        speakers_expected=corpus.speakers,
        unreadable={str(path): why for path, why in found.unreadable.items()},
        foreign=tuple(str(path) for path in found.foreign),
        duplicates=sounds.groups if sounds else same_content(paths, progress=progress),
        copies={str(path): str(first) for path, first in found.copies.items()},
        unheard=sounds.unheard if sounds else {},
    )


def held(root: str | os.PathLike[str]) -> list[str]:
    """Name the corpora that a folder holds, or is.

    Raises
    ------
    CorpusError
        It holds none.
    """
    names = [name for name in CORPORA if survey(name, root).recordings]
    if not names:
        raise CorpusError(
            f"{root}: no corpus was recognised by the names of its files; known are {', '.join(CORPORA)}."
        )
    return names


def _counts(values: Iterable[str]) -> dict[str, int]:
    counts = Counter(values)
    return {value: counts[value] for value in sorted(counts)}


def same_content(paths: Iterable[Path], *, progress: OfSteps = no_progress) -> Groups:
    """Group files of the same bytes; only those of equal size need to be read."""
    by_size: dict[int, list[Path]] = defaultdict(list)
    for path in paths:
        try:
            by_size[path.stat().st_size].append(path)
        except OSError as error:  # a link to nowhere
            raise CorpusError(f"{path}: the recording cannot be read ({error.strerror}).") from error
    alike = [path for group in by_size.values() if len(group) > 1 for path in group]
    by_content: dict[str, list[str]] = defaultdict(list)
    for number, path in enumerate(alike, 1):
        with path.open("rb") as file:
            by_content[hashlib.file_digest(file, "sha256").hexdigest()].append(str(path))
        progress("Comparing", number, len(alike))
    return _groups(by_content)


class SameSound(NamedTuple):
    """Groups of recordings with the same samples, and why others cannot be heard, by path."""

    groups: Groups
    unheard: dict[str, str]


def same_sound(paths: Iterable[Path], *, progress: OfSteps = no_progress) -> SameSound:
    """Group recordings that sound the same to the last sample, whatever their files' bytes are."""
    from intone.hear.audio import load

    listed = list(paths)
    by_samples: dict[str, list[str]] = defaultdict(list)
    unheard = {}
    for number, path in enumerate(listed, 1):
        try:
            samples = load(path).samples
        except SoundError as error:
            unheard[str(path)] = str(error)
        else:
            by_samples[hashlib.sha256(samples.tobytes()).hexdigest()].append(str(path))
        progress("Decoding", number, len(listed))
    return SameSound(_groups(by_samples), unheard)


def _groups(by_digest: dict[str, list[str]]) -> Groups:
    return tuple(sorted(tuple(sorted(group)) for group in by_digest.values() if len(group) > 1))
