"""How fast features are extracted, next to librosa and openSMILE in the same run, and how much memory an hour takes.

Run as ``python benchmarks/features.py``; it needs the TESS corpus in INTONE_CORPORA. Loading is left out on all sides,
every tool works on the same samples with one thread, and each figure is the best of five rounds. With one thread it is
processor time, which other work on the machine disturbs less.

Two processes are timed by the clock, as someone with an archive would see them: from the 41st recording, when both have
long started, to the last of 600.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
os.environ.update(dict.fromkeys(THREADS, "1"))

import librosa  # noqa: E402 (the threads must be set before NumPy is loaded)
import numpy as np  # noqa: E402
import opensmile  # noqa: E402
import soundfile  # noqa: E402
from numpy.typing import NDArray  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from intone.features import Features, extract, extract_many  # noqa: E402
from intone.hear.audio import RATE, SUFFIXES, Waveform, load  # noqa: E402

FILES = 200
ROUNDS = 5
ARCHIVE, WARM_UP = 3, 40
LONG_SECONDS = 600
HOUR_SECONDS = 3600
Samples = NDArray[np.float32]

# A process inherits its parent's ru_maxrss; VmHWM begins anew.
PEAK_MEMORY = """
import sys
from pathlib import Path
from intone.features import extract
extract(sys.argv[1], sys.argv[2])
print(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
"""


def recordings() -> list[Samples]:
    root = Path(os.environ.get("INTONE_CORPORA") or "../shared/corpora") / "tess"
    found = sorted(path for path in root.rglob("*") if path.suffix in SUFFIXES)
    if len(found) < FILES:
        sys.exit(f"benchmarks/features.py needs {FILES} files of TESS in {root}; set INTONE_CORPORA.")
    return [load(path).samples for path in found[:: len(found) // FILES][:FILES]]


def librosa_classic(samples: Samples) -> Samples:
    sound = {"y": samples, "sr": RATE}
    mfcc = librosa.feature.mfcc(n_mfcc=40, **sound).mean(axis=1)
    chroma = librosa.feature.chroma_stft(**sound).mean(axis=1)
    mel = librosa.feature.melspectrogram(**sound).mean(axis=1)
    return np.concatenate((mfcc, chroma, mel)).astype(np.float32)


def ours(waveform: Waveform, recipe: str) -> Features:
    return extract(waveform, recipe)


Task = tuple[Callable[[Any], object], Sequence[Any]]


def seconds_for(tasks: Sequence[Task]) -> list[float]:
    """Time tasks in turns, so that whatever else the machine does meets all of them; the best round of each."""
    best = [float("inf")] * len(tasks)
    for task, sounds in tasks:
        task(sounds[0])  # caches and compilation are nobody's time
    for _ in range(ROUNDS):
        for number, (task, sounds) in enumerate(tasks):
            start = time.process_time()
            for sound in sounds:
                task(sound)
            best[number] = min(best[number], time.process_time() - start)
    return best


def seconds_in_parallel(sounds: Sequence[Samples], workers: int) -> float:
    """Time a recording where the work of an archive is under way: processes started, and none yet out of work."""
    archive = list(sounds) * ARCHIVE
    results = extract_many(archive, "full", rate=RATE, workers=workers)
    for _ in range(WARM_UP):
        next(results)
    start = time.perf_counter()
    for _ in range(len(archive) - WARM_UP):
        next(results)
    seconds = time.perf_counter() - start
    return seconds / (len(archive) - WARM_UP)


def peak_megabytes(samples: Samples, recipe: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hour.wav"
        soundfile.write(path, samples, RATE)
        run = subprocess.run(
            [sys.executable, "-c", PEAK_MEMORY, str(path), recipe], check=True, capture_output=True, text=True
        )
    return float(run.stdout) / 1024


def main() -> None:
    sounds = recordings()
    joined = np.concatenate(sounds)
    long = np.tile(joined, LONG_SECONDS * RATE // len(joined) + 1)[: LONG_SECONDS * RATE]
    smile = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals)
    table = Table(
        title=f"Features, one thread: {FILES} TESS files of {len(joined) / RATE / FILES:.1f} s, and 10 minutes"
    )
    for column in ("task", "sound", "Intone", "peer", "times faster"):
        table.add_column(column, justify="left" if column in ("task", "sound") else "right")

    def row(task: str, sound: str, mine: float, theirs: float) -> None:
        table.add_row(task, sound, f"{mine * 1000:.1f} ms", f"{theirs * 1000:.1f} ms", f"{theirs / mine:.1f}")

    for name, some in ((f"{FILES} files, each", sounds), ("10 minutes", [long])):
        loaded = [Waveform(samples) for samples in some]  # what load() gives: loading is left out
        tasks: list[tuple[str, str, Callable[[Samples], object]]] = [
            ("classic / librosa", "classic", librosa_classic),
            ("full / openSMILE eGeMAPS", "full", lambda samples: smile.process_signal(samples, RATE)),
        ]
        for task, recipe, peer in tasks:
            mine, theirs = seconds_for([(partial(ours, recipe=recipe), loaded), (peer, some)])
            row(task, name, mine / len(some), theirs / len(some))
    rounds = [[seconds_in_parallel(sounds, workers) for workers in (1, 2)] for _ in range(ROUNDS)]
    one, two = (min(times) for times in zip(*rounds, strict=True))
    row("full, two processes / one", f"{FILES * ARCHIVE} files, each", two, one)
    hour = np.tile(long, HOUR_SECONDS // LONG_SECONDS)
    for recipe in ("classic", "full"):
        table.add_row(f"{recipe}, peak memory", "1 hour", f"{peak_megabytes(hour, recipe):.0f} MB", "", "")
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
