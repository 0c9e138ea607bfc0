"""No fold lets a sound, or where it is forbidden a speaker, stand on two sides."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intone.errors import UsageError
from intone.learn import splits
from intone.learn.recipe import SplitPart
from intone.learn.splits import PROTOCOLS, Fold


def table(speakers: int = 4, each: int = 10, emotions: int = 3) -> pd.DataFrame:
    rows = [
        {"speaker": f"s{speaker}", "emotion": f"e{number % emotions}", "sha256": f"{speaker}-{number}"}
        for speaker in range(speakers)
        for number in range(each)
    ]
    return pd.DataFrame(rows)


@given(
    speakers=st.integers(2, 6),
    each=st.integers(9, 30),
    test=st.floats(0.1, 0.5),
    validation=st.floats(0, 0.4),
    seed=st.integers(0, 2**31),
)
def test_a_random_split_uses_each_row_once_and_keeps_the_emotions_shares(
    speakers: int, each: int, test: float, validation: float, seed: int
) -> None:
    rows = table(speakers, each)
    settings = SplitPart("random", test=test, validation=validation)
    (fold,) = splits.make(rows, PROTOCOLS["random"], settings, seed)
    assert (fold.train.astype(int) + fold.validation + fold.test == 1).all()
    for _, group in rows.groupby("emotion"):
        assert abs(fold.test[group.index].mean() - test) <= 0.5 / len(group) + 1e-9


def test_a_random_split_follows_its_seed() -> None:
    rows, settings = table(), SplitPart("random")
    (first,) = splits.make(rows, PROTOCOLS["random"], settings, 1)
    (again,) = splits.make(rows, PROTOCOLS["random"], settings, 1)
    (other,) = splits.make(rows, PROTOCOLS["random"], settings, 2)
    assert np.array_equal(first.test, again.test)
    assert not np.array_equal(first.test, other.test)


def test_leaving_one_speaker_out_tests_each_speaker_once_and_never_trains_on_it() -> None:
    rows = table()
    folds = splits.make(rows, PROTOCOLS["leave-one-speaker-out"], SplitPart("leave-one-speaker-out"), 1)
    assert np.sum([fold.test for fold in folds], axis=0).tolist() == [1] * len(rows)
    for fold in folds:
        assert set(rows.speaker[fold.test]) == {fold.name}
        assert fold.name not in set(rows.speaker[fold.train])


def test_named_speakers_are_kept_out() -> None:
    settings = SplitPart("unseen-speakers", test_speakers=("s0",), validation_speakers=("s1",))
    rows = table()
    (fold,) = splits.make(rows, PROTOCOLS["unseen-speakers"], settings, 1)
    assert set(rows.speaker[fold.test]) == {"s0"}
    assert set(rows.speaker[fold.validation]) == {"s1"}
    assert set(rows.speaker[fold.train]) == {"s2", "s3"}


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (SplitPart("unseen-speakers"), "needs test_speakers"),
        (SplitPart("unseen-speakers", test_speakers=("s9",)), "Accepted: s0, s1, s2, s3"),
        (SplitPart("unseen-speakers", test_speakers=("s0",), validation_speakers=("s0",)), "both"),
        (SplitPart("unseen-speakers", test_speakers=("s0", "s1", "s2", "s3")), "empty training"),
    ],
)
def test_settings_that_do_not_fit_the_table_are_refused(settings: SplitPart, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        splits.make(table(), PROTOCOLS["unseen-speakers"], settings, 1)


def test_an_emotion_that_is_tested_and_never_trained_is_refused() -> None:
    rows = table(speakers=2)
    rows.loc[rows.speaker == "s0", "emotion"] = "only s0"
    with pytest.raises(UsageError, match="tests only s0"):
        splits.make(rows, PROTOCOLS["leave-one-speaker-out"], SplitPart("leave-one-speaker-out"), 1)


def test_a_planted_speaker_and_a_planted_sound_are_caught() -> None:
    rows = table()
    test = (rows.speaker == "s0").to_numpy()
    nobody = np.zeros(len(rows), dtype=bool)
    honest = Fold("honest", ~test, nobody, test)
    splits.check(rows, honest, PROTOCOLS["leave-one-speaker-out"])

    leaking = test.copy()
    leaking[np.flatnonzero(~test)[0]] = True
    with pytest.raises(UsageError, match="share the speaker s1"):
        splits.check(rows, Fold("leak", ~leaking, nobody, leaking), PROTOCOLS["leave-one-speaker-out"])

    rows.loc[rows.index[test][0], "sha256"] = rows.sha256[np.flatnonzero(~test)[0]]
    with pytest.raises(UsageError, match="share the sha256"):
        splits.check(rows, honest, PROTOCOLS["random"])


def test_a_split_that_leaks_speakers_must_have_an_honest_one_beside_it() -> None:
    with pytest.raises(UsageError, match="says nothing of a new voice"):
        splits.protocols(SplitPart("random"))
    chosen = splits.protocols(SplitPart("random", beside="leave-one-speaker-out"))
    assert [protocol.leaks_speakers for protocol in chosen.values()] == [True, False]
    assert "speakers shared" in chosen["random"].title


def test_an_unknown_protocol_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="Did you mean 'random'"):
        splits.protocols(SplitPart("randon"))
