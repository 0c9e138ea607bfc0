"""What the detector of speech learns from, and what it is worth: the scores that are stored are its own."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from intone.hear import loading, voice
from intone.hear.audio import RATE
from intone.learn import activity, activity_scores, noises, scenes

Floats = NDArray[np.float32]
SCORES = Path(__file__).parents[2] / "results" / "activity.json"


def recording(*, pause: float, click: bool = False) -> Floats:
    """Make a loud second, a pause, and another, in a quiet room; and far before them a click."""
    random = np.random.default_rng(0)
    sound = random.normal(0, 1e-4, round((4 + pause) * RATE))
    for start in (1.5, 2.5 + pause):
        sound[round(start * RATE) : round((start + 1) * RATE)] += random.normal(0, 0.1, RATE)
    if click:
        sound[RATE // 2 : RATE // 2 + 200] += 0.2
    return sound.astype(np.float32)


def runs(spoken: NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], spoken, [False]]).astype(int)))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]


def test_speech_is_where_a_clean_recording_is_loud() -> None:
    assert runs(scenes.spoken_frames(recording(pause=0.5))) == [(150, 250), (300, 400)]


def test_a_short_gap_is_speech_and_a_click_is_none() -> None:
    assert runs(scenes.spoken_frames(recording(pause=0.1, click=True))) == [(150, 360)]


def test_a_scene_is_the_same_for_the_same_seed_and_no_other() -> None:
    speech = [recording(pause=0.3), recording(pause=0.6)]
    one, again, other = (scenes.Scenes(speech, seed) for seed in (1, 1, 2))
    for number in range(8):
        sound, spoken = one.made(number)
        assert len(sound) == len(spoken) * voice.FRAME
        assert len(sound) % voice.TICK == 0
        assert np.isfinite(sound).all()
        assert np.array_equal(sound, again.made(number)[0])
        assert not np.array_equal(sound, other.made(number)[0])


@pytest.mark.parametrize("kind", sorted(noises.TRAINING | noises.HELD_OUT))
def test_a_noise_is_as_long_as_asked_and_its_seed_s_own(kind: str) -> None:
    make = (noises.TRAINING | noises.HELD_OUT)[kind]
    one, again, other = (make(5 * RATE + 7, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one.shape == (5 * RATE + 7,)
    assert np.isfinite(one).all()
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_what_is_learned_is_laid_beside_what_is_true() -> None:
    """The loudest band of a frame tells best of all whether this frame is speech, and worse of frames beside it."""
    made = scenes.Scenes([recording(pause=0.3)], 1)
    given, truth = (np.concatenate(parts) for parts in zip(*activity.lessons(made, range(6)), strict=True))
    assert given.shape == (len(truth), voice.NUMBERS)
    loudest = given[:, : voice.BANDS].max(axis=1)
    alike = {late: float(np.corrcoef(np.roll(loudest, -late), truth)[0, 1]) for late in (-20, -10, 0, 10, 20)}
    assert max(alike, key=lambda late: alike[late]) == 0


def test_training_and_detector_compute_the_same_network() -> None:
    """Frames whose pitch is strong are speech, here: that is learned in a moment, and heard by the detector."""
    random = np.random.default_rng(0)
    truth = np.repeat(random.random((64, 8)) < 0.5, 25, axis=1)
    given = random.normal(size=(64, 200, voice.NUMBERS)).astype(np.float32)
    given[..., -1] += 3 * truth
    weights = activity.fitted(given, truth, epochs=12, seed=1)
    network = voice.Network(weights)
    told = np.concatenate([network.push(given[0, start : start + 25]) for start in range(0, 200, 25)])
    assert ((told[voice.AHEAD :] >= 0.5) == truth[0, : -voice.AHEAD]).mean() > 0.9


def test_a_boundary_counts_once_and_within_a_quarter_of_a_second() -> None:
    assert activity_scores.boundary_f1([(1.0, 2.0)], [(1.2, 2.2)]) == 1
    assert activity_scores.boundary_f1([(1.0, 2.0)], [(1.2, 2.5)]) == 0.5
    assert activity_scores.boundary_f1([(1.0, 2.0), (1.1, 3.0)], [(1.0, 2.0)]) == pytest.approx(2 / 3)
    assert activity_scores.segments(np.repeat([True, False, True, False, True], [30, 39, 30, 41, 19])) == [(0.0, 0.99)]


def test_nobody_who_tests_the_detector_was_learned_from() -> None:
    stored = json.loads(SCORES.read_text(encoding="utf-8"))
    known = set(loading.load().card.speakers)
    assert set(activity.VALIDATION) <= known
    assert not known & set(stored["speakers"]["learned"])
    assert not set(noises.TRAINING) & set(stored["noises"]["held_out"])


def test_a_minute_of_noise_alone_is_as_the_file_of_scores_says() -> None:
    stored = json.loads(SCORES.read_text(encoding="utf-8"))
    found = activity_scores.alone(lambda sound: voice.chances(sound) >= voice.THRESHOLD)
    assert found == pytest.approx(stored["alone"], abs=0.5)


@pytest.mark.corpora
def test_new_speakers_have_the_scores_that_are_stored(corpora_root: Path) -> None:
    stored = json.loads(SCORES.read_text(encoding="utf-8"))["speakers"]["learned"]
    names = sorted(stored)
    name = "ravdess-01"
    paths = activity.strangers(corpora_root, "ravdess").query("speaker == @name")["path"].tolist()
    number = names.index(name)
    whole = activity_scores.monologue(paths, activity_scores.SECONDS, seed=[activity_scores.SEED, number])
    found = activity_scores.errors(
        lambda sound: voice.chances(sound) >= voice.THRESHOLD, whole, activity_scores.USUAL, number
    )
    for condition, scores in stored[name].items():
        assert found[condition] == pytest.approx(scores, abs=0.5)
