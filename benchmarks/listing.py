"""How soon an archive that has been done is found done, and in how much memory: 200,000 names of one small recording.

    python benchmarks/listing.py [--files 200000] [--folder WHERE]

The first run hears the recording once and gives each name a row; the second finds nothing to do.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

MEASURED = """
import resource, sys
from intone.cli import main
try:
    main()
finally:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, file=sys.stderr)
"""
IN_A_FOLDER = 50_000
"""Hard links that a folder holds: some file systems have no more than 65,000 of one file."""


def linked(folder: Path, count: int) -> None:
    """Make an archive of many names, of a new file wherever the system takes no more links of the last."""
    sound = np.random.default_rng(0).normal(0, 0.1, 4000).astype(np.float32)
    for first in range(0, count, IN_A_FOLDER):
        part = folder / f"{first:07d}"
        part.mkdir(parents=True)
        soundfile.write(part / "0.wav", sound, 16_000)
        for number in range(1, min(IN_A_FOLDER, count - first)):
            os.link(part / "0.wav", part / f"{number}.wav")


def run(folder: Path, out: Path) -> tuple[dict[str, float], float, int]:
    """Run the command; give what it says, how long it took (s), and the memory of its own process (MB)."""
    began = time.perf_counter()
    given = [sys.executable, "-c", MEASURED, "batch", str(folder), "--out", str(out), "--json"]
    done = subprocess.run(given, capture_output=True, check=True, text=True)
    taken = time.perf_counter() - began
    return json.loads(done.stdout), taken, int(done.stderr.split()[-1])


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--files", type=int, default=200_000)
    options.add_argument("--folder", type=Path, help="where the archive is made and removed again")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as place:
        linked(Path(place) / "calls", given.files)
        print(f"{'run':8}{'files':>9}{'heard':>7}{'copies':>9}{'known':>9}{'seconds':>9}{'MB':>6}")
        for name in ("first", "second"):
            said, taken, memory = run(Path(place) / "calls", Path(place) / "out")
            counts = f"{said['found']:>9,}{said['done']:>7,}{said['copies']:>9,}{said['known']:>9,}"
            print(f"{name:8}{counts}{taken:>9.1f}{memory:>6}")


if __name__ == "__main__":
    main()
