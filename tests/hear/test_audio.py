"""The door for sound: what comes through, what it becomes, and what is refused in which words."""

import io
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from intone.errors import (
    EmptySoundError,
    IntoneError,
    NotFiniteError,
    NotSoundError,
    RateError,
    SilentSoundError,
    SoundError,
    SoundNotFoundError,
    TooLongError,
    TooShortError,
    TruncatedSoundError,
)
from intone.hear import decode
from intone.hear.audio import RATE, Waveform, blocks, load

HERTZ, LEVEL = 440.0, 0.3


def tone(rate: int = RATE, seconds: float = 1.0) -> NDArray[np.float64]:
    """Give a sine of 440 Hz with a peak of 0.3."""
    return LEVEL * np.sin(2 * np.pi * HERTZ * np.arange(round(rate * seconds)) / rate)


def encoded(form: str = "WAV", subtype: str | None = None, rate: int = RATE, samples: Any = None) -> bytes:
    """Give a file's bytes as libsndfile writes them."""
    content = io.BytesIO()
    soundfile.write(content, tone(rate) if samples is None else samples, rate, format=form, subtype=subtype)
    return content.getvalue()


def loudest_hertz(waveform: Waveform) -> float:
    spectrum = np.abs(np.fft.rfft(waveform.samples * np.hanning(len(waveform.samples))))
    return float(spectrum.argmax() * RATE / len(waveform.samples))


def peak(waveform: Waveform) -> float:
    """Give the highest sample, away from the ends where resampling rings."""
    return float(np.abs(waveform.samples[800:-800]).max())


class Pipe:
    """A stream that cannot seek and gives a few bytes at a time, as a network does."""

    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content)

    def read(self, size: int = -1) -> bytes:
        return self._content.read(min(size, 1000) if size > 0 else size)

    def seekable(self) -> bool:
        return False


# --- Formats ----------------------------------------------------------------------------------------------------------

FORMATS = [
    ("WAV", "PCM_U8", 0.01), ("WAV", "PCM_16", 1e-3), ("WAV", "PCM_24", 1e-3), ("WAV", "PCM_32", 1e-3),
    ("WAV", "FLOAT", 1e-3), ("WAV", "DOUBLE", 1e-3), ("WAV", "ULAW", 0.01), ("WAV", "ALAW", 0.01),
    ("WAVEX", "PCM_16", 1e-3), ("RF64", "PCM_16", 1e-3), ("FLAC", "PCM_16", 1e-3), ("FLAC", "PCM_24", 1e-3),
    ("OGG", "VORBIS", 0.05), ("OGG", "OPUS", 0.1), ("MP3", None, 0.05), ("AIFF", "PCM_16", 1e-3), ("AU", None, 1e-3),
    ("CAF", None, 1e-3),
]  # fmt: skip


@pytest.mark.parametrize(("form", "subtype", "off"), FORMATS)
def test_every_format_keeps_pitch_and_level(form: str, subtype: str | None, off: float) -> None:
    heard = load(encoded(form, subtype))
    assert heard.samples.dtype == np.float32
    assert loudest_hertz(heard) == pytest.approx(HERTZ, abs=2)
    assert peak(heard) == pytest.approx(LEVEL, abs=off)
    assert heard.duration == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("suffix", [".wav", ".mp3", ".txt", ".png", "", ".m4a"])
@pytest.mark.parametrize("form", ["WAV", "FLAC", "OGG", "MP3", "AIFF"])
def test_the_ending_says_nothing(tmp_path: Path, form: str, suffix: str) -> None:
    path = tmp_path / f"sound{suffix}"
    path.write_bytes(encoded(form))
    assert loudest_hertz(load(path)) == pytest.approx(HERTZ, abs=2)


def av_file(form: str, codec: str, rate: int, layout: str = "mono") -> bytes:
    """Give a file's bytes as FFmpeg writes them."""
    import av

    content = io.BytesIO()
    with av.open(content, "w", format=form) as container:
        stream = container.add_stream(codec, rate=rate, layout=layout)
        stream.bit_rate = 64_000 if codec != "libopencore_amrnb" else 12_200
        channels = 1 if layout == "mono" else 2
        samples = np.repeat(tone(rate)[np.newaxis], channels, axis=0).astype(np.float32)
        step = stream.codec_context.frame_size or 1024
        resampler = av.AudioResampler(format=stream.format, layout=layout, rate=rate)
        for number, start in enumerate(range(0, samples.shape[1], step)):
            frame = av.AudioFrame.from_ndarray(samples[:, start : start + step].copy(), format="fltp", layout=layout)
            frame.sample_rate, frame.pts = rate, number * step
            for converted in resampler.resample(frame):
                container.mux(stream.encode(converted))
        container.mux(stream.encode(None))
    return content.getvalue()


AV_FORMATS = [
    ("ipod", "aac", 44_100, "mono"), ("mp4", "aac", 48_000, "stereo"), ("adts", "aac", 22_050, "mono"),
    ("webm", "libopus", 48_000, "mono"), ("matroska", "flac", 16_000, "stereo"), ("asf", "wmav2", 44_100, "mono"),
    ("amr", "libopencore_amrnb", 8_000, "mono"),
]  # fmt: skip


@pytest.mark.parametrize(("form", "codec", "rate", "layout"), AV_FORMATS)
def test_what_phones_and_browsers_record(form: str, codec: str, rate: int, layout: str) -> None:
    heard = load(av_file(form, codec, rate, layout))
    assert loudest_hertz(heard) == pytest.approx(HERTZ, abs=2)
    assert peak(heard) == pytest.approx(LEVEL, rel=0.2)
    assert heard.duration == pytest.approx(1, abs=0.12)  # these codecs pad their ends


def test_pyav_missing_is_said_with_what_to_install(tmp_path: Path) -> None:
    path = tmp_path / "call.m4a"
    path.write_bytes(av_file("ipod", "aac", 44_100))
    code = (
        "import sys; sys.modules['av'] = None\n"  # how Python itself marks a module that cannot be imported
        "from intone.hear.audio import load\nfrom intone.errors import MissingExtraError\n"
        "try: load(sys.argv[1])\nexcept MissingExtraError as error: print(error)"
    )
    said = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True).stdout
    assert said.strip() == f"{path}: M4A/MP4 needs PyAV, which is not installed: pip install 'intone[av]'."


def test_a_film_without_sound_is_refused() -> None:
    import av

    content = io.BytesIO()
    with av.open(content, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 16
        container.mux(stream.encode(av.VideoFrame(16, 16, "yuv420p")))
        container.mux(stream.encode(None))
    with pytest.raises(NotSoundError, match="holds no sound track"):
        load(content.getvalue())


@pytest.mark.corpora
def test_files_as_users_really_get_them(corpora_root: Path) -> None:
    found = sorted((corpora_root / "_originals").glob("*.wav"))
    assert len(found) == 7
    for path in found:
        heard = load(path)
        assert 1 < heard.duration < 7
        assert 0.005 < np.abs(heard.samples).max() < 1.5


# --- Whatever holds the sound -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["WAV", "FLAC", "OGG", "MP3", "AIFF"])
def test_path_bytes_and_files_are_the_same_sound(tmp_path: Path, form: str) -> None:
    content = encoded(form, rate=22_050)
    path = tmp_path / "sound"
    path.write_bytes(content)
    expected = load(path).samples
    with path.open("rb") as file, path.open("rb", buffering=0) as raw:
        for sound in (str(path), content, bytearray(content), memoryview(content), io.BytesIO(content), file, raw):
            assert np.array_equal(load(sound).samples, expected)
        assert not file.closed
    assert np.array_equal(load(Pipe(content)).samples, expected)  # type: ignore[arg-type]  # a part of a file suffices


def test_what_phones_record_comes_through_a_pipe_too() -> None:
    content = av_file("ipod", "aac", 44_100)
    assert np.array_equal(load(Pipe(content)).samples, load(content).samples)  # type: ignore[arg-type]


def test_a_file_is_read_from_where_it_stands() -> None:
    file = io.BytesIO(b"not sound" + encoded("FLAC"))
    file.seek(9)
    assert np.array_equal(load(file).samples, load(encoded("FLAC")).samples)


def test_a_large_stream_is_refused_before_it_fills_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "MAX_STREAM_BYTES", 10_000)
    with pytest.raises(TooLongError, match="<stream>: the stream has more than"):
        load(Pipe(encoded()))  # type: ignore[arg-type]


def test_names_in_results(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(encoded())
    assert load(path).name == load(str(path)).name == str(path)
    assert load(encoded()).name == "<bytes>"
    assert load(io.BytesIO(encoded())).name == "<stream>"
    assert load(tone()).name == "<array>"
    assert load(tone(), name="call 7").name == "call 7"


FULL = {"int8": 127, "int16": 32_767, "int32": 2**31 - 1, "int64": 2**63 - 1024}


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", ">f4", "longdouble", "uint8", *FULL])
@pytest.mark.parametrize("channels", [0, 1, 2, 8])
def test_arrays_of_every_type(dtype: str, channels: int) -> None:
    samples = tone(24_414)
    if dtype == "uint8":
        samples = samples * 128 + 128
    samples = (samples * FULL.get(dtype, 1)).astype(dtype)
    if channels:
        samples = np.repeat(samples[:, np.newaxis], channels, axis=1)
    heard = load(samples, rate=24_414)
    assert peak(heard) == pytest.approx(LEVEL, abs=0.01)
    assert loudest_hertz(heard) == pytest.approx(HERTZ, abs=2)


def test_a_waveform_is_given_back() -> None:
    waveform = load(tone())
    assert load(waveform) is waveform
    with pytest.raises(RateError):
        load(waveform, rate=16_000)
    with pytest.raises(TooLongError):
        load(waveform, max_seconds=0.5)


def test_the_waveform_is_a_copy() -> None:
    samples = tone().astype(np.float32)
    heard = load(samples)
    samples[:] = 9
    assert heard.samples.max() < 1


# --- Resampling -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [4_000, 8_000, 11_025, 16_000, 22_050, 24_414, 44_100, 48_000, 96_000, 192_000])
def test_a_tone_keeps_frequency_level_and_length(rate: int) -> None:
    heard = load(tone(rate, 1.7), rate=rate)
    assert loudest_hertz(heard) == pytest.approx(HERTZ, abs=1)
    assert peak(heard) == pytest.approx(LEVEL, abs=2e-3)
    assert abs(len(heard.samples) - round(rate * 1.7) / rate * RATE) <= 1


@pytest.mark.parametrize("rate", [4_000, 11_025, 24_414, 44_100, 96_000])
def test_blocks_make_no_seams(rate: int, monkeypatch: pytest.MonkeyPatch) -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, rate * 3).astype(np.float32)
    monkeypatch.setattr(decode, "BLOCK_SECONDS", 0.013)
    heard = load(encoded("WAV", "FLOAT", rate, noise)).samples
    expected = soxr.resample(noise, rate, RATE)
    assert len(heard) == len(expected)
    assert np.abs(heard - expected).max() < 1e-6


def test_blocks_are_the_sound() -> None:
    content = encoded("FLAC", rate=44_100, samples=np.tile(tone(44_100), 25))
    parts = list(blocks(content))
    assert len(parts) > 2
    assert np.array_equal(np.concatenate(parts), load(content).samples)


def test_memory_does_not_grow_with_rate_and_channels() -> None:
    wide = np.zeros((192_000 * 4, 8), dtype=np.int16)
    wide[::7] = 1000
    content = encoded("WAV", "PCM_16", 192_000, np.tile(wide, (4, 1)))  # 16 s: 49 MB, 98 MB as float32
    tracemalloc.start()
    try:
        heard = sum(len(block) for block in blocks(content))
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert heard == 16 * RATE
    assert most < 40e6


@settings(deadline=None, derandomize=True, max_examples=40)
@given(rate=st.integers(4_000, 192_000), seconds=st.floats(0.11, 0.6))
def test_any_rate_keeps_the_duration(rate: int, seconds: float) -> None:
    count = round(rate * seconds)
    assert abs(len(load(np.ones(count), rate=rate).samples) - count / rate * RATE) <= 1


@settings(deadline=None, derandomize=True, max_examples=40)
@given(rate=st.integers(4_000, 192_000))
def test_the_shortest_accepted_sound_is_accepted_at_any_rate(rate: int) -> None:
    assert load(np.ones(-(-rate // 10)), rate=rate).duration == pytest.approx(0.1, abs=3e-4)
    with pytest.raises(TooShortError):
        load(np.ones(-(-rate // 10) - 1), rate=rate)


@settings(deadline=None, derandomize=True, max_examples=25)
@given(gain=st.floats(1e-4, 50), rate=st.sampled_from([8_000, 16_000, 44_100]), seed=st.integers(0, 99))
def test_gain_scales(gain: float, rate: int, seed: int) -> None:
    noise = np.random.default_rng(seed).normal(0, 0.1, rate // 2)
    assert np.allclose(load(gain * noise, rate=rate).samples, gain * load(noise, rate=rate).samples, atol=1e-6 * gain)


@settings(deadline=None, derandomize=True, max_examples=25)
@given(channels=st.integers(2, 8), rate=st.sampled_from([8_000, 16_000, 44_100]), seed=st.integers(0, 99))
def test_equal_channels_are_one(channels: int, rate: int, seed: int) -> None:
    noise = np.random.default_rng(seed).normal(0, 0.1, rate // 2)
    many = load(np.repeat(noise[:, np.newaxis], channels, axis=1), rate=rate).samples
    assert np.allclose(many, load(noise, rate=rate).samples, atol=1e-6)


# --- Damaged files that are still heard -------------------------------------------------------------------------------


@pytest.mark.parametrize("claimed", [0xFFFFFFFF, 0x7FFFFFFF, 1_000_000])
def test_a_wav_that_claims_more_than_it_holds_is_heard_to_its_end(claimed: int) -> None:
    content = bytearray(encoded())
    content[40:44] = claimed.to_bytes(4, "little")  # what a recorder leaves that was switched off, and any pipe
    assert np.array_equal(load(content).samples, load(encoded()).samples)


@pytest.mark.parametrize("form", ["WAV", "AIFF", "MP3", "AU"])
def test_a_file_cut_off_in_the_middle_is_heard_as_far_as_it_goes(form: str) -> None:
    whole = encoded(form, samples=np.tile(tone(), 4))
    heard = load(whole[: len(whole) // 2])
    assert 1.5 < heard.duration < 2.1
    assert np.allclose(heard.samples[:8000], load(whole).samples[:8000], atol=1e-6)


def test_flac_cut_off_in_the_middle_is_refused_by_its_checksums() -> None:
    whole = encoded("FLAC", samples=np.tile(tone(), 4))
    with pytest.raises(NotSoundError, match="the FLAC data is damaged"):
        load(whole[: len(whole) // 2])


def test_flac_from_a_pipe_has_no_length_and_is_heard() -> None:
    content = bytearray(encoded("FLAC"))
    content[21] &= 0xF0  # the 36 bits of STREAMINFO that hold the number of samples
    content[22:26] = bytes(4)
    assert np.array_equal(load(content).samples, load(encoded("FLAC")).samples)


# --- Refusals ---------------------------------------------------------------------------------------------------------


def refusal(error: type[SoundError], sound: Any, **options: Any) -> str:
    with pytest.raises(error) as caught:
        load(sound, **options)
    assert type(caught.value) is error
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith(".")
    return message


def test_missing(tmp_path: Path) -> None:
    path = tmp_path / "none.wav"
    assert refusal(SoundNotFoundError, path) == f"{path}: there is no such file."
    assert "cannot be opened" in refusal(SoundNotFoundError, "a\0b.wav")
    assert "cannot be opened" in refusal(SoundNotFoundError, "a" * 5000)


def test_folder(tmp_path: Path) -> None:
    folder = tmp_path / "x.wav"
    folder.mkdir()
    assert refusal(NotSoundError, folder) == f"{folder}: this is a folder; a recording is needed."


@pytest.mark.parametrize(
    "content",
    [
        b"Dear diary, " * 50, "Grüße".encode("utf-16"), b"\x89PNG\r\n\x1a\n" + bytes(500), b"%PDF-1.7\n" + bytes(500),
        b"PK\x03\x04" + bytes(500), b"\x7fELF" + bytes(500), b"RIFF\0\1\0\0AVI LIST" + bytes(500),
        b"RIFF\0\1\0\0WEBPVP8 " + bytes(500), bytes(500), b"x",
    ],
)  # fmt: skip
def test_not_audio(content: bytes) -> None:
    message = refusal(NotSoundError, content, name="note")
    assert message.startswith("note: not sound in a format that is known; accepted are WAV, FLAC")


def test_empty() -> None:
    assert "<bytes>: the file is empty; accepted are WAV" in refusal(EmptySoundError, b"")
    assert "the array is empty" in refusal(EmptySoundError, np.zeros(0))
    assert "the array is empty" in refusal(EmptySoundError, np.zeros((0, 2), dtype=np.int16), rate=8000)


@pytest.mark.parametrize(
    ("form", "kept"), [("WAV", 44), ("WAV", 20), ("WAV", 6), ("FLAC", 42), ("FLAC", 10), ("OGG", 100), ("AIFF", 54),
                       ("AIFF", 44), ("AIFF", 14), ("MP3", 40), ("RF64", 60), ("AU", 24)]
)  # fmt: skip
def test_cut_off_behind_the_header(form: str, kept: int, capfd: pytest.CaptureFixture[str]) -> None:
    message = refusal(TruncatedSoundError, encoded(form)[:kept], name="cut")
    assert message.startswith("cut: ")
    assert "header" in message
    assert "Traceback" not in capfd.readouterr().err  # nor inside a callback of libsndfile


def test_containers_cut_off_behind_the_header() -> None:
    amr = b"#!AMR\n"
    assert refusal(TruncatedSoundError, amr) == "<bytes>: the AMR file ends behind its header; there is no sound in it."
    assert "M4A/MP4 file is damaged" in refusal(NotSoundError, av_file("ipod", "aac", 44_100)[:200])


def test_too_short() -> None:
    assert refusal(TooShortError, tone(seconds=0.05)) == "<array>: 0.050 s of sound; at least 0.1 s are needed."
    refusal(TooShortError, encoded(samples=tone(seconds=0.09)))


def test_too_long() -> None:
    expected = "<bytes>: 1.0 s of sound are more than the 0.5 s that are accepted."
    for form in ("WAV", "FLAC", "OGG", "AIFF"):
        assert refusal(TooLongError, encoded(form), max_seconds=0.5) == expected
    assert "than the 0.5 s that" in refusal(TooLongError, encoded("MP3"), max_seconds=0.5)
    assert "than the 0.5 s that" in refusal(TooLongError, av_file("ipod", "aac", 44_100), max_seconds=0.5)
    assert "than the 0.5 s that" in refusal(TooLongError, tone(), max_seconds=0.5)


def hours_of_silence() -> bytes:
    """Give a FLAC file of some kilobytes that unpacks to five hours."""
    content = io.BytesIO()
    with soundfile.SoundFile(content, "w", 4_000, 1, format="FLAC", subtype="PCM_16") as file:
        for _ in range(60):
            file.write(np.zeros(4_000 * 300, dtype=np.int16))
    return content.getvalue()


def test_hours_of_silence_are_refused_by_the_header_alone() -> None:
    content = hours_of_silence()
    assert len(content) < 300_000
    tracemalloc.start()
    try:
        message = refusal(TooLongError, content)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert message == "<bytes>: 18000.0 s of sound are more than the 3600 s that are accepted."
    assert most < 1e6  # nothing was unpacked


def test_hours_behind_a_header_that_hides_them_are_refused_on_the_way() -> None:
    content = bytearray(hours_of_silence())
    content[21] &= 0xF0
    content[22:26] = bytes(4)
    message = refusal(TooLongError, content, max_seconds=100)
    assert message == "<bytes>: there is more sound than the 100 s that are accepted."


@pytest.mark.parametrize("sound", [np.zeros(16_000), np.zeros((16_000, 2)), np.full(16_000, 128, dtype=np.uint8)])
def test_digital_silence(sound: NDArray[Any]) -> None:
    message = "<array>: 1.0 s of digital silence; every sample is zero."
    assert refusal(SilentSoundError, sound, rate=16_000) == message
    refusal(SilentSoundError, encoded("FLAC", samples=np.zeros(16_000)))


def test_channels_that_cancel() -> None:
    both = np.stack([tone(), -tone()], axis=1)
    assert "cancel each other out" in refusal(SilentSoundError, both)
    assert "cancel each other out" in refusal(SilentSoundError, encoded("WAV", "FLOAT", samples=both))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, 8_000, -1])
@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_not_finite(value: float, place: int, rate: int) -> None:
    samples = tone(rate)
    samples[place] = value
    refusal(NotFiniteError, samples, rate=rate)
    assert "NaN or infinite" in refusal(NotFiniteError, encoded("WAV", "FLOAT", rate, samples))


def test_too_large_to_be_mixed() -> None:
    assert "full scale is ±1" in refusal(NotFiniteError, np.full(16_000, 1e300))


@pytest.mark.filterwarnings("error")
def test_the_largest_float_is_no_warning() -> None:
    huge = np.where(tone(44_100) > 0, 1, -1) * np.finfo(np.float32).max
    with pytest.raises(NotFiniteError):
        load(huge.astype(np.float32), rate=44_100)


def test_integers_need_their_rate() -> None:
    for dtype in ("int16", "int32", "uint8"):
        message = refusal(RateError, np.ones(16_000, dtype=dtype))
        assert message == f"<array>: {dtype} samples came without their rate; pass rate=, from 4000 to 192000 Hz."


@pytest.mark.parametrize("rate", [0, -1, 3_999, 192_001, 2**40, True, float("nan"), 16_000.5, "16000", [1], None])
def test_rates_that_are_none(rate: Any) -> None:
    assert "4000 to 192000 Hz" in refusal(
        RateError, tone().astype(np.float32 if rate is not None else np.int8), rate=rate
    )


@pytest.mark.parametrize("rate", [16_000, 16_000.0, np.int64(16_000), np.uint16(16_000), np.float64(16_000)])
def test_rates_as_other_libraries_give_them(rate: Any) -> None:
    assert load(tone(), rate=rate).duration == 1


@pytest.mark.parametrize("rate", [1_000, 3_999, 192_001, 384_000])
def test_files_at_rates_outside_the_range(rate: int) -> None:
    message = refusal(RateError, encoded("WAV", rate=rate))
    assert message == f"<bytes>: {rate} samples a second; accepted are 4000 to 192000 Hz."


def test_files_know_their_rate() -> None:
    assert "goes with arrays only" in refusal(RateError, encoded(), rate=16_000)


@pytest.mark.parametrize(
    "sound",
    [
        np.array(0.5), np.zeros((2, 3, 4)), np.zeros((2, 16_000)), np.zeros((1, 16_000)), np.ones(16_000, dtype=bool),
        np.ones(16_000, dtype=complex), np.ones(16_000, dtype=object), np.full(16_000, "a"),
        np.ones(16_000, dtype=np.uint16), np.ones(16_000, dtype="datetime64[s]"),
    ],
)  # fmt: skip
def test_arrays_that_are_no_sound(sound: NDArray[Any]) -> None:
    assert "accepted" in refusal(NotSoundError, sound, rate=16_000)


@pytest.mark.parametrize("sound", [None, 3, [0.1, 0.2], {}, object()])
def test_things_that_are_no_sound(sound: Any) -> None:
    message = refusal(NotSoundError, sound)
    assert message.startswith(f"{type(sound).__name__} is not a sound; accepted are a path, bytes")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(encoded())
    with path.open(encoding="latin-1") as text:
        assert "opened as text; open it in binary mode" in refusal(NotSoundError, text)
    assert "opened as text" in refusal(NotSoundError, io.StringIO("hello"))
    with (tmp_path / "b.wav").open("wb") as written:
        assert "open it for reading" in refusal(NotSoundError, written)
    closed = io.BytesIO(encoded())
    closed.close()
    assert "open it for reading" in refusal(NotSoundError, closed)


class FailingFile(io.BytesIO):
    """A file on a disk or a share that fails on the way."""

    def read(self, size: int | None = -1) -> bytes:
        if self.tell() > 10_000:
            raise OSError(5, "Input/output error")
        return super().read(size)


@pytest.mark.parametrize("form", ["WAV", "FLAC", "AIFF"])
def test_a_disk_that_fails_on_the_way(form: str, capfd: pytest.CaptureFixture[str]) -> None:
    noise = np.random.default_rng(3).normal(0, 0.1, 64_000)
    failing = FailingFile(encoded(form, samples=noise))
    assert "cannot be read ([Errno 5] Input/output error)" in refusal(SoundNotFoundError, failing)
    assert capfd.readouterr().err == ""


class TornFile(io.BytesIO):
    """A file of which only the beginning can be read."""

    readable_bytes = 0

    def read(self, size: int | None = -1) -> bytes:
        if self.tell() >= self.readable_bytes:
            raise OSError(5, "Input/output error")
        return super().read(min(size or 0, self.readable_bytes - self.tell()))


@pytest.mark.parametrize("part", [100, 0.5, 0.9])
@pytest.mark.parametrize(("form", "codec"), [("ipod", "aac"), ("adts", "aac"), ("matroska", "flac")])
def test_what_cannot_be_read_is_not_called_damaged(form: str, codec: str, part: float) -> None:
    torn = TornFile(av_file(form, codec, 16_000))
    torn.readable_bytes = int(part if part > 1 else part * len(torn.getvalue()))
    assert "cannot be read ([Errno 5] Input/output error)" in refusal(SoundNotFoundError, torn)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_pipes_and_devices_never_wait_for_ever(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.wav"
    os.mkfifo(pipe)
    refusal(EmptySoundError, pipe)  # nobody writes to it
    assert "device" in refusal(NotSoundError, "/dev/zero")
    assert "device" in refusal(NotSoundError, "/dev/null")
    with Path("/dev/zero").open("rb") as endless:
        assert "device" in refusal(NotSoundError, endless)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_that_somebody_writes_to_is_heard() -> None:
    reading, writing = os.pipe()
    process = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())"],
                               stdin=subprocess.PIPE, stdout=writing)  # fmt: skip
    os.close(writing)
    assert process.stdin is not None
    process.stdin.write(encoded())
    process.stdin.close()
    try:
        assert load(f"/dev/fd/{reading}").duration == 1  # what a shell's <(command) is
    finally:
        os.close(reading)
        process.wait()


# --- Waveforms made by hand -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("samples", "error"),
    [
        ([0.1] * 16_000, NotSoundError), (tone(), NotSoundError),
        (np.ones((16_000, 1), dtype=np.float32), NotSoundError),
        (np.ones(16_000, dtype=np.int16), NotSoundError), (np.zeros(16_000, dtype=np.float32), SilentSoundError),
        (np.ones(100, dtype=np.float32), TooShortError), (np.full(16_000, np.nan, dtype=np.float32), NotFiniteError),
    ],
)  # fmt: skip
def test_a_waveform_is_checked_when_it_is_made(samples: Any, error: type[SoundError]) -> None:
    with pytest.raises(error, match=r"^mine: .*\.$"):
        Waveform(samples, "mine")


# --- Whatever happens, an answer or a sentence ------------------------------------------------------------------------


def damaged(seed: int) -> Iterator[bytes]:
    rng = np.random.default_rng(seed)
    for form, subtype in (("WAV", "PCM_16"), ("WAV", "ULAW"), ("FLAC", None), ("OGG", "VORBIS"), ("OGG", "OPUS"),
                          ("MP3", None), ("AIFF", None), ("CAF", None)):  # fmt: skip
        whole = encoded(form, subtype)
        for place in (len(whole), 200, 60):  # bits anywhere, near the header, in the header
            content = bytearray(whole)
            for at in rng.integers(0, place, 8):
                content[at] ^= 1 << int(rng.integers(8))
            yield bytes(content)
        yield whole[: int(rng.integers(len(whole)))]


@pytest.mark.parametrize("seed", range(12))
def test_damage_is_answered_or_refused(seed: int, capfd: pytest.CaptureFixture[str]) -> None:
    for content in damaged(seed):
        try:
            heard = load(content, max_seconds=60)
        except IntoneError as error:
            assert "\n" not in str(error)
        else:
            assert np.isfinite(heard.samples).all()
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize(("form", "codec", "rate", "layout"), AV_FORMATS)
def test_damage_in_containers_is_answered_or_refused(form: str, codec: str, rate: int, layout: str) -> None:
    whole, rng = av_file(form, codec, rate, layout), np.random.default_rng(5)
    for _ in range(10):
        content = bytearray(whole)
        for at in rng.integers(16, len(whole), 8):
            content[at] ^= 1 << int(rng.integers(8))
        try:
            heard = load(content[: int(rng.integers(len(whole) // 2, len(whole)))], max_seconds=60)
        except IntoneError as error:
            assert "\n" not in str(error)
        else:
            assert np.isfinite(heard.samples).all()
