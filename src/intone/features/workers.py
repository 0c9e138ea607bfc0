"""Worker processes that end with the process that started them, however that ends."""

import os
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process


def pool(workers: int) -> ProcessPoolExecutor:
    """Start worker processes.

    They are spawned and not forked, because a fork of a process with other threads may hang; and each watches its
    parent, because a parent that is killed cannot end them, and they would wait for work for ever.

    Parameters
    ----------
    workers : int
        How many, at least 1.

    Returns
    -------
    concurrent.futures.ProcessPoolExecutor
        To be used in a ``with``.
    """
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_end_with_parent)


def _end_with_parent() -> None:
    threading.Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
