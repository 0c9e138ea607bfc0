"""A trial: a model as it would be used, on a corpus, with the voices that it knows kept apart."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from intone import corpora
from intone.emotions import Emotion
from intone.errors import CorpusError, SoundError
from intone.hear import audio
from intone.hear.recogniser import BATCH, Recogniser
from intone.learn.evaluate import Metrics, measure
from intone.results import Prediction

Batches = Sequence[Sequence[int]]
UNSEEN, SEEN = "unseen speakers", "speakers it was trained on"


@dataclass(frozen=True)
class Part:
    """The scores of the speakers that the model knows, or of those that it does not."""

    title: str
    metrics: Metrics
    unsure: float
    speakers: str

    @property
    def utterances(self) -> int:
        """How many were answered."""
        return sum(score.support for score in self.metrics.per_class.values())


@dataclass(frozen=True)
class Trial:
    """What a model scored on a corpus: unseen speakers first."""

    parts: tuple[Part, ...]
    dropped: dict[str, int]
    left_out: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Give a dictionary for JSON."""
        return {
            "parts": [
                {"voices": part.title, "speakers": part.speakers, "unsure": part.unsure, **part.metrics.to_dict()}
                for part in self.parts
            ],
            "dropped": self.dropped,
            "left_out": list(self.left_out),
        }


def run(
    hearing: Recogniser,
    corpus: str,
    root: Path,
    *,
    calm_is_neutral: bool = False,
    through: Callable[[Batches], Iterator[Sequence[int]]] = iter,
) -> Trial:
    """Predict every recording of a corpus and score the answers.

    Parameters
    ----------
    hearing : Recogniser
        The model.
    corpus : str
        The corpus's name.
    root : pathlib.Path
        Its folder, or the one that holds the corpora.
    calm_is_neutral : bool, default False
        Count RAVDESS's calm as neutral, rather than leaving it out.
    through : callable
        Goes through the batches; a progress bar, for instance.

    Returns
    -------
    Trial
        Recordings that cannot be heard are named in it, and cost the others nothing.

    Raises
    ------
    CorpusError
        The corpus is missing, or nothing of it can be heard.
    """
    whole = corpora.read(corpus, root)
    table, dropped = corpora.only_seven(whole, calm_is_neutral=calm_is_neutral)
    labels = [str(emotion) for emotion in Emotion]
    answers: dict[int, Prediction] = {}
    left_out: list[str] = []
    paths = table["path"].tolist()
    batches = [range(start, min(start + BATCH, len(paths))) for start in range(0, len(paths), BATCH)]
    for batch in through(batches):
        heard = {}
        for row in batch:
            try:
                heard[row] = audio.load(paths[row])
            except SoundError as error:
                left_out.append(str(error))
        answers |= dict(zip(heard, hearing.predict_batch(list(heard.values())), strict=True))
    if not answers:
        raise CorpusError(f"{root}: not one of the {len(paths)} recordings can be heard; the first: {left_out[0]}")
    known = table["speaker"].isin(hearing.card.speakers)
    parts = []
    for title, side in ((UNSEEN, ~known), (SEEN, known)):
        rows = [row for row in np.flatnonzero(side).tolist() if row in answers]
        if rows:
            truth = np.array([labels.index(table["emotion"][row]) for row in rows])
            given = np.array([labels.index(answers[row].emotion) for row in rows])
            voices = sorted(table["speaker"].iloc[rows].unique())
            shown = ", ".join(voices) if len(voices) <= 6 else f"{len(voices)} voices"
            unsure = float(np.mean([answers[row].unsure for row in rows]))
            parts.append(Part(title, measure(truth, given, labels), unsure, shown))
    return Trial(tuple(parts), dropped, (*corpora.left_out(whole), *left_out))
