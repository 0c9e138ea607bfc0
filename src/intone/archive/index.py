"""A set of many keys that takes few bytes for each: millions of recordings have to be known by theirs."""

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

KEY_BYTES = 16
Keys = NDArray[np.bytes_]


def key(*parts: str) -> bytes:
    """Give the key of some text: 128 bits, by which no two of any archive are the same."""
    return hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=KEY_BYTES).digest()


def of_number(number: int) -> bytes:
    """Give the key that is a number itself."""
    return number.to_bytes(KEY_BYTES, "big")


class Index:
    """Keys, each with some whole numbers; the newest of those with the same key counts.

    They lie in sorted runs, each at least twice as long as the next: what is added makes a run of its own, which is
    merged with those before it that are not longer.

    Parameters
    ----------
    width : int
        How many numbers each key has; 0 for a mere set.

    Examples
    --------
    >>> index = Index(1)
    >>> index.add([b"b", b"a"], [[2], [1]])
    >>> index.add([b"b"], [[3]])
    >>> found, values = index.find([b"a", b"b", b"c"])
    >>> found.tolist(), values[found, 0].tolist()
    ([True, True, False], [1, 3])
    """

    def __init__(self, width: int = 0) -> None:
        self._width = width
        self._runs: list[tuple[Keys, NDArray[np.int64]]] = []

    def add(self, keys: Iterable[bytes], values: Sequence[Sequence[int]] | NDArray[np.int64] | None = None) -> None:
        """Add keys with their numbers."""
        added = np.array(list(keys), dtype=f"S{KEY_BYTES}")
        held = np.asarray([] if values is None else values, dtype=np.int64).reshape(len(added), self._width)
        while self._runs and len(self._runs[-1][0]) < 2 * len(added):
            before, theirs = self._runs.pop()
            added, held = np.concatenate([before, added]), np.concatenate([theirs, held])
        order = np.argsort(added, kind="stable")
        if len(added):
            self._runs.append((added[order], held[order]))

    def find(self, keys: Iterable[bytes]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Say which of ``keys`` are there, and give their numbers ``(keys, width)``."""
        wanted = np.array(list(keys), dtype=f"S{KEY_BYTES}")
        found, values = np.zeros(len(wanted), np.bool_), np.zeros((len(wanted), self._width), np.int64)
        for held, numbers in self._runs:  # the newest last
            last = np.searchsorted(held, wanted, side="right") - 1
            here = (last >= 0) & (held[last] == wanted)
            values[here] = numbers[last[here]]
            found |= here
        return found, values

    def get(self, wanted: bytes) -> tuple[int, ...] | None:
        """Give the numbers of one key; None where it is not there."""
        found, values = self.find([wanted])
        return tuple(values[0].tolist()) if found[0] else None

    def __contains__(self, wanted: bytes) -> bool:
        return self.get(wanted) is not None
