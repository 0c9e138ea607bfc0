"""SAVEE, Surrey Audio-Visual Expressed Emotion: four men, in English."""

import re
from pathlib import PurePath

from intone.corpora.corpus import Corpus, Sexes, UnreadableNameError, Utterance, code, sex_of
from intone.emotions import Emotion

_NAME = re.compile(r"(?:(?P<speaker>[a-z]{2})_)?(?P<emotion>[a-z]{1,2})(?P<sentence>\d\d)", re.IGNORECASE)
_EMOTIONS = {
    "a": Emotion.ANGER,
    "d": Emotion.DISGUST,
    "f": Emotion.FEAR,
    "h": Emotion.HAPPINESS,
    "n": Emotion.NEUTRAL,
    "sa": Emotion.SADNESS,
    "su": Emotion.SURPRISE,
}
_SEXES: Sexes = {"DC": "male", "JE": "male", "JK": "male", "KL": "male"}
_SENTENCES = {"n": 30}  # every emotion has fifteen, and neutral twice as many
_SENTENCES_OF_OTHERS = 15


def _read(path: PurePath) -> Utterance | None:
    found = _NAME.fullmatch(path.stem)
    if found is None:
        return None
    # One distribution names the speaker in the file's name, the other only in its folder's.
    speaker = (found["speaker"] or path.parent.name).upper()
    if found["speaker"] is None and speaker not in _SEXES:
        return None
    letters, number = found["emotion"].lower(), int(found["sentence"])
    emotion = code("emotion", letters, _EMOTIONS)
    last = _SENTENCES.get(letters, _SENTENCES_OF_OTHERS)
    if not 1 <= number <= last:
        raise UnreadableNameError(f"unknown sentence '{letters}{number:02d}'; known are {letters}01 to {letters}{last}")
    # Sentences are numbered within each emotion, so the letters belong to the code.
    return Utterance(speaker, sex_of(speaker, _SEXES), emotion, sentence=f"{letters}{number:02d}")


CORPUS = Corpus(
    name="savee",
    title="Surrey Audio-Visual Expressed Emotion",
    language="en",
    licence="free for research, after registration",
    commercial=False,
    citation="Haq, S. & Jackson, P. J. B. (2010). Multimodal Emotion Recognition. In Machine Audition: Principles, "
    "Algorithms and Systems, IGI Global, 398-423.",
    homepage="http://kahlan.eps.surrey.ac.uk/savee/",
    counts={
        "anger": 60,
        "disgust": 60,
        "fear": 60,
        "happiness": 60,
        "neutral": 120,
        "sadness": 60,
        "surprise": 60,
    },
    speakers=4,
    example="DC_a01.wav",
    instructions="""\
1. Register at http://kahlan.eps.surrey.ac.uk/savee/Download.html; a password is sent by mail.
2. Download AudioData.zip.
3. intone corpora get savee --from AudioData.zip""",
    read_name=_read,
    folders=("AudioData",),
)
