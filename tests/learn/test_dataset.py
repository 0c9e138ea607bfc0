"""What a training's data set is made of."""

from pathlib import Path

import numpy as np
import pytest

from intone.learn import dataset
from intone.learn import recipe as recipes
from tests.sung import RECIPE

pytestmark = pytest.mark.xdist_group("keras")


def test_each_copy_is_changed_in_its_own_way(sung_tess: Path) -> None:
    text = RECIPE.replace('recipe = "mfcc40"', 'recipe = "waveform"').replace(
        "seeds = [5]", 'copies = 2\naugment = [["gain"], ["tempo"]]'
    )
    heard = dataset.load(recipes.parse(text), sung_tess)
    louder, slower = (copy.values for copy in heard.copies)
    whole = heard.inputs.values
    assert [len(sound) for sound in louder] == [len(sound) for sound in whole]
    levels = [float(np.abs(one).max() / np.abs(other).max()) for one, other in zip(louder, whole, strict=True)]
    lengths = [len(one) / len(other) for one, other in zip(slower, whole, strict=True)]
    for ratios in (levels, lengths):
        changed = np.mean([abs(ratio - 1) > 0.01 for ratio in ratios])
        assert 0.2 < changed < 0.8  # with even odds
    same = [np.array_equal(one, other) for one, other in zip(slower, whole, strict=True)]
    assert np.mean(same) > 0.2
