"""What the model that ships says of sounds that are no speech: that it is unsure."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import intone
from intone.emotions import Emotion
from tests import outside


@pytest.mark.parametrize("kinds", [outside.sounds, outside.others])
def test_it_is_unsure_of_what_is_no_speech(kinds: Callable[[int], dict[str, outside.Samples]]) -> None:
    hearing = intone.load()
    heard = {
        f"{name}, {seed}": hearing.predict(sound, rate=16_000).unsure
        for seed in range(3)
        for name, sound in kinds(seed).items()
    }
    assert sum(heard.values()) >= 0.95 * len(heard), [name for name, unsure in heard.items() if not unsure]


@pytest.mark.parametrize("kinds", [outside.sounds, outside.others])
def test_nor_does_it_become_sure_of_it_when_it_lasts(kinds: Callable[[int], dict[str, outside.Samples]]) -> None:
    hearing = intone.load()
    heard = {name: hearing.predict(np.tile(sound, 8), rate=16_000).unsure for name, sound in kinds(0).items()}
    assert sum(heard.values()) >= 0.9 * len(heard), [name for name, unsure in heard.items() if not unsure]


def test_speech_it_may_be_sure_of(examples: Path) -> None:
    heard = intone.load().predict(examples / "plain.flac")
    assert not heard.unsure
    assert heard.emotion is Emotion.NEUTRAL
