"""Connects to a Ray cluster, quietly, or starts one of this machine."""

import contextlib
import logging
import os
import socket
import warnings
from collections.abc import Iterator
from typing import Any

from intone.errors import UsageError, WorkerError
from intone.machine import cores, hushed

STORE_BYTES = 2**28
"""Memory for what processes of this machine hand one another; it is some kilobytes for each recording."""
KNOCK_SECONDS = 10.0


@contextlib.contextmanager
def worded() -> Iterator[None]:
    """Have what Ray raises be an error of ours; a mistake of ours at which a worker failed stays what it is."""
    from ray.exceptions import RayError, RayTaskError

    try:
        yield
    except (RayError, ConnectionError) as error:
        if isinstance(error, RayTaskError) and not isinstance(error.cause, RayError):
            raise
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise WorkerError(
            f"The Ray cluster cannot be reached or go on ({first}); what was heard until then is kept, and the same "
            "command goes on from there."
        ) from error


def connect(workers: int) -> None:
    """Connect to the cluster that ``RAY_ADDRESS`` names, or start one of this machine; either says nothing.

    Raises
    ------
    UsageError
        The address is none, or nobody answers there.
    WorkerError
        Ray's processes do not start.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing that is heard here is told elsewhere
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    import ray
    import ray.data

    for name in ("ray", "ray.data"):  # what matters is raised
        logging.getLogger(name).setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", module=r"ray\.data\.")
    quiet: dict[str, Any] = {"configure_logging": False, "log_to_driver": False}
    address = os.environ.get("RAY_ADDRESS", "local")
    with hushed():
        if address == "local":
            quiet |= {"num_cpus": workers or cores(), "object_store_memory": STORE_BYTES, "include_dashboard": False}
            try:
                ray.init(address, **quiet)
            except Exception as error:
                if type(error) is not Exception:  # so bare is what Ray raises where its processes do not start in time
                    raise
                ray.shutdown()
                reason = (str(error).strip() or type(error).__name__).splitlines()[0]
                raise WorkerError(
                    f"Ray did not start on this machine ({reason}); try it again, or use --engine local."
                ) from error
        else:
            _knock(address)
            ray.init(address, **quiet)


def _knock(address: str) -> None:
    """Refuse an address where nobody answers, which Ray itself would try for minutes.

    Raises
    ------
    UsageError
        It is no address, or nobody answers there.
    """
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    accepted = "accepted are HOST:PORT of a running Ray cluster, auto and local."
    if not host or not port.isdecimal() or "/" in host:
        raise UsageError(f"RAY_ADDRESS is {address}; {accepted}")
    try:
        socket.create_connection((host, int(port)), KNOCK_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise UsageError(f"RAY_ADDRESS is {address}, and nobody answers there ({error}); {accepted}") from error


@contextlib.contextmanager
def one_by_one() -> Iterator[None]:
    """Have Ray Data hand on each number and each answer as it comes, and keep its own progress to itself."""
    from ray.data import DataContext

    context = DataContext.get_current()
    ours = {
        "target_max_block_size": 1, "target_min_block_size": 1, "enable_progress_bars": False,
        "print_on_execution_start": False,
    }  # fmt: skip
    before = {name: getattr(context, name) for name in ours}
    for name, value in ours.items():
        setattr(context, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(context, name, value)
