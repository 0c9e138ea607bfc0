"""A training recipe is read whole, or refused in a sentence that says where."""

from pathlib import Path

import pytest

from intone.errors import UsageError
from intone.learn import recipe as recipes
from tests.sung import RECIPE


def test_reads_what_the_file_says() -> None:
    plan = recipes.parse(RECIPE)
    assert plan.name == "sung"
    assert plan.corpora.names == ("tess",)
    assert plan.corpora.calm == "drop"
    assert plan.network.kind == "lstm"
    assert plan.network.options == {"units": 8, "dense": [16], "dropout": 0.1}
    assert plan.training.seeds == (5,)


def test_the_hash_tells_recipes_apart_and_line_ends_not() -> None:
    plan = recipes.parse(RECIPE)
    assert recipes.parse(RECIPE.replace("\n", "\r\n")).sha256 == plan.sha256
    assert recipes.parse(RECIPE.replace("epochs = 3", "epochs = 4")).sha256 != plan.sha256


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ('name = "sung"', 'name = "../sung"', "letters, digits"),
        ('name = "sung"', 'name = "sung"\nseed = 3', "seed"),
        ("[training]", "[trainig]", "Did you mean 'training'"),
        ("epochs = 3", "epoch = 3", "Did you mean 'epochs'"),
        ("epochs = 3", "epochs = 0", "1 to 100000"),
        ("epochs = 3", 'epochs = "three"', "a whole number"),
        ("epochs = 3", "epochs = true", "a whole number"),
        ("batch = 16", "batch = 1.5", "a whole number"),
        ("learning_rate = 0.01", "learning_rate = nan", "accepted is"),
        ("seeds = [5]", "seeds = [5, 5]", "different whole numbers"),
        ("seeds = [5]", "seeds = []", "at least one"),
        ("seeds = [5]", "seeds = 5", "a list"),
        ("epochs = 3", "epochs = 3\ncopies = 2", "copies is 2 and augment []; accepted are"),
        ("epochs = 3", 'epochs = 3\naugment = ["speed"]', "copies is 0 and augment ['speed']"),
        ('names = ["tess"]', "names = []", "at least one corpus"),
        ('names = ["tess"]', 'names = ["tess"]\ncalm = "neutrl"', "Did you mean 'neutral'"),
        ("test = 0.25", "test = 1.5", "0.01 to 0.9"),
        ('kind = "lstm"', "", "needs 'kind'"),
        ("[split]", "[split", "not TOML"),
        ('recipe = "mfcc40"', "", "'recipe' is missing"),
    ],
)
def test_refuses_in_a_sentence_that_names_the_file(before: str, after: str, says: str) -> None:
    assert before in RECIPE
    with pytest.raises(UsageError, match=r"my\.toml") as refused:
        recipes.parse(RECIPE.replace(before, after), name="my.toml")
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_refuses_a_file_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nothing\.toml"):
        recipes.read(tmp_path / "nothing.toml")
    (tmp_path / "noise.toml").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(UsageError, match=r"noise\.toml"):
        recipes.read(tmp_path / "noise.toml")


@pytest.mark.parametrize("path", sorted((Path(__file__).parents[2] / "recipes").glob("*.toml")), ids=lambda p: p.stem)
def test_the_recipes_that_ship_can_be_read(path: Path) -> None:
    assert recipes.read(path).name == path.stem
