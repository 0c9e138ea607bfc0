"""Get a corpus: download or take its archives, unpack them, and see that they hold what they should."""

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from intone.corpora.corpus import Corpus
from intone.corpora.fetch import fetch
from intone.corpora.progress import OfSteps, no_progress
from intone.corpora.registry import describe
from intone.corpora.table import Survey, survey
from intone.corpora.unpack import unpack
from intone.errors import ByHandError, CorpusError

_LFS_POINTER = b"version https://git-lfs"


def get(
    name: str,
    to: str | os.PathLike[str],
    *,
    archives: Sequence[str | os.PathLike[str]] = (),
    progress: OfSteps = no_progress,
) -> Survey:
    """Get a corpus into a folder of its own name.

    Parameters
    ----------
    name : str
        The corpus's short name.
    to : path
        The folder that holds all corpora; this one goes to ``to/name``, which must not hold anything yet.
    archives : sequence of path
        Archives that were downloaded already; without them the corpus's own addresses are asked. They are kept.
    progress : callable
        Told of each step.

    Returns
    -------
    Survey
        What the folder holds now.

    Raises
    ------
    UsageError
        There is no such corpus.
    ByHandError
        The corpus has no address that Intone can download from, and no archive is given; its steps say what to do.
    CorpusError
        It cannot be downloaded, unpacked or recognised; or no checksum is published for it, and what was downloaded
        does not hold as many recordings of each emotion as it should. The corpus's folder is then as it was, and what
        was downloaded waits for another try where a checksum tells that it is right.
    """
    corpus = describe(name)
    folder = Path(to) / corpus.name
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CorpusError(f"{folder}: there is something already; remove it first, or name another folder with --to.")
    if archives:
        _install(corpus, folder, [Path(archive) for archive in archives], progress)
        return survey(name, folder)
    if not corpus.sources:
        raise ByHandError(
            f"{corpus.title} cannot be downloaded by Intone, so you need to get it yourself:", corpus.instructions
        )
    waiting = Path(to) / f".{corpus.name}-downloads"
    fetched = [
        fetch(source, waiting, progress=partial(progress, f"Downloading {source.filename}"))
        for source in corpus.sources
    ]
    try:
        whole = all(source.checksum for source in corpus.sources)
        _install(corpus, folder, fetched, progress, counted=not whole)
    except CorpusError:
        # Without a published checksum a damaged archive shows only now; it must not stand in the next try's way.
        for source, archive in zip(corpus.sources, fetched, strict=True):
            if source.checksum is None:
                archive.unlink()
        raise
    shutil.rmtree(waiting)
    return survey(name, folder)


def _install(
    corpus: Corpus, folder: Path, archives: Sequence[Path], progress: OfSteps, *, counted: bool = False
) -> None:
    """Unpack all archives beside the folder, look at them, and only then give them its name."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{corpus.name}-") as hidden:
        content = Path(hidden) / corpus.name
        for number, archive in enumerate(archives):
            below = content / archive.stem if len(archives) > 1 else content
            if below.exists() and number:
                raise CorpusError(f"{archive}: two archives bear this name; rename one of them.")
            unpack(archive, below, progress=partial(progress, f"Unpacking {archive.name}"))
        found = _recognise(corpus, content, archives)
        if counted:
            _count(corpus, found, archives)
        if folder.exists():
            folder.rmdir()
        content.replace(folder)


def _recognise(corpus: Corpus, content: Path, archives: Sequence[Path]) -> Survey:
    found = survey(corpus.name, content)
    names = " and ".join(archive.name for archive in archives)
    if not found.recordings:
        raise CorpusError(
            f"{names}: there is nothing of {corpus.name} in it ({len(found.foreign)} other sound files); "
            f"a file's name looks like {corpus.example}."
        )
    first = found.recordings[0].path
    with first.open("rb") as file:
        if file.read(len(_LFS_POINTER)) == _LFS_POINTER:
            raise CorpusError(
                f"{names}: {first.name} is a Git LFS pointer and not the sound; get an archive that holds the sound."
            )
    return found


def _count(corpus: Corpus, found: Survey, archives: Sequence[Path]) -> None:
    """Hold what was unpacked against what a complete copy holds: all that can be verified without a checksum."""
    names = " and ".join(archive.name for archive in archives)
    spoken = [recording for recording in found.recordings if recording.utterance.channel == "speech"]
    counts = Counter(str(recording.utterance.emotion) for recording in spoken)
    wrong = [f"{counts[label]:,} of {label} where {due:,} are due" for label, due in corpus.counts.items()
             if counts[label] != due]  # fmt: skip
    speakers = len({recording.utterance.speaker for recording in spoken})
    if speakers != corpus.speakers:
        wrong.append(f"{speakers} speakers where {corpus.speakers} are due")
    empty = [recording.path.name for recording in found.recordings if not recording.path.stat().st_size]
    if empty:
        wrong.append(f"nothing in {empty[0]}")
    if wrong:
        raise CorpusError(
            f"{names}: not the {corpus.name} that its documents tell of: {', '.join(wrong)}. The download was removed; "
            "if this happens again, the file there has changed."
        )
