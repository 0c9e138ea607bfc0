"""Plays a sound on the machine's loudspeaker (extra ``play``)."""

from intone.errors import IntoneError
from intone.hear.audio import RATE, Waveform
from intone.hear.microphone import portaudio


class NoLoudspeakerError(IntoneError):
    """There is no audio device, or it refuses to play."""

    code = "no-audio-device"


def play(waveform: Waveform) -> None:
    """Play ``waveform`` and return when it has ended.

    Raises
    ------
    MissingExtraError
        sounddevice is not installed, or the PortAudio library that it needs is not.
    NoLoudspeakerError
        There is no audio device, or it refuses.
    """
    sounddevice = portaudio("--play")
    try:
        sounddevice.play(waveform.samples, RATE, blocking=True)
    except sounddevice.PortAudioError as error:
        raise NoLoudspeakerError(f"{waveform.name}: there is no audio device to play on ({error}).") from error
