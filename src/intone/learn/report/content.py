"""What a report tells, gathered before any of it is written."""

from dataclasses import dataclass, field

import pandas as pd

from intone.hear.modelfile import Card
from intone.learn.beside import Line
from intone.learn.figures import Figures
from intone.learn.mistakes import Mistake
from intone.learn.robustness import Robustness

Facts = tuple[tuple[str, str], ...]


@dataclass(frozen=True, eq=False)
class Content:
    """Everything that a report tells.

    Attributes
    ----------
    name : str
        The model's name.
    about : str
        What was done, in a sentence.
    figures : tuple of Figures
        One for each test, those of unseen speakers first.
    facts : tuple of pairs of str
        What was trained on what, or tested on what.
    notes : tuple of str
        What was left out, each in a sentence.
    command : str
        What makes this report again.
    card : Card or None
        The model's card.
    recipe : str
        The training recipe as TOML.
    history : pandas.DataFrame or None
        Accuracy and loss of each epoch.
    robustness : Robustness or None
        What remains under noise and the rest.
    baselines : tuple of Line
        What a speaker's baseline is worth on the first test, where the model can be told one.
    mistakes : tuple of Mistake
        The most confident of the first test.
    """

    name: str
    about: str
    figures: tuple[Figures, ...]
    facts: Facts
    notes: tuple[str, ...]
    command: str
    card: Card | None = None
    recipe: str = ""
    history: pd.DataFrame | None = None
    robustness: Robustness | None = None
    baselines: tuple[Line, ...] = field(default=())
    mistakes: tuple[Mistake, ...] = field(default=())
