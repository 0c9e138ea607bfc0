"""What a model is given becomes one array and back."""

import numpy as np

from intone.features import Inputs


def test_sequences_come_back_from_their_array_whatever_was_not_measured_in_them() -> None:
    generator = np.random.default_rng(0)
    parts = [generator.standard_normal((length, 3)).astype(np.float32) for length in (4, 1, 7)]
    parts[0][1:3] = np.nan
    parts[2][-1, :2] = np.nan
    given = Inputs.of(parts)
    back = Inputs.from_array(given.to_array())
    assert given.lengths is not None
    assert back.lengths is not None
    np.testing.assert_array_equal(back.lengths, given.lengths)
    np.testing.assert_array_equal(back.values, given.values)
    shorter = Inputs.from_array(given.to_array()[:2])
    assert shorter.values.shape == (2, 4, 3)  # padded no further than the longest that is left


def test_an_utterance_of_which_nothing_was_measured_keeps_one_frame() -> None:
    read = Inputs.from_array(np.full((1, 5, 2), np.nan, dtype=np.float32))
    assert read.lengths is not None
    assert read.lengths.tolist() == [1]
    assert read.values.shape == (1, 1, 2)
