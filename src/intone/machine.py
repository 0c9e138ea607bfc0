"""What the machine has, and how it is kept from speaking out of turn."""

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterator
from pathlib import Path


def return_memory() -> None:
    """Give the system back what has been freed; glibc keeps most of it, 40 MB after a model was opened."""
    if sys.platform != "linux":
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # other C libraries have none
    if trim is not None:
        trim(0)


def cores() -> int:
    """Count the cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


@contextlib.contextmanager
def hushed() -> Iterator[None]:
    """Send what compiled libraries write straight to standard error away.

    TensorFlow prints notes about processors and GPUs before any setting of its own can stop it, and libsndfile's MP3
    decoder its doubts about each file; what fails still comes as an exception.
    """
    if sys.stderr is None:  # closed by whoever started the command
        yield
        return
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
