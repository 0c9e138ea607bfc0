"""Get a corpus: download or take its archives, unpack them, and see that they hold what they should."""

import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from intone.corpora.corpus import Corpus
from intone.corpora.fetch import fetch
from intone.corpora.registry import describe
from intone.corpora.table import Survey, survey
from intone.corpora.unpack import unpack
from intone.errors import CorpusError

Progress = Callable[[str, int, int | None], None]
"""Told what is being done, how many bytes of it are done, and of how many where that is known."""
_LFS_POINTER = b"version https://git-lfs"


def no_progress(step: str, done: int, total: int | None) -> None:
    """Tell nobody."""


def get(
    name: str,
    to: str | os.PathLike[str],
    *,
    archives: Sequence[str | os.PathLike[str]] = (),
    progress: Progress = no_progress,
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
    CorpusError
        The corpus has no open address and no archive is given; or it cannot be downloaded, unpacked or recognised.
        The corpus's folder is then as it was, and what was downloaded waits for another try.
    """
    corpus = describe(name)
    folder = Path(to) / corpus.name
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CorpusError(f"{folder}: there is something already; remove it first, or name another folder with --to.")
    if archives:
        _install(corpus, folder, [Path(archive) for archive in archives], progress)
        return survey(name, folder)
    if not corpus.sources:
        raise CorpusError(
            f"{corpus.title} stands behind a login, so you need to get it yourself:\n{corpus.instructions}"
        )
    waiting = Path(to) / f".{corpus.name}-downloads"
    fetched = [
        fetch(source, waiting, progress=partial(progress, f"Downloading {source.filename}"))
        for source in corpus.sources
    ]
    try:
        _install(corpus, folder, fetched, progress)
    except CorpusError:
        # Without a published checksum a damaged archive shows only now; it must not stand in the next try's way.
        for source, archive in zip(corpus.sources, fetched, strict=True):
            if source.checksum is None:
                archive.unlink()
        raise
    shutil.rmtree(waiting)
    return survey(name, folder)


def _install(corpus: Corpus, folder: Path, archives: Sequence[Path], progress: Progress) -> None:
    """Unpack all archives beside the folder, look at them, and only then give them its name."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{corpus.name}-") as hidden:
        content = Path(hidden) / corpus.name
        for number, archive in enumerate(archives):
            below = content / archive.stem if len(archives) > 1 else content
            if below.exists() and number:
                raise CorpusError(f"{archive}: two archives bear this name; rename one of them.")
            unpack(archive, below, progress=partial(progress, f"Unpacking {archive.name}"))
        _recognise(corpus, content, archives)
        if folder.exists():
            folder.rmdir()
        content.replace(folder)


def _recognise(corpus: Corpus, content: Path, archives: Sequence[Path]) -> None:
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
