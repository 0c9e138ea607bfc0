"""Intone: hear how it was said.

Examples
--------
>>> import intone
>>> heard = intone.load().predict("examples/kennedy.flac")
>>> heard.emotion in intone.Emotion
True
"""

from intone.emotions import Emotion
from intone.errors import IntoneError, SoundError
from intone.hear.audio import Waveform
from intone.hear.baseline import Baseline
from intone.hear.loading import load
from intone.hear.recogniser import Recogniser
from intone.results import Prediction, Segment, Timeline, Update

__version__ = "0.1.0"
__all__ = [
    "Baseline",
    "Emotion",
    "IntoneError",
    "Prediction",
    "Recogniser",
    "Segment",
    "SoundError",
    "Timeline",
    "Update",
    "Waveform",
    "load",
]
