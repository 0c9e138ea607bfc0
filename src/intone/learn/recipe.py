"""Training recipes: one TOML file says everything that decides a run's numbers."""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args, get_type_hints

from intone.errors import UsageError, unknown

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Section = TypeVar("Section", bound="DataclassInstance")


@dataclass(frozen=True)
class CorporaPart:
    """What is learned from.

    Attributes
    ----------
    names : tuple of str
        Corpora, as ``intone corpora list`` names them.
    calm : "drop", "neutral" or "keep"
        Whether RAVDESS's calm is left out, counts as neutral, or is a label of its own.
    boredom : "drop" or "keep"
        Whether EmoDB's boredom is left out or is a label of its own.
    """

    names: tuple[str, ...]
    calm: Literal["drop", "neutral", "keep"] = "drop"
    boredom: Literal["drop", "keep"] = "drop"

    @property
    def extra_labels(self) -> tuple[str, ...]:
        """Labels besides the seven; a model that has any is for evaluation only."""
        return tuple(label for label, wish in (("calm", self.calm), ("boredom", self.boredom)) if wish == "keep")


@dataclass(frozen=True)
class FeaturesPart:
    """What the model hears of a sound.

    Attributes
    ----------
    recipe : str
        A feature recipe's name; ``waveform`` is the sound itself, which the network ``encoder`` hears.
    trim : float
        Silence at both ends, this many dB below the loudest frame, is cut off in training and test. The model's card
        tells it, so that whoever hears with the model does the same. 0 for none.
    standardise : bool
        Whether each column is brought to mean 0 and deviation 1, as measured on the training part alone.
    reduce : str
        A selection or reduction of the columns, fitted on the training part alone; for classical models. Empty for
        none; see :data:`intone.learn.classical.REDUCTIONS`.
    keep : int
        How many columns it leaves.
    """

    recipe: str
    trim: float = 0.0
    standardise: bool = True
    reduce: str = ""
    keep: int = 0


@dataclass(frozen=True)
class NetworkPart:
    """What is trained: ``kind`` names the network, the other keys are its own options."""

    kind: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SplitPart:
    """How training and test are kept apart.

    Attributes
    ----------
    protocol : str
        The split whose model the run leaves; see :mod:`intone.learn.splits`.
    beside : str
        A second protocol, without shared speakers, that is trained and reported in the same run. A protocol that
        leaks speakers must have one beside it.
    test, validation : float
        Shares of the utterances, for the random protocol. In the others ``validation`` is the share of the training
        speakers whose utterances are watched and calibrated on, and not trained on.
    test_speakers, validation_speakers : tuple of str
        Who is kept out, for the protocol ``unseen-speakers``.
    test_corpora : tuple of str
        What is kept out, for the protocol ``cross-corpus``; for ``leave-one-speaker-out``, whose speakers are tested,
        all where none are named.
    folds : int
        How many folds, for the protocols that have a choice.
    """

    protocol: str
    beside: str = ""
    test: float = 0.2
    validation: float = 0.0
    test_speakers: tuple[str, ...] = ()
    validation_speakers: tuple[str, ...] = ()
    test_corpora: tuple[str, ...] = ()
    folds: int = 5


@dataclass(frozen=True)
class TrainingPart:
    """How long and how fast the network learns.

    Attributes
    ----------
    epochs, batch : int
        Passes over the training part, and utterances a step.
    learning_rate : float
        Of the AdamW optimiser, at the start.
    backbone_rate : float
        For the network ``encoder``: the learning rate of its pretrained layers; 0 for that of the others.
    weight_decay : float
        Of the AdamW optimiser; with 0 it is Adam.
    label_smoothing : float
        Share of each target that is spread over all labels, 0 to 1.
    crop : int
        Frames of a sequence that a training step sees, cut at random; 0 for the whole. For the network ``encoder`` a
        frame is 10 ms, and memory grows with the square of the longest.
    masks : int
        How many stretches of time and of columns are hidden from each training sequence (SpecAugment).
    stretch : float
        For log-mel spectrograms: each training sequence is stretched or compressed in time by up to this share, and
        over its bands by up to half of it.
    copies : int
        How many changed copies of each training sound are learned from beside it; 0 where ``augment`` names nothing.
    augment : tuple of str
        How the copies are changed, each time with even odds: ``codec``, ``equaliser``, ``gain``, ``noise``, ``pitch``,
        ``reverberation``, ``speed``, ``telephone`` and ``tempo``; see :data:`intone.learn.augment.METHODS`.
    fresh : tuple of str
        For the network ``encoder``: how each sound is changed anew each time that it is heard, by the same names and
        each with even odds.
    schedule : "constant", "cosine" or "one-cycle"
        Whether the learning rate stays, falls to nothing along a cosine, or does so after it has risen from a 25th
        over the first 30 % of the steps.
    averaging : float
        For the network ``encoder``: share of the running average of its weights that a step keeps; the average is what
        is left as the model. 0 for the last weights themselves.
    probe : int
        For the network ``encoder``: for how many epochs the head alone learns first, from the training sounds as they
        are, each heard once by the pretrained layers; 0 for none.
    balance : "none" or "corpora"
        For the network ``encoder``: whether an epoch has each sound once, or corpora alike, of each corpus its labels,
        and of each label its speakers, whereby sounds come several times or not at all.
    per_epoch : int
        How many sounds a balanced epoch has; 0 for as many as there are.
    seeds : tuple of int
        The run is repeated for each; the model that is left is that of the first.
    """

    epochs: int = 50
    batch: int = 64
    learning_rate: float = 0.001
    backbone_rate: float = 0.0
    schedule: Literal["constant", "cosine", "one-cycle"] = "constant"
    averaging: float = 0.0
    probe: int = 0
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    crop: int = 0
    masks: int = 0
    stretch: float = 0.0
    copies: int = 0
    augment: tuple[str, ...] = ()
    fresh: tuple[str, ...] = ()
    balance: Literal["none", "corpora"] = "none"
    per_epoch: int = 0
    seeds: tuple[int, ...] = (1,)


@dataclass(frozen=True)
class TrainingRecipe:
    """A whole training recipe, and the text it was read from.

    Attributes
    ----------
    name : str
        Names the run and the model.
    text : str
        The TOML as it was read.
    """

    name: str
    text: str = field(repr=False)
    corpora: CorporaPart
    features: FeaturesPart
    network: NetworkPart
    split: SplitPart
    training: TrainingPart

    @property
    def sha256(self) -> str:
        """SHA-256 of the recipe's text, with line ends as on Unix."""
        return hashlib.sha256(self.text.replace("\r\n", "\n").encode()).hexdigest()


def read(path: str | Path) -> TrainingRecipe:
    """Read a training recipe from a TOML file.

    Raises
    ------
    UsageError
        The file is missing or not TOML, a key is unknown or missing, or a value is of the wrong type or out of range.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: the recipe cannot be read ({error}).") from error
    return parse(text, name=str(path))


def parse(text: str, *, name: str = "<recipe>") -> TrainingRecipe:
    """Read a training recipe from TOML; ``name`` is what errors call it.

    Examples
    --------
    >>> parse("name = 'x'", name="my.toml")
    Traceback (most recent call last):
    intone.errors.UsageError: my.toml: the section [corpora] is missing.
    """
    try:
        stored = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{name}: the recipe is not TOML ({error}).") from error
    parts = {"corpora", "features", "network", "split", "training"}
    for key in stored:
        if key not in parts | {"name"}:
            raise UsageError(f"{name}: {unknown('section or key', key, parts | {'name'})}")
    if not isinstance(stored.get("name"), str) or not stored["name"].replace("-", "").replace("_", "").isalnum():
        raise UsageError(f"{name}: 'name' must be a text of letters, digits, '-' and '_'.")
    for part in ("corpora", "features", "network", "split"):
        if not isinstance(stored.get(part), dict):
            raise UsageError(f"{name}: the section [{part}] is missing.")
    network = dict(stored["network"])
    if not isinstance(network.get("kind"), str):
        raise UsageError(f"{name}: [network] needs 'kind', the network's name.")
    recipe = TrainingRecipe(
        name=stored["name"],
        text=text,
        corpora=_section(CorporaPart, stored["corpora"], f"{name}: [corpora]"),
        features=_section(FeaturesPart, stored["features"], f"{name}: [features]"),
        network=NetworkPart(network.pop("kind"), network),
        split=_section(SplitPart, stored["split"], f"{name}: [split]"),
        training=training_part(stored.get("training", {}), f"{name}: [training]"),
    )
    _check_ranges(recipe, name)
    return recipe


def training_part(stored: Mapping[str, Any], where: str) -> TrainingPart:
    """Check the settings of a training, of which those left out have their defaults.

    Parameters
    ----------
    stored : mapping
        By the names of :class:`TrainingPart`'s fields, as TOML gives them.
    where : str
        What errors call their place.

    Raises
    ------
    UsageError
        A key is unknown, or a value is of the wrong type or out of range.

    Examples
    --------
    >>> training_part({"epochs": 0}, "my.toml: [training]")
    Traceback (most recent call last):
    intone.errors.UsageError: my.toml: [training] epochs is 0; accepted is 1 to 100000.
    """
    part = _section(TrainingPart, stored, where)
    bounds: list[tuple[str, float, float, float]] = [
        ("epochs", part.epochs, 1, 100_000),
        ("batch", part.batch, 1, 100_000),
        ("learning_rate", part.learning_rate, 1e-8, 10),
        ("backbone_rate", part.backbone_rate, 0, 10),
        ("averaging", part.averaging, 0, 0.99999),
        ("weight_decay", part.weight_decay, 0, 1),
        ("label_smoothing", part.label_smoothing, 0, 0.9),
        ("crop", part.crop, 0, 100_000),
        ("masks", part.masks, 0, 20),
        ("stretch", part.stretch, 0, 0.5),
        ("copies", part.copies, 0, 20),
        ("per_epoch", part.per_epoch, 0, 10_000_000),
    ]
    _check_bounds(bounds, where)
    if bool(part.copies) != bool(part.augment):
        raise UsageError(
            f"{where} copies is {part.copies} and augment {list(part.augment)}; accepted are at least one copy and one "
            "method to change it by, or neither."
        )
    if not part.seeds or len(set(part.seeds)) < len(part.seeds) or min(part.seeds) < 0:
        raise UsageError(f"{where} seeds must be different whole numbers, at least one, none below 0.")
    return part


def _section(kind: type[Section], stored: Mapping[str, Any], where: str) -> Section:
    """Fill a dataclass from a TOML table; keys and types are checked against its fields."""
    hints = get_type_hints(kind)
    for key in stored:
        if key not in hints:
            raise UsageError(f"{where}: {unknown('key', key, hints)}")
    values: dict[str, Any] = {}
    for entry in fields(kind):
        if entry.name in stored:
            values[entry.name] = _value(stored[entry.name], hints[entry.name], f"{where}: '{entry.name}'")
        elif entry.default is MISSING:
            raise UsageError(f"{where}: '{entry.name}' is missing.")
    return kind(**values)


def _value(found: Any, hint: Any, where: str) -> Any:
    arguments = get_args(hint)
    if hint in (str, int, bool):
        if type(found) is hint:
            return found
        raise UsageError(f"{where} is {found!r}; accepted is {_ACCEPTED[hint]}.")
    if hint is float:
        if type(found) in (int, float):
            return float(found)
        raise UsageError(f"{where} is {found!r}; accepted is a number.")
    if arguments[-1] is Ellipsis:
        if isinstance(found, list) and all(type(item) is arguments[0] for item in found):
            return tuple(found)
        raise UsageError(f"{where} is {found!r}; accepted is a list, of which each entry is {_ACCEPTED[arguments[0]]}.")
    if found in arguments:
        return found
    raise UsageError(f"{where}: {unknown('choice', str(found), arguments)}")


_ACCEPTED = {str: "a text", int: "a whole number", bool: "true or false"}


def _check_ranges(recipe: TrainingRecipe, name: str) -> None:
    bounds: list[tuple[str, float, float, float]] = [
        ("[split] test", recipe.split.test, 0.01, 0.9),
        ("[split] validation", recipe.split.validation, 0, 0.9),
        ("[split] folds", recipe.split.folds, 2, 100),
        ("[features] keep", recipe.features.keep, 0, 100_000),
        ("[features] trim", recipe.features.trim, 0, 200),
    ]
    _check_bounds(bounds, f"{name}:")
    if not recipe.corpora.names:
        raise UsageError(f"{name}: [corpora] names must name at least one corpus.")


def _check_bounds(bounds: list[tuple[str, float, float, float]], where: str) -> None:
    """Refuse a value that is outside its bounds; each is told as name, value, lowest and highest."""
    for setting, found, low, high in bounds:
        if not low <= found <= high:
            raise UsageError(f"{where} {setting} is {found:g}; accepted is {low:g} to {high:g}.")
