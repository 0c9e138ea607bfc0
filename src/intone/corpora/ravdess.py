"""RAVDESS, the Ryerson Audio-Visual Database of Emotional Speech and Song: twenty-four actors, spoken and sung."""

import re
from pathlib import PurePath

from intone.corpora.corpus import CALM, Corpus, Source, UnreadableNameError, Utterance, code
from intone.emotions import Emotion

_NAME = re.compile(r"(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)")
_MODALITIES = {"01": "full-AV", "02": "video-only", "03": "audio-only"}
_EMOTIONS = {
    "01": Emotion.NEUTRAL,
    "02": CALM,
    "03": Emotion.HAPPINESS,
    "04": Emotion.SADNESS,
    "05": Emotion.ANGER,
    "06": Emotion.FEAR,
    "07": Emotion.DISGUST,
    "08": Emotion.SURPRISE,
}
_INTENSITIES = {"01": "normal", "02": "strong"}
_STATEMENTS = {"01": "Kids are talking by the door", "02": "Dogs are sitting by the door"}
_REPETITIONS = {"01": "first", "02": "second"}
_ACTORS = 24


def _read(path: PurePath) -> Utterance | None:
    found = _NAME.fullmatch(path.stem)
    if found is None:
        return None
    modality, channel, emotion, intensity, statement, repetition, actor = found.groups()
    code("modality", modality, _MODALITIES)
    code("repetition", repetition, _REPETITIONS)
    if not 1 <= int(actor) <= _ACTORS:
        raise UnreadableNameError(f"unknown actor '{actor}'; known are 01 to {_ACTORS}")
    if channel not in ("01", "02"):
        raise UnreadableNameError(f"unknown channel '{channel}'; known are 01 (speech), 02 (song)")
    return Utterance(
        speaker=actor,
        sex="male" if int(actor) % 2 else "female",
        emotion=code("emotion", emotion, _EMOTIONS),
        sentence=code("statement", statement, _STATEMENTS),
        intensity=code("intensity", intensity, _INTENSITIES),
        channel="speech" if channel == "01" else "song",
    )


CORPUS = Corpus(
    name="ravdess",
    title="Ryerson Audio-Visual Database of Emotional Speech and Song",
    language="en",
    licence="CC BY-NC-SA 4.0",
    commercial=False,
    citation="Livingstone, S. R. & Russo, F. A. (2018). The Ryerson Audio-Visual Database of Emotional Speech and Song "
    "(RAVDESS). PLoS ONE 13(5): e0196391. doi:10.1371/journal.pone.0196391",
    homepage="https://zenodo.org/records/1188976",
    counts={
        "anger": 192,
        "calm": 192,
        "disgust": 192,
        "fear": 192,
        "happiness": 192,
        "neutral": 96,
        "sadness": 192,
        "surprise": 192,
    },
    songs=1012,  # actor 18 does not sing
    speakers=_ACTORS,
    example="03-01-06-01-02-01-12.wav",
    instructions="""\
intone corpora get ravdess
or, with what you downloaded yourself: intone corpora get ravdess --from THE-FILE.zip""",
    read_name=_read,
    sources=(
        Source(
            "https://zenodo.org/records/1188976/files/Audio_Speech_Actors_01-24.zip?download=1",
            "Audio_Speech_Actors_01-24.zip",
            size=208_468_073,
            checksum="md5:bc696df654c87fed845eb13823edef8a",
        ),
        Source(
            "https://zenodo.org/records/1188976/files/Audio_Song_Actors_01-24.zip?download=1",
            "Audio_Song_Actors_01-24.zip",
            size=225_505_317,
            checksum="md5:5411230427d67a21e18aa4d466e6d1b9",
        ),
    ),
)
