"""Files that are there whole or not at all, whatever ends the program, and that stay once they are there."""

import os
from pathlib import Path

from intone.errors import ArchiveError

DRAFT = ".tmp"
"""Ending of a file that is being written; such a one is hidden, and what is left of a killed run."""


def write(path: Path, content: bytes) -> None:
    """Write a file beside its place, have the disk keep it, and move it there.

    Raises
    ------
    ArchiveError
        It cannot be written; nothing is left of it then.
    """
    draft = path.with_name(f".{path.name}{DRAFT}")
    try:
        try:
            with draft.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        settle(path.parent)
    except OSError as error:
        raise refused(path, error) from error


def remove(path: Path) -> None:
    """Remove a file, if it is there.

    Raises
    ------
    ArchiveError
        It cannot be removed.
    """
    try:
        path.unlink(missing_ok=True)
        settle(path.parent)
    except OSError as error:
        raise refused(path, error) from error


def settle(folder: Path) -> None:
    """Have the disk keep the names in a folder."""
    if os.name == "nt":  # which keeps them by itself, and opens no folders
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def refused(path: Path, error: OSError) -> ArchiveError:
    """Word what the system said when a file was to be written."""
    return ArchiveError(
        f"{path}: it cannot be written ({error.strerror or error}); what was finished before is kept, and the same "
        "command goes on from there."
    )
