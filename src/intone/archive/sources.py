"""Goes through what an archive is said to consist of, a recording at a time, so that its size takes no memory."""

import glob
import os
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from intone.archive import manifests, places
from intone.archive.entries import Entry, Refusal
from intone.errors import IntoneError, SoundNotFoundError
from intone.hear.audio import SUFFIXES
from intone.paths import is_folder, is_there

FIRST_WINDOW, WINDOW = 256, 10_000
"""How many recordings are listed at a time: few at first, so that the first is heard soon."""
PAGE = 1000
"""How many names Amazon's store gives at a time."""

Listed = Entry | Refusal


def windows(sources: Sequence[str]) -> Iterator[list[Listed]]:
    """List sources a few recordings at a time."""
    listing = listed(sources)
    size = FIRST_WINDOW
    while window := list(islice(listing, size)):
        yield window
        size = WINDOW


def listed(sources: Sequence[str]) -> Iterator[Listed]:
    """List folders, globs, files, manifests and URLs, in no order but theirs.

    What cannot be listed is given as a refusal, and the rest is listed all the same.

    Raises
    ------
    UsageError
        A manifest is not one.
    """
    for source in map(places.ours, sources):
        if manifests.is_manifest(source):
            yield from manifests.entries(source)
            continue
        nothing = True
        for one in _listed(source):
            nothing = False
            yield one
        if nothing:
            accepted = " ".join(sorted(SUFFIXES))
            missing = SoundNotFoundError(f"{source}: there is no recording there; its files' endings: {accepted}.")
            yield Refusal(source, missing)


def _listed(source: str) -> Iterator[Listed]:
    if places.is_url(source):
        yield from _stored(source)
    elif is_folder(source):
        yield from _under(named(source))
    elif glob.has_magic(source) and not is_there(source):
        for found in map(named, glob.iglob(source, recursive=True)):  # noqa: PTH207  # Path's has no absolute pattern and finds what is hidden
            if not is_folder(found):
                yield places.at(found)
            elif "**" not in source:  # which finds what lies in them by itself
                yield from _under(found)
    else:
        yield places.at(named(source))


def named(place: str) -> str:
    """Name a place of this machine in one way, however it was spelled: ``./calls/`` is ``calls``."""
    return str(Path(place))


def _under(folder: str) -> Iterator[Listed]:
    """List a folder and those in it; links to folders are not followed, and what is hidden is left out."""
    try:
        with os.scandir(folder) as items:
            for item in items:
                if item.name.startswith("."):
                    continue
                path = item.name if folder == os.curdir else item.path  # not ./calls
                if item.is_dir(follow_symlinks=False):
                    yield from _under(path)
                elif places.is_recording(item.name) and not (item.is_symlink() and is_folder(path)):
                    yield places.at(path)
    except OSError as error:
        yield Refusal(folder, SoundNotFoundError(f"{folder}: the folder cannot be listed ({error.strerror})."))


# --- Elsewhere -------------------------------------------------------------------------------------------------------


def _stored(url: str) -> Iterator[Listed]:
    try:
        system, path = places.store(url)
        wanted = None
        if glob.has_magic(path):
            from fsspec.utils import glob_translate

            wanted, path = re.compile(glob_translate(path)), path[: _magic(path)].rpartition("/")[0]
        elif system.isfile(path):
            yield places.at(url)
            return
        for name, details in _files(system, path):
            if (wanted is None and _shown(name, path)) or (wanted is not None and wanted.match(name)):
                yield places.of_details(system.unstrip_protocol(name), details)
    except IntoneError as error:
        yield Refusal(url, error)
    except places.failures() as error:
        yield Refusal(url, SoundNotFoundError(f"{url}: it cannot be listed ({error})."))


def _magic(path: str) -> int:
    """Find the first sign of a pattern."""
    return min(path.index(sign) for sign in "*?[" if sign in path)


def _shown(name: str, folder: str) -> bool:
    inside = name.removeprefix(folder).lstrip("/").split("/")
    return places.is_recording(inside[-1]) and not any(part.startswith(".") for part in inside)


def _files(system: Any, folder: str) -> Iterator[tuple[str, Any]]:
    """List all files under a folder; where the store tells them in pages, never more than one is held."""
    if not hasattr(system, "call_s3"):
        for _, _, files in system.walk(folder, detail=True):
            yield from ((details["name"], details) for details in files.values())
        return
    bucket, prefix, _ = system.split_path(folder)
    asked = {"Bucket": bucket, "Prefix": f"{prefix.rstrip('/')}/" if prefix else "", "MaxKeys": PAGE}
    while True:
        page = system.call_s3("list_objects_v2", **asked)
        for details in page.get("Contents", ()):
            if not details["Key"].endswith("/"):
                yield f"{bucket}/{details['Key']}", details
        if not page.get("IsTruncated"):
            return
        asked["ContinuationToken"] = page["NextContinuationToken"]
