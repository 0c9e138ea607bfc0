"""What lies at a path, asked so that any name has an answer: one that is too long for the system is nobody's."""

from pathlib import Path


def is_folder(path: str | Path) -> bool:
    """Say whether there is a folder of this name.

    Examples
    --------
    >>> is_folder("."), is_folder("x" * 10_000)
    (True, False)
    """
    try:
        return Path(path).is_dir()
    except OSError:  # Path's own raises for a very long name, and on Windows where access is denied
        return False


def is_file(path: str | Path) -> bool:
    """Say whether there is a file of this name; see :func:`is_folder`."""
    try:
        return Path(path).is_file()
    except OSError:
        return False


def is_there(path: str | Path) -> bool:
    """Say whether there is anything of this name, be it a file, a folder or a device; see :func:`is_folder`."""
    try:
        return Path(path).exists()
    except OSError:
        return False
