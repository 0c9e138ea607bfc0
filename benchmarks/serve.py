"""What the service carries, with the load on the same cores.

Run as ``python benchmarks/serve.py``; ``--only`` does one part, ``--minutes`` and ``--requests`` shorten two of them.
The service is started as an operator starts it, with its store in a folder of its own and no bound on the rate. What is
sent are RAVDESS's utterances of 2.5 to 3.5 s, one a request, as FLAC; without INTONE_CORPORA, the short ones of
``examples/``.

throughput
    Recordings a second over connections that ask again as soon as they are answered, beside ``predict_batch`` on the
    same files with as many threads in a process of its own: in turns of a few seconds, of which those count in which
    others left the machine alone, if there are some. The share is the median of the turns'.
overload
    The 99th percentile of one client's requests alone; and of those that are accepted where four times as many come as
    can be carried, at moments drawn at random and whether there are answers or not.
streams
    Speakers in conversation (``tests.composed``; or ``examples/kennedy.flac``), each sent as it is spoken, 100 ms at a
    time. An update is late by what passes until it comes since the sound that it is about was spoken, whoever is to
    blame for it.
memory
    What the service holds after 2,000 requests, and at the end.

The load is one process of one thread. What it takes away from the service stands beside each figure, as does what the
service itself took.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1]))  # for tests.composed, tests.served and benchmarks.load

from benchmarks.load import BUSY, Answer, Asker, Work, at_rate, in_turn, live, resident_mb, run

from tests.served import served

PARTS = ("throughput", "overload", "streams", "memory")
MUST = {"throughput": 0.8, "overload": 3.0, "streams": 0.5, "memory": 1.05}
FILES, SHORTEST, LONGEST = 64, 2.5, 3.5
CONNECTIONS, ROUNDS, SECONDS, WARM_UP_SECONDS = 4, 10, 4.0, 3.0
QUIET, LEAST_QUIET = 0.1, 3
ALONE, TIMES, OVERLOAD_SECONDS = 300, 4, 20.0
STREAMS, TRIED, SPOKEN_SECONDS = 20, 50, 120
SETTLED = 2000
Row = tuple[str, str, bool | None]
"""What was measured, the figure, and whether it holds; None where nothing must."""


def recordings() -> list[Path]:
    import soundfile

    root = os.environ.get("INTONE_CORPORA")
    if not root:
        return [path for path in sorted(Path("examples").glob("*.flac")) if path.stem != "kennedy"]
    found = sorted(path for path in (Path(root) / "ravdess").rglob("*") if path.suffix in (".flac", ".wav"))
    fitting = [path for path in found if SHORTEST <= soundfile.info(path).duration <= LONGEST]
    return fitting[:: max(len(fitting) // FILES, 1)][:FILES]


def conversations() -> list[bytes]:
    """Give sound of 16 bits at 16 kHz."""
    from intone.hear import audio
    from tests.composed import conversation, unheard

    if root := os.environ.get("INTONE_CORPORA"):
        table = unheard(Path(root))
        sounds = [conversation(table, one, SPOKEN_SECONDS, seed=0).samples for one in sorted(set(table["speaker"]))]
    else:
        sounds = [audio.load("examples/kennedy.flac").samples]
    return [(32767 * np.clip(sound, -1, 1)).astype("<i2").tobytes() for sound in sounds]


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def percentile_ms(answers: Sequence[Answer], share: float = 0.99) -> float:
    return 1000 * float(np.quantile([answer.seconds for answer in answers], share))


def middle_and_most(answers: Sequence[Answer]) -> str:
    return f"{percentile_ms(answers, 0.5):.0f} ms, {percentile_ms(answers):.0f} ms"


def shares(work: Work) -> str:
    return f"cores: service {work.service:.0%}, load {work.load:.0%}, others {work.others:.0%}"


# --- The parts --------------------------------------------------------------------------------------------------------


class Bench:
    """A service that runs, and what is sent to it."""

    def __init__(self, port: int, pid: int, files: Sequence[Path], options: argparse.Namespace) -> None:
        self.port, self.pid, self.files, self.options = port, pid, files, options
        self._sounds = [path.read_bytes() for path in files]
        self.carried = 0.0
        """Recordings a second, once that is known."""

    def asker(self) -> Asker:
        """Begin to send the recordings, from the first."""
        return Asker(self.port, self._sounds)

    def throughput(self) -> list[Row]:
        """Compare with the peer."""
        run(self._carried(WARM_UP_SECONDS))
        turns = list[tuple[Turn, Turn]]()
        with Peer(self.files) as peer:
            for number in range(ROUNDS):
                turns.append((run(self._carried(SECONDS)), peer.turn()))
                service, alone = turns[-1]
                say(f"throughput {number + 1}/{ROUNDS}: {service.rate:.1f}/s, predict_batch {alone.rate:.1f}/s; "
                    f"others took {service.others:.0%} and {alone.others:.0%}")  # fmt: skip
        quiet = [pair for pair in turns if max(one.others for one in pair) <= QUIET]
        turns = quiet if len(quiet) >= LEAST_QUIET else turns
        share = float(np.median([service.rate / alone.rate for service, alone in turns]))
        self.carried = float(np.median([service.rate for service, _ in turns]))
        name = f"share of predict_batch (must {MUST['throughput']:.0%})"
        return [
            (f"predict_batch, in {len(turns)} turns", told([alone for _, alone in turns]), None),
            (f"service, {CONNECTIONS} connections", told([service for service, _ in turns]), None),
            (name, f"{share:.0%}", share >= MUST["throughput"]),
        ]

    async def _carried(self, seconds: float) -> "Turn":
        work = Work(self.pid)
        answers = await in_turn(self.asker(), CONNECTIONS, seconds=seconds)
        checked(answers)
        return Turn.of(work.end(), len(answers))

    def overload(self) -> list[Row]:
        """Ask for more than can be carried."""
        self.carried = self.carried or max(run(self._carried(SECONDS)).rate for _ in range(3))
        return run(self._overload())

    async def _overload(self) -> list[Row]:
        asker, rate = self.asker(), TIMES * self.carried
        await in_turn(asker, 1, seconds=WARM_UP_SECONDS)
        alone = await in_turn(asker, 1, count=ALONE)
        checked(alone)
        say(f"overload: alone {percentile_ms(alone):.0f} ms; now {rate:.0f}/s for {OVERLOAD_SECONDS:.0f} s")
        work = Work(self.pid)
        answers = await at_rate(self.asker(), rate, OVERLOAD_SECONDS)
        work.end()
        accepted = [answer for answer in answers if answer.status == 200]
        refused = [answer for answer in answers if answer.status == BUSY and answer.retry_after]
        others = len(answers) - len(accepted) - len(refused)
        times = percentile_ms(accepted) / percentile_ms(alone)
        late = 1000 * float(np.quantile([answer.late for answer in answers], 0.99))
        counts = f"{len(accepted)} accepted ({len(accepted) / work.seconds:.1f}/s), {len(refused)} refused"
        return [
            ("alone, median and 99 %", middle_and_most(alone), None),
            (f"at {rate:.0f} a second", f"{counts}; {shares(work)}; sent late by {late:.0f} ms (99 %)", None),
            ("refused, median and 99 %", middle_and_most(refused) if refused else "–", None),
            ("accepted, median and 99 %", middle_and_most(accepted), None),
            (f"99 %, times that alone (must {MUST['overload']:g})", f"{times:.1f}", times <= MUST["overload"]),
            ("neither answered nor told when to come again (must 0)", str(others), not others),
        ]  # fmt: skip

    def streams(self) -> list[Row]:
        """Speak in many streams at once."""
        return [*self._streams(STREAMS, must=True), *self._streams(TRIED, must=False)]

    def _streams(self, count: int, *, must: bool) -> list[Row]:
        whole, seconds = conversations(), 60 * (self.options.minutes if must else min(self.options.minutes, 1.0))
        sounds = [shifted(whole[number % len(whole)], 7.3 * number) for number in range(count)]
        say(f"streams: {count} for {seconds:.0f} s")
        work = Work(self.pid)
        found = run(live(self.port, sounds, seconds))
        work.end()
        if not found.updates:
            return [(f"{count} streams", f"no update; {found.broken} broke off", False if must else None)]
        middle, nearly, worst = (1000 * float(np.quantile(found.updates, share)) for share in (0.5, 0.99, 1))
        sent = 1000 * max(found.sending)
        counts = f"{len(found.updates)} updates, {found.broken} streams broke off; {shares(work)}"
        holds = worst <= 1000 * MUST["streams"] and not found.broken
        return [
            (f"{count} streams for {seconds / 60:g} min", f"{counts}; sent late by {sent:.0f} ms at worst", None),
            (f"lateness of {count}: median, 99 %, worst" + (" (must 500 ms)" if must else ""),
             f"{middle:.0f} ms, {nearly:.0f} ms, {worst:.0f} ms", holds if must else None),
        ]  # fmt: skip

    def memory(self) -> list[Row]:
        """Look at its memory."""
        return run(self._memory())

    async def _memory(self) -> list[Row]:
        asker, total = self.asker(), self.options.requests
        settled = min(SETTLED, total // 2)
        held, done = list[float](), 0
        while done < total:
            part = min(settled, total - done)
            checked(await in_turn(asker, CONNECTIONS, count=part))
            done += part
            held.append(resident_mb(self.pid))
            say(f"memory: {held[-1]:.0f} MB after {done} of {total} requests")
        growth = held[-1] / held[0]
        return [
            (f"memory after {settled} and {done} requests", f"{held[0]:.0f} MB, {held[-1]:.0f} MB", None),
            (f"growth (must {MUST['memory']:g})", f"{growth:.3f}", growth <= MUST["memory"]),
        ]


def told(turns: "Sequence[Turn]") -> str:
    rates = [turn.rate for turn in turns]
    each, load = np.median([turn.each for turn in turns]), np.median([turn.load for turn in turns])
    return (
        f"{np.median(rates):.1f} a second ({min(rates):.1f} to {max(rates):.1f}), {each:.1f} ms of a core each, "
        f"the load {load:.1f} ms; others took up to {max(turn.others for turn in turns):.0%}"
    )


def shifted(sound: bytes, seconds: float) -> bytes:
    start = 2 * round(seconds * 16_000) % len(sound)
    return sound[start:] + sound[:start]


def checked(answers: Sequence[Answer]) -> None:
    """Make sure that what is measured is answers."""
    wrong = sorted({answer.status for answer in answers if answer.status != 200})
    assert answers and not wrong, f"{len(answers)} answers, of status {wrong} too"


# --- The peer, in a process of its own --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Turn:
    """Recordings a second; milliseconds of a core for each, in what hears and in the load; and what others took."""

    rate: float
    each: float
    load: float
    others: float

    @classmethod
    def of(cls, work: Work, count: int) -> "Turn":
        """Count."""
        whole = 1000 * work.seconds * len(os.sched_getaffinity(0)) / count
        return cls(count / work.seconds, work.service * whole, work.load * whole, work.others)


class Peer:
    """``predict_batch``, which hears the files while it is its turn."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._command = [sys.executable, __file__, "--peer", json.dumps([str(path) for path in files])]

    def __enter__(self) -> "Peer":
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.turn()
        return self

    def turn(self) -> Turn:
        """Let it hear for a while."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write("\n")
        work = Work(self._process.pid)
        self._process.stdin.flush()
        count = int(self._process.stdout.readline())
        return Turn.of(work.end(), count)

    def __exit__(self, *_: object) -> None:
        self._process.communicate()


def take_turns(files: Sequence[str]) -> None:
    """Hear the files for a while at each line that comes, with as many threads as the service has."""
    from intone.hear import loading, modelfile

    recogniser = loading.load(modelfile.DEFAULT, threads=0)
    for _ in sys.stdin:
        began, count = time.perf_counter(), 0
        while time.perf_counter() < began + SECONDS:
            recogniser.predict_batch(files)
            count += len(files)
        print(count, flush=True)


# --- The table --------------------------------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(description="What the service carries.")
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--peer", type=json.loads, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        take_turns(options.peer)
        return
    table = Table("", "", "", title=f"The service, with its load on the same {len(os.sched_getaffinity(0))} cores")
    rows = list[Row]()
    with tempfile.TemporaryDirectory() as folder:
        service: AbstractContextManager[tuple[str, subprocess.Popen[str]]] = served(
            "--rate", "1000000000", folder=Path(folder)
        )
        with service as (url, process):
            bench = Bench(int(url.rpartition(":")[2]), process.pid, recordings(), options)
            parts: dict[str, Callable[[], list[Row]]] = {name: getattr(bench, name) for name in PARTS}
            for name in PARTS if options.only is None else (options.only,):
                rows += parts[name]()
                table.add_section()
    for what, figure, holds in rows:
        table.add_row(what, figure, "" if holds is None else "holds" if holds else "MISSED")
    Console().print(table)
    sys.exit(any(holds is False for _, _, holds in rows))


if __name__ == "__main__":
    main()
