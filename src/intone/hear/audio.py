"""The one door for sound: whatever comes in, a validated :class:`Waveform` comes out.

Nothing else in the package decodes or resamples (:mod:`intone.hear.decode` is this door's own). Sound is read, mixed to
mono and resampled block by block, so memory grows with the sixteen thousand samples a second that are kept, never with
the file's own rate or channels.
"""

import operator
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from intone.errors import (
    EmptySoundError,
    NotFiniteError,
    NotSoundError,
    RateError,
    SilentSoundError,
    TooLongError,
    TooShortError,
    TruncatedSoundError,
)
from intone.hear.decode import Block, Source, block_samples, decoded, opened

RATE = 16_000
"""Samples a second inside Intone (Hz)."""
MIN_SECONDS = 0.1
"""Shorter sounds are refused: a pitch period or two says nothing of an emotion."""
GROWTH = 16
"""Sound that is joined has at most this part of its memory in hand."""
MAX_SECONDS = 3600.0
"""Longer sounds are refused unless ``max_seconds`` says otherwise."""
MIN_RATE, MAX_RATE = 4_000, 192_000
"""Accepted sample rates (Hz)."""

SUFFIXES = frozenset(
    """.aac .aif .aifc .aiff .amr .au .caf .flac .m4a .mka .mp3
    .mp4 .oga .ogg .opus .snd .w64 .wav .wave .webm .wma""".split()
)
"""File endings taken for sound when a folder is searched; a file that is named is read whatever its ending."""

Samples = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Waveform:
    """Mono sound at 16 kHz, finite, not silent and at least 0.1 s long; :func:`load` makes one of any sound.

    Attributes
    ----------
    samples : numpy.ndarray of float32, shape (samples,)
        The sound; full scale is ±1, and louder is kept as it is.
    name : str
        What errors and results call it: the file's name, or ``"<array>"``.

    Raises
    ------
    SoundError
        One of its children: the samples are not such a sound. What holds a Waveform need not look again.
    """

    samples: Samples = field(repr=False)
    name: str = "<array>"

    def __post_init__(self) -> None:
        samples: Any = self.samples
        if not isinstance(samples, np.ndarray) or samples.dtype != np.float32 or samples.ndim != 1:
            found = (
                f"{samples.dtype} of shape {samples.shape}"
                if isinstance(samples, np.ndarray)
                else type(samples).__name__
            )
            raise NotSoundError(
                f"{self.name}: a Waveform of {found}; accepted is a NumPy array of float32 of shape (samples,). "
                "intone.hear.audio.load makes a Waveform of any sound."
            )
        if len(samples) < MIN_SECONDS * RATE - 1:  # resampling may round the last sample away
            raise TooShortError(f"{self.name}: {self.duration:.3f} s of sound; at least {MIN_SECONDS} s are needed.")
        if not np.isfinite([samples.min(), samples.max()]).all():  # both are NaN where one sample is
            raise NotFiniteError(f"{self.name}: the sound holds NaN or infinite samples; every sample must be finite.")
        if not samples.any():
            raise SilentSoundError(f"{self.name}: {self.duration:.1f} s of digital silence; every sample is zero.")

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return len(self.samples) / RATE


Sound: TypeAlias = str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes] | NDArray[Any] | Waveform
"""What the door takes: a path, a file's bytes, an open binary file, an array with its rate, or a Waveform."""


def load(
    sound: Sound, *, rate: int | None = None, name: str | None = None, max_seconds: float = MAX_SECONDS
) -> Waveform:
    """Turn any sound into a validated :class:`Waveform`.

    Parameters
    ----------
    sound : path, bytes, binary file, array or Waveform
        A path is read whatever its ending claims. An array is ``(samples,)`` or ``(samples, channels)``: floating-point
        samples with full scale at ±1, or signed integers with full scale at their type's limits (``uint8`` is centred
        on 128, as in WAV files). Channels are averaged.
    rate : int, optional
        Samples a second of an array, 4,000 to 192,000; an array of integers must name it, one of floats without it is
        taken to be at 16 kHz. Files know their own rate, so it is refused with them.
    name : str, optional
        What errors and results call the sound; a path's own name, or ``"<array>"``, where it is left out.
    max_seconds : float, default 3600
        Longest sound that is accepted.

    Returns
    -------
    Waveform
        Mono float32 at 16 kHz.

    Raises
    ------
    SoundError
        One of its children, named in :mod:`intone.errors`: the sound is missing, not audio, empty, cut off behind its
        header, shorter than 0.1 s, longer than ``max_seconds``, silent, not finite, or of a rate that
        is unknown or not accepted.
    MissingExtraError
        The format needs PyAV, which is not installed.

    Examples
    --------
    >>> tone = np.sin(2 * np.pi * 440 * np.arange(22_050) / 22_050)
    >>> load(tone, rate=22_050).duration
    1.0
    >>> load(np.zeros(16_000, dtype=np.int16))
    Traceback (most recent call last):
    intone.errors.RateError: <array>: int16 samples came without their rate; pass rate=, from 4000 to 192000 Hz.
    """
    parts = blocks(sound, rate=rate, name=name, max_seconds=max_seconds)
    if isinstance(sound, Waveform):
        next(parts)  # looks at its length
        return sound
    return Waveform(_joined(parts), name or name_of(sound))


def _joined(parts: Iterator[Samples]) -> Samples:
    """Join blocks as they come, in memory that grows where it lies: an hour of sound is never there twice."""
    whole, end = np.empty(0, np.float32), 0
    for part in parts:
        if end + len(part) > len(whole):
            whole.resize(max(end + len(part), end + end // GROWTH), refcheck=False)
        whole[end : end + len(part)] = part
        end += len(part)
    whole.resize(end, refcheck=False)
    return whole


def blocks(
    sound: Sound, *, rate: int | None = None, name: str | None = None, max_seconds: float = MAX_SECONDS
) -> Iterator[Samples]:
    """Give what :func:`load` gives, block by block, so that a recording need not fit into memory.

    Parameters
    ----------
    sound, rate, name, max_seconds
        As for :func:`load`.

    Yields
    ------
    numpy.ndarray of float32, shape (samples,)
        Mono at 16 kHz, about ten seconds at a time at most.

    Raises
    ------
    SoundError
        As for :func:`load`; that a sound is too short, silent or cut off is known, and raised, at its end only.

    Examples
    --------
    >>> sum(len(block) for block in blocks(np.ones(44_100), rate=44_100))
    16000
    """
    for block in _blocks(sound, rate, name, max_seconds, mix=True):
        yield block[:, 0]


def channels(
    sound: Sound, *, rate: int | None = None, name: str | None = None, max_seconds: float = MAX_SECONDS
) -> Iterator[Samples]:
    """Give the channels of a sound side by side, block by block, as :func:`blocks` gives their mean.

    Parameters
    ----------
    sound, rate, name, max_seconds
        As for :func:`load`.

    Yields
    ------
    numpy.ndarray of float32, shape (samples, channels)
        At 16 kHz, about ten seconds at a time at most.

    Raises
    ------
    SoundError
        As for :func:`blocks`, or the number of channels changes midway.

    Examples
    --------
    >>> np.concatenate(list(channels(np.ones((44_100, 2)), rate=44_100))).shape
    (16000, 2)
    """
    yield from _blocks(sound, rate, name, max_seconds, mix=False)


def _blocks(sound: Sound, rate: int | None, name: str | None, max_seconds: float, *, mix: bool) -> Iterator[Samples]:
    name = name or name_of(sound)
    if isinstance(sound, np.ndarray):
        yield from _heard(_array_source(np.asarray(sound), rate, name), name, max_seconds, mix=mix)
        return
    if rate is not None:
        raise RateError(f"{name}: rate= goes with arrays only; a file and a Waveform know their own.")
    if isinstance(sound, Waveform):
        if sound.duration > max_seconds:
            raise TooLongError(_too_long(name, sound.duration, max_seconds))
        step = block_samples(RATE, 1)
        whole = sound.samples[:, np.newaxis]
        yield from (whole[start : start + step] for start in range(0, len(whole), step))
        return
    with opened(sound, name) as content:
        yield from _heard(decoded(content, name), name, max_seconds, mix=mix)


def name_of(sound: Any) -> str:
    """Say what errors and results call a sound that was given no name."""
    if isinstance(sound, Waveform):
        return sound.name
    if isinstance(sound, np.ndarray):
        return "<array>"
    if isinstance(sound, str | os.PathLike):
        return os.fsdecode(sound)
    if isinstance(sound, bytes | bytearray | memoryview):
        return "<bytes>"
    if hasattr(sound, "read"):
        name = getattr(sound, "name", None)
        return name if isinstance(name, str) else "<stream>"
    raise NotSoundError(
        f"{type(sound).__name__} is not a sound; accepted are a path, bytes, a file opened in binary mode, "
        "a NumPy array with its rate, and a Waveform."
    )


def _array_source(samples: NDArray[Any], rate: int | None, name: str) -> Source:
    frames = _frames(samples, name)
    if samples.size == 0:
        raise EmptySoundError(f"{name}: the array is empty; at least {MIN_SECONDS} s of sound are needed.")
    if rate is None:
        if samples.dtype.kind != "f":
            raise RateError(
                f"{name}: {samples.dtype} samples came without their rate; "
                f"pass rate=, from {MIN_RATE} to {MAX_RATE} Hz."
            )
        rate = RATE
    rate = accepted_rate(rate, name)
    if frames.shape[1] > frames.shape[0]:
        raise NotSoundError(
            f"{name}: shape {samples.shape} has more channels than samples; accepted is (samples, channels), "
            "so transpose it."
        )
    step = block_samples(rate, frames.shape[1])
    each = (_as_float(frames[start : start + step]) for start in range(0, len(frames), step))
    return Source(rate, each, len(frames))


def as_block(samples: NDArray[Any], name: str) -> Block:
    """Take a piece of sound of any length, ``(samples,)`` or ``(samples, channels)``, to floats of the latter shape.

    Raises
    ------
    NotSoundError
        It is no array of samples.
    """
    return _as_float(_frames(np.asarray(samples), name))


def _frames(samples: NDArray[Any], name: str) -> NDArray[Any]:
    if samples.ndim not in (1, 2):
        raise NotSoundError(
            f"{name}: an array of {samples.ndim} dimensions; accepted are (samples,) and (samples, channels)."
        )
    kind = samples.dtype.kind
    if kind not in "fiu" or (kind == "u" and samples.dtype != np.uint8):
        raise NotSoundError(f"{name}: samples of type {samples.dtype}; accepted are floats, signed integers and uint8.")
    return samples[:, np.newaxis] if samples.ndim == 1 else samples


def accepted_rate(rate: Any, name: str) -> int:
    """Take a rate of any number's type, as other libraries give it.

    Raises
    ------
    RateError
        It is no whole number, or outside what is accepted.
    """
    try:
        whole = operator.index(int(rate) if isinstance(rate, float) and rate.is_integer() else rate)
    except TypeError as error:
        raise RateError(
            f"{name}: the rate is {rate!r}; accepted are whole numbers from {MIN_RATE} to {MAX_RATE} Hz."
        ) from error
    return _accepted(whole, name)


def _accepted(rate: int, name: str) -> int:
    if not MIN_RATE <= rate <= MAX_RATE:
        raise RateError(f"{name}: {rate} samples a second; accepted are {MIN_RATE} to {MAX_RATE} Hz.")
    return rate


def _as_float(block: NDArray[Any]) -> Block:
    if block.dtype == np.uint8:
        return (block.astype(np.float32) - 128) / 128
    if block.dtype.kind == "i":
        return block.astype(np.float64) / -float(np.iinfo(block.dtype).min)
    return block


# --- One rate, one channel, checked ----------------------------------------------------------------------------------


def _heard(source: Source, name: str, max_seconds: float, *, mix: bool) -> Iterator[Samples]:
    """Mix to one channel where asked, resample to 16 kHz, and refuse what no emotion can be heard in.

    Gives blocks ``(samples, channels)``.
    """
    rate = _accepted(source.rate, name)
    if source.frames is not None and source.frames > max_seconds * rate:  # known before anything is unpacked
        raise TooLongError(_too_long(name, source.frames / rate, max_seconds))
    converter, heard, peak, kept_peak = None, 0, 0.0, 0.0
    for block in source.blocks:
        heard += len(block)
        if heard > max_seconds * rate:
            raise TooLongError(_too_long(name, None, max_seconds))
        # Samples near the limit of their type overflow here; that is refused below, not warned of.
        with np.errstate(over="ignore", invalid="ignore"):
            peak = float(np.maximum(peak, np.abs(block).max()))  # unlike max(), keeps NaN
            kept = mixed(block) if mix else np.ascontiguousarray(block, dtype=np.float32)
        if not np.isfinite(peak):
            raise NotFiniteError(f"{name}: the sound holds NaN or infinite samples; every sample must be finite.")
        converter = converter or Converter(rate, kept.shape[1])
        if kept.shape[1] != converter.channels:
            raise NotSoundError(
                f"{name}: the sound changes from {converter.channels} to {kept.shape[1]} channels midway; "
                "they can be told apart only where their number stays."
            )
        part = converter.push(kept)
        kept_peak = max(kept_peak, _finite_peak(part, name))
        yield part
    if heard == 0 or converter is None:
        raise TruncatedSoundError(f"{name}: the file ends behind its header; there is no sound in it.")
    if heard < MIN_SECONDS * rate:
        raise TooShortError(f"{name}: {heard / rate:.3f} s of sound; at least {MIN_SECONDS} s are needed.")
    if peak == 0:
        raise SilentSoundError(f"{name}: {heard / rate:.1f} s of digital silence; every sample is zero.")
    part = converter.finish()
    kept_peak = max(kept_peak, _finite_peak(part, name))
    yield part
    if kept_peak == 0:
        raise SilentSoundError(
            f"{name}: the channels cancel each other out when they are mixed to one; nothing is left."
        )


def mixed(block: Block) -> Samples:
    """Mix ``(samples, channels)`` to ``(samples, 1)``: the mean."""
    with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is refused or told of afterwards
        return np.ascontiguousarray(block.mean(axis=1, dtype=np.float64, keepdims=True), dtype=np.float32)


class Converter:
    """Brings sound from any rate to 16 kHz, piece by piece; how it is cut into pieces changes nothing.

    Parameters
    ----------
    rate : int
        Samples a second of what comes in.
    channels : int
        How many channels it has.
    """

    def __init__(self, rate: int, channels: int) -> None:
        import soxr

        self.rate, self.channels = rate, channels
        self._stream = None if rate == RATE else soxr.ResampleStream(rate, RATE, channels, dtype="float32")

    def push(self, samples: Samples) -> Samples:
        """Convert ``(samples, channels)``."""
        return samples if self._stream is None else self._converted(samples, last=False)

    def finish(self) -> Samples:
        """Give what is left, ``(samples, channels)``."""
        nothing = np.zeros((0, self.channels), dtype=np.float32)
        return nothing if self._stream is None else self._converted(nothing, last=True)

    def _converted(self, samples: Samples, *, last: bool) -> Samples:
        assert self._stream is not None
        # Of one channel the converter gives and takes one dimension.
        given = samples[:, 0] if self.channels == 1 else samples
        found: Samples = self._stream.resample_chunk(given, last=last)
        return found.reshape(-1, self.channels)


def _too_long(name: str, found: float | None, accepted: float) -> str:
    length = "there is more sound" if found is None else f"{found:.1f} s of sound are more"
    return f"{name}: {length} than the {accepted:g} s that are accepted."


def _finite_peak(samples: Samples, name: str) -> float:
    peak = float(np.abs(samples).max(initial=0.0))
    if not np.isfinite(peak):
        raise NotFiniteError(f"{name}: the samples are too large to be mixed and resampled; full scale is ±1.")
    return peak
