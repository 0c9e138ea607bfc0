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
    """Give utterances of speakers in two corpora, who say sentences by turns."""
    rows = [
        {
            "speaker": f"s{speaker}",
            "emotion": f"e{number % emotions}",
            "sha256": f"{speaker}-{number}",
            "corpus": f"c{speaker % 2}",
            "sentence": f"t{number // emotions % 2}",
        }
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


def test_of_named_corpora_alone_each_speaker_is_left_out_and_the_other_corpora_are_learned_from() -> None:
    rows = table()
    settings = SplitPart("leave-one-speaker-out", test_corpora=("c1",))
    folds = splits.make(rows, PROTOCOLS["leave-one-speaker-out"], settings, 1)
    assert [set(rows.speaker[fold.test]) for fold in folds] == [{"s1"}, {"s3"}]
    assert set(rows.speaker[folds[0].train]) == {"s0", "s2", "s3"}
    with pytest.raises(UsageError, match="Accepted: c0, c1"):
        splits.make(
            rows,
            PROTOCOLS["leave-one-speaker-out"],
            SplitPart("leave-one-speaker-out", test_corpora=("c2",)),
            1,
        )


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


def actors() -> pd.DataFrame:
    rows = [
        {
            "speaker": f"ravdess-{actor:02d}",
            "emotion": emotion,
            "sha256": f"{actor}{emotion}{sentence}",
            "corpus": "ravdess",
            "sentence": sentence,
        }
        for actor in range(1, 25)
        for emotion in ("calm", "anger")
        for sentence in ("kids", "dogs")
    ]
    return pd.DataFrame(rows)


def test_emobox_tests_its_published_actors_and_each_utterance_once() -> None:
    rows = actors()
    folds = splits.make(rows, PROTOCOLS["emobox"], SplitPart("emobox"), 1)
    assert len(folds) == 6
    assert set(rows.speaker[folds[0].test]) == {"ravdess-01", "ravdess-11", "ravdess-20", "ravdess-21"}
    assert np.sum([fold.test for fold in folds], axis=0).tolist() == [1] * len(rows)
    with pytest.raises(UsageError, match="RAVDESS alone"):
        splits.make(table(), PROTOCOLS["emobox"], SplitPart("emobox"), 1)


def test_unseen_speakers_and_sentences_share_neither_in_both_directions() -> None:
    rows = actors()
    settings = SplitPart("unseen-speakers-and-sentences", folds=6)
    folds = splits.make(rows, PROTOCOLS["unseen-speakers-and-sentences"], settings, 1)
    assert len(folds) == 12
    assert np.sum([fold.test for fold in folds], axis=0).tolist() == [1] * len(rows)
    for fold in folds:
        assert not set(rows.speaker[fold.test]) & set(rows.speaker[fold.train])
        assert not set(rows.sentence[fold.test]) & set(rows.sentence[fold.train])


@given(folds=st.integers(2, 6), seed=st.integers(0, 1000), validation=st.floats(0, 0.5))
def test_speaker_folds_test_each_utterance_once_and_watch_other_speakers(
    folds: int, seed: int, validation: float
) -> None:
    rows = table(speakers=8, each=12)
    settings = SplitPart("speaker-folds", folds=folds, validation=validation)
    made = splits.make(rows, PROTOCOLS["speaker-folds"], settings, seed)
    assert np.sum([fold.test for fold in made], axis=0).tolist() == [1] * len(rows)
    for fold in made:
        sides = [set(rows.speaker[side]) for side in (fold.train, fold.validation, fold.test)]
        assert sum(map(len, sides)) == len(set.union(*sides)) == 8


def test_unseen_sentences_are_unseen_and_say_that_the_speakers_are_not() -> None:
    rows = table()
    assert "speakers shared" in PROTOCOLS["unseen-sentences"].title
    for fold in splits.make(rows, PROTOCOLS["unseen-sentences"], SplitPart("unseen-sentences"), 1):
        assert not set(rows.sentence[fold.test]) & set(rows.sentence[fold.train])


def test_leaving_a_corpus_out_tests_only_what_the_others_teach() -> None:
    rows = table()
    rows.loc[rows.corpus == "c1", "emotion"] = rows.emotion.replace({"e2": "only c1"})
    folds = splits.make(rows, PROTOCOLS["leave-one-corpus-out"], SplitPart("leave-one-corpus-out"), 1)
    assert [fold.name for fold in folds] == ["c0", "c1"]
    assert set(rows.corpus[folds[1].test]) == {"c1"}
    assert set(rows.emotion[folds[1].test]) == {"e0", "e1"}
    assert set(rows.corpus[folds[1].train]) == {"c0"}


def test_across_corpora_the_named_ones_are_never_trained_on() -> None:
    rows = table()
    settings = SplitPart("cross-corpus", test_corpora=("c1",))
    (fold,) = splits.make(rows, PROTOCOLS["cross-corpus"], settings, 1)
    assert set(rows.corpus[fold.train]) == {"c0"}
    with pytest.raises(UsageError, match="Accepted: c0, c1"):
        splits.make(rows, PROTOCOLS["cross-corpus"], SplitPart("cross-corpus", test_corpora=("c2",)), 1)


def test_an_unknown_protocol_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="Did you mean 'random'"):
        splits.protocols(SplitPart("randon"))
