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


CATALOGUE: dict[str, Entry] = {
    "mfcc": Entry("", "mel-frequency cepstral coefficients: the shape of the vocal tract", 0, 128),
    "mel": Entry("power", "energy in bands spaced as the ear hears pitch", 0, 256),
    "logmel": Entry("dB", "the same in decibels", 0, 256),
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
