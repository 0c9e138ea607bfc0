"""What is given to those who hear an archive, in this process or another, and what they give back."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from intone.archive.entries import Entry
from intone.archive.measure import Measures
from intone.archive.schema import Segments
from intone.errors import IntoneError, WorkerError
from intone.paths import encodable

TRIES = 2
"""A recording at which so many processes ended is given up."""


@dataclass(frozen=True)
class Item:
    """A recording to be heard.

    Attributes
    ----------
    entry : Entry
    sha256 : str or None
        Of what it holds, where that is known already.
    baseline : str or None
        Name of the file of the baseline that it is heard beside.
    """

    entry: Entry
    sha256: str | None = None
    baseline: str | None = None


@dataclass(frozen=True)
class Hear:
    """Hear recordings."""

    items: tuple[Item, ...]
    tries: int = 0

    def parts(self) -> "list[Hear]":
        """Give the same work recording by recording."""
        return [replace(self, items=(item,)) for item in self.items]


@dataclass(frozen=True)
class Hash:
    """Give the SHA-256 of what recordings hold."""

    items: tuple[Item, ...]
    tries: int = 0

    def parts(self) -> "list[Hash]":
        """Give the same work recording by recording."""
        return [replace(self, items=(item,)) for item in self.items]


@dataclass(frozen=True)
class Gather:
    """Gather a speaker's baseline from recordings of them, into a file of that name."""

    name: str
    items: tuple[Item, ...]
    tries: int = 0

    def parts(self) -> "list[Gather]":
        """Give the same work; it cannot be parted."""
        return [self]


Job: TypeAlias = Hear | Hash | Gather


@dataclass(frozen=True)
class Failure:
    """Why a recording has no answer."""

    code: str
    kind: str
    message: str

    @classmethod
    def of(cls, error: IntoneError) -> "Failure":
        """Tell of an error."""
        return cls(error.code, type(error).__name__, encodable(str(error)))


@dataclass(frozen=True, eq=False)
class Answer:
    """What was heard in a recording; the columns of its row, see ``docs/archive.md``."""

    sha256: str
    kind: str
    model: str
    duration: float
    speech: float
    emotion: str | None
    confidence: float | None
    unsure: bool
    unsure_share: float | None
    shares: tuple[float, ...]
    measures: Measures
    embedding: NDArray[np.float16] | None
    segments: Segments = ()


Result: TypeAlias = Answer | Failure | str | None
"""Of each item of a job: an answer or a failure, a SHA-256 (None where the file cannot be read), or for a baseline its
file's content in the first place (None where no recording of the speaker gives one)."""


@dataclass(frozen=True)
class Done:
    """A job that was done, with the result of each of its items."""

    job: Job
    results: tuple[Result, ...]


def lost(job: Job, how: str) -> list[Job] | Done:
    """Say what becomes of a job at which a process ended: it is tried again item by item, or given up.

    Parameters
    ----------
    job : Job
    how : str
        How the process ended.
    """
    if job.tries + 1 < TRIES:
        return [replace(part, tries=job.tries + 1) for part in job.parts()]
    return given_up(job, how)


def given_up(job: Job, how: str) -> Done:
    """Say that a job cannot be done, since the processes that did it ended."""
    if isinstance(job, Hear):
        path = job.items[0].entry.path
        error = WorkerError(
            f"{path}: the process that heard it ended twice ({how}); memory may be too small for it, or the file "
            "breaks a decoder."
        )
        return Done(job, (Failure.of(error),))
    return Done(job, (None,) * len(job.items))


class Engine(Protocol):
    """Those who hear an archive."""

    def has_room(self) -> bool:
        """Say whether another job would be begun soon."""

    def give(self, job: Job) -> None:
        """Give a job."""

    def done(self, seconds: float) -> Sequence[Done]:
        """Give the jobs that were done since, and wait at most so long for one."""

    @property
    def busy(self) -> bool:
        """Whether a job that was given is not done yet."""

    @property
    def hands(self) -> int:
        """How many jobs are done at once."""
