"""What the spectrum of each frame says: mel bands and cepstral coefficients."""

from collections.abc import Collection

import numpy as np

from intone.features.filterbanks import MEL_BANDS, cosines, mel_filters
from intone.features.frames import FRAME, HOP, Floats, Recording, power_blocks

FLOOR = 1e-10
"""Smallest power that a logarithm is taken of: librosa's."""
TOP_DB = 80.0
"""Decibels below the loudest band of the recording at which log-mel values are cut off: librosa's."""


def decibels(power: Floats) -> Floats:
    """Convert power to decibels, cut off 80 dB below the recording's maximum (librosa's ``power_to_db``).

    Parameters
    ----------
    power : numpy.ndarray of float32, shape (frames, bands)
        The whole recording's, as the cut depends on its maximum.

    Returns
    -------
    numpy.ndarray of float32, shape (frames, bands)
        In dB relative to 1; never below -100.

    Examples
    --------
    >>> decibels(np.array([[1.0, 0.1, 1e-20]], dtype=np.float32))
    array([[  0., -10., -80.]], dtype=float32)
    """
    levels: Floats = np.maximum(power, np.float32(FLOOR))
    np.log10(levels, out=levels)
    levels *= 10
    np.maximum(levels, levels.max() - np.float32(TOP_DB), out=levels)
    return levels


def spectral_tracks(
    recording: Recording, wanted: Collection[tuple[str, int]], *, frame: int = FRAME, hop: int = HOP
) -> dict[tuple[str, int], Floats]:
    """Measure what is wanted of each frame's spectrum, in one pass over the recording.

    Parameters
    ----------
    recording : Recording
        Samples at 16 kHz.
    wanted : collection of (str, int)
        Features by name and number of columns.
    frame, hop : int
        Length of a frame and distance between two, in samples.

    Returns
    -------
    dict of (str, int) to numpy.ndarray of float32, shape (frames, columns)
        One track for each that was wanted.
    """
    # The cepstrum is taken of librosa's 128 bands however many are wanted for themselves.
    banks = {MEL_BANDS if name == "mfcc" else count for name, count in wanted}
    blocks: dict[int, list[Floats]] = {bands: [] for bands in banks}
    for power in power_blocks(recording, size=frame, hop=hop):
        for bands in banks:
            blocks[bands].append(power @ mel_filters(bands, frame))
    mels = {bands: np.concatenate(parts) for bands, parts in blocks.items()}
    tracks = {}
    for name, count in wanted:
        if name == "mel":
            tracks[name, count] = mels[count]
        elif name == "logmel":
            tracks[name, count] = decibels(mels[count])
        else:
            tracks[name, count] = decibels(mels[MEL_BANDS]) @ cosines(count)
    return tracks
