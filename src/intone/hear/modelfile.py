"""The model file: one ONNX file with its card inside, the only thing that crosses from learning to hearing.

The card is JSON under the metadata key ``intone``. Reading it needs ONNX Runtime alone; writing it is the learning
half's work (:mod:`intone.learn.export`).
"""

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, TypeAlias

from intone.errors import ModelError, unknown
from intone.paths import is_file, is_folder

FORMAT = 1
"""Version of the card that this version of Intone writes and reads."""
METADATA_KEY = "intone"
SUFFIX = ".intone.onnx"
DEFAULT = "intone-tiny"
"""The model that ships and that :func:`intone.load` takes when no other is named."""


@dataclass(frozen=True)
class Score:
    """One honest line of a card's evaluation.

    Attributes
    ----------
    protocol : str
        How training and test were kept apart, for instance ``"unseen speakers"``.
    corpora : str
        What the model was tested on.
    accuracy, ua : float
        Accuracy (WA) and unweighted average recall (UA), 0 to 1.
    utterances, speakers : int
        Size of the test.
    leaks_speakers : bool
        True where a speaker stands on both sides, so that the figure says nothing of a new voice.
    """

    protocol: str
    corpora: str
    accuracy: float
    ua: float
    utterances: int
    speakers: int
    leaks_speakers: bool


@dataclass(frozen=True)
class Card:
    """What a model file says of itself.

    Attributes
    ----------
    name : str
        The model's name.
    labels : tuple of str
        What the columns of ``logits`` mean, in order.
    input : "features" or "waveform"
        ``features``: float32 of the feature recipe below; ``waveform``: float32 samples at :attr:`rate`, and lengths.
    feature_recipe : str
        The feature recipe as TOML, so that a model always gets the features it was trained on; empty for waveforms.
    trim : float
        What lies at both ends this many dB below the loudest frame, or more, is cut off before the model hears a sound;
        0 for nothing.
    temperature : float
        Logits are divided by it before the softmax.
    threshold : float
        Below this confidence the answer is "unsure".
    temperature_beside, threshold_beside : float
        The same for answers beside a speaker's baseline; 0 where these were not fitted apart, and the others hold.
    calibrated_on : str
        Which speakers temperature and threshold were fitted on; empty where they are the defaults.
    corpora : mapping of str to str
        The corpora it was trained on, and the licence of each.
    speakers : tuple of str
        The speakers whose voices it was trained or calibrated on, so that an evaluation can tell new voices from old.
    licence : str
        The weights' own licence, in a sentence.
    scores : tuple of Score
        Its evaluation, the leak-free protocols first.
    recipe : str
        The training recipe as TOML.
    recipe_sha256 : str
        SHA-256 of the training recipe.
    prior : mapping of str to float
        Each label's share of what it was trained on; empty where it was trained before this was told, which counts as
        all alike.
    baselines : bool
        Whether it can be told what the speaker sounds like otherwise.
    strangest : float
        A sound whose voice has a larger mean square is unlike the speech that the model knows, and its answer "unsure";
        0 where the model tells no voice, or none was measured.
    strange_numbers : tuple of (int, int)
        Which of the voice's numbers that mean square is of, from each first to before each second; all where none are
        named.
    rate : int
        Samples a second of the sound that the features or the model are made for (Hz).
    format : int
        Version of this card's format.
    """

    name: str
    labels: tuple[str, ...]
    input: Literal["features", "waveform"]
    feature_recipe: str
    corpora: Mapping[str, str]
    speakers: tuple[str, ...]
    licence: str
    recipe: str
    recipe_sha256: str
    scores: tuple[Score, ...] = field(default=())
    temperature: float = 1.0
    threshold: float = 0.5
    calibrated_on: str = ""
    rate: int = 16_000
    trim: float = 0.0
    prior: Mapping[str, float] = field(default_factory=dict)
    baselines: bool = False
    strangest: float = 0.0
    strange_numbers: tuple[tuple[int, int], ...] = ()
    temperature_beside: float = 0.0
    threshold_beside: float = 0.0
    format: int = FORMAT

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what differs from one training to another, were they of the same recipe."""
        told = (self.recipe_sha256, self.temperature, self.threshold, self.strangest, self.scores)
        return hashlib.sha256(repr(told).encode()).hexdigest()

    def to_json(self) -> str:
        """Write the card as JSON."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1)

    @classmethod
    def from_json(cls, text: str, *, name: str) -> "Card":
        """Read a card back; ``name`` is the file's, for messages.

        Raises
        ------
        ModelError
            The text is not a card, or one of a format that this version does not know.
        """
        try:
            stored: Any = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ModelError(f"{name}: the model's card is not JSON ({error}).") from error
        if not isinstance(stored, dict):
            raise ModelError(f"{name}: the model's card is a {type(stored).__name__}; it must be an object.")
        if stored.get("format") != FORMAT:
            raise ModelError(
                f"{name}: the model's card has format {stored.get('format')!r}; this version of Intone reads {FORMAT}."
            )
        # Older cards have none of these.
        stored = {
            "trim": 0.0, "prior": {}, "baselines": False, "strangest": 0.0, "strange_numbers": [],
            "temperature_beside": 0.0, "threshold_beside": 0.0, **stored,
        }  # fmt: skip
        _check(stored, _CARD, name, "card")
        for score in stored["scores"]:
            if not isinstance(score, dict):
                raise ModelError(
                    f"{name}: one of the scores on the model's card is {str(score)[:60]!r}; it must be an object."
                )
            _check(score, _SCORE, name, "score")
        known = {entry.name: stored[entry.name] for entry in fields(cls)}
        known["labels"], known["speakers"] = tuple(known["labels"]), tuple(known["speakers"])
        known["strange_numbers"] = tuple((first, behind) for first, behind in known["strange_numbers"])
        known["scores"] = tuple(Score(**{key: score[key] for key in _SCORE}) for score in stored["scores"])
        return cls(**known)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_whole(value: Any) -> bool:
    return type(value) is int and value >= 0


def _is_share(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value <= 1


def _is_temperature(value: Any) -> bool:
    return type(value) in (int, float) and 0 < value < math.inf


def _is_level(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value <= 200


def _is_text_list(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_labels(value: Any) -> bool:
    return _is_text_list(value) and len(value) > 0 and len(set(value)) == len(value)


def _is_corpora(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(item, str) for item in value.values())


def _is_amount(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value < math.inf


def _is_ranges(value: Any) -> bool:
    if not isinstance(value, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in value):
        return False
    return all(_is_whole(first) and _is_whole(behind) and first < behind for first, behind in value)


def _is_prior(value: Any) -> bool:
    return isinstance(value, dict) and all(_is_share(item) for item in value.values())


_Rules: TypeAlias = dict[str, tuple[Callable[[Any], bool], str]]
_TEXT, _WHOLE, _SHARE = (_is_text, "text"), (_is_whole, "a whole number"), (_is_share, "a number from 0 to 1")
_CARD: _Rules = {
    "name": _TEXT,
    "labels": (_is_labels, "a list of different labels"),
    "input": (lambda value: value in ("features", "waveform"), "'features' or 'waveform'"),
    "feature_recipe": _TEXT,
    "corpora": (_is_corpora, "an object of corpora and their licences"),
    "speakers": (_is_text_list, "a list of speakers"),
    "licence": _TEXT,
    "recipe": _TEXT,
    "recipe_sha256": _TEXT,
    "scores": (lambda value: isinstance(value, list), "a list of scores"),
    "temperature": (_is_temperature, "a number above 0"),
    "threshold": _SHARE,
    "calibrated_on": _TEXT,
    "rate": _WHOLE,
    "trim": (_is_level, "a number from 0 to 200"),
    "prior": (_is_prior, "an object of labels and their shares, from 0 to 1"),
    "strangest": (_is_amount, "a number from 0 on"),
    "strange_numbers": (_is_ranges, "a list of pairs of whole numbers, the second larger"),
    "temperature_beside": (_is_amount, "a number from 0 on"),
    "threshold_beside": _SHARE,
    "baselines": (lambda value: isinstance(value, bool), "true or false"),
    "format": _WHOLE,
}
_SCORE: _Rules = {
    "protocol": _TEXT,
    "corpora": _TEXT,
    "accuracy": _SHARE,
    "ua": _SHARE,
    "utterances": _WHOLE,
    "speakers": _WHOLE,
    "leaks_speakers": (lambda value: isinstance(value, bool), "true or false"),
}


def _check(found: dict[str, Any], accepted: _Rules, name: str, what: str) -> None:
    """Refuse a table that lacks a key or holds something else in it; keys that are not known are left alone."""
    for key, (fits, rule) in accepted.items():
        if key not in found:
            raise ModelError(f"{name}: the model's {what} has no '{key}'; it must be {rule}.")
        if not fits(found[key]):
            raise ModelError(f"{name}: the model's {what} has {key} = {str(found[key])[:60]!r}; it must be {rule}.")


def shipped() -> dict[str, Path]:
    """Give the models that come with Intone, by name."""
    folder = Path(str(files("intone") / "models"))
    return {path.name.removesuffix(SUFFIX): path for path in sorted(folder.glob(f"*{SUFFIX}"))}


def find(model: str | Path) -> Path:
    """Find a model: the name of one that ships, a model file, a ``.keras`` file, or a run folder holding one.

    Raises
    ------
    ModelError
        The file or folder exists and holds no model.
    UsageError
        There is neither a file nor a shipped model of that name.
    """
    path = Path(model)
    if is_folder(path):
        found = sorted(path.glob(f"*{SUFFIX}"))
        if not found:
            raise ModelError(f"{path}: the folder holds no model file (*{SUFFIX}); a finished run has one.")
        return found[0]
    if is_file(path):
        return path
    models = shipped()
    if str(model) not in models:
        raise unknown("model", str(model), models)
    return models[str(model)]
