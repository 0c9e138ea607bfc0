"""The picture's scale; that it is drawn at all is tested through the command."""

import numpy as np

from intone.features.filterbanks import mel_filters
from intone.hear.audio import RATE
from intone.hear.picture import BANDS, FRAME, heights


def test_a_frequency_is_marked_at_the_band_that_hears_it_best() -> None:
    loudest = np.argmax(mel_filters(BANDS, FRAME), axis=1)
    for hertz in (250, 500, 1000, 2000, 4000):
        band = loudest[round(hertz * FRAME / RATE)]
        assert abs(heights([hertz])[0] - (band + 0.5)) < 0.6
