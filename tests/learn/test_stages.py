"""What is learned above a cached stage is what the whole network would hear."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from intone.errors import ModelError
from intone.features import Inputs
from intone.learn import stages
from intone.learn.networks.encoder import encoder
from intone.learn.stages import States
from tests.learn.test_encoder import TINY, at, noise

pytestmark = pytest.mark.xdist_group("keras")
SOUNDS = [noise(2_000 + 333 * seed, seed=seed) for seed in range(19)]


def built(start: int | None = None, *, seed: int = 0, labels: int = 3) -> Any:
    keras.utils.set_random_seed(seed)
    return encoder(labels=labels, backbone=TINY, layers=3, start=start)


@pytest.fixture(scope="module")
def whole() -> Any:
    return built()


@pytest.mark.parametrize("layer", [0, 2, 3])
def test_an_upper_network_trained_on_cached_states_is_heard_in_the_whole(whole: Any, layer: int) -> None:
    states = stages.hear(whole, iter(SOUNDS), layer=layer)
    upper = built(layer, seed=4)
    upper.compile(optimizer="adam", loss="categorical_crossentropy")
    rows = np.arange(len(SOUNDS))
    upper.fit(states[rows].feed(), np.eye(3, dtype=np.float32)[rows % 3], epochs=1, verbose=0)
    target = built(seed=5)
    stages.carry_over(upper, target)
    heard = at(target, "logits")(Inputs.of_sounds(SOUNDS).feed())[0]
    assert np.abs(at(upper, "logits")(states[rows].feed())[0] - heard).max() <= 1e-2  # half precision
    assert np.abs(at(whole, "logits")(Inputs.of_sounds(SOUNDS).feed())[0] - heard).max() > 0.1  # it had learned


def test_states_are_the_layers_own_in_any_order_and_from_the_disk(whole: Any, tmp_path: Path) -> None:
    states = stages.hear(whole, SOUNDS, layer=1)
    states.save(tmp_path / "cache")
    for kept in (states, States.load(tmp_path / "cache")):
        some = kept[np.array([18, 0])]
        for row, number in enumerate((18, 0)):
            right = at(whole, "layer_1")(Inputs.of_sounds([SOUNDS[number]]).feed())[0][0]
            assert some.lengths is not None
            assert some.lengths[row] == len(right)
            assert np.abs(some.values[row, : len(right)] - right).max() <= 1e-2
            assert not some.values[row, len(right) :].any()
    assert (len(states), str(states.values.dtype)) == (19, "float16")


def test_a_network_of_another_shape_cannot_be_completed(whole: Any) -> None:
    with pytest.raises(ModelError, match="'logits'"):
        stages.carry_over(built(2, labels=4), whole)
