"""A trial: a model as it would be used, on a corpus, with the voices that it knows kept apart."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from intone import corpora
from intone.errors import CorpusError, SoundError
from intone.hear import audio
from intone.hear.audio import Waveform
from intone.hear.modelfile import Card
from intone.hear.recogniser import BATCH
from intone.learn import answers, figures, mistakes, robustness
from intone.learn.answers import Answers
from intone.learn.candidate import Candidate
from intone.learn.evaluate import Metrics
from intone.learn.figures import Figures
from intone.learn.report.content import Content
from intone.learn.robustness import Robustness

Batches = Sequence[Sequence[int]]
UNSEEN, SEEN = "unseen speakers", "speakers it was trained on"


@dataclass(frozen=True, eq=False)
class Part:
    """The scores of the speakers that the model knows, or of those that it does not."""

    title: str
    figures: Figures
    unsure: float
    speakers: str
    answers: Answers

    @property
    def metrics(self) -> Metrics:
        """Scores and confusion matrix."""
        return self.figures.pooled

    @property
    def utterances(self) -> int:
        """How many were answered."""
        return len(self.answers)

    def to_dict(self) -> dict[str, Any]:
        """Give a dictionary for JSON."""
        scores = self.figures.to_dict()
        pooled = scores.pop("pooled")
        return {"voices": self.title, "speakers": self.speakers, "unsure": self.unsure, **pooled, "figures": scores}


@dataclass(frozen=True, eq=False)
class Trial:
    """What a model scored on a corpus: unseen speakers first.

    Attributes
    ----------
    corpus : str
        The corpus's name.
    root : pathlib.Path
        What the answers' paths are below.
    card : Card
        The model's.
    parts : tuple of Part
        Unseen speakers, and those it was trained on, where there are any.
    robustness : Robustness or None
        Of the first part, where it was asked for.
    dropped : dict of str to int
        Utterances left out because the model cannot answer their label.
    repeated : tuple of str
        Files left out because their name or their sound is an earlier one's, each in a sentence.
    failed : tuple of str
        Recordings that could not be used, each in a sentence: misnamed, or not to be heard.
    """

    corpus: str
    root: Path
    card: Card
    parts: tuple[Part, ...]
    robustness: Robustness | None
    dropped: dict[str, int]
    repeated: tuple[str, ...]
    failed: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Give a dictionary for JSON."""
        return {
            "parts": [part.to_dict() for part in self.parts],
            "robustness": self.robustness.to_dict() if self.robustness else None,
            "dropped": self.dropped,
            "repeated": list(self.repeated),
            "failed": list(self.failed),
        }

    def content(self, *, command: str) -> Content:
        """Gather what the trial's report tells; ``command`` makes it again."""
        return Content(
            name=f"{self.card.name} on {self.corpus}",
            about="An evaluation by Intone of a model as it would be used.",
            figures=tuple(part.figures for part in self.parts),
            facts=(("Model", self.card.name), ("Tested on", self.corpus), ("Trained on", ", ".join(self.card.corpora)),
                   *((part.title.capitalize(), part.speakers) for part in self.parts)),
            notes=(*(f"Left out: {count} utterances labelled {label}." for label, count in self.dropped.items()),
                   *(f"Left out: {sentence}" for sentence in (*self.repeated, *self.failed))),
            command=command,
            card=self.card,
            recipe=self.card.recipe,
            robustness=self.robustness,
            mistakes=mistakes.surest(self.parts[0].answers, self.root.joinpath),
        )  # fmt: skip


def run(
    model: Candidate,
    corpus: str,
    root: Path,
    *,
    calm_is_neutral: bool = False,
    robust: bool = False,
    through: Callable[[Batches], Iterator[Sequence[int]]] = iter,
) -> Trial:
    """Let a model hear every recording of a corpus and score the answers.

    Parameters
    ----------
    model : Candidate
        The model.
    corpus : str
        The corpus's name.
    root : pathlib.Path
        Its folder, or the one that holds the corpora.
    calm_is_neutral : bool, default False
        Count RAVDESS's calm as neutral, rather than leaving it out.
    robust : bool, default False
        Try the model under noise and the rest too; see :mod:`intone.learn.robustness`.
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
    table, dropped = _answerable(whole, model.card.labels, calm_is_neutral=calm_is_neutral)
    if table.empty:
        raise CorpusError(f"{corpus}: its recordings have none of the model's labels ({', '.join(model.card.labels)}).")
    logits: dict[int, np.ndarray[Any, Any]] = {}
    first: dict[str, str] = {}
    repeated, unheard = corpora.repeated(whole), list[str]()
    paths = [Path(path) for path in table["path"]]
    table["path"] = names = [path.relative_to(root).as_posix() for path in paths]
    batches = [range(start, min(start + BATCH, len(paths))) for start in range(0, len(paths), BATCH)]
    for batch in through(batches):
        heard: dict[int, Waveform] = {}
        for row in batch:
            try:
                sound = audio.load(paths[row], name=names[row])
            except SoundError as error:
                unheard.append(str(error))
                continue
            kept = first.setdefault(hashlib.sha256(sound.samples.tobytes()).hexdigest(), names[row])
            if kept != names[row]:  # it would count twice
                repeated.append(f"{names[row]}: the same sound as {kept}; only the first is kept.")
            else:
                heard[row] = sound
        if heard:
            logits |= dict(zip(heard, model.logits(list(heard.values())), strict=True))
    if not logits:
        raise CorpusError(f"{root}: not one of the {len(paths)} recordings can be heard; the first: {unheard[0]}")
    given = _answers(table.iloc[list(logits)], np.stack(list(logits.values())), model.card)
    known = given.table["speaker"].isin(model.card.speakers).to_numpy()
    parts = tuple(
        _part(title, given[side], leaks=title == SEEN)
        for title, side in ((UNSEEN, ~known), (SEEN, known))
        if side.any()
    )
    tried = _robustness(model, parts[0], root) if robust else None
    failed = (*corpora.misnamed(whole), *unheard)
    return Trial(corpus, root, model.card, parts, tried, dropped, tuple(repeated), failed)


def _answerable(
    table: pd.DataFrame, labels: Sequence[str], *, calm_is_neutral: bool
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Keep the utterances whose label the model's card has, and count the others."""
    if calm_is_neutral:
        table = table.assign(emotion=table["emotion"].replace("calm", "neutral"))
    fits = table["emotion"].isin(labels)
    counts = table["emotion"][~fits].value_counts()
    dropped = {str(label): int(counts[label]) for label in sorted(counts.index)}
    return table[fits].reset_index(drop=True), dropped


def _answers(table: pd.DataFrame, logits: np.ndarray[Any, Any], card: Card) -> Answers:
    described = answers.described(table, fold="all", seed="as trained").reset_index(drop=True)
    fitted = bool(card.calibrated_on)
    return Answers(
        labels=card.labels,
        truth=described.pop("emotion").map(card.labels.index).to_numpy(dtype=np.int64),
        table=described,
        logits=logits.astype(np.float64),
        temperature=np.full(len(logits), card.temperature),
        threshold=np.full(len(logits), card.threshold if fitted else np.nan),
    )


def _part(title: str, given: Answers, *, leaks: bool) -> Part:
    voices = sorted(given.table["speaker"].unique())
    shown = ", ".join(voices) if len(voices) <= 6 else f"{len(voices)} voices"
    return Part(title, figures.of(given, title=title, leaks_speakers=leaks), _unsure(given), shown, given)


def _unsure(given: Answers) -> float:
    """Give the share below the card's threshold; a card whose confidence was not fitted has the default one."""
    threshold = np.where(np.isfinite(given.threshold), given.threshold, Card.threshold)
    return float((given.confidence < threshold).mean())


def _robustness(model: Candidate, part: Part, root: Path) -> Robustness:
    given = part.answers
    table = given.table.assign(emotion=[given.labels[label] for label in given.truth])
    rows = robustness.sample(table, np.ones(len(given), dtype=bool))
    return robustness.measure(
        model.logits,
        [root / path for path in table["path"].iloc[rows]],
        given.truth[rows],
        tested_on=part.title,
        speakers=int(table["speaker"].iloc[rows].nunique()),
    )
