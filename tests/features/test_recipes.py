"""A recipe names its columns, survives being written down, and refuses what does not exist."""

import pytest

from intone.errors import UsageError
from intone.features import RECIPES, FeatureRecipe, Measure, recipe


@pytest.mark.parametrize("name", RECIPES)
def test_named_recipes_survive_toml(name: str) -> None:
    assert FeatureRecipe.from_toml(recipe(name).to_toml()) == recipe(name)


@pytest.mark.parametrize("name", RECIPES)
def test_columns_have_different_names(name: str) -> None:
    assert len(set(recipe(name).names)) == len(recipe(name).names)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name = 3", "name is a int"),
        ("names = 'x'", "Did you mean 'name'"),
        ("name = 'x'", "measures nothing"),
        ("name = 'x'\n[[measures]]\nfeature = 'mfc'\ncount = 3", "Did you mean 'mfcc'"),
        ("name = 'x'\n[[measures]]\nfeature = 'mfcc'", "from 1 to 128"),
        ("name = 'x'\n[[measures]]\nfeature = 'mfcc'\ncount = 129", "from 1 to 128"),
        ("name = 'x'\n[[measures]]\nfeature = 'mfcc'\ncount = 2\nstatistics = ['men']", "Did you mean 'mean'"),
        ("name = 'x'\n[[measures]]\nfeature = 'mfcc'\ncount = 2\ndelta = 3", "accepted are 0, 1 and 2"),
        ("name = [", "not TOML"),
        ("name = 'x'\nhop = 0\n[[measures]]\nfeature = 'mfcc'\ncount = 2", "hop from 1"),
    ],
)
def test_a_wrong_recipe_is_told_what_is_accepted(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        FeatureRecipe.from_toml(text)


def test_statistics_and_sequences_do_not_mix() -> None:
    with pytest.raises(UsageError, match="mixes"):
        FeatureRecipe("both", (Measure("mfcc", count=2), Measure("mel", count=2, statistics=("mean",))))
