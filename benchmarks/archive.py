"""How fast ``intone batch`` hears an archive on two cores, how soon its first rows are there, and in how much memory.

    python benchmarks/archive.py [--files 5000] [--hours 20] [--folder WHERE] [--json FILE]

The archive: files spread evenly over the corpora in INTONE_CORPORA, named by a manifest, and composed calls of an hour
each, no two alike, by turns WAV at 8 kHz and FLAC at 16 kHz. The command runs as a user starts it, its start included,
held to two cores: over all of the archive; over the files alone; and over the hours alone with ``--timeline``. All
sound was read just before, so that no run waits for the disk. The peers:

- ``predict_batch`` on one core, 64 files at a time and an hour alone; the bar is 90 % of twice its throughput;
- the usual pipeline in two processes, each on a core: ``librosa.load`` at the file's own rate, the means of 40 MFCCs,
  and a Keras LSTM called once per file as ``model(x)``, however long that is; its weights are random, which changes no
  time.

A peer is warmed up, which is not in its time; decoding is. It hears every fifth file and every fifth hour, half of them
before the command runs and half afterwards, since a machine's pace may drift. Files and hours are timed apart, which
gives the time that it would take for the archive as it is, whatever the sample's mix.

Memory is that of the command's whole tree of processes, the sum of PSS each 0.2 s: a page that several share counts
once in all, where the sum of resident sizes would count a library as often as there are processes, and that of unique
sizes not at all. A page that a process outside the tree holds too counts in part, and what others take of the cores
slows all down; how much they took is told.
"""

import argparse
import csv
import io
import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1]))  # for the benchmarks beside this one

from benchmarks.load import busy_seconds
from benchmarks.predict import BIN, THREADS, WARM_UP, usual_network, usual_pipeline
from benchmarks.processes import Memory, begun, used_by_children

CORES = 2
HOUR = 3600
WAV_RATE, FLAC_RATE = 8_000, 16_000
VOICES = 600
"""How many recordings the hours are composed of."""
SHORTEST_PAUSE, LONGEST_PAUSE = 0.3, 1.5
"""Seconds between two utterances of a call."""
QUIET_DB = -65.0
"""Level of the line's noise, below full scale."""
FIFTH = 5
CHUNK = 64
"""How many files ``predict_batch`` is given at a time."""
POLL_SECONDS = 0.05
MUST = {"twice": 0.9, "usual": 5.0, "memory": 1000.0}
AIM = 15.0
"""What the comparison with the usual pipeline aims at."""

Figure = tuple[str, str, str, bool | None]
"""What was measured, the figure, the bar, and whether it holds; None where nothing must."""


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


# --- The archive ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Archive:
    """Paths by kind, ``files`` and ``hours``; and how many seconds each path has."""

    paths: Mapping[str, Sequence[str]]
    lengths: Mapping[str, float]

    def seconds(self, kind: str) -> float:
        """Say how much sound there is of a kind."""
        return sum(self.lengths[path] for path in self.paths[kind])


def made(folder: Path, files: int, hours: int) -> Archive:
    """Make the archive, and have all of it read."""
    short = corpus_files(files)
    long = composed(folder / "calls", short, hours)
    os.sync()  # what is still being written would disturb
    return Archive({"files": short, "hours": long}, {path: read_seconds(path) for path in (*short, *long)})


def corpus_files(count: int) -> list[str]:
    """Give so many recordings, evenly over all that there are."""
    from intone.hear.audio import SUFFIXES

    root = Path(os.environ.get("INTONE_CORPORA") or "../shared/corpora").resolve()
    corpora = sorted(folder for folder in root.glob("[!_.]*") if folder.is_dir())
    found = [str(path) for corpus in corpora for path in sorted(corpus.rglob("*")) if path.suffix.lower() in SUFFIXES]
    if len(found) < count:
        sys.exit(f"{count} recordings are needed in {root}, and there are {len(found)}; set INTONE_CORPORA.")
    return [found[number * len(found) // count] for number in range(count)]


def read_seconds(path: str) -> float:
    """Read a file whole, so that the system has it at hand; give its length."""
    import soundfile

    length: float = soundfile.info(io.BytesIO(Path(path).read_bytes())).duration
    return length


def composed(folder: Path, files: Sequence[str], count: int) -> list[str]:
    """Write calls of an hour."""
    import soxr

    from intone.hear import audio

    wide = [audio.load(files[number * len(files) // VOICES]).samples for number in range(VOICES)]
    narrow = [soxr.resample(sound, FLAC_RATE, WAV_RATE) for sound in wide]
    folder.mkdir()
    paths = []
    for number in range(count):
        rate, voices, ending = (FLAC_RATE, wide, "flac") if number % 2 else (WAV_RATE, narrow, "wav")
        paths.append(str(folder / f"call-{number:02d}.{ending}"))
        say(f"composing hour {number + 1} of {count}")
        compose(paths[-1], rate, voices, seed=number)
    return paths


def compose(path: str, rate: int, voices: "Sequence[np.ndarray[Any, Any]]", *, seed: int) -> None:
    """Write utterances and pauses by chance, until they are an hour."""
    import soundfile

    random, left = np.random.default_rng(seed), HOUR * rate
    with soundfile.SoundFile(path, "w", rate, 1, "PCM_16") as file:
        while left:
            voice = voices[int(random.integers(len(voices)))]
            pause = round(random.uniform(SHORTEST_PAUSE, LONGEST_PAUSE) * rate)
            sound = np.pad(voice, (0, pause))[:left]
            file.write(sound + random.normal(0, 10 ** (QUIET_DB / 20), len(sound)))
            left -= len(sound)


# --- The command ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ran:
    """A run of the command.

    Attributes
    ----------
    seconds, sound : float
        How long it took, and how much sound it heard (s).
    first : float
        When the first part of the recordings' table was there (s).
    memory : float
        The most that its processes held together (MB).
    used, others : float
        How much of its cores it used, and all others of the machine's, as shares.
    """

    seconds: float
    sound: float
    first: float
    memory: float
    used: float
    others: float

    @property
    def cost(self) -> float:
        """Core hours for 1,000 hours of sound."""
        return 1000 * CORES * self.seconds / self.sound


def ran(name: str, folder: Path, recordings: Sequence[str], cores: Sequence[int], *words: str) -> Ran:
    """Run the command over recordings."""
    manifest, out, log = (folder / f"{name}{ending}" for ending in (".csv", "-out", "-log"))
    with manifest.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["path"], *([each] for each in recordings)])
    command = [str(BIN / "intone"), "batch", str(manifest), "--out", str(out), "--json", *words]
    say(f"intone batch, {len(recordings)} recordings: {name}")
    began, before, busy, first = time.perf_counter(), used_by_children(), busy_seconds(), math.nan
    with begun(command, cores, log) as process:
        memory = Memory(process.pid)
        while process.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(POLL_SECONDS)
            if math.isnan(first) and any((out / "recordings").glob("part-*.parquet")):
                first = time.perf_counter() - began
            memory.look()
        took = time.perf_counter() - began
        used, busy = used_by_children() - before, busy_seconds() - busy
        said = process.communicate()[0]
    if process.returncode:
        sys.exit(f"intone batch ended with {process.returncode}: {said}{log.read_text()}")
    told = json.loads(said)
    assert told["done"] + told["copies"] == told["found"] == len(recordings), told
    others = max(busy - used, 0) / (took * (os.cpu_count() or 1))
    return Ran(took, told["sound_seconds"], first, memory.most, used / (took * CORES), others)


# --- The peers --------------------------------------------------------------------------------------------------------


def by_predict_batch(_: Path) -> Callable[[Sequence[str]], Any]:
    from intone.hear import loading

    return loading.load(threads=1).predict_batch


def by_usual_pipeline(folder: Path) -> Callable[[Sequence[str]], Any]:
    answer = usual_pipeline(str(usual_network(folder)), rate=None)
    return lambda files: [answer(file) for file in files]


PEERS = {"predict_batch": by_predict_batch, "usual pipeline": by_usual_pipeline}


def take_turns(name: str) -> None:
    """Hear the chunks of files that each line names; say how many seconds that took."""
    with tempfile.TemporaryDirectory() as folder:
        hear = PEERS[name](Path(folder))
    for line in sys.stdin:
        began = time.perf_counter()
        for chunk in json.loads(line):
            hear(chunk)
        print(time.perf_counter() - began, flush=True)


@dataclass
class Peer:
    """A peer, in a process on each of some cores; ``heard`` and ``taken`` are the seconds of each kind so far."""

    name: str
    archive: Archive
    log: Path
    processes: int

    def __post_init__(self) -> None:
        self.heard, self.taken = dict.fromkeys(self.archive.paths, 0.0), dict.fromkeys(self.archive.paths, 0.0)

    def turn(self, number: int, cores: Sequence[int]) -> None:
        """Hear every tenth of the archive, each turn others."""
        environment = os.environ | dict.fromkeys(THREADS, "1") | {"TF_CPP_MIN_LOG_LEVEL": "3"}
        command = [sys.executable, __file__, "--peer", self.name]
        with ExitStack() as until_ended:
            processes = [
                until_ended.enter_context(begun(command, [core], self.log, stdin=subprocess.PIPE, env=environment))
                for core in cores
            ]
            self._ask(processes, [self.archive.paths["files"][:WARM_UP]] * len(processes), WARM_UP)
            for kind, size in (("files", CHUNK), ("hours", 1)):
                paths = self.archive.paths[kind]
                tenth = paths[number * FIFTH :: 2 * FIFTH] or [paths[number % len(paths)]]
                shares = [tenth[start :: len(processes)] or tenth for start in range(len(processes))]
                taken = self._ask(processes, shares, size)
                heard = sum(self.archive.lengths[path] for share in shares for path in share)
                self.heard[kind], self.taken[kind] = self.heard[kind] + heard, self.taken[kind] + taken
                say(f"{self.name}, turn {number + 1} of 2: {heard / taken:.0f} s of {kind} a second and process")

    def _ask(self, processes: "Sequence[subprocess.Popen[str]]", shares: Sequence[Sequence[str]], size: int) -> float:
        """Have each process hear its share, all at once; give the seconds that they took, summed up."""
        for process, share in zip(processes, shares, strict=True):
            assert process.stdin is not None
            json.dump([share[start : start + size] for start in range(0, len(share), size)], process.stdin)
            process.stdin.write("\n")
            process.stdin.flush()
        said = [process.stdout.readline() for process in processes if process.stdout is not None]
        if not all(said):
            sys.exit(f"{self.name}: a process ended early: {self.log.read_text()}")
        return sum(map(float, said))

    def pace(self, kind: str) -> float:
        """Say how much sound of a kind all processes together hear in a second (s)."""
        return self.processes * self.heard[kind] / self.taken[kind]

    def seconds(self, *kinds: str) -> float:
        """Say how long it would take for what the archive has of some kinds, or for all of it."""
        return sum(self.archive.seconds(kind) / self.pace(kind) for kind in kinds or self.archive.paths)


# --- The table --------------------------------------------------------------------------------------------------------


def measured(folder: Path, archive: Archive, cores: Sequence[int]) -> tuple[dict[str, Ran], dict[str, Peer]]:
    """Run everything, the peers before the archive and after it."""
    own, usual = (
        Peer(name, archive, folder / f"{name}-log", processes)
        for name, processes in zip(PEERS, (1, CORES), strict=True)
    )
    everything = [path for paths in archive.paths.values() for path in paths]
    usual.turn(0, cores)
    own.turn(0, cores[:1])
    runs = {"archive": ran("archive", folder, everything, cores)}
    own.turn(1, cores[1:])
    usual.turn(1, cores)
    runs["files"] = ran("files", folder, archive.paths["files"], cores)
    runs["--timeline"] = ran("timeline", folder, archive.paths["hours"], cores, "--timeline")
    return runs, {peer.name: peer for peer in (own, usual)}


def shown(runs: Mapping[str, Ran]) -> Table:
    """Set the runs of the command side by side."""
    caption = "× is hours of sound an hour; cost, core hours for 1,000 hours of sound; used, of the two cores"
    table = Table("intone batch", "hours", "s", "×", "rows at", "MB", "cost", "used", "others", caption=caption)
    for name, run in runs.items():
        times = f"{run.sound / HOUR:.2f}", f"{run.seconds:.1f}", f"{run.sound / run.seconds:.0f}", f"{run.first:.1f} s"
        table.add_row(name, *times, f"{run.memory:.0f}", f"{run.cost:.2f}", f"{run.used:.0%}", f"{run.others:.0%}")
    return table


def figures(runs: Mapping[str, Ran], peers: Mapping[str, Peer]) -> Iterator[Figure]:
    """Compare."""
    whole, alone = runs["archive"].seconds, runs["files"].seconds
    for name, peer in peers.items():
        processes = "one process" if peer.processes == 1 else f"{peer.processes} processes"
        for kind in peer.archive.paths:
            yield f"{name}, {processes}, {kind}", f"× {peer.pace(kind):.0f}", "", None
    own, usual = peers.values()
    share, times = own.seconds() / 2 / whole, usual.seconds() / whole
    must = f"{MUST['usual']:g}, aim {AIM:g}"
    yield "archive: share of twice predict_batch", f"{share:.0%}", f"{MUST['twice']:.0%}", share >= MUST["twice"]
    yield "archive: times the usual pipeline", f"{times:.2f}", must, times >= MUST["usual"]
    yield "files alone: share of twice predict_batch", f"{own.seconds('files') / 2 / alone:.0%}", "", None
    yield "files alone: times the usual pipeline", f"{usual.seconds('files') / alone:.2f}", "", None
    most = max(run.memory for run in runs.values())
    yield "most memory", f"{most:.0f} MB", f"{MUST['memory']:g} MB", most <= MUST["memory"]


def main() -> None:
    parser = argparse.ArgumentParser(description="What an archive takes.")
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--hours", type=int, default=20)
    parser.add_argument("--folder", type=Path, help="where the hours and the tables are made and removed again")
    parser.add_argument("--json", type=Path, help="where the figures are written too")
    parser.add_argument("--peer", choices=PEERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        take_turns(options.peer)
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # clears up, as a Ctrl-C does
    cores = sorted(os.sched_getaffinity(0))[:CORES]
    if len(cores) < CORES or min(options.files, options.hours) < 1:
        sys.exit(f"{CORES} cores, a file and an hour are needed.")
    with tempfile.TemporaryDirectory(dir=options.folder) as place:
        runs, peers = measured(Path(place), made(Path(place), options.files, options.hours), cores)
    found = list(figures(runs, peers))
    console = Console()
    console.print(f"{options.files:,} files and {options.hours} hours, on {CORES} cores")
    console.print(shown(runs))
    table = Table("", "", "must", "")
    for *words, holds in found:
        table.add_row(*words, "" if holds is None else "holds" if holds else "MISSED")
    console.print(table)
    if options.json:
        heard = {name: {"heard": peer.heard, "taken": peer.taken} for name, peer in peers.items()}
        told = {"runs": {name: asdict(run) for name, run in runs.items()}, "peers": heard, "figures": found}
        options.json.write_text(json.dumps(told, indent=1) + "\n")
    sys.exit(any(holds is False for *_, holds in found))


if __name__ == "__main__":
    main()
