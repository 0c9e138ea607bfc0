"""A ranking finds the column that tells emotions apart, and does not mistake a voice for one."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.preprocessing import StandardScaler

from intone.errors import UsageError
from intone.learn.rank import Ranking, draw, rank

EMOTIONS, SPEAKERS, TAKES = ("anger", "joy", "sadness"), ("a", "b", "c", "d"), 12


def planted() -> tuple[pd.DataFrame, list[str], list[str]]:
    """Give columns of which one is the emotion on top of the voice, one the voice alone, and one a spread."""
    rng = np.random.default_rng(3)
    emotion = np.tile(np.repeat(np.arange(3), TAKES), len(SPEAKERS))
    speaker = np.repeat(np.arange(len(SPEAKERS)), 3 * TAKES)
    noise = rng.standard_normal((4, len(emotion)))
    columns = pd.DataFrame(
        {
            "noise": noise[0],
            "voice": 10.0 * speaker + noise[1],
            "emotion": 3.0 * emotion + 10.0 * speaker + noise[2],
            "spread": noise[3] * 10.0**emotion,
            "constant": np.full(len(emotion), 0.1),
        }
    )
    return columns, [EMOTIONS[number] for number in emotion], [SPEAKERS[number] for number in speaker]


def by_feature(ranking: Ranking) -> Any:
    return ranking.table.set_index("feature")


def test_the_planted_column_is_first_and_the_voice_is_not_mistaken_for_an_emotion() -> None:
    ranking = rank(*planted())
    assert (ranking.recordings, ranking.emotions, ranking.speakers) == (144, 3, 4)
    table = by_feature(ranking)
    assert ranking.table["feature"].iloc[0] == "emotion"
    assert table.loc["emotion", "eta2"] > 0.8
    assert table.loc["emotion", "raw_eta2"] < 0.1  # the voices hide it
    assert table.loc["voice", "eta2"] < 0.1
    assert table.loc["emotion", "p"] < 1e-9
    assert table.loc["constant", ["eta2", "f", "raw_eta2", "speaker_median"]].eq(0).all()
    assert table.loc["constant", "p"] == 1
    assert table.notna().all(axis=None)


def test_information_sees_what_is_no_difference_of_means() -> None:
    table = by_feature(rank(*planted()))
    assert table.loc["spread", "eta2"] < 0.1
    assert table.loc["spread", "information"] > 0.3
    assert table.loc["noise", "information"] < 0.1


def test_f_and_eta2_are_those_of_scipys_analysis_of_variance() -> None:
    columns, emotions, speakers = planted()
    row = by_feature(rank(columns, emotions, speakers)).loc["emotion"]
    voices = columns["emotion"].groupby(pd.Series(speakers)).transform(lambda own: (own - own.mean()) / own.std(ddof=0))
    felt = np.array(emotions)
    f, p = stats.f_oneway(*(voices[felt == emotion] for emotion in EMOTIONS))
    assert row["f"] == pytest.approx(f)
    assert row["p"] == pytest.approx(p)
    assert row["eta2"] == pytest.approx(2 * f / (2 * f + len(felt) - 3))


def test_each_speaker_is_also_taken_alone() -> None:
    columns, emotions, speakers = planted()
    felt, voices = np.array(emotions), np.array(speakers)
    columns.loc[voices == "d", "emotion"] = np.random.default_rng(9).standard_normal(36)  # who shows nothing in it
    row = by_feature(rank(columns, emotions, speakers)).loc["emotion"]
    alone = [rank(columns[voices == s], list(felt[voices == s]), ["one"] * 36) for s in SPEAKERS]
    shares = [by_feature(ranking).loc["emotion", "raw_eta2"] for ranking in alone]
    assert row["speaker_median"] == pytest.approx(np.median(shares))
    assert (row["speaker_low"], row["speaker_high"]) == pytest.approx((min(shares), max(shares)))
    assert row["speaker_low"] < 0.2
    assert row["speaker_median"] > 0.8


def test_what_is_missing_counts_as_the_mean_and_is_told() -> None:
    columns, emotions, speakers = planted()
    columns.loc[::4, "emotion"] = np.nan
    columns["silent"] = np.nan
    table = by_feature(rank(columns, emotions, speakers))
    assert table.loc["emotion", "missing"] == 0.25
    assert table.loc["silent", ["eta2", "information", "missing"]].tolist() == [0, pytest.approx(0, abs=0.05), 1]
    assert 0.4 < table.loc["emotion", "eta2"] < 0.8


def test_scaling_a_column_changes_no_share() -> None:
    columns, emotions, speakers = planted()
    scaled = pd.DataFrame(StandardScaler().fit_transform(columns) * 1e-3 + 5, columns=columns.columns)
    one, other = (by_feature(rank(c, emotions, speakers)).sort_index() for c in (columns, scaled))
    np.testing.assert_allclose(one[["eta2", "raw_eta2"]], other[["eta2", "raw_eta2"]], atol=1e-6)


def test_an_emotion_heard_once_is_left_out_and_one_alone_cannot_be_ranked() -> None:
    columns = pd.DataFrame({"x": [1.0, 1.1, 2.0, 2.1, 9.0]})
    assert rank(columns, ["a", "a", "b", "b", "c"], ["s"] * 5).emotions == 2
    with pytest.raises(UsageError, match="no two emotions"):
        rank(columns, ["a", "a", "b", "c", "d"], ["s"] * 5)


def test_no_speaker_tells_anything_alone_where_each_says_one_thing() -> None:
    columns = pd.DataFrame({"x": [1.0, 1.1, 2.0, 2.1]})
    ranking = rank(columns, ["a", "a", "b", "b"], ["s", "t", "s", "t"])
    assert ranking.speakers == 0
    assert ranking.table["speaker_median"].isna().all()


def test_the_picture_is_written(tmp_path: Path) -> None:
    ranking = rank(*planted())
    draw({"one": ranking, "other": ranking}, tmp_path / "rank.svg", top=3)
    assert (tmp_path / "rank.svg").read_text().count("<svg") == 1
