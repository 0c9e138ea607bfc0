"""A speaker who is followed is heard beside what was heard of them before, and confidence is fitted for both cases."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import intone
from intone.errors import UsageError
from intone.features import Inputs
from intone.hear import audio, engines
from intone.hear.recogniser import Recogniser

NAMES = ("plain", "questioning", "slow-low-quiet")


def test_each_utterance_is_heard_beside_those_before_it(examples: Path) -> None:
    recogniser = intone.load()
    sounds = [audio.load(examples / f"{name}.flac") for name in NAMES]
    caller = recogniser.follow()
    found = caller.predict_batch(sounds)
    assert found[0].scores == recogniser.predict(sounds[0]).scores
    before = recogniser.baseline(sounds[:1])
    assert found[1].scores == pytest.approx(recogniser.predict(sounds[1], baseline=before).scores, abs=1e-4)
    assert found[1].scores != pytest.approx(recogniser.predict(sounds[1]).scores, abs=1e-4)
    assert caller.baseline is not None
    assert caller.baseline.count == 3
    later = recogniser.follow(baseline=before)
    assert later.predict(sounds[1]).scores == pytest.approx(found[1].scores, abs=1e-4)


def test_what_is_no_speech_is_answered_and_not_gathered() -> None:
    caller = intone.load().follow()
    hiss = np.random.default_rng(0).normal(0, 1e-3, 16_000).astype(np.float32)
    assert caller.predict(hiss, rate=16_000).unsure
    assert caller.baseline is None


def test_a_model_that_knows_no_baselines_follows_nobody() -> None:
    with pytest.raises(UsageError, match="knows no speakers' baselines"):
        intone.load("intone-classic").follow()


def test_confidence_beside_a_baseline_is_its_own(examples: Path) -> None:
    def engine(inputs: Inputs) -> dict[str, engines.Floats]:
        alike = np.zeros((len(inputs), len(card.labels)), np.float32)
        alike[:, 0] = 2.0
        return {"logits": alike, "voice": np.zeros((len(inputs), 2), np.float32)}

    card = replace(
        intone.load().card, strangest=0.0, temperature=1.0, threshold=0.1, temperature_beside=4.0, threshold_beside=0.9
    )
    recogniser = Recogniser(engines.hearing(engine, card, name="made"), card)
    alone = recogniser.predict(examples / "plain.flac")
    beside = recogniser.predict(examples / "plain.flac", baseline=recogniser.baseline([examples / "plain.flac"]))
    assert alone.confidence == pytest.approx(np.exp(2) / (np.exp(2) + 6))
    assert beside.confidence == pytest.approx(np.exp(0.5) / (np.exp(0.5) + 6))
    assert (alone.unsure, beside.unsure) == (False, True)
