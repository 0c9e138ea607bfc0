"""The readers against the real corpora: counts, speakers, labels."""

from pathlib import Path

import pytest

from intone import corpora

pytestmark = pytest.mark.corpora

# Recordings, speakers, sentences, and recordings by emotion, as the corpora's own documents tell them; of TESS, two
# files are lacking in the copy that is tested.
EXPECTED: dict[str, tuple[int, int, int, dict[str, int]]] = {
    "ased": (2474, 65, 35, {"anger": 486, "fear": 510, "happiness": 486, "neutral": 522, "sadness": 470}),
    "emodb": (
        535,
        10,
        10,
        {"anger": 127, "boredom": 81, "disgust": 46, "fear": 69, "happiness": 71, "neutral": 79, "sadness": 62},
    ),
    "emovo": (588, 6, 14, dict.fromkeys("anger disgust fear happiness neutral sadness surprise".split(), 84)),
    "nemo": (
        4481,
        9,
        90,
        {"anger": 749, "fear": 736, "happiness": 749, "neutral": 809, "sadness": 769, "surprise": 669},
    ),
    "ravdess": (
        1440,
        24,
        2,
        dict.fromkeys("anger calm disgust fear happiness sadness surprise".split(), 192) | {"neutral": 96},
    ),
    "tess": (
        2798,
        2,
        200,
        dict.fromkeys("disgust fear happiness neutral surprise".split(), 400) | {"anger": 399, "sadness": 399},
    ),
}
SEXES = {
    "ased": {"female": 25, "male": 40},
    "emodb": {"female": 5, "male": 5},
    "emovo": {"female": 3, "male": 3},
    "nemo": {"female": 4, "male": 5},
    "ravdess": {"female": 12, "male": 12},
    "tess": {"female": 2},
}


@pytest.mark.parametrize("name", EXPECTED)
def test_counts_speakers_and_labels(name: str, corpora_root: Path) -> None:
    table = corpora.read(name, corpora_root / name)
    recordings, speakers, sentences, emotions = EXPECTED[name]
    assert len(table) == recordings
    assert corpora.left_out(table) == []
    if name != "tess":
        assert emotions == dict(corpora.describe(name).counts)
        assert speakers == corpora.describe(name).speakers
    assert table["speaker"].nunique() == speakers
    assert table["sentence"].nunique() == sentences
    assert table["emotion"].value_counts().to_dict() == emotions
    assert set(table["emotion"]) == set(corpora.describe(name).labels)
    assert table.drop_duplicates("speaker")["sex"].value_counts().to_dict() == SEXES[name]
    assert (table.groupby("speaker")["sex"].nunique() == 1).all()
    assert set(table["language"]) == {corpora.describe(name).language}
    assert all(Path(path).is_file() for path in table["path"])


@pytest.mark.parametrize("name", EXPECTED)
def test_the_root_of_all_corpora_serves_as_well_as_the_own_folder(name: str, corpora_root: Path) -> None:
    from_all = corpora.read(name, corpora_root)
    assert from_all.equals(corpora.read(name, corpora_root / name))


def test_tess_has_the_same_number_for_each_speaker(corpora_root: Path) -> None:
    table = corpora.read("tess", corpora_root)
    assert table["speaker"].value_counts().to_dict() == {"tess-OAF": 1399, "tess-YAF": 1399}


def test_nemo_tells_the_words_and_falls_back_on_numbers(corpora_root: Path) -> None:
    whole = corpora.read("nemo", corpora_root / "nemo")
    spoken = whole.set_index(whole["path"].map(lambda path: Path(path).stem))["sentence"]
    assert spoken["EB0_neutral_13"] == "Interesuje mnie historia Polski."
    bare = corpora.read("nemo", corpora_root / "nemo" / "samples")
    assert bare["sentence"].nunique() == whole["sentence"].nunique() == 90
    assert bare["sex"].equals(whole["sex"])


def test_originals_as_users_get_them(corpora_root: Path) -> None:
    tess = corpora.read("tess", corpora_root / "_originals")
    labels = zip(tess["speaker"], tess["emotion"], strict=True)
    assert {Path(path).name: label for path, label in zip(tess["path"], labels, strict=True)} == {
        "OAF_food_fear.wav": ("tess-OAF", "fear"),
        "OA_bite_neutral.wav": ("tess-OAF", "neutral"),
        "YAF_dog_happy.wav": ("tess-YAF", "happiness"),
        "YAF_germ_angry.wav": ("tess-YAF", "anger"),
        "YAF_neat_fear.wav": ("tess-YAF", "fear"),
    }
    assert len(corpora.read("ravdess", corpora_root / "_originals")) == 2


def test_tables_of_several_corpora_join_without_mixing_speakers(corpora_root: Path) -> None:
    import pandas as pd

    names = ["emovo", "ravdess", "emodb"]
    joined = pd.concat([corpora.read(name, corpora_root) for name in names], ignore_index=True)
    assert joined["speaker"].nunique() == 6 + 24 + 10
    kept, dropped = corpora.only_seven(joined)
    assert dropped == {"boredom": 81, "calm": 192}
    assert len(kept) == len(joined) - 81 - 192
    neutral, dropped = corpora.only_seven(joined, calm_is_neutral=True)
    assert dropped == {"boredom": 81}
    assert (neutral["emotion"] == "neutral").sum() == 84 + 96 + 192 + 79
