"""What the detector of speech learns from: speech that is told by its level, and noise that is made anew by a seed."""

import numpy as np
from numpy.typing import NDArray

from intone.hear import voice
from intone.hear.audio import RATE
from intone.learn import activity

Floats = NDArray[np.float32]


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
    assert runs(activity.spoken_frames(recording(pause=0.5))) == [(150, 250), (300, 400)]


def test_a_short_gap_is_speech_and_a_click_is_none() -> None:
    assert runs(activity.spoken_frames(recording(pause=0.1, click=True))) == [(150, 360)]


def test_a_scene_is_the_same_for_the_same_seed_and_no_other() -> None:
    speech = [recording(pause=0.3), recording(pause=0.6)]
    one, again, other = (activity.Scenes(speech, seed) for seed in (1, 1, 2))
    for number in range(8):
        sound, spoken = one.made(number)
        assert len(sound) == len(spoken) * voice.FRAME
        assert len(sound) % voice.TICK == 0
        assert np.isfinite(sound).all()
        assert np.array_equal(sound, again.made(number)[0])
        assert not np.array_equal(sound, other.made(number)[0])


def test_what_is_learned_is_laid_beside_what_is_true() -> None:
    """Without noise the loudest band of a frame tells whether it is speech; told a frame late, it would not."""
    scenes = activity.Scenes([recording(pause=0.3)], 1)
    given, truth = (np.concatenate(parts) for parts in zip(*activity.lessons(scenes, range(6)), strict=True))
    assert len(given) == len(truth)
    now = voice.OFFSETS.tolist().index(0)
    beside = given.reshape(len(given), len(voice.OFFSETS), 2 * voice.BANDS)
    own = beside[:, now, : voice.BANDS].max(axis=1)
    assert own[truth].mean() > own[~truth].mean() + 0.5
