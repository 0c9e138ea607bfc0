"""From a model's name or file to a recogniser that is ready to hear."""

from pathlib import Path

import numpy as np

from intone.emotions import Emotion
from intone.errors import ModelError, UsageError
from intone.hear import engines, modelfile
from intone.hear.audio import RATE, Waveform
from intone.hear.modelfile import Card
from intone.hear.recogniser import Recogniser
from intone.machine import cores


def load(model: str | Path = modelfile.DEFAULT, *, threads: int = 0) -> Recogniser:
    """Load a model and give a recogniser.

    Parameters
    ----------
    model : str or path
        The name of a model that ships (``intone models list``), a model file (``*.intone.onnx``), a run folder, or the
        ``model.keras`` of a run folder (that one alone imports Keras).
    threads : int, default 0
        How many sounds, or pieces of one, may be heard at a time; 0 means one for each core.

    Returns
    -------
    Recogniser
        Ready to hear, with no network and no download.

    Raises
    ------
    ModelError
        The file is not a model of Intone, or not one that this version can run.
    UsageError
        There is no model of that name.

    Examples
    --------
    >>> import intone
    >>> intone.load().card.labels
    ('anger', 'disgust', 'fear', 'happiness', 'neutral', 'sadness', 'surprise')
    """
    if threads < 0:
        raise UsageError(f"threads is {threads}; accepted are 0, for one for each core, and any number above.")
    path = modelfile.find(model)
    # A run of the model has one thread, so that what it rounds does not depend on how many there are.
    engine, text = engines.opened(path, threads=1)
    card = _for_use(Card.from_json(text, name=str(path)), path)
    file = engine if isinstance(engine, engines.OnnxModel) else None
    again = file.again if file is not None and file.answers_again else None
    hearing = [engines.hearing(engine, card, name=str(path), threads=count) for count in (threads or cores(), 1)]
    single = Recogniser(hearing[1], card, again)
    return _tried(Recogniser(hearing[0], card, again, threads=threads or cores(), single=single), path)


def _tried(recogniser: Recogniser, path: Path) -> Recogniser:
    """Let the model hear a second of noise, so that one whose network and card do not fit is refused here."""
    noise = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)
    try:
        recogniser.predict(Waveform(noise))
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error
    return recogniser


def _for_use(card: Card, path: Path) -> Card:
    """Refuse what cannot answer with the seven emotions; evaluation may have other labels, use may not."""
    others = [label for label in card.labels if label not in set(Emotion)]
    if others:
        raise UsageError(
            f"{path}: this model was made for evaluation and answers {', '.join(others)} too; "
            f"a model for use answers with the seven: {', '.join(Emotion)}."
        )
    return card
