"""What tells whether a speaker's utterances are of one emotion alone."""

from functools import cache
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, log_softmax

from intone.hear.engines import nobody
from intone.learn import spread
from intone.learn.episodes import Cast, vectors
from intone.learn.networks.relative import relative_logits, spread_features

pytestmark = pytest.mark.xdist_group("keras")
VOICES, EACH, WIDTH = 12, 84, 20


def told(speakers: int = VOICES, *, seed: int = 0) -> tuple[Any, Any, Any]:
    """Make voices whose seven emotions lie apart along three of twenty numbers, and speakers along all of them."""
    random = np.random.default_rng(seed)
    emotions = np.zeros((7, WIDTH))
    emotions[:, :3] = np.random.default_rng(1).normal(0, 4, (7, 3))
    truth = np.tile(np.arange(7), speakers * EACH // 7)
    who = np.repeat(np.arange(speakers), EACH)
    voices = random.normal(0, 3, (speakers, WIDTH))[who] + emotions[truth] + random.normal(0, 1, (len(who), WIDTH))
    return voices.astype(np.float32), truth.astype(np.int64), who.astype(str)


def test_directions_are_those_of_emotions_and_not_of_speakers() -> None:
    voices, truth, speakers = told()
    found = spread.directions(voices, truth, speakers, np.arange(len(voices)), 6)
    assert found.shape == (WIDTH, 6)
    assert (np.square(found[:3, :3]).sum(axis=0) / np.square(found[:, :3]).sum(axis=0)).min() > 0.7
    two = np.flatnonzero(truth < 2)
    assert not spread.directions(voices, truth, speakers, two, 6)[:, 1:].any()  # two emotions have one between them


def test_a_speaker_of_whom_one_emotion_is_known_tells_of_no_directions() -> None:
    voices, truth, speakers = told()
    every = np.arange(len(voices))
    found = spread.directions(voices, truth, speakers, every, 6)
    stranger = np.full((40, WIDTH), 100, np.float32) + np.random.default_rng(5).normal(0, 9, (40, WIDTH))
    with_stranger = spread.directions(
        np.concatenate([voices, stranger.astype(np.float32)]), np.append(truth, np.full(40, 6)),
        np.append(speakers, np.full(40, "stranger")), np.arange(len(voices) + 40), 6,
    )  # fmt: skip
    assert np.array_equal(found, with_stranger)
    each_once = np.arange(len(voices)).astype(str)
    assert not spread.directions(voices, truth, each_once, every, 6).any()
    cast = Cast(each_once.tolist(), truth, 4)  # nobody has two utterances, so there is no set to learn from
    kernel, bias = spread.one_emotion(voices[:, :6], truth, cast, every, np.random.default_rng(3))
    assert not kernel.any()
    assert not bias.any()


def test_sets_of_one_emotion_of_an_unheard_speaker_are_told() -> None:
    voices, truth, speakers = told()
    rows = np.random.default_rng(2).choice(len(voices), 3000)
    directions = spread.directions(voices, truth, speakers, rows, 6)
    cast = Cast(speakers.tolist(), truth, 4)
    kernel, bias = spread.one_emotion(voices @ directions, truth, cast, rows, np.random.default_rng(3))
    voices, truth, speakers = told(4, seed=9)
    cast, along = Cast(speakers.tolist(), truth, 4), voices @ directions
    random = np.random.default_rng(4)

    def likely(make_up: str) -> float:
        drawn = [cast.references(row, make_up, 10, random, label=0) for row in range(len(voices))]
        sets = [some for some in drawn if len(some) > 3]
        variance = np.stack([along[some].var(axis=0) for some in sets])
        seen = spread_features(variance, np.array([[float(len(some))] for some in sets], np.float32))
        return float(expit(keras.ops.convert_to_numpy(seen) @ kernel + bias).mean())

    assert likely("balanced") < 0.1
    assert likely("only") > 0.8
    long_call = cast.references(0, "only", 30, random, label=0)
    variance = along[long_call].var(axis=0)[np.newaxis]
    odds = [
        float((keras.ops.convert_to_numpy(spread_features(variance, np.array([[count]], np.float32))) @ kernel)[0, 0])
        for count in (30, 3000)
    ]
    assert odds[1] == pytest.approx(odds[0], abs=0.5)  # no set of the training is longer than 30


@cache
def two_heads(doubt: float) -> Any:
    """Build two heads that weigh every baseline by the same log-odds; give their answers, apart and together."""
    keras.utils.set_random_seed(1)
    voice, baseline = keras.Input((8,), name="voice"), keras.Input((18,), name="baseline")
    logits = relative_logits(voice, baseline, 3, hidden=4, dropout=0.0, name="logits", directions=2)
    network = keras.Model({"voice": voice, "baseline": baseline}, logits)
    outputs = {"logits": logits, **{name: network.get_layer(name).output for name in ("beyond", "knowing")}}
    network.get_layer("of_one_emotion").set_weights([np.zeros((6, 1)), np.full(1, doubt)])
    return keras.Model(network.input, outputs)


def answered(voices: Any, baselines: Any, doubt: float) -> tuple[Any, Any]:
    """Give what each of two heads answers, and what they answer together."""
    found = two_heads(doubt)({"voice": voices, "baseline": baselines})
    both = np.stack([keras.ops.convert_to_numpy(found[name]) for name in ("beyond", "knowing")], axis=1)
    return log_softmax(both, axis=-1), keras.ops.convert_to_numpy(found["logits"])


def test_how_two_heads_are_weighed() -> None:
    voices = np.random.default_rng(0).normal(0, 1, (9, 8)).astype(np.float32)
    alone, together = answered(voices[:1], nobody(8), 0.0)
    assert np.allclose(together, alone[:, 1], atol=1e-5)  # without a baseline the told one answers by itself
    each, once = answered(voices[:1], vectors(voices, [np.arange(1, 2)], [False]), 99.0)
    assert np.allclose(once, (2 * each[:, 0] + each[:, 1] + alone[:, 1]) / 4, atol=1e-5)  # one utterance tells nothing
    several = vectors(voices, [np.arange(1, 9)], [False])
    each, sure = answered(voices[:1], several, -99.0)
    expected = (4 * each[:, 0] + each[:, 1] + alone[:, 1]) / 6  # of several emotions: the difference counts most
    assert np.allclose(sure, expected, atol=1e-5)
    _, even = answered(voices[:1], several, 0.0)
    share = 1 / 3 + (0.85 - 1 / 3) * expit(1.0)  # what may be either is taken for one emotion sooner
    expected = (1 - share) * each[:, 0] + share * (each[:, 1] + alone[:, 1]) / 2
    assert np.allclose(even, expected, atol=1e-5)
    _, doubtful = answered(voices[:1], several, 99.0)
    expected = 0.15 * each[:, 0] + 0.85 * (each[:, 1] + alone[:, 1]) / 2  # of one: the difference counts a little
    assert np.allclose(doubtful, expected, atol=1e-5)
    resting = vectors(voices, [np.arange(1, 9)], [True])
    rested = [answered(voices[:1], resting, doubt) for doubt in (-99.0, 99.0)]
    each, _ = rested[0]
    expected = (2 * each[:, 0] + each[:, 1] + alone[:, 1]) / 4  # that this is of one emotion was said
    assert all(np.allclose(together, expected, atol=1e-5) for _, together in rested)


def test_directions_tell_of_the_baseline_and_nothing_of_the_voice() -> None:
    voices = np.random.default_rng(6).normal(0, 1, (9, 8)).astype(np.float32)
    turned = voices.copy()
    turned[:, -2:] *= -3
    beside = vectors(voices, [np.arange(1, 9)], [False])
    for doubt in (-1.0, 1.0):
        one, other, beside_turned = (
            answered(voice[:1], vectors(some, [np.arange(1, 9)], [False]), doubt)[1]
            for voice, some in ((voices, voices), (turned, voices), (voices, turned))
        )
        assert np.array_equal(one, other)
        assert np.array_equal(one, beside_turned)  # here the weighing looks at no numbers
    network = two_heads(0.0)
    gate = network.get_layer("of_one_emotion")
    kept = gate.get_weights()
    gate.set_weights([np.ones((6, 1)), np.zeros(1)])
    moved, wider = beside.copy(), beside.copy()
    moved[:, 6:8] *= 3
    wider[:, 14:16] *= 3
    before, after, spread_out = (
        network({"voice": voices[:1], "baseline": some})["logits"] for some in (beside, moved, wider)
    )
    gate.set_weights(kept)
    assert np.array_equal(before, after)  # a direction's mean tells nothing
    assert not np.allclose(before, spread_out, atol=1e-3)  # how far a set is spread along it does


@given(st.lists(st.floats(-50, 50), min_size=8, max_size=8), st.integers(2, 12))
def test_what_a_voice_and_its_baseline_have_in_common_is_nothing_to_the_head_of_differences(
    shift: list[float], count: int
) -> None:
    voices = np.random.default_rng(count).normal(0, 1, (count + 1, 8)).astype(np.float32)
    moved = np.array(shift, np.float32)
    one = vectors(voices, [np.arange(1, count + 1)], [False])
    other = one.copy()
    other[:, :8] += moved * (count + 2) / count  # of a mean that a few utterances have only so much is believed
    pairs = ((voices[:1], one), (voices[:1] + moved, other))
    first, second = (answered(some, beside, -99.0)[0][:, 0] for some, beside in pairs)
    assert np.allclose(first, second, atol=2e-2)
