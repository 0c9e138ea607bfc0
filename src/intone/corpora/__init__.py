"""Corpora of emotional speech: what they are, how to get them, and each as one table.

>>> from intone import corpora
>>> corpora.describe("ravdess").licence
'CC BY-NC-SA 4.0'
"""

from intone.corpora.check import Report, SameSound, check, held, same_content, same_sound
from intone.corpora.corpus import Corpus, Source, UnreadableNameError, Utterance
from intone.corpora.fetch import fetch
from intone.corpora.get import get
from intone.corpora.registry import CORPORA, describe
from intone.corpora.table import (
    OnlySeven,
    Recording,
    Survey,
    left_out,
    misnamed,
    only_seven,
    read,
    repeated,
    survey,
)
from intone.corpora.unpack import Limits, unpack

__all__ = [
    "CORPORA",
    "Corpus",
    "Limits",
    "OnlySeven",
    "Recording",
    "Report",
    "SameSound",
    "Source",
    "Survey",
    "UnreadableNameError",
    "Utterance",
    "check",
    "describe",
    "fetch",
    "get",
    "held",
    "left_out",
    "misnamed",
    "only_seven",
    "read",
    "repeated",
    "same_content",
    "same_sound",
    "survey",
    "unpack",
]
