"""How fast a long recording becomes a timeline, and in how much memory, in processes of their own.

Run as ``python benchmarks/timeline.py``; it needs RAVDESS in INTONE_CORPORA, of whose speakers that the model has not
trained on ten minutes are composed, three quarters of them neutral, and repeated to three hours: a WAV file at
44.1 kHz, so that decoding and resampling are in the time, and opening the model too. The peer hears the ten minutes as
people do today: ``librosa.load``, and for each 3 s the means of 40 MFCCs and a Keras LSTM, whose weights are random.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1]))  # for tests.composed

RATE = 44_100
SHORT, REPEATS = 600, 18
MUST = {"pace": 60.0, "memory": 300.0, "growth": 1.10, "threads": 1.7}
WINDOW = 3
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS",
           "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")  # fmt: skip


def composed(folder: Path) -> tuple[Path, Path]:
    """Write the short recording and the long one."""
    import soundfile
    import soxr

    from tests.composed import conversation, unheard

    table = unheard(Path(os.environ.get("INTONE_CORPORA") or "../shared/corpora"))
    speakers = sorted(set(table["speaker"]))
    parts = [
        conversation(table, speaker, SHORT / len(speakers), seed=number).samples
        for number, speaker in enumerate(speakers)
    ]
    sound = soxr.resample(np.concatenate(parts)[: SHORT * 16_000], 16_000, RATE)
    short, long = folder / "short.wav", folder / "long.wav"
    soundfile.write(short, sound, RATE)
    with soundfile.SoundFile(long, "w", RATE, 1) as file:
        for _ in range(REPEATS):
            file.write(sound)
    return short, long


# --- What a process of its own does -----------------------------------------------------------------------------------


def ours(file: str, threads: int) -> None:
    import intone

    timeline = intone.load(threads=threads).timeline(file)
    assert timeline.segments


def peer(file: str, _: int) -> None:
    import keras
    import librosa

    model = keras.Sequential([keras.Input((40, 1)), keras.layers.LSTM(256), keras.layers.Dense(7)])
    sound, rate = librosa.load(file, sr=16_000)
    for start in range(0, len(sound) - WINDOW * 16_000, WINDOW * 16_000):
        mfcc = librosa.feature.mfcc(y=sound[start : start + WINDOW * 16_000], sr=rate, n_mfcc=40)
        model(mfcc.mean(axis=1)[np.newaxis, :, np.newaxis])


def child(name: str, file: str, cores: int) -> None:
    """Do it on so many cores; print the seconds that it took, and the most memory in MB."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    began = time.perf_counter()
    {"ours": ours, "peer": peer}[name](file, cores)
    took = time.perf_counter() - began
    # As the system counts it; since this process began, where getrusage would count what it was started from too.
    (peak,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    print(json.dumps([took, int(peak.split()[1]) / 1024]))


# --- The table --------------------------------------------------------------------------------------------------------


def measured(name: str, file: Path, cores: int) -> tuple[float, float]:
    environment = {**os.environ, **dict.fromkeys(THREADS, str(cores)), "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, __file__, name, str(file), str(cores)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    took, peak = json.loads(done.stdout.splitlines()[-1])
    return took, peak


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        short, long = composed(Path(folder))
        ten = measured("ours", short, 1)
        usual = measured("peer", short, 1)
        one = measured("ours", long, 1)
        two = measured("ours", long, 2)
    hours = SHORT * REPEATS
    table = Table("recording", "cores", "seconds", "× real time", "peak MB", title="A recording's timeline")
    for label, cores, (took, peak), length in (
        ("10 min", 1, ten, SHORT),
        ("10 min, usual pipeline", 1, usual, SHORT),
        ("3 h", 1, one, hours),
        ("3 h", 2, two, hours),
    ):
        table.add_row(label, str(cores), f"{took:.1f}", f"{length / took:.0f}", f"{peak:.0f}")
    console = Console()
    console.print(table)
    told = {
        "pace": (hours / one[0], "3 h on one core, times real time", True),
        "memory": (one[1], "MB at most for 3 h", False),
        "growth": (one[1] / ten[1], "times the memory of 10 minutes", False),
        "threads": (one[0] / two[0], "times as fast with two threads", True),
    }
    for name, (value, what, more) in told.items():
        met = value >= MUST[name] if more else value <= MUST[name]
        console.print(f"{value:.2f} {what} (must {MUST[name]:g}: {'holds' if met else 'MISSED'})")
    console.print(f"The usual pipeline takes {usual[0] / ten[0]:.1f} times as long for ten minutes.")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        child(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    else:
        main()
