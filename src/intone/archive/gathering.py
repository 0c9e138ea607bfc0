"""The baselines of an archive's speakers, each from a few of their recordings that chance picks the same way always."""

import heapq
from collections.abc import Sequence
from pathlib import Path

from intone.archive import durable, index, manifests, places
from intone.archive.entries import Entry
from intone.archive.jobs import Engine, Gather, Item
from intone.errors import UsageError

MOST = 20
"""How many of a speaker's recordings make their baseline."""
WAIT_SECONDS = 0.5


def name_of(group: str) -> str:
    """Name the file of a speaker's baseline."""
    return f"{index.key(group).hex()}.json"


def gather(engine: Engine, folder: Path, sources: Sequence[str], column: str) -> set[str]:
    """Make the baselines that are not there yet.

    Which recordings make one follows from their paths alone, so that neither the order of the sources nor a run that
    was killed changes it.

    Returns
    -------
    set of str
        The names of the files of all baselines that there are.

    Raises
    ------
    UsageError
        No source is a manifest, which alone can tell who speaks.
    ArchiveError
        A baseline cannot be written.
    """
    given = [source for source in map(places.ours, sources) if manifests.is_manifest(source)]
    if not given:
        raise UsageError(f"--baselines by={column} needs a manifest (.csv or .parquet) with a column '{column}'.")
    there = {path.name for path in folder.glob("*.json")}
    jobs = [
        Gather(name, tuple(Item(Entry(place, 0, 0)) for _, place in sorted(chosen, reverse=True)))
        for name, chosen in _chosen(given, column, there).items()
    ]
    left = len(jobs)
    while left:
        while jobs and engine.has_room():
            engine.give(jobs.pop())
        for done in engine.done(WAIT_SECONDS):
            left -= 1
            content = done.results[0]
            if isinstance(content, str) and isinstance(done.job, Gather):
                durable.write(folder / done.job.name, content.encode())
                there.add(done.job.name)
    return there


def _chosen(given: Sequence[str], column: str, there: set[str]) -> dict[str, list[tuple[int, str]]]:
    """Choose the recordings for each baseline that is to be made: those whose paths' hashes are the lowest."""
    chosen: dict[str, list[tuple[int, str]]] = {}
    for manifest in given:
        for place, group in manifests.groups(manifest, column):
            name = name_of(group)
            if name in there:
                continue
            heap = chosen.setdefault(name, [])
            one = (-int.from_bytes(index.key(place)), place)
            if one in heap:
                continue
            if len(heap) < MOST:
                heapq.heappush(heap, one)
            else:
                heapq.heappushpop(heap, one)
    return chosen
