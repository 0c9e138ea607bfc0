"""What lies at a path, asked so that any name has an answer: one that is too long for the system is nobody's."""

from pathlib import Path
from typing import Any


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


def encodable(value: Any) -> Any:
    r"""Write as escapes what is no letter of UTF-8, as a file's name may hold; in lists and dictionaries too.

    Such a byte is written as it is typed in a shell, as ``intone predict --json`` does.

    Examples
    --------
    >>> print(encodable("caf\udce9\n.wav"))
    caf\xe9
    .wav
    """
    if isinstance(value, str):
        if value.isascii():  # as most names are, and all of a service's own words
            return value
        return "".join(_escaped(char) if "\ud800" <= char <= "\udfff" else char for char in value)
    if isinstance(value, dict):
        return {encodable(key): encodable(held) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return [encodable(held) for held in value]
    return value


def _escaped(char: str) -> str:
    byte = ord(char) - 0xDC00  # what surrogateescape adds to a byte; another half comes from Windows alone
    return f"\\x{byte:02x}" if 0x80 <= byte <= 0xFF else char.encode("unicode_escape").decode()
