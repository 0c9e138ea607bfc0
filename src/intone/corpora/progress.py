"""What the slow steps tell of their progress."""

from collections.abc import Callable
from typing import TypeAlias

OfBytes: TypeAlias = Callable[[int, int | None], None]
"""Told how many bytes are done, and of how many where that is known."""
OfSteps: TypeAlias = Callable[[str, int, int | None], None]
"""Told what is being done, how much of it is done, and of how much where that is known."""


def no_progress(*_: object) -> None:
    """Tell nobody."""
