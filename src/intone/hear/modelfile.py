"""The model file: one ONNX file with its card inside, the only thing that crosses from learning to hearing.

The card is JSON under the metadata key ``intone``. Reading it needs ONNX Runtime alone; writing it is the learning
half's work (:mod:`intone.learn.export`).
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from intone.errors import ModelError, unknown

FORMAT = 1
"""Version of the card that this version of Intone writes and reads."""
METADATA_KEY = "intone"
SUFFIX = ".intone.onnx"
DEFAULT = "intone-classic"
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
    temperature : float
        Logits are divided by it before the softmax.
    threshold : float
        Below this confidence the answer is "unsure".
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
    format: int = FORMAT

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
            stored: dict[str, Any] = json.loads(text)
            if stored["format"] != FORMAT:
                raise ModelError(
                    f"{name}: the model's card has format {stored['format']}; this version of Intone reads {FORMAT}."
                )
            known = {key: stored[key] for key in (entry.name for entry in fields(cls))}
            known["labels"], known["speakers"] = tuple(known["labels"]), tuple(known["speakers"])
            known["scores"] = tuple(Score(**score) for score in known["scores"])
        except (ValueError, TypeError, KeyError) as error:
            raise ModelError(f"{name}: the model's card cannot be read ({type(error).__name__}: {error}).") from error
        return cls(**known)


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
    if path.is_dir():
        found = sorted(path.glob(f"*{SUFFIX}"))
        if not found:
            raise ModelError(f"{path}: the folder holds no model file (*{SUFFIX}); a finished run has one.")
        return found[0]
    if path.is_file():
        return path
    models = shipped()
    if str(model) not in models:
        raise unknown("model", str(model), models)
    return models[str(model)]
