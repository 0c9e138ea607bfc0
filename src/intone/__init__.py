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
from intone.hear.recogniser import Recogniser, load
from intone.results import Prediction

__version__ = "0.1.0"
__all__ = ["Baseline", "Emotion", "IntoneError", "Prediction", "Recogniser", "SoundError", "Waveform", "load"]
