"""A microphone as a source of live sound: one that may fall silent, vanish or change, and is told of and kept."""

import contextlib
import difflib
import math
import queue
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from intone.errors import IntoneError, MissingExtraError, UsageError
from intone.hear import audio
from intone.hear.audio import Samples
from intone.hear.sources import Chunk, Heard, Quiet
from intone.results import Notice

BLOCK_SECONDS = 0.05
"""How much sound the device hands over at a time."""
TICK_SECONDS = 0.05
"""How long to wait before the device is looked at again."""
WAITING_BLOCKS = 200
"""This many blocks, 10 s, may wait to be heard; further ones are lost, which is said."""
NOTHING_SECONDS = 2.0
"""After this long without any sound from the device, that is said ..."""
LOST_SECONDS = 5.0
"""... and after this long it is opened anew: some systems do not tell that a device is gone."""
RETRY_SECONDS = 1.0
"""How long to wait before a lost device is looked for again."""
OVERFLOW_SECONDS = 10.0
"""Lost sound is told of no more often than this."""


class NoMicrophoneError(IntoneError):
    """There is no microphone, or it refuses."""

    code = "no-microphone"


def portaudio(wanted_by: str) -> Any:
    """Import sounddevice.

    Parameters
    ----------
    wanted_by : str
        The command or option that needs it, for the message.

    Raises
    ------
    MissingExtraError
        sounddevice is not installed, or the PortAudio library that it needs is not.
    """
    try:
        import sounddevice
    except ImportError as error:
        raise MissingExtraError(f"{wanted_by} needs sounddevice: pip install 'intone[play]'.") from error
    except OSError as error:  # what sounddevice raises where the system has no PortAudio
        raise MissingExtraError(
            f"{wanted_by} needs the system's PortAudio library (Debian and Ubuntu: apt install libportaudio2)."
        ) from error
    return sounddevice


def chosen(device: str, devices: Sequence[Any]) -> Any:
    """Find the microphone that is meant among PortAudio's devices.

    Parameters
    ----------
    device : str
        Its number, its name, or a part of its name that no other has.
    devices : sequence
        As ``sounddevice.query_devices()`` gives them.

    Returns
    -------
    dict
        One of ``devices``.

    Raises
    ------
    UsageError
        No microphone, or several, are meant.
    NoMicrophoneError
        There is none at all.

    Examples
    --------
    >>> devices = [{"index": 0, "name": "Webcam", "max_input_channels": 1}]
    >>> chosen("webcm", devices)
    Traceback (most recent call last):
    intone.errors.UsageError: There is no microphone 'webcm'. Did you mean 'Webcam'? Accepted: 0 'Webcam'.
    """
    inputs = [one for one in devices if one["max_input_channels"] > 0]
    if not inputs:
        raise NoMicrophoneError("There is no microphone on this machine.")
    wanted = device.strip().casefold()
    exact = [one for one in inputs if wanted in (str(one["index"]), one["name"].casefold())]
    partly = [one for one in inputs if wanted and wanted in one["name"].casefold()]
    if exact:  # one device that several sound systems offer has its name several times
        return exact[0]
    if len({one["name"] for one in partly}) == 1:
        return partly[0]
    accepted = ", ".join(f"{one['index']} '{one['name']}'" for one in partly or inputs)
    if partly:
        raise UsageError(f"Several microphones are called like '{device}'; accepted is one of {accepted}.")
    names = {one["name"].casefold(): one["name"] for one in inputs}
    near = difflib.get_close_matches(wanted, names, n=1)
    hint = f" Did you mean '{names[near[0]]}'?" if near else ""
    raise UsageError(f"There is no microphone '{device}'.{hint} Accepted: {accepted}.")


class Microphone:
    """A microphone as a source. What happens to it is told as a notice, and it is looked for again until it is back.

    The codes of the notices: ``"device-nothing"``, ``"device-lost"``, ``"device-back"`` and ``"overflow"``.

    Parameters
    ----------
    api : module
        sounddevice, as :func:`portaudio` gives it.
    device : str, optional
        See :func:`chosen`; the system's default where it is left out.
    clock, sleep : callable, optional
        The time in seconds, and a wait for some.
    quiet : callable, optional
        Gives a context in which PortAudio looks for devices, as it writes to standard error then.

    Raises
    ------
    NoMicrophoneError
        There is none, or it cannot be opened.
    UsageError
        There is no microphone of that name.
    """

    def __init__(
        self,
        api: Any,
        device: str | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
        quiet: Quiet = contextlib.nullcontext,
    ) -> None:
        self._api, self._clock, self._sleep, self._quiet = api, clock, sleep, quiet
        self._wanted = device
        self._stream: Any = None
        self._lost = _Lost()
        self._trouble = ""
        self._blocks: queue.Queue[Samples] = queue.Queue()
        self._last = self._tried = clock()
        self.name, self.rate = "", 0
        with quiet():
            self._open()
        if device is not None:
            self._wanted = self.name  # numbers change with what is plugged in

    def __iter__(self) -> Iterator[Heard]:
        """Give what comes, without end."""
        while True:
            yield from self._lost.told(self._clock())
            chunk = self._taken()
            if chunk is not None:
                if self._trouble:
                    self._trouble = ""
                    message = f"Sound comes again, from the microphone {self.name} at {self.rate} Hz."
                    yield Notice("device-back", message)
                yield chunk
                continue
            yield from self._looked_at()
            yield None
            self._sleep(TICK_SECONDS)

    def close(self) -> None:
        """Let go of the device."""
        stream, self._stream = self._stream, None
        if stream is not None:
            with contextlib.suppress(self._api.PortAudioError), self._quiet():  # of a device that is gone
                stream.close()

    # --- What the device gives ----------------------------------------------------------------------------------------

    def _taken(self) -> Chunk | None:
        """Take what waits, all at once, so that one who is late catches up."""
        blocks: list[Samples] = []
        with contextlib.suppress(queue.Empty):
            while len(blocks) < WAITING_BLOCKS:
                blocks.append(self._blocks.get_nowait())
        if not blocks:
            return None
        self._last = self._clock()
        samples = np.concatenate(blocks)
        return Chunk(samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1, dtype=np.float32), self.rate)

    def _looked_at(self) -> Iterator[Notice]:
        """Look at a device that gives nothing, and open it anew where it is gone."""
        silent = self._clock() - self._last
        if self._stream is None:
            if self._clock() - self._tried >= RETRY_SECONDS:
                self._open_again()
                if self._stream is None:
                    yield from self._troubled("device-lost")
        elif not self._active():
            yield from self._troubled("device-lost")
            self.close()
            self._tried = self._clock()
        elif silent >= LOST_SECONDS:
            self.close()
            self._tried = self._clock()
        elif silent >= NOTHING_SECONDS:
            yield from self._troubled("device-nothing")

    def _troubled(self, code: str) -> Iterator[Notice]:
        """Say it once, until the device is back."""
        if self._trouble in (code, "device-lost"):
            return
        self._trouble = code
        what = "is gone; it is looked for" if code == "device-lost" else "delivers nothing"
        yield Notice(code, f"The microphone {self.name} {what}.")

    def _active(self) -> bool:
        try:
            return bool(self._stream.active)
        except self._api.PortAudioError:
            return False

    # --- Opening ------------------------------------------------------------------------------------------------------

    def _open_again(self) -> None:
        self._tried = self._clock()
        with self._quiet():
            with contextlib.suppress(self._api.PortAudioError):  # where the last _initialize failed
                self._api._terminate()  # PortAudio knows the devices that were there when it was initialised
            with contextlib.suppress(self._api.PortAudioError, NoMicrophoneError, UsageError):
                self._api._initialize()
                self._open()

    def _open(self) -> None:
        found = self._found()
        rate = min(max(round(found["default_samplerate"]), audio.MIN_RATE), audio.MAX_RATE)
        errors: list[Exception] = []
        for channels in dict.fromkeys((1, found["max_input_channels"])):  # some devices offer no fewer than all
            blocks: queue.Queue[Samples] = queue.Queue(WAITING_BLOCKS)
            stream = None
            try:
                stream = self._api.InputStream(
                    device=found["index"], channels=channels, samplerate=rate, dtype="float32",
                    blocksize=round(BLOCK_SECONDS * rate), callback=_Callback(blocks, self._lost, rate),
                )  # fmt: skip
                stream.start()
            except (self._api.PortAudioError, ValueError) as error:
                errors.append(error)
                if stream is not None:
                    with contextlib.suppress(self._api.PortAudioError):
                        stream.close()
                continue
            self._stream, self._blocks, self.name, self.rate = stream, blocks, found["name"], rate
            self._last = self._tried = self._clock()
            return
        raise NoMicrophoneError(f"The microphone {found['name']} cannot be opened ({errors[0]}).") from errors[0]

    def _found(self) -> Any:
        try:
            if self._wanted is not None:
                return chosen(self._wanted, self._api.query_devices())
            return self._api.query_devices(None, "input")
        except (self._api.PortAudioError, ValueError) as error:
            raise NoMicrophoneError(f"There is no microphone on this machine ({error}).") from error


class _Lost:
    """Counts the sound that nobody took in time, in the device's thread, and tells of it in the listener's."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.times = 0
        self._told_times, self._told_seconds, self._told_at = 0, 0.0, -math.inf

    def told(self, now: float) -> Iterator[Notice]:
        """Tell of what was lost since the last time, not too often."""
        times, seconds = self.times, self.seconds
        if times == self._told_times or now - self._told_at < OVERFLOW_SECONDS:
            return
        length = f"{seconds - self._told_seconds:.1f} s of sound" if seconds > self._told_seconds else "some sound"
        self._told_times, self._told_seconds, self._told_at = times, seconds, now
        yield Notice("overflow", f"The machine was too slow, and {length} was lost.")


class _Callback:
    """What PortAudio's thread calls with each block; it never waits."""

    def __init__(self, blocks: "queue.Queue[Samples]", lost: _Lost, rate: int) -> None:
        self._blocks, self._lost, self._rate = blocks, lost, rate

    def __call__(self, samples: Samples, frames: int, _time: Any, status: Any) -> None:
        if status.input_overflow:  # lost before it came here; how much is not told
            self._lost.times += 1
        try:
            self._blocks.put_nowait(samples.copy())
        except queue.Full:
            self._lost.seconds += frames / self._rate
            self._lost.times += 1
