"""Laws of what an archive is kept by: its index, its queue, and that each sound is heard once."""

from collections.abc import Sequence
from random import Random
from typing import Any, cast

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from intone.archive import index
from intone.archive.entries import Entry
from intone.archive.index import Index
from intone.archive.jobs import Hash, Hear, Item
from intone.archive.known import Known
from intone.archive.pending import CHUNK_BYTES, CHUNK_FILES, Pending
from intone.archive.sounds import Sounds

KEYS = st.integers(0, 20).map(lambda number: index.key(str(number)))


@given(added=st.lists(st.lists(st.tuples(KEYS, st.integers(0, 2**60)), max_size=5)), asked=st.lists(KEYS))
def test_an_index_is_a_dictionary(added: list[list[tuple[bytes, int]]], asked: list[bytes]) -> None:
    kept, plain = Index(1), dict[bytes, int]()
    for pairs in added:
        kept.add([key for key, _ in pairs], [[value] for _, value in pairs])
        plain |= dict(pairs)
    found, values = kept.find(asked)
    assert found.tolist() == [key in plain for key in asked]
    assert values[found, 0].tolist() == [plain[key] for key in asked if key in plain]


@given(sizes=st.lists(st.integers(0, 2 * CHUNK_BYTES), max_size=80), share=st.integers(1, 50))
def test_what_waits_is_given_once_and_in_bounds(sizes: list[int], share: int) -> None:
    pending, given_out = Pending(), list[Item]()
    items = [Item(Entry(str(number), size, 0)) for number, size in enumerate(sizes)]
    for item in items:
        (pending.hear if len(item.entry.path) % 2 else pending.hash)(item)
    while (job := pending.job(share)) is not None:
        given_out += job.items
        if isinstance(job, Hear):
            assert len(job.items) <= max(CHUNK_FILES, 4)
            assert len(job.items) == 1 or sum(item.entry.size for item in job.items) <= CHUNK_BYTES
        else:
            assert isinstance(job, Hash)
    assert sorted(item.entry.path for item in given_out) == sorted(item.entry.path for item in items)
    assert pending.bytes == len(pending) == 0


class _Sizes:
    """As much of what is known as is asked for here."""

    def __init__(self) -> None:
        self._kept: set[int] = set()

    def sizes(self, listed: Sequence[Entry]) -> Any:
        return np.array([entry.size in self._kept for entry in listed], bool)

    def add_sizes(self, listed: Sequence[Entry]) -> None:
        self._kept |= {entry.size for entry in listed}


@given(
    contents=st.lists(st.tuples(st.integers(1, 3), st.integers(0, 2)), max_size=14),
    windows=st.integers(1, 4),
    seed=st.integers(0, 2**32),
    broken=st.sets(st.integers(0, 13)),
)
def test_each_sound_is_heard_once_and_each_recording_answered(
    contents: list[tuple[int, int]], windows: int, seed: int, broken: set[int]
) -> None:
    entries = [Entry(str(number), size, 0) for number, (size, _) in enumerate(contents)]
    holds = {entry.path: f"{size}-{which}" for entry, (size, which) in zip(entries, contents, strict=True)}
    answered, work, answers, heard = set[str](), list[tuple[str, Entry, str | None]](), list[str](), list[str]()

    def copy(entry: Entry, sha256: str) -> bool:
        if sha256 in answered:
            answers.append(entry.path)
        return sha256 in answered

    sounds = Sounds(
        cast(Known, _Sizes()), "",
        hear=lambda entry, sha256: work.append(("hear", entry, sha256)),
        hash_first=lambda entry: work.append(("hash", entry, None)), copy=copy,
    )  # fmt: skip
    chance, listing = Random(seed), [entries[number::windows] for number in range(windows)]
    while listing or work:
        if listing and (not work or chance.random() < 0.3):
            sounds.listed(listing.pop())
            continue
        what, entry, sha256 = work.pop(chance.randrange(len(work)))
        if what == "hash":
            sounds.hashed(entry, holds[entry.path])
            continue
        answers.append(entry.path)
        if int(entry.path) not in broken:
            answered.add(holds[entry.path])
            heard.append(holds[entry.path])
        sounds.answered(entry, sha256)
    assert sorted(answers) == sorted(holds)
    assert len(heard) == len(set(heard))
