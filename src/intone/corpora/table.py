"""A corpus as a table: one row a recording, labels read from the names."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from intone.corpora.corpus import CALM, SEVEN, Corpus, UnreadableNameError, Utterance, with_notes
from intone.corpora.registry import describe
from intone.emotions import Emotion
from intone.errors import CorpusError, UsageError, counted
from intone.hear.audio import SUFFIXES

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("path", "corpus", "speaker", "sex", "emotion", "sentence", "intensity", "language", "channel")
"""The columns of every table, in order."""
_MISNAMED, _REPEATED = "misnamed", "repeated"


@dataclass(frozen=True)
class Recording:
    """A file, and what its name says.

    Attributes
    ----------
    path : pathlib.Path
        As found under the folder that was searched.
    utterance : Utterance
        What the name says.
    """

    path: Path
    utterance: Utterance


@dataclass(frozen=True)
class Survey:
    """What a folder holds of a corpus.

    Attributes
    ----------
    folder : pathlib.Path
        Where it was searched: the root, or the corpus's usual folder below it.
    recordings : tuple of Recording
        What was read, sorted by path.
    unreadable : dict
        Path of each recording whose name has the corpus's form and a code that the corpus does not have, and what is
        wrong with it.
    foreign : tuple of pathlib.Path
        Sound files whose names are not this corpus's.
    copies : dict
        Path of each file that is named as an earlier one, and that one's path. Popular archives hold all of TESS or
        RAVDESS twice, a folder deeper.
    """

    folder: Path
    recordings: tuple[Recording, ...]
    unreadable: dict[Path, str]
    foreign: tuple[Path, ...]
    copies: dict[Path, Path]


def survey(name: str, root: str | os.PathLike[str]) -> Survey:
    """Look through a folder for a corpus's recordings, without opening any of them.

    Parameters
    ----------
    name : str
        The corpus's short name.
    root : path
        The corpus's own folder, or one that holds it under its usual name.

    Returns
    -------
    Survey
        Everything that was found, read or not.

    Raises
    ------
    UsageError
        There is no corpus of that name.
    CorpusError
        The folder is missing, or a file that describes the recordings cannot be read.
    """
    corpus = describe(name)
    folder = _folder_of(corpus, Path(root))
    notes = corpus.read_notes(folder)
    recordings: dict[tuple[str, str], Recording] = {}
    unreadable, foreign, copies = {}, [], {}
    for path in sounds(folder):
        try:
            utterance = corpus.parse(path)
        except UnreadableNameError as error:
            unreadable[path] = str(error)
            continue
        if utterance is None:
            foreign.append(path)
            continue
        stem = path.stem.lower()
        recording = Recording(path, with_notes(utterance, notes.get(stem, {})))
        first = recordings.setdefault((utterance.speaker, stem), recording)
        if first is not recording:
            copies[path] = first.path
    return Survey(folder, tuple(recordings.values()), unreadable, tuple(foreign), copies)


def read(
    name: str,
    root: str | os.PathLike[str],
    *,
    channel: Literal["speech", "song", "both"] = "speech",
) -> "pd.DataFrame":
    """Read a corpus as a table, one row a recording.

    Parameters
    ----------
    name : str
        The corpus's short name, as in ``"tess"``.
    root : path
        The corpus's own folder, or one that holds it under its usual name.
    channel : {"speech", "song", "both"}, default "speech"
        Which recordings are kept; only RAVDESS has song, and sung emotion is not trained into speech unasked.

    Returns
    -------
    pandas.DataFrame
        Columns ``path, corpus, speaker, sex, emotion, sentence, intensity, language, channel``, all of them strings,
        sorted by path. Emotions outside the seven keep their own names; see :func:`only_seven`. Speakers bear the
        corpus's name, as in ``tess-OAF``, so tables can be joined. A recording whose name has an unknown code is left
        out, and so is a file that is named as an earlier one; :func:`left_out` tells.

    Raises
    ------
    UsageError
        There is no such corpus or choice.
    CorpusError
        The folder is missing or holds nothing of this corpus that can be read.
    """
    import pandas as pd

    _one_of("channel", channel, ("both", "speech", "song"))
    corpus = describe(name)
    found = survey(name, root)
    rows = [
        _row(corpus, recording) for recording in found.recordings if channel in ("both", recording.utterance.channel)
    ]
    if not rows:
        raise CorpusError(_told_empty(corpus, found, channel))
    table = pd.DataFrame(rows, columns=list(COLUMNS), dtype="str")
    table.attrs |= {_MISNAMED: _told_misnamed(corpus, found), _REPEATED: _told_repeated(corpus, found)}
    return table


def left_out(table: "pd.DataFrame") -> list[str]:
    """Tell in sentences what :func:`read` left out of a table; ask before joining it, as joined tables forget."""
    return [*misnamed(table), *repeated(table)]


def misnamed(table: "pd.DataFrame") -> list[str]:
    """Tell the part of :func:`left_out` that is a fault: recordings whose names cannot be read."""
    return list(table.attrs.get(_MISNAMED, ()))


def repeated(table: "pd.DataFrame") -> list[str]:
    """Tell the part of :func:`left_out` that costs nothing: files that bear an earlier one's name."""
    return list(table.attrs.get(_REPEATED, ()))


class OnlySeven(NamedTuple):
    """What :func:`only_seven` kept, and how many rows it dropped by label."""

    table: "pd.DataFrame"
    dropped: dict[str, int]


def only_seven(table: "pd.DataFrame", *, calm_is_neutral: bool = False) -> OnlySeven:
    """Keep the rows of the seven emotions, and tell what was dropped.

    Parameters
    ----------
    table : pandas.DataFrame
        As from :func:`read`, or several of them joined.
    calm_is_neutral : bool, default False
        Count calm as neutral, rather than dropping it.

    Returns
    -------
    OnlySeven
        The rows that are left, numbered anew, and the counts of the dropped ones by label.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"emotion": ["anger", "calm", "boredom", "calm"]})
    >>> only_seven(table).dropped
    {'boredom': 1, 'calm': 2}
    >>> only_seven(table, calm_is_neutral=True).table.emotion.tolist()
    ['anger', 'neutral', 'neutral']
    """
    if calm_is_neutral:
        table = table.assign(emotion=table["emotion"].replace({CALM: str(Emotion.NEUTRAL)}))
    kept = table["emotion"].isin(SEVEN)
    counts = table.loc[~kept, "emotion"].value_counts()
    return OnlySeven(
        table[kept].reset_index(drop=True), {str(label): int(counts[label]) for label in sorted(counts.index)}
    )


def sounds(folder: Path) -> list[Path]:
    """List the sound files under a folder, sorted; what macOS leaves behind in archives is passed over."""
    return sorted(path for path in _files(folder) if path.suffix.lower() in SUFFIXES)


def _files(folder: Path) -> Iterator[Path]:
    for where, folders, names in os.walk(folder, onerror=_refuse):
        folders[:] = [name for name in folders if name != "__MACOSX" and not name.startswith(".")]
        yield from (Path(where, name) for name in names if not name.startswith("."))


def _refuse(error: OSError) -> None:
    raise CorpusError(f"{error.filename}: the folder cannot be read ({error.strerror}).") from error


def _folder_of(corpus: Corpus, root: Path) -> Path:
    """Choose the root itself, or the corpus's folder below it where there is one."""
    if not root.exists():
        raise CorpusError(f"{root}: there is no such folder; {corpus.name} cannot be read from it.")
    if not root.is_dir():
        raise CorpusError(f"{root}: this is a file; the folder that holds {corpus.name} is needed.")
    usual = {name.lower() for name in (corpus.name, *corpus.folders)}
    if root.name.lower() in usual:
        return root
    return next((below for below in sorted(root.iterdir()) if below.is_dir() and below.name.lower() in usual), root)


def _row(corpus: Corpus, recording: Recording) -> tuple[str, ...]:
    heard = recording.utterance
    return (
        str(recording.path),
        corpus.name,
        f"{corpus.name}-{heard.speaker}",
        heard.sex,
        str(heard.emotion),
        heard.sentence,
        heard.intensity,
        corpus.language,
        heard.channel,
    )


def _one_of(setting: str, found: str, accepted: Iterable[str]) -> None:
    if found not in accepted:
        raise UsageError(f"{setting}={found!r} is not a choice; accepted are {', '.join(sorted(accepted))}.")


def _told_misnamed(corpus: Corpus, found: Survey) -> list[str]:
    """Word which names cannot be read; paths are those below the corpus's folder, the same on every machine."""
    if not found.unreadable:
        return []
    path, why = next(iter(found.unreadable.items()))
    return [
        f"{path.relative_to(found.folder)}: the name looks like {corpus.name}'s, but it has an {why}."
        + _and_more(len(found.unreadable) - 1, corpus)
    ]


def _told_repeated(corpus: Corpus, found: Survey) -> list[str]:
    """Word which names stand twice, likewise."""
    if not found.copies:
        return []
    copy, first = next(iter(found.copies.items()))
    return [
        f"{copy.relative_to(found.folder)}: {corpus.name} has this name already, at "
        f"{first.relative_to(found.folder)}; only the first is kept." + _and_more(len(found.copies) - 1, corpus)
    ]


def _and_more(number: int, corpus: Corpus) -> str:
    if not number:
        return ""
    return f" So it is with {counted(number, 'further file')}, which 'intone corpora check {corpus.name}' tells."


def _told_empty(corpus: Corpus, found: Survey, channel: str) -> str:
    if found.recordings:
        held = f"{counted(len(found.recordings), 'recording')}, none of it {channel}"
    elif found.unreadable:
        path, why = next(iter(found.unreadable.items()))
        held = f"{counted(len(found.unreadable), 'file')} with a name like {path.name}, which has an {why}"
    elif found.foreign:
        held = f"{counted(len(found.foreign), 'sound file')} with other names, such as {found.foreign[0].name}"
    else:
        held = "no sound files"
    return f"{found.folder}: nothing of {corpus.name} was found ({held}); a file's name looks like {corpus.example}."
