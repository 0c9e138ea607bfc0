"""A candidate: a model under evaluation, which may answer more than the seven emotions."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from intone.errors import ModelError
from intone.hear import engines, modelfile
from intone.hear.audio import Waveform
from intone.hear.engines import Engine
from intone.hear.modelfile import Card
from intone.hear.recogniser import BATCH


class Candidate:
    """Hears sounds and gives logits as wide as its card's labels.

    Attributes
    ----------
    card : Card
        What the model says of itself.
    """

    def __init__(self, engine: Engine, card: Card, *, name: str) -> None:
        self.card = card
        self._name = name
        self._hearing = engines.hearing(engine, card, name=name)

    def logits(self, sounds: Sequence[Waveform]) -> NDArray[np.float32]:
        """Give logits ``(sounds, labels)``.

        Raises
        ------
        ModelError
            The model gives something else.
        """
        found = []
        for start in range(0, len(sounds), BATCH):
            batch = sounds[start : start + BATCH]
            logits = self._hearing(batch).logits
            if logits.shape != (len(batch), len(self.card.labels)) or not np.isfinite(logits).all():
                raise ModelError(
                    f"{self._name}: the network gave values of shape {logits.shape}, or some that are not finite; "
                    f"accepted is {(len(batch), len(self.card.labels))}, one for each sound and label of the card."
                )
            found.append(logits)
        return np.concatenate(found)


def load(model: str | Path) -> Candidate:
    """Open a model for evaluation: a name, a model file, a run folder, or its ``model.keras``.

    Unlike :func:`intone.load` it takes models that answer calm or boredom too.

    Raises
    ------
    ModelError
        The file is not a model of Intone, or not one that this version can run.
    UsageError
        There is no model of that name.
    """
    path = modelfile.find(model)
    engine, text = engines.opened(path, threads=0)
    return Candidate(engine, Card.from_json(text, name=str(path)), name=str(path))
