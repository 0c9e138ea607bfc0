"""Has each sound of an archive heard once, under however many names it lies there.

Only a file that is as large as another can be its copy, so that no others are hashed before they are heard. One that is
the same as what is being heard waits for that answer.
"""

from collections import Counter
from collections.abc import Callable, Sequence

from intone.archive.entries import Entry
from intone.archive.known import Known

Sound = tuple[str, str | None]
"""A SHA-256, and the group beside whose baseline it is heard."""


class Sounds:
    """What becomes of each recording that is to be answered.

    Parameters
    ----------
    known : Known
        What has been answered.
    by : str
        The column that says whose baseline a recording is heard beside.
    hear : callable
        Is given each recording that is to be heard, and its SHA-256 where that is known.
    hash_first : callable
        Is given each that is to be hashed, for :meth:`hashed`.
    copy : callable
        Is given each whose sound may have been answered, and its SHA-256; says whether it had been.
    """

    def __init__(
        self,
        known: Known,
        by: str,
        *,
        hear: Callable[[Entry, str | None], None],
        hash_first: Callable[[Entry], None],
        copy: Callable[[Entry, str], bool],
    ) -> None:
        self._known, self._by = known, by
        self._hear, self._hash_first, self._copy = hear, hash_first, copy
        self._waiting: dict[Sound, list[Entry]] = {}  # for one that is being heard
        self._alike: dict[int, list[tuple[Entry, str]]] = {}  # as large as one that is being heard and not hashed yet

    def listed(self, entries: Sequence[Entry]) -> None:
        """Take recordings that have been listed."""
        counts = Counter(entry.size for entry in entries)
        before = self._known.sizes(entries).tolist()
        self._known.add_sizes(entries)
        for entry, seen in zip(entries, before, strict=True):
            if seen or counts[entry.size] > 1:
                self._hash_first(entry)
            else:
                self._alike[entry.size] = []
                self._hear(entry, None)

    def hashed(self, entry: Entry, sha256: str | None) -> None:
        """Take a recording that has been hashed; one that cannot be is heard, which says what is the matter."""
        if sha256 is None:
            self._hear(entry, None)
            return
        sound = (sha256, entry.group(self._by))
        if sound in self._waiting:
            self._waiting[sound].append(entry)
        elif self._copy(entry, sha256):
            return
        elif entry.size in self._alike:
            self._alike[entry.size].append((entry, sha256))
        else:
            self._waiting[sound] = []
            self._hear(entry, sha256)

    def answered(self, entry: Entry, sha256: str | None) -> None:
        """Take a recording that has been heard, with an answer or without; ``sha256`` as it was given for that."""
        waiting = [] if sha256 is None else self._waiting.pop((sha256, entry.group(self._by)), [])
        alike = self._alike.pop(entry.size, []) if sha256 is None else []
        again = [(one, sha256) for one in waiting] + [(one, its) for one, its in alike]
        for one, its in again:  # they are copied now; or the first of them is heard, and the others wait for it
            self.hashed(one, its)
