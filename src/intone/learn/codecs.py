"""Codecs: what telephones and messengers make of a voice, at its length and without their delay."""

import io
from typing import Any

import numpy as np
import soundfile
import soxr

from intone.errors import UsageError
from intone.hear.audio import RATE, Samples

TELEPHONE_RATE = 8000
"""What narrow-band telephony samples at, in Hz (ITU-T G.711)."""
OPUS_LOWEST, OPUS_HIGHEST = 6_000, 256_000
"""Bit/s of one channel between which libsndfile's ``compression_level`` goes, from 1 down to 0."""


def has_opus() -> bool:
    """Say whether the libsndfile of this machine encodes Opus; those before 1.0.29 do not."""
    return "OPUS" in soundfile.available_subtypes("OGG")


def check() -> None:
    """Refuse to go on where there is no Opus; another codec in its place would give other numbers than the recipe's.

    Raises
    ------
    UsageError
        This machine has no Opus.
    """
    if not has_opus():
        raise UsageError("The libsndfile of this machine cannot encode Opus; accepted is libsndfile 1.0.29 or newer.")


def opus(samples: Samples, bits: float) -> Samples:
    """Send it through Opus (RFC 6716), as messengers and browsers do.

    Parameters
    ----------
    samples : numpy.ndarray of float32, shape (samples,)
        At 16 kHz.
    bits : float
        Bit/s that the encoder aims at, 6000 to 256000.

    Returns
    -------
    numpy.ndarray of float32, shape (samples,)
        What comes out at the other end.

    Raises
    ------
    UsageError
        This machine has no Opus.
    """
    check()
    level = (OPUS_HIGHEST - bits) / (OPUS_HIGHEST - OPUS_LOWEST)
    return _through(samples, RATE, format="OGG", subtype="OPUS", compression_level=level)


def gsm(samples: Samples) -> Samples:
    """Send it through GSM full rate (GSM 06.10, 13 kbit/s at 8 kHz), as the first mobile telephones did."""
    return _through(samples, TELEPHONE_RATE, format="WAV", subtype="GSM610")


def mu_law(samples: Samples) -> Samples:
    """Send it through mu-law (ITU-T G.711, 64 kbit/s at 8 kHz), as telephone exchanges do."""
    return _through(samples, TELEPHONE_RATE, format="WAV", subtype="ULAW")


def _through(samples: Samples, rate: int, **coding: Any) -> Samples:
    """Encode and decode in memory; what is louder than full scale is brought down before, and up again after."""
    loudest = max(1.0, float(np.abs(samples).max(initial=0)))
    parcel = io.BytesIO()
    soundfile.write(parcel, soxr.resample(samples / loudest, RATE, rate), rate, **coding)
    parcel.seek(0)
    decoded = soxr.resample(soundfile.read(parcel, dtype="float32")[0], rate, RATE)
    heard = np.zeros(len(samples), dtype=np.float32)  # a codec's last block, and resampling, make it longer or shorter
    heard[: len(decoded)] = decoded[: len(samples)] * loudest
    return heard
