"""Eight hours pushed into one stream: its memory stays what it was. Run by ``make soak``; it takes some minutes."""

import os
from pathlib import Path

import numpy as np

import intone
from intone.hear import audio
from intone.hear.audio import RATE

HOURS, CHUNK = 8, RATE // 10
PAUSE_SECONDS = 16
WARM_UP_SECONDS = 1800
MOST_GROWTH_BYTES = 5 * 2**20


def memory() -> int:
    """Give the bytes of memory that this process has now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def test_eight_hours_of_sound_need_no_more_memory_than_one(examples: Path) -> None:
    random = np.random.default_rng(0)
    spoken = [audio.load(path).samples for path in sorted(examples.glob("*.flac"))]
    stream, heard, finals, most, before = intone.load(threads=1).stream(), 0.0, 0, 0, 0
    turn = 0
    while heard < HOURS * 3600:
        room = random.normal(0, 1e-3, PAUSE_SECONDS * RATE).astype(np.float32)
        sound = np.concatenate([spoken[turn % len(spoken)], room])
        turn += 1
        for start in range(0, len(sound), CHUNK):
            finals += sum(update.final for update in stream.push(sound[start : start + CHUNK]))
        heard += len(sound) / RATE
        if heard >= WARM_UP_SECONDS:
            before = before or memory()
            most = max(most, memory())
    assert finals >= turn
    assert most - before <= MOST_GROWTH_BYTES
