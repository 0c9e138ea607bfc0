"""What of an archive has been listed and waits to be heard."""

import heapq
from collections import deque
from itertools import count

from intone.archive.jobs import Hash, Hear, Item, Job

CHUNK_FILES, CHUNK_BYTES = 32, 4 * 2**20
"""How much a job holds at most, so that what it decodes is bounded; a larger recording is a job of its own."""
HASH_FILES, HASH_BYTES = 256, 2**28
"""How much is hashed in a job."""
FIRST_FILES = 4
"""The first job holds the smallest recordings, so that the first rows are there in seconds."""


class Pending:
    """Recordings that wait, long ones first: one that began last would keep one process alone busy at the end.

    Those of like size are heard together, which pads them little.
    """

    def __init__(self) -> None:
        self._hear: list[tuple[int, int, Item]] = []
        self._hash: deque[Item] = deque()
        self._number = count()
        self._begun = False
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._hear) + len(self._hash)

    def hear(self, item: Item) -> None:
        """Add a recording to be heard."""
        heapq.heappush(self._hear, (-item.entry.size, next(self._number), item))
        self.bytes += item.entry.size

    def hash(self, item: Item) -> None:
        """Add a recording to be hashed."""
        self._hash.append(item)

    def job(self, share: int) -> Job | None:
        """Give the next job, of at most ``share`` recordings to hear; None where nothing waits."""
        if self._hash:
            return Hash(tuple(self._hashed()))
        if not self._hear:
            return None
        if not self._begun:
            self._begun = True
            return self._given(self._smallest())
        items = [heapq.heappop(self._hear)[2]]
        size = items[0].entry.size
        while self._hear and len(items) < min(share, CHUNK_FILES) and size - self._hear[0][0] <= CHUNK_BYTES:
            items.append(heapq.heappop(self._hear)[2])
            size += items[-1].entry.size
        return self._given(items)

    def _given(self, items: list[Item]) -> Hear:
        self.bytes -= sum(item.entry.size for item in items)
        return Hear(tuple(items))

    def _smallest(self) -> list[Item]:
        first = heapq.nlargest(FIRST_FILES, self._hear)
        while len(first) > 1 and -sum(size for size, _, _ in first) > CHUNK_BYTES:
            first.remove(min(first))
        taken = {number for _, number, _ in first}
        self._hear = [one for one in self._hear if one[1] not in taken]
        heapq.heapify(self._hear)
        return [item for _, _, item in first]

    def _hashed(self) -> list[Item]:
        items, size = [self._hash.popleft()], 0
        while self._hash and len(items) < HASH_FILES and size < HASH_BYTES:
            items.append(self._hash.popleft())
            size += items[-1].entry.size
        return items
