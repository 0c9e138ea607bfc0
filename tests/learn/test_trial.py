"""A model is tried as it would be used: with all the labels of its card first, and known voices apart."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from intone import features
from intone.errors import CorpusError, ModelError
from intone.features import Inputs
from intone.hear.audio import Waveform
from intone.hear.engines import Engine
from intone.hear.modelfile import Card
from intone.learn import candidate, report, trial
from intone.learn.candidate import Candidate

SEVEN = ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")


def card(*labels: str, speakers: tuple[str, ...] = ()) -> Card:
    recipe = features.recipe("mfcc40").to_toml()
    return Card("made", labels, "features", recipe, {}, speakers, "", "", "", calibrated_on="nobody", threshold=0.3)


def by_brightness(width: int, *, often_last: bool) -> Engine:
    """Give an engine that tells emotions by one MFCC, and now and then answers the last label."""

    def run(inputs: Inputs) -> dict[str, NDArray[np.float32]]:
        logits = np.zeros((len(inputs), width), dtype=np.float32)
        logits[np.arange(len(inputs)), np.abs(inputs.values[:, 1]).astype(int) % 7] = 1
        if often_last:
            logits[:, -1] = np.where(inputs.values[:, 2].astype(int) % 2, 3, -3)
        return {"logits": logits}

    return run


def test_a_model_with_eight_labels_is_scored_with_all_of_them_first(sung_tess: Path) -> None:
    eight = Candidate(by_brightness(8, often_last=True), card(*SEVEN, "calm"), name="eight")
    (part,) = trial.run(eight, "tess", sung_tess).parts
    (plain,) = trial.run(Candidate(by_brightness(7, often_last=False), card(*SEVEN), name="7"), "tess", sung_tess).parts
    assert part.metrics.labels == (*SEVEN, "calm")
    assert len(part.metrics.confusion[0]) == 8
    assert sum(row[-1] for row in part.metrics.confusion) > 0
    assert part.figures.masked is not None
    assert part.figures.masked.ua == pytest.approx(plain.metrics.ua)
    assert part.metrics.ua < part.figures.masked.ua
    assert plain.figures.masked is None


def test_a_label_that_the_card_lacks_is_left_out_and_counted(sung_tess: Path) -> None:
    few = Candidate(by_brightness(7, often_last=False), card(*SEVEN[:6], "calm"), name="few")
    found = trial.run(few, "tess", sung_tess)
    assert found.dropped == {"surprise": 16}
    assert found.parts[0].utterances == 96


def test_known_voices_stand_apart_and_second(sung_tess: Path, tmp_path: Path) -> None:
    knows = Candidate(by_brightness(7, often_last=False), card(*SEVEN, speakers=("tess-OAF",)), name="knows")
    found = trial.run(knows, "tess", sung_tess, robust=True)
    assert [(part.title, part.speakers) for part in found.parts] == [
        (trial.UNSEEN, "tess-YAF"),
        (trial.SEEN, "tess-OAF"),
    ]
    assert [part.figures.leaks_speakers for part in found.parts] == [False, True]
    assert found.robustness is not None
    assert (found.robustness.tested_on, found.robustness.utterances) == (trial.UNSEEN, 56)
    report.write(found.content(command="intone evaluate"), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {report.NAME, report.FIGURES}


def test_a_model_whose_width_is_not_its_cards_is_refused(sung_tess: Path) -> None:
    wide = Candidate(by_brightness(9, often_last=False), card(*SEVEN), name="wide")
    with pytest.raises(ModelError, match=r"wide: .* accepted is \(1, 7\)"):
        wide.logits([Waveform(np.ones(16_000, dtype=np.float32))])


def test_a_corpus_without_a_label_of_the_card_is_an_error(sung_tess: Path) -> None:
    calm = Candidate(by_brightness(7, often_last=False), card("calm", "boredom"), name="calm")
    with pytest.raises(CorpusError, match=r"tess.*none of the model's labels"):
        trial.run(calm, "tess", sung_tess)


def test_the_model_that_ships_opens_for_evaluation() -> None:
    assert candidate.load("intone-classic").card.labels == SEVEN
