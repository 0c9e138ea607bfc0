"""The microphone: lost, silent, slow or changed, it is said and picked up again; a script plays the library below."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from intone.errors import UsageError
from intone.hear.microphone import (
    LOST_SECONDS,
    NOTHING_SECONDS,
    RETRY_SECONDS,
    WAITING_BLOCKS,
    Microphone,
    NoMicrophoneError,
    chosen,
)
from intone.hear.sources import Chunk
from intone.results import Notice

USB = {"index": 0, "name": "USB Microphone", "max_input_channels": 1, "default_samplerate": 48_000.0}
WEBCAM = {"index": 1, "name": "Webcam", "max_input_channels": 2, "default_samplerate": 44_100.0}
SPEAKER = {"index": 2, "name": "Loudspeaker", "max_input_channels": 0, "default_samplerate": 48_000.0}
FINE = SimpleNamespace(input_overflow=False)


class PortAudioError(Exception):
    pass


class Api:
    """What sounddevice offers, as far as a microphone uses it."""

    PortAudioError = PortAudioError

    def __init__(self, *devices: dict[str, Any]) -> None:
        self.devices = list(devices)
        self.opened: list[Any] = []
        self.refuses = False

    def query_devices(self, _device: object = None, kind: str | None = None) -> Any:
        if kind is None:
            return self.devices
        inputs = [one for one in self.devices if one["max_input_channels"]]
        if not inputs:
            raise PortAudioError("no default input")
        return inputs[0]

    def InputStream(self, **options: Any) -> Any:  # noqa: N802 - the library's name
        if self.refuses:
            raise PortAudioError("busy")
        self.opened.append(SimpleNamespace(**options, active=True, start=lambda: None, close=lambda: None))
        return self.opened[-1]

    def _terminate(self) -> None:
        pass

    def _initialize(self) -> None:
        pass

    def give(self, seconds: float, *, status: Any = FINE, level: float = 0.1) -> None:
        """Let the device hand over some sound."""
        stream = self.opened[-1]
        samples = np.full((round(seconds * stream.samplerate), stream.channels), level, np.float32)
        stream.callback(samples, len(samples), None, status)


class Clock:
    """Time that passes where somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def begun(api: Api, device: str | None = None) -> tuple[Any, Clock, Microphone]:
    clock = Clock()
    microphone = Microphone(api, device, clock=clock, sleep=clock.sleep)
    return iter(microphone), clock, microphone


def until(heard: Any, wanted: Callable[[Any], bool], steps: int = 1000) -> Any:
    for _ in range(steps):
        found = next(heard)
        if wanted(found):
            return found
    raise AssertionError("it never came")


def is_notice(code: str) -> Callable[[Any], bool]:
    return lambda found: isinstance(found, Notice) and found.code == code


def test_what_the_device_hands_over_is_heard_at_its_own_rate() -> None:
    api = Api(SPEAKER, USB)
    heard, _, microphone = begun(api)
    assert next(heard) is None
    api.give(0.05)
    api.give(0.05)
    chunk = next(heard)
    assert isinstance(chunk, Chunk)
    assert (microphone.name, chunk.rate) == ("USB Microphone", 48_000)
    assert chunk.duration == pytest.approx(0.1)


def test_channels_are_mixed() -> None:
    api = Api(WEBCAM)
    heard, _, _ = begun(api)
    api.opened[-1].callback(np.array([[0.2, 0.4]] * 10, np.float32), 10, None, FINE)
    assert next(heard).samples == pytest.approx([0.3] * 10)


def test_a_device_that_delivers_nothing_is_said_once_and_again_when_it_does() -> None:
    api = Api(USB)
    heard, clock, _ = begun(api)
    until(heard, is_notice("device-nothing"))
    assert clock.now == pytest.approx(NOTHING_SECONDS, abs=0.2)
    for _ in range(20):
        assert not isinstance(next(heard), Notice)
    api.give(0.05)
    assert is_notice("device-back")(next(heard))
    assert isinstance(next(heard), Chunk)


def test_a_lost_device_is_said_looked_for_and_picked_up_with_another_rate() -> None:
    api = Api(USB)
    heard, clock, microphone = begun(api, "usb")
    api.give(0.05)
    assert isinstance(next(heard), Chunk)
    api.opened[-1].active, api.devices = False, [SPEAKER]
    until(heard, is_notice("device-lost"))
    for _ in range(200):  # it stays away for ten seconds, which is said once
        assert next(heard) is None
    away = clock.now
    api.devices = [SPEAKER, WEBCAM, {**USB, "index": 7, "default_samplerate": 16_000.0}]
    until(heard, lambda _: len(api.opened) == 2)
    assert clock.now - away <= RETRY_SECONDS + 0.2
    api.give(0.05)
    assert is_notice("device-back")(next(heard))
    chunk = next(heard)
    assert (chunk.rate, api.opened[-1].device, microphone.name) == (16_000, 7, "USB Microphone")


def test_a_device_that_dies_without_a_word_is_opened_anew() -> None:
    api = Api(USB)
    heard, clock, _ = begun(api)
    until(heard, lambda _: len(api.opened) == 2)
    assert clock.now == pytest.approx(LOST_SECONDS + RETRY_SECONDS, abs=0.5)


def test_sound_that_is_lost_is_counted_and_the_device_never_waits() -> None:
    api = Api(USB)
    heard, _, _ = begun(api)
    for _ in range(WAITING_BLOCKS + 20):
        api.give(0.05)
    notice = next(heard)
    assert is_notice("overflow")(notice)
    assert "1.0 s of sound was lost" in notice.message
    assert next(heard).duration == pytest.approx(WAITING_BLOCKS * 0.05)
    api.give(0.05, status=SimpleNamespace(input_overflow=True))
    assert isinstance(next(heard), Chunk)  # told of no more often than every ten seconds


@pytest.mark.parametrize(
    ("device", "index"), [("1", 1), ("webcam", 1), ("Web", 1), ("USB Microphone", 0), (" usb ", 0)]
)
def test_a_microphone_is_found_by_number_or_a_part_of_its_name(device: str, index: int) -> None:
    assert chosen(device, [USB, WEBCAM, SPEAKER])["index"] == index


def test_what_is_no_microphone_is_refused_with_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"Did you mean 'Webcam'.*0 'USB Microphone', 1 'Webcam'"):
        chosen("webcma", [USB, WEBCAM, SPEAKER])
    with pytest.raises(UsageError, match="Several microphones"):
        chosen("c", [USB, WEBCAM])
    with pytest.raises(UsageError, match="no microphone 'Loudspeaker'"):
        chosen("Loudspeaker", [USB, WEBCAM, SPEAKER])
    with pytest.raises(NoMicrophoneError, match="no microphone on this machine"):
        chosen("any", [SPEAKER])
    with pytest.raises(NoMicrophoneError, match="no microphone on this machine"):
        Microphone(Api(SPEAKER))
    api = Api(USB)
    api.refuses = True
    with pytest.raises(NoMicrophoneError, match=r"cannot be opened \(busy\)"):
        Microphone(api)
