"""EmoDB, the Berlin Database of Emotional Speech: ten sentences by ten actors, in German."""

import re
from pathlib import PurePath

from intone.corpora.corpus import BOREDOM, Corpus, Sexes, Source, Utterance, code, sex_of
from intone.emotions import Emotion

_NAME = re.compile(r"(?P<speaker>\d\d)(?P<text>[a-z]\d\d)(?P<emotion>[a-z])(?P<version>[a-z])?", re.IGNORECASE)
# The letters are those of the German words: Wut, Langeweile, Ekel, Angst, Freude, Trauer, neutral.
_EMOTIONS = {
    "W": Emotion.ANGER,
    "L": BOREDOM,
    "E": Emotion.DISGUST,
    "A": Emotion.FEAR,
    "F": Emotion.HAPPINESS,
    "T": Emotion.SADNESS,
    "N": Emotion.NEUTRAL,
}
_TEXTS = ("a01", "a02", "a04", "a05", "a07", "b01", "b02", "b03", "b09", "b10")
_SEXES: Sexes = {
    "03": "male", "08": "female", "09": "female", "10": "male", "11": "male",
    "12": "male", "13": "female", "14": "female", "15": "male", "16": "female",
}  # fmt: skip


def _read(path: PurePath) -> Utterance | None:
    found = _NAME.fullmatch(path.stem)
    if found is None:
        return None
    return Utterance(
        speaker=found["speaker"],
        sex=sex_of(found["speaker"], _SEXES),
        emotion=code("emotion", found["emotion"].upper(), _EMOTIONS),
        sentence=code("text", found["text"].lower(), {text: text for text in _TEXTS}),
    )


CORPUS = Corpus(
    name="emodb",
    title="Berlin Database of Emotional Speech",
    language="de",
    licence="free for research",
    commercial=False,
    citation="Burkhardt, F., Paeschke, A., Rolfes, M., Sendlmeier, W. & Weiss, B. (2005). A database of German "
    "emotional speech. Interspeech 2005.",
    homepage="http://emodb.bilderbar.info",
    counts={
        "anger": 127,
        "boredom": 81,
        "disgust": 46,
        "fear": 69,
        "happiness": 71,
        "neutral": 79,
        "sadness": 62,
    },
    speakers=10,
    example="03a01Fa.wav",
    instructions="""\
intone corpora get emodb
or, with what you downloaded yourself: intone corpora get emodb --from THE-FILE.zip""",
    read_name=_read,
    # Version 1.3.0, as one of the authors published it at Zenodo; the project's own server has neither https nor a
    # checksum. Version 2 holds recordings besides whose emotion too few listeners agreed on.
    sources=(
        Source(
            "https://zenodo.org/records/7447302/files/emodb.zip?download=1",
            "emodb.zip",
            size=39_981_818,
            checksum="md5:9d21362dbc5676ef3ab4745d83ced0db",
        ),
    ),
)
