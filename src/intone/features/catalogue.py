"""Every feature by name: its columns, its unit and what it measures."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """One feature of the catalogue.

    Attributes
    ----------
    unit : str
        Unit of its columns; empty for a ratio or a coefficient.
    says : str
        What it measures, in a line.
    columns : int
        How many columns it has; 0 where the recipe says how many.
    most : int
        The most columns that a recipe may ask for, where it may.
    single : bool
        Whether it is one number for a recording, rather than one for each frame.
    """

    unit: str
    says: str
    columns: int = 1
    most: int = 0
    single: bool = False

    @property
    def free(self) -> bool:
        """Whether the recipe says how many columns it has."""
        return self.columns == 0


def _one(unit: str, says: str) -> Entry:
    return Entry(unit, says, single=True)


CATALOGUE: dict[str, Entry] = {
    # The spectrum of each frame
    "mfcc": Entry("", "mel-frequency cepstral coefficients: the shape of the vocal tract", 0, 128),
    "mel": Entry("power", "energy in bands spaced as the ear hears pitch", 0, 256),
    "logmel": Entry("dB", "the same in decibels", 0, 256),
    "chroma": Entry("", "share of each of the twelve pitch classes from C to B", 12),
    "centroid": Entry("Hz", "centre of gravity of the spectrum: how bright it sounds"),
    "bandwidth": Entry("Hz", "spread of the spectrum around its centroid"),
    "rolloff": Entry("Hz", "frequency that 85 % of the magnitude lies below"),
    "flatness": Entry("", "0 for a tone, 1 for noise"),
    "contrast": Entry("dB", "peaks over valleys in seven octave bands: how clear the harmonics are", 7),
    "flux": Entry("", "how much the spectrum's shape changes from frame to frame"),
    "zcr": Entry("", "share of samples at which the sign changes"),
    "rms": Entry("", "root mean square of the samples"),
    # The voice, every 10 ms
    "pitch": Entry("Hz", "fundamental frequency of the voice"),
    "semitones": Entry("semitones", "the same in semitones above 27.5 Hz"),
    "energy": Entry("dB", "root mean square relative to full scale"),
    "hnr": Entry("dB", "harmonics over noise: how clear the voice is"),
    "formant": Entry("Hz", "first four resonances of the vocal tract", 4),
    "formant_bandwidth": Entry("Hz", "how damped they are", 4),
    # The recording as a whole
    "jitter": _one("", "mean change from one period of the voice to the next, as a share of the period"),
    "shimmer": _one("", "mean change of amplitude from one period to the next, as a share of the amplitude"),
    "pitch_slope": _one("semitones/s", "rise or fall of the melody"),
    "pitch_range": _one("semitones", "from the 5th to the 95th percentile of the melody"),
    "duration": _one("s", "length of the recording"),
    "speech_rate": _one("1/s", "syllables a second, pauses included"),
    "articulation_rate": _one("1/s", "syllables a second of speech"),
    "pause_count": _one("", "pauses of 0.2 s or more between stretches of speech"),
    "pause_mean": _one("s", "their mean length; 0 where there are none"),
    "pause_share": _one("", "share of the recording that is pauses"),
    "voiced_share": _one("", "share of the recording that has a voice"),
    "voiced_mean": _one("s", "mean length of voiced stretches"),
    "voiced_std": _one("s", "standard deviation of their lengths"),
    "unvoiced_std": _one("s", "standard deviation of the gaps between them, pauses left out"),
    "npvi": _one("%", "how unlike neighbouring syllable intervals are: 0 is a metronome"),
}
"""The features that a recipe may name."""


def column_names(feature: str, count: int = 0) -> tuple[str, ...]:
    """Name the columns of a feature, counted from 1 where there are several.

    Examples
    --------
    >>> column_names("mfcc", 3)
    ('mfcc_01', 'mfcc_02', 'mfcc_03')
    """
    columns = CATALOGUE[feature].columns or count
    if columns == 1 and not CATALOGUE[feature].free:
        return (feature,)
    digits = 3 if columns > 99 else 2
    return tuple(f"{feature}_{number:0{digits}d}" for number in range(1, columns + 1))
