"""Load for ``benchmarks/serve.py``: requests and streams from one thread, by hand, so that the service has the cores.

HTTP/1.1 over connections that are kept, no more than is needed to ask and to tell the answers apart. It has no table.
"""

import asyncio
import json
import math
import os
import time
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import uvloop
from websockets.asyncio.client import ClientConnection, connect

Found = TypeVar("Found")
BUSY, MOMENT = 503, 0.1
CHUNK_SECONDS, CHUNK_BYTES = 0.1, 3200
"""Sound comes in pieces of 100 ms: 1600 samples of two bytes at 16 kHz."""


@dataclass(frozen=True)
class Answer:
    """What came back.

    Attributes
    ----------
    status : int
        Of HTTP; 0 where the connection ended before an answer.
    seconds : float
        From the moment at which the request was due.
    retry_after : bool
        Whether it says when to come again.
    late : float
        Seconds from when the request was due to when it was sent.
    """

    status: int
    seconds: float
    retry_after: bool
    late: float = 0.0


# --- What the processors do -------------------------------------------------------------------------------------------


class Work:
    """What the processors did from its making to :meth:`end`, as shares of all cores.

    Attributes
    ----------
    load, service, others : float
        By this process, by the one that is measured, and by whatever else this machine does.
    seconds : float
        How long that was.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._before = self._now()
        self.load = self.service = self.others = self.seconds = 0.0

    def _now(self) -> tuple[float, float, float, float]:
        return time.perf_counter(), time.process_time(), used_seconds(self._pid), busy_seconds()

    def end(self) -> "Work":
        """Take the differences."""
        self.seconds, load, service, busy = (
            now - before for now, before in zip(self._now(), self._before, strict=True)
        )
        whole = self.seconds * len(os.sched_getaffinity(0))
        self.load, self.service, self.others = load / whole, service / whole, max(busy - load - service, 0) / whole
        return self


def busy_seconds() -> float:
    """Give the processor time of the whole machine, and what its host took away from it."""
    user, nice, system, _, _, irq, soft, steal = map(int, Path("/proc/stat").read_text().split()[1:9])
    return (user + nice + system + irq + soft + steal) / os.sysconf("SC_CLK_TCK")


def used_seconds(pid: int) -> float:
    """Give the processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    """Give the memory that a process holds."""
    (line,) = (line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def run(work: Coroutine[Any, Any, Found]) -> Found:
    """Do what a load does, on the event loop that takes least from the service."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


# --- Requests ---------------------------------------------------------------------------------------------------------


class Asker:
    """Sends recordings to ``POST /v1/predict``, over as many connections as are busy at a time."""

    def __init__(self, port: int, recordings: Sequence[bytes]) -> None:
        self._port = port
        head = "POST /v1/predict HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nContent-Length: {}\r\n\r\n"
        self._requests: Iterator[bytes] = cycle([head.format(port, len(each)).encode() + each for each in recordings])
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(self, due: float | None = None) -> Answer:
        """Send the next recording, and wait for the answer."""
        sent = time.perf_counter()
        since = sent if due is None else due
        try:
            async with self._connection() as (reader, writer):
                writer.write(next(self._requests))
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                await reader.readexactly(int(head.partition(b"content-length:")[2].split(b"\r\n")[0]))
        except (OSError, asyncio.IncompleteReadError):
            return Answer(0, time.perf_counter() - since, False, sent - since)
        return Answer(int(head[9:12]), time.perf_counter() - since, b"\r\nretry-after:" in head, sent - since)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        found = None
        while self._idle and found is None:  # the one used last first; the service has ended those long unused
            last = self._idle.pop()
            found = None if last[0].at_eof() else last
        reader, writer = found or await asyncio.open_connection("127.0.0.1", self._port)
        try:
            yield reader, writer
        except BaseException:
            writer.close()
            raise
        self._idle.append((reader, writer))


async def in_turn(
    asker: Asker, connections: int, *, seconds: float = math.inf, count: float = math.inf
) -> list[Answer]:
    """Ask over so many connections, each again as soon as it was answered, for so long or so often (closed loop).

    Who is told to come again does so after a moment, and is not among the answers.
    """
    answers, left, until = list[Answer](), count, time.perf_counter() + seconds

    async def one() -> None:
        nonlocal left
        while left > 0 and time.perf_counter() < until:
            left -= 1
            answer = await asker.ask()
            if answer.status == BUSY:
                left += 1
                await asyncio.sleep(MOMENT)
            else:
                answers.append(answer)

    await asyncio.gather(*(one() for _ in range(connections)))
    return answers


async def at_rate(asker: Asker, rate: float, seconds: float) -> list[Answer]:
    """Ask so many times a second at moments drawn at random, whether there are answers or not (open loop)."""
    random, began, tasks = np.random.default_rng(0), time.perf_counter(), list[asyncio.Task[Answer]]()
    due = began
    while (due := due + random.exponential(1 / rate)) < began + seconds:
        await asyncio.sleep(max(due - time.perf_counter(), 0))
        tasks.append(asyncio.create_task(asker.ask(due)))
    return list(await asyncio.gather(*tasks))


# --- Streams ----------------------------------------------------------------------------------------------------------


@dataclass
class Lateness:
    """Of some streams: how late updates and the load itself were, in seconds, and how many streams broke off."""

    updates: list[float] = field(default_factory=list)
    sending: list[float] = field(default_factory=list)
    broken: int = 0


async def live(port: int, sounds: Sequence[bytes], seconds: float) -> Lateness:
    """Speak into a stream for each sound, as fast as it is spoken; the streams begin at moments within 100 ms.

    An update is as late as it comes after the moment at which the last sample was due that it has heard, by its ``at``.
    Who sends late is late: nothing is forgiven for it.
    """
    found, random = Lateness(), np.random.default_rng(0)
    offsets = random.uniform(0, CHUNK_SECONDS, len(sounds))
    streams = (_one(port, sound, seconds, float(offset), found) for sound, offset in zip(sounds, offsets, strict=True))
    for outcome in await asyncio.gather(*streams, return_exceptions=True):
        found.broken += outcome is not None
    return found


async def _one(port: int, sound: bytes, seconds: float, offset: float, found: Lateness) -> None:
    async with connect(f"ws://127.0.0.1:{port}/v1/stream") as socket:
        await socket.send('{"type": "session.begin", "rate": 16000}')
        await socket.recv()
        began = time.perf_counter() + offset
        speaking = asyncio.create_task(_speak(socket, sound, seconds, began, found))
        async for message in socket:
            event = json.loads(message)
            if event["type"] in ("segment.update", "segment.final"):
                due = began + CHUNK_SECONDS * math.ceil(round(event["at"] / CHUNK_SECONDS, 6))
                found.updates.append(time.perf_counter() - due)
        await speaking
        assert event["type"] == "session.closed", event


async def _speak(socket: ClientConnection, sound: bytes, seconds: float, began: float, found: Lateness) -> None:
    for part in range(round(seconds / CHUNK_SECONDS)):
        due = began + CHUNK_SECONDS * (part + 1)
        await asyncio.sleep(max(due - time.perf_counter(), 0))
        found.sending.append(time.perf_counter() - due)
        start = part * CHUNK_BYTES % (len(sound) - CHUNK_BYTES)
        await socket.send(sound[start : start + CHUNK_BYTES])
    await socket.send('{"type": "session.close"}')
