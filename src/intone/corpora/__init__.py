"""Corpora of emotional speech: what they are, how to get them, and each as one table.

>>> from intone import corpora
>>> corpora.describe("ravdess").licence
'CC BY-NC-SA 4.0'
"""

from intone.corpora.corpus import Corpus, Source, UnreadableNameError, Utterance
from intone.corpora.registry import CORPORA, describe
from intone.corpora.table import OnlySeven, Recording, Survey, only_seven, read, survey

__all__ = [
    "CORPORA",
    "Corpus",
    "OnlySeven",
    "Recording",
    "Source",
    "Survey",
    "UnreadableNameError",
    "Utterance",
    "describe",
    "only_seven",
    "read",
    "survey",
]
