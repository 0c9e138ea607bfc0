"""The one door for sound: whatever comes in, a validated :class:`Waveform` comes out.

Nothing else in the package decodes or resamples. Sound is read, mixed to mono and resampled block by block, so memory
grows with the sixteen thousand samples a second that are kept, never with the file's own rate or channels.
"""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from intone.errors import (
    EmptySoundError,
    MissingExtraError,
    NotFiniteError,
    NotSoundError,
    RateError,
    SilentSoundError,
    SoundNotFoundError,
    TooLongError,
    TooShortError,
    TruncatedSoundError,
)

RATE = 16_000
"""Samples a second inside Intone (Hz)."""
MIN_SECONDS = 0.1
"""Shorter sounds are refused: a pitch period or two says nothing of an emotion."""
MAX_SECONDS = 3600.0
"""Longer sounds are refused unless ``max_seconds`` says otherwise."""
MIN_RATE, MAX_RATE = 4_000, 192_000
"""Accepted sample rates (Hz)."""
BLOCK_SECONDS = 10.0
"""How much is decoded at a time; bounds memory for sounds at high rates with many channels."""

SUFFIXES = frozenset(
    """.aac .aif .aifc .aiff .amr .au .caf .flac .m4a .mka .mp3
    .mp4 .oga .ogg .opus .snd .w64 .wav .wave .webm .wma""".split()
)
"""File endings taken for sound when a folder is searched; a file that is named is read whatever its ending."""
FORMATS = "WAV, FLAC, OGG/Opus, MP3 and AIFF, and with 'intone[av]' M4A/AAC, MP4, WebM and AMR"

Samples = NDArray[np.float32]
Block = NDArray[np.floating[Any]]  # (samples, channels)


@dataclass(frozen=True, eq=False)
class Waveform:
    """Mono sound at 16 kHz, finite and not silent.

    Attributes
    ----------
    samples : numpy.ndarray of float32, shape (samples,)
        The sound; full scale is ±1, and louder is kept as it is.
    name : str
        What errors and results call it: the file's name, or ``"<array>"``.
    """

    samples: Samples = field(repr=False)
    name: str = "<array>"

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
    if isinstance(sound, Waveform):
        return sound
    name = name or _name_of(sound)
    return Waveform(np.concatenate(list(blocks(sound, rate=rate, name=name, max_seconds=max_seconds))), name)


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
        Mono at 16 kHz, about ten seconds at a time.

    Raises
    ------
    SoundError
        As for :func:`load`; that a sound is too short, silent or cut off is known, and raised, at its end only.

    Examples
    --------
    >>> sum(len(block) for block in blocks(np.ones(44_100), rate=44_100))
    16000
    """
    if isinstance(sound, Waveform):
        step = int(BLOCK_SECONDS * RATE)
        yield from (sound.samples[start : start + step] for start in range(0, len(sound.samples), step))
        return
    name = name or _name_of(sound)
    if isinstance(sound, np.ndarray):
        yield from _heard(_array_blocks(sound, rate, name), name, max_seconds)
        return
    if rate is not None:
        raise RateError(f"{name}: rate= goes with arrays only; a file states its own.")
    with _opened(sound, name) as content:
        yield from _heard(_decoded(content, name), name, max_seconds)


def _name_of(sound: Any) -> str:
    if isinstance(sound, np.ndarray):
        return "<array>"
    if isinstance(sound, str | os.PathLike):
        return os.fspath(sound)
    if isinstance(sound, bytes | bytearray | memoryview):
        return "<bytes>"
    if hasattr(sound, "read"):
        name = getattr(sound, "name", None)
        return name if isinstance(name, str) else "<stream>"
    raise NotSoundError(
        f"{type(sound).__name__} is not a sound; accepted are a path, bytes, a file opened in binary mode, "
        "a NumPy array with its rate, and a Waveform."
    )


# --- Sources: each yields the rate first, and then blocks of (samples, channels) -------------------------------------


@dataclass(frozen=True)
class _Source:
    rate: int
    blocks: Iterator[Block]


def _array_blocks(samples: NDArray[Any], rate: int | None, name: str) -> _Source:
    if samples.ndim not in (1, 2):
        raise NotSoundError(
            f"{name}: an array of {samples.ndim} dimensions; accepted are (samples,) and (samples, channels)."
        )
    if samples.size == 0:
        raise EmptySoundError(f"{name}: the array is empty; at least {MIN_SECONDS} s of sound are needed.")
    kind = samples.dtype.kind
    if kind not in "fiu" or (kind == "u" and samples.dtype != np.uint8):
        raise NotSoundError(f"{name}: samples of type {samples.dtype}; accepted are floats, signed integers and uint8.")
    if rate is None:
        if kind != "f":
            raise RateError(
                f"{name}: {samples.dtype} samples came without their rate; "
                f"pass rate=, from {MIN_RATE} to {MAX_RATE} Hz."
            )
        rate = RATE
    frames = samples[:, np.newaxis] if samples.ndim == 1 else samples
    if frames.shape[1] > frames.shape[0]:
        raise NotSoundError(
            f"{name}: shape {samples.shape} has more channels than samples; accepted is (samples, channels)."
        )
    step = max(1, int(BLOCK_SECONDS * rate))
    return _Source(rate, (_as_float(frames[start : start + step]) for start in range(0, len(frames), step)))


def _as_float(block: NDArray[Any]) -> Block:
    if block.dtype == np.uint8:
        return (block.astype(np.float32) - 128) / 128
    if block.dtype.kind == "i":
        return block.astype(np.float64) / -float(np.iinfo(block.dtype).min)
    return block


@contextmanager
def _opened(sound: Any, name: str) -> Iterator[IO[bytes]]:
    """Give the sound's bytes as a seekable file; what we opened ourselves is closed again."""
    if isinstance(sound, bytes | bytearray | memoryview):
        yield io.BytesIO(bytes(sound))
    elif isinstance(sound, str | os.PathLike):
        path = Path(sound)
        try:
            if path.is_dir():
                raise NotSoundError(f"{name}: this is a folder; a recording is needed.")
            content = path.open("rb")
        except FileNotFoundError as error:
            raise SoundNotFoundError(f"{name}: there is no such file.") from error
        except (OSError, ValueError) as error:  # ValueError: a NUL in the name
            raise SoundNotFoundError(f"{name}: the file cannot be opened ({error}).") from error
        with content:
            yield content
    elif isinstance(sound, io.TextIOBase):
        raise NotSoundError(f"{name}: the file is opened as text; open it in binary mode.")
    else:
        yield sound if _seekable(sound) else io.BytesIO(sound.read())


def _seekable(stream: Any) -> bool:
    return bool(getattr(stream, "seekable", lambda: False)())


def _decoded(content: IO[bytes], name: str) -> _Source:
    """Open with libsndfile, which looks at the content and not at the name; what it does not know goes to PyAV."""
    import soundfile

    start = content.tell()
    if content.seek(0, io.SEEK_END) == start:
        raise EmptySoundError(f"{name}: the file is empty; accepted are {FORMATS}.")
    content.seek(start)
    head = content.read(64)
    content.seek(start)
    try:
        opened = soundfile.SoundFile(content)
    except soundfile.LibsndfileError as error:
        content.seek(start)
        if _sndfile_knows(head):
            raise TruncatedSoundError(
                f"{name}: the {_sndfile_knows(head)} header is cut off or damaged, so no sound can be read from it."
            ) from error
        return _decoded_by_av(content, head, name)
    if opened.frames == 0:
        raise TruncatedSoundError(f"{name}: the file ends behind its {opened.format} header; there is no sound in it.")
    return _Source(opened.samplerate, _sndfile_blocks(opened, name))


def _sndfile_blocks(opened: Any, name: str) -> Iterator[Block]:
    import soundfile

    with opened:
        step = max(1, int(BLOCK_SECONDS * min(opened.samplerate, MAX_RATE)))
        while True:
            try:
                block = opened.read(step, dtype="float32", always_2d=True)
            except soundfile.LibsndfileError as error:
                raise NotSoundError(
                    f"{name}: the {opened.format} data is damaged and cannot be decoded ({error})."
                ) from error
            if len(block) == 0:
                return
            yield block


_MAGIC = {
    b"RIFF": "WAV", b"RIFX": "WAV", b"RF64": "WAV", b"riff": "W64", b"fLaC": "FLAC", b"OggS": "OGG", b"FORM": "AIFF",
    b".snd": "AU", b"caff": "CAF", b"ID3": "MP3",
}  # fmt: skip


def _sndfile_knows(head: bytes) -> str | None:
    return next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), None)


def _container(head: bytes) -> str | None:
    """Name a container that only PyAV opens, from its first bytes."""
    if head[4:8] == b"ftyp":
        return "M4A/MP4"
    if head.startswith(b"\x1aE\xdf\xa3"):
        return "WebM/Matroska"
    if head.startswith(b"#!AMR"):
        return "AMR"
    if head.startswith(b"0&\xb2u\x8ef\xcf\x11"):
        return "WMA"
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0:
        return "AAC"
    return None


def _decoded_by_av(content: IO[bytes], head: bytes, name: str) -> _Source:
    kind = _container(head)
    if kind is None:
        raise NotSoundError(f"{name}: not sound in a format that is known; accepted are {FORMATS}.")
    try:
        import av
    except ImportError as error:
        raise MissingExtraError(
            f"{name}: {kind} needs PyAV, which is not installed: pip install 'intone[av]'."
        ) from error
    try:
        container = av.open(content)
        stream = next(iter(container.streams.audio), None)
    except av.FFmpegError as error:
        raise NotSoundError(f"{name}: the {kind} file is damaged and cannot be opened ({error.strerror}).") from error
    if stream is None:
        raise NotSoundError(f"{name}: the {kind} file holds no sound track.")
    if not stream.codec_context.sample_rate:
        raise TruncatedSoundError(f"{name}: the {kind} file ends behind its header; there is no sound in it.")
    return _Source(stream.codec_context.sample_rate, _av_blocks(container, stream, kind, name))


def _av_blocks(container: Any, stream: Any, kind: str, name: str) -> Iterator[Block]:
    import av

    planar = av.AudioResampler(format="fltp")  # converts the sample type only; rate and channels stay
    with container:
        try:
            for frame in container.decode(stream):
                for converted in planar.resample(frame):
                    yield converted.to_ndarray().T
        except av.FFmpegError as error:
            raise NotSoundError(
                f"{name}: the {kind} data is damaged and cannot be decoded ({error.strerror})."
            ) from error


# --- One rate, one channel, checked ----------------------------------------------------------------------------------


def _heard(source: _Source, name: str, max_seconds: float) -> Iterator[Samples]:
    """Mix to one channel, resample to 16 kHz, and refuse what no emotion can be heard in."""
    import soxr

    rate = source.rate
    if not MIN_RATE <= rate <= MAX_RATE:
        raise RateError(f"{name}: {rate} samples a second; accepted are {MIN_RATE} to {MAX_RATE} Hz.")
    resampler = None if rate == RATE else soxr.ResampleStream(rate, RATE, 1, dtype="float32")
    heard, peak, mono_peak = 0, 0.0, 0.0
    for block in source.blocks:
        heard += len(block)
        if heard > max_seconds * rate:
            raise TooLongError(f"{name}: longer than the {max_seconds:g} s that are accepted.")
        # Samples near the limit of their type overflow here; that is refused below, not warned of.
        with np.errstate(over="ignore", invalid="ignore"):
            peak = float(np.maximum(peak, np.abs(block).max()))  # unlike max(), keeps NaN
            mono = np.ascontiguousarray(block.mean(axis=1, dtype=np.float64), dtype=np.float32)
        if not np.isfinite(peak):
            raise NotFiniteError(f"{name}: the sound holds NaN or infinite samples; every sample must be finite.")
        part = mono if resampler is None else resampler.resample_chunk(mono)
        mono_peak = max(mono_peak, _finite_peak(part, name))
        yield part
    if heard == 0:
        raise TruncatedSoundError(f"{name}: the file ends behind its header; there is no sound in it.")
    if heard < MIN_SECONDS * rate:
        raise TooShortError(f"{name}: {heard / rate:.3f} s of sound; at least {MIN_SECONDS} s are needed.")
    if peak == 0:
        raise SilentSoundError(f"{name}: {heard / rate:.1f} s of digital silence; every sample is zero.")
    if resampler is not None:
        part = resampler.resample_chunk(np.zeros(0, dtype=np.float32), last=True)
        mono_peak = max(mono_peak, _finite_peak(part, name))
        yield part
    if mono_peak == 0:
        raise SilentSoundError(
            f"{name}: the channels cancel each other out when they are mixed to one; nothing is left."
        )


def _finite_peak(samples: Samples, name: str) -> float:
    peak = float(np.abs(samples).max(initial=0.0))
    if not np.isfinite(peak):
        raise NotFiniteError(f"{name}: the samples are too large to be mixed and resampled; full scale is ±1.")
    return peak
