"""What was heard once is answered again beside another baseline, as if the sound were heard anew."""

from pathlib import Path

import numpy as np
import pytest

import intone
from intone.hear import audio, modelfile
from intone.hear.audio import Waveform
from intone.learn import quantise, relation, tune
from intone.learn.learners import ToldNetwork
from intone.learn.recipe import NetworkPart, TrainingPart
from tests.learn.test_encoder import TINY, noise
from tests.learn.test_relative import CARD, NO_TICK, PART, lesson

pytestmark = pytest.mark.xdist_group("keras")
SOUNDS = [Waveform(noise(count, seed=count)) for count in (4_000, 16_000, 31_111)]
ONE_EPOCH = TrainingPart(epochs=1, batch=16, learning_rate=0.01)


def answers_again(path: Path | str) -> None:
    hearing = intone.load(path, threads=1)
    assert hearing.gathers
    baseline = hearing.baseline([noise(16_000, seed=9), noise(9_000, seed=10)], rate=16_000)
    for sound in SOUNDS:
        heard = hearing.hear(sound)
        anew = hearing.hear(sound, baseline).logits
        assert np.allclose(hearing.again(heard, baseline), anew, atol=1e-5)
        assert not np.allclose(heard.logits, anew, atol=1e-3)


def test_the_relative_network_answers_again(tmp_path: Path) -> None:
    network = ToldNetwork(relation.train(lesson(), PART, ONE_EPOCH, tick=NO_TICK, folder=tmp_path))
    path = tmp_path / f"tiny{modelfile.SUFFIX}"
    network.write(CARD, path, proof=lesson().train)
    answers_again(path)


def test_an_encoder_with_weighed_heads_answers_again_and_in_eight_bits_too(tmp_path: Path) -> None:
    options = {"backbone": str(TINY), "layers": 2, "embedding": 8, "heads": 2, "voice": [0, 2], "weighed": True}
    network = ToldNetwork(tune.tune(lesson(), NetworkPart("encoder", options), ONE_EPOCH, tick=NO_TICK))
    exact, small = tmp_path / f"exact{modelfile.SUFFIX}", tmp_path / f"small{modelfile.SUFFIX}"
    network.write(CARD, exact, proof=lesson().train)
    quantise.write(exact, small)
    answers_again(exact)
    answers_again(small)


def test_the_model_that_ships_answers_again(examples: Path) -> None:
    hearing = intone.load(threads=1)
    baseline = hearing.baseline([examples / "plain.flac", examples / "questioning.flac"])
    sounds = [audio.load(examples / f"{name}.flac") for name in ("fast-high-loud", "slow-low-quiet")]
    for sound in sounds:
        anew = hearing.hear(sound, baseline).logits
        assert np.allclose(hearing.again(hearing.hear(sound), baseline), anew, atol=1e-5)


def test_a_model_that_knows_no_speakers_gathers_nothing() -> None:
    assert not intone.load("intone-classic").gathers
