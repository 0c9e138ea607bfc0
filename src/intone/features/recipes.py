"""Feature recipes: which features, which statistics of them, in which order; stored with every model."""

import tomllib
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

from intone.errors import UsageError, unknown
from intone.features.catalogue import CATALOGUE, column_names
from intone.features.frames import FRAME, HOP
from intone.features.pitch import PITCH_HOP
from intone.features.statistics import check_statistic

OVER = ("time", "voiced", "segments")
"""What a statistic is taken over: all frames, the voiced ones, or each stretch of speech and then their mean."""


@dataclass(frozen=True)
class Measure:
    """One line of a recipe: a feature and the statistics of it.

    Attributes
    ----------
    feature : str
        A name in the catalogue, as in "mfcc".
    count : int
        How many columns the feature has, where that is free (coefficients, bands); else 0.
    delta : int
        0 for the feature, 1 for its rate of change (Δ), 2 for the change of that (ΔΔ).
    statistics : tuple of str
        Functionals, in order; none in a recipe for sequences, and none for a feature that is one number already.
    over : str
        "time", "voiced" or "segments".
    """

    feature: str
    count: int = 0
    delta: int = 0
    statistics: tuple[str, ...] = ()
    over: str = "time"

    def __post_init__(self) -> None:
        entry = CATALOGUE.get(self.feature)
        if entry is None:
            raise unknown("feature", self.feature, CATALOGUE)
        if self.over not in OVER:
            raise unknown("stretch for statistics", self.over, OVER)
        for statistic in self.statistics:
            check_statistic(statistic)
        if self.delta not in (0, 1, 2):
            raise UsageError(f"{self.feature}: delta is {self.delta}; accepted are 0, 1 and 2.")
        if entry.free != (self.count > 0) or self.count > entry.most:
            accepted = f"from 1 to {entry.most}" if entry.free else "0, as the number of columns is fixed"
            raise UsageError(f"{self.feature}: count is {self.count}; accepted is {accepted}.")
        if entry.single and (self.statistics or self.delta or self.over != "time"):
            raise UsageError(f"{self.feature} is one number for a recording; it has no statistics and no delta.")

    @property
    def frame_names(self) -> tuple[str, ...]:
        """Names of the columns before any statistic, as in ``mfcc_03.delta``."""
        suffix = ("", ".delta", ".delta2")[self.delta]
        return tuple(name + suffix for name in column_names(self.feature, self.count))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns, as in ``mfcc_03.mean`` and ``pitch.voiced.p95``: a statistic at a time."""
        if not self.statistics:
            return self.frame_names
        stretch = "" if self.over == "time" else f".{self.over}"
        return tuple(f"{name}{stretch}.{statistic}" for statistic in self.statistics for name in self.frame_names)


@dataclass(frozen=True)
class FeatureRecipe:
    """What a model hears: features and their statistics in a fixed order, named column by column.

    Attributes
    ----------
    name : str
        What it is called in tables and model files.
    measures : tuple of Measure
        Its lines, in the order of the columns.
    frame, hop : int
        Length of a spectral frame and distance between two, in samples at 16 kHz.

    Examples
    --------
    >>> mine = FeatureRecipe("mine", (Measure("mfcc", count=2, statistics=("mean", "std")),))
    >>> mine.names
    ('mfcc_01.mean', 'mfcc_02.mean', 'mfcc_01.std', 'mfcc_02.std')
    >>> FeatureRecipe.from_toml(mine.to_toml()) == mine
    True
    """

    name: str
    measures: tuple[Measure, ...]
    frame: int = FRAME
    hop: int = HOP

    def __post_init__(self) -> None:
        if not self.measures:
            raise UsageError(f"Feature recipe '{self.name}' measures nothing.")
        reduced = [bool(m.statistics) or CATALOGUE[m.feature].single for m in self.measures]
        if any(reduced) and not all(reduced):
            raise UsageError(
                f"Feature recipe '{self.name}' mixes columns over time with statistics: "
                "give every measure statistics, or none."
            )
        if not (64 <= self.frame <= 16_384 and 1 <= self.hop <= self.frame and self.frame % 2 == 0):
            raise UsageError(
                f"Feature recipe '{self.name}': frame {self.frame} and hop {self.hop}; accepted are an even frame "
                "from 64 to 16384 samples and a hop from 1 to the frame."
            )
        if len(set(self.names)) < len(self.names):
            raise UsageError(f"Feature recipe '{self.name}' names a column twice.")

    @property
    def sequence(self) -> bool:
        """Whether the columns are given over time, for a network that reads it."""
        return not (self.measures[0].statistics or CATALOGUE[self.measures[0].feature].single)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Every column's name, in order."""
        return tuple(name for measure in self.measures for name in measure.names)

    @cached_property
    def frame_names(self) -> tuple[str, ...]:
        """The names of the columns that ``extract(..., frames=True)`` gives, in order."""
        over_time = (m for m in self.measures if not CATALOGUE[m.feature].single)
        return tuple(dict.fromkeys(name for measure in over_time for name in measure.frame_names))

    def to_toml(self) -> str:
        """Write the recipe as TOML, which :meth:`from_toml` reads back to an equal one."""
        lines = [f"name = {_quoted(self.name)}", f"frame = {self.frame}", f"hop = {self.hop}"]
        for measure in self.measures:
            statistics = ", ".join(_quoted(s) for s in measure.statistics)
            lines += ["", "[[measures]]", f"feature = {_quoted(measure.feature)}"]
            lines += [f"count = {measure.count}"] * (measure.count > 0)
            lines += [f"delta = {measure.delta}"] * (measure.delta > 0)
            lines += [f"statistics = [{statistics}]"] * bool(statistics)
            lines += [f"over = {_quoted(measure.over)}"] * (measure.over != "time")
        return "\n".join(lines) + "\n"

    @classmethod
    def from_toml(cls, text: str) -> "FeatureRecipe":
        """Read a recipe from TOML.

        Parameters
        ----------
        text : str
            What :meth:`to_toml` writes; ``frame``, ``hop`` and all of a measure but ``feature`` may be left out.

        Raises
        ------
        UsageError
            The text is not TOML, or not a recipe's; the message names the key and what is accepted.
        """
        try:
            table = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise UsageError(f"The feature recipe is not TOML: {error}.") from error
        fields = _checked(table, {"name": str, "measures": list, "frame": int, "hop": int}, "feature recipe")
        measures = []
        accepted = {"feature": str, "count": int, "delta": int, "statistics": list, "over": str}
        for number, entry in enumerate(fields.pop("measures", []), start=1):
            line = _checked(entry, accepted, f"measure {number} of the feature recipe")
            line["statistics"] = tuple(map(str, line.get("statistics", ())))
            measures.append(Measure(**line))
        return cls(measures=tuple(measures), **fields)


def _quoted(text: str) -> str:
    if any(ord(letter) < 32 or letter in '"\\\x7f' for letter in text):
        raise UsageError(f"{text!r} cannot be a name in a recipe: quotes, backslashes and control characters.")
    return f'"{text}"'


def _checked(table: Any, accepted: dict[str, type], what: str) -> dict[str, Any]:
    if not isinstance(table, dict):
        raise UsageError(f"The {what} is a {type(table).__name__}; it must be a table.")
    for key, value in table.items():
        if key not in accepted:
            raise unknown(f"key in the {what}", key, accepted)
        if type(value) is not accepted[key]:
            raise UsageError(f"The {what}: {key} is a {type(value).__name__}, not a {accepted[key].__name__}.")
    first = next(iter(accepted))
    if first not in table:
        raise UsageError(f"The {what} has no '{first}'.")
    return dict(table)


_SPREAD = ("mean", "std", "p05", "p50", "p95")
_ALL = ("mean", "std", "skewness", "kurtosis", "min", "max", "range", "p05", "p25", "p50", "p75", "p95", "slope")
_SINGLES = tuple(Measure(name) for name, entry in CATALOGUE.items() if entry.single)
_VOICE = (
    *(Measure(name, statistics=_ALL) for name in ("pitch", "semitones", "energy")),
    *(Measure(name, delta=1, statistics=("mean", "std")) for name in ("semitones", "energy")),
    Measure("hnr", statistics=_SPREAD),
    Measure("formant", statistics=_SPREAD),
    Measure("formant_bandwidth", statistics=("p50",)),
    *_SINGLES,
)
_SHAPE = ("centroid", "bandwidth", "rolloff", "flatness", "flux", "zcr", "rms")

RECIPES = {
    recipe.name: recipe
    for recipe in (
        FeatureRecipe("mfcc40", (Measure("mfcc", count=40, statistics=("mean",)),)),
        FeatureRecipe(
            "classic",
            (
                Measure("mfcc", count=40, statistics=("mean",)),
                Measure("chroma", statistics=("mean",)),
                Measure("mel", count=128, statistics=("mean",)),
            ),
        ),
        FeatureRecipe("prosody", _VOICE, hop=PITCH_HOP),
        FeatureRecipe(
            "full",
            (
                Measure("mfcc", count=40, statistics=_SPREAD),
                Measure("mfcc", count=20, delta=1, statistics=("mean", "std")),
                Measure("mfcc", count=20, delta=2, statistics=("mean", "std")),
                Measure("mfcc", count=20, statistics=("mean", "std"), over="voiced"),
                Measure("logmel", count=64, statistics=("mean", "std")),
                Measure("chroma", statistics=("mean", "std")),
                Measure("contrast", statistics=_SPREAD),
                *(Measure(name, statistics=_ALL) for name in _SHAPE),
                *(Measure(name, statistics=("mean", "std"), over="voiced") for name in _SHAPE),
                *_VOICE,
            ),
        ),
        FeatureRecipe("mfcc40-frames", (Measure("mfcc", count=40),)),
        FeatureRecipe(
            "mfcc-delta-frames", tuple(Measure("mfcc", count=40, delta=order) for order in (0, 1, 2)), hop=PITCH_HOP
        ),
        FeatureRecipe("logmel", (Measure("logmel", count=64),), frame=512, hop=PITCH_HOP),
    )
}
"""The named recipes."""

RecipeLike: TypeAlias = str | FeatureRecipe
"""A recipe, or the name of one."""


def recipe(recipe: RecipeLike) -> FeatureRecipe:
    """Give the named recipe; a recipe is given back as it is.

    Parameters
    ----------
    recipe : str or FeatureRecipe
        A name in :data:`RECIPES`, or a recipe of your own.

    Raises
    ------
    UsageError
        There is no recipe of that name.

    Examples
    --------
    >>> len(recipe("mfcc40").names)
    40
    >>> recipe("mfcc")
    Traceback (most recent call last):
    intone.errors.UsageError: There is no feature recipe 'mfcc'. Did you mean 'mfcc40'? Accepted: classic, ....
    """
    if isinstance(recipe, FeatureRecipe):
        return recipe
    if recipe not in RECIPES:
        raise unknown("feature recipe", recipe, RECIPES)
    return RECIPES[recipe]
