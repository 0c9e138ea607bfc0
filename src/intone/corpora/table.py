"""A corpus as a table: one row a recording, labels read from the names."""

import os
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from intone.corpora.corpus import CALM, SEVEN, Corpus, UnreadableNameError, Utterance, with_notes
from intone.corpora.registry import describe
from intone.emotions import Emotion
from intone.errors import CorpusError, UsageError
from intone.hear.audio import SUFFIXES

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("path", "corpus", "speaker", "sex", "emotion", "sentence", "intensity", "language", "channel")
"""The columns of every table, in order."""


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
    calm: Literal["calm", "neutral"] = "calm",
    channel: Literal["speech", "song", "both"] = "speech",
    unreadable: Literal["raise", "skip"] = "raise",
) -> "pd.DataFrame":
    """Read a corpus as a table, one row a recording.

    Parameters
    ----------
    name : str
        The corpus's short name, as in ``"tess"``.
    root : path
        The corpus's own folder, or one that holds it under its usual name.
    calm : {"calm", "neutral"}, default "calm"
        What RAVDESS's calm is called.
    channel : {"speech", "song", "both"}, default "speech"
        Which recordings are kept; only RAVDESS has song, and sung emotion is not trained into speech unasked.
    unreadable : {"raise", "skip"}, default "raise"
        What becomes of a recording whose name nearly fits and has an unknown code.

    Returns
    -------
    pandas.DataFrame
        Columns ``path, corpus, speaker, sex, emotion, sentence, intensity, language, channel``, all of them strings,
        sorted by path. A file that is named as an earlier one is left out, with a warning. Emotions outside the seven
        keep their own names; see :func:`only_seven`. Speakers bear the corpus's name, as in ``tess-OAF``, so tables
        can be joined.

    Raises
    ------
    UsageError
        There is no such corpus or choice.
    CorpusError
        The folder is missing or holds nothing of this corpus, or a name cannot be read.
    """
    import pandas as pd

    _one_of("calm", calm, ("calm", "neutral"))
    _one_of("channel", channel, ("both", "speech", "song"))
    _one_of("unreadable", unreadable, ("raise", "skip"))
    corpus = describe(name)
    found = survey(name, root)
    if found.unreadable and unreadable == "raise":
        raise CorpusError(_told_unreadable(corpus, found.unreadable))
    rows = [
        _row(corpus, recording, calm=calm)
        for recording in found.recordings
        if channel in ("both", recording.utterance.channel)
    ]
    if not rows:
        raise CorpusError(_told_empty(corpus, found, channel))
    if found.copies:
        copy, first = next(iter(found.copies.items()))
        warnings.warn(
            f"{len(found.copies)} files of {corpus.name} are named as others are, and were left out: {copy}, for "
            f"one, as {first}.",
            stacklevel=2,
        )
    return pd.DataFrame(rows, columns=list(COLUMNS), dtype="str")


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


def _row(corpus: Corpus, recording: Recording, *, calm: str) -> tuple[str, ...]:
    heard = recording.utterance
    return (
        str(recording.path),
        corpus.name,
        f"{corpus.name}-{heard.speaker}",
        heard.sex,
        calm if heard.emotion == CALM else str(heard.emotion),
        heard.sentence,
        heard.intensity,
        corpus.language,
        heard.channel,
    )


def _one_of(setting: str, found: str, accepted: Iterable[str]) -> None:
    if found not in accepted:
        raise UsageError(f"{setting}={found!r} is not a choice; accepted are {', '.join(sorted(accepted))}.")


def _told_unreadable(corpus: Corpus, unreadable: dict[Path, str]) -> str:
    path, why = next(iter(unreadable.items()))
    others = f", and {len(unreadable) - 1} more" if len(unreadable) > 1 else ""
    return (
        f"{path}{others}: the name looks like {corpus.name}'s, but it has an {why}. "
        f"Rename or remove it, or pass unreadable='skip'; `intone corpora check {corpus.name}` lists all of them."
    )


def _told_empty(corpus: Corpus, found: Survey, channel: str) -> str:
    if found.recordings:
        held = f"{len(found.recordings)} recordings, none of them {channel}"
    elif found.foreign or found.unreadable:
        others = [*found.foreign, *found.unreadable]
        held = f"{len(others)} sound files with other names, such as {others[0].name}"
    else:
        held = "no sound files"
    return f"{found.folder}: nothing of {corpus.name} was found ({held}); a file's name looks like {corpus.example}."
