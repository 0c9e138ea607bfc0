"""CREMA-D, the Crowd-sourced Emotional Multimodal Actors Dataset: twelve sentences by ninety-one actors."""

import re
from pathlib import PurePath

from intone.corpora.corpus import Corpus, Sex, Source, UnreadableNameError, Utterance, code
from intone.emotions import Emotion

# The intensity X for XX stands in one name of older copies, 1040_ITH_SAD_X.
_NAME = re.compile(
    r"(?P<speaker>\d{4})_(?P<sentence>[a-z]{3})_(?P<emotion>[a-z]{3})_(?P<intensity>[a-z]{1,2})", re.IGNORECASE
)
_EMOTIONS = {
    "ANG": Emotion.ANGER,
    "DIS": Emotion.DISGUST,
    "FEA": Emotion.FEAR,
    "HAP": Emotion.HAPPINESS,
    "NEU": Emotion.NEUTRAL,
    "SAD": Emotion.SADNESS,
}
_SENTENCES = {
    "IEO": "It's eleven o'clock",
    "TIE": "That is exactly what happened",
    "IOM": "I'm on my way to the meeting",
    "IWW": "I wonder what this is about",
    "TAI": "The airplane is almost full",
    "MTI": "Maybe tomorrow it will be cold",
    "IWL": "I would like a new alarm clock",
    "ITH": "I think I have a doctor's appointment",
    "DFA": "Don't forget a jacket",
    "ITS": "I think I've seen this before",
    "TSI": "The surface is slick",
    "WSI": "We'll stop in a couple of minutes",
}
_INTENSITIES = {"LO": "low", "MD": "medium", "HI": "high", "XX": "", "X": ""}
_FIRST, _LAST = 1001, 1091
_COMMIT = "d15eeed6a139e9724483ed9a2fc4643f88708b79"
# The corpus's VideoDemographics.csv, which is not in its audio folder.
_WOMEN = frozenset(
    """1002 1003 1004 1006 1007 1008 1009 1010 1012 1013 1018 1020 1021 1024 1025 1028 1029 1030 1037 1043 1046 1047
    1049 1052 1053 1054 1055 1056 1058 1060 1061 1063 1072 1073 1074 1075 1076 1078 1079 1082 1084 1089 1091""".split()
)


def _read(path: PurePath) -> Utterance | None:
    found = _NAME.fullmatch(path.stem)
    if found is None:
        return None
    speaker = found["speaker"]
    if not _FIRST <= int(speaker) <= _LAST:
        raise UnreadableNameError(f"unknown actor '{speaker}'; known are {_FIRST} to {_LAST}")
    sex: Sex = "female" if speaker in _WOMEN else "male"
    return Utterance(
        speaker=speaker,
        sex=sex,
        emotion=code("emotion", found["emotion"].upper(), _EMOTIONS),
        sentence=code("sentence", found["sentence"].upper(), _SENTENCES),
        intensity=code("intensity", found["intensity"].upper(), _INTENSITIES),
    )


CORPUS = Corpus(
    name="crema-d",
    title="Crowd-sourced Emotional Multimodal Actors Dataset",
    language="en",
    licence="Open Database License (ODbL) 1.0",
    commercial=True,  # ODbL asks for attribution, and for databases made from it to be shared alike
    citation="Cao, H., Cooper, D. G., Keutmann, M. K., Gur, R. C., Nenkova, A. & Verma, R. (2014). CREMA-D: "
    "Crowd-sourced Emotional Multimodal Actors Dataset. IEEE Transactions on Affective Computing 5(4), 377-390. "
    "doi:10.1109/TAFFC.2014.2336244",
    homepage="https://github.com/CheyneyComputerScience/CREMA-D",
    counts={
        "anger": 1271,
        "disgust": 1271,
        "fear": 1271,
        "happiness": 1271,
        "neutral": 1087,
        "sadness": 1271,
    },
    speakers=91,
    example="1001_DFA_ANG_XX.wav",
    instructions="""\
intone corpora get crema-d
or, with what you downloaded yourself: intone corpora get crema-d --from THE-FILE.zip""",
    read_name=_read,
    # The authors' own mirror: archives from GitHub hold Git LFS pointers in place of the sound. A branch may change, a
    # commit cannot.
    sources=(
        Source(
            f"https://gitlab.com/cs-cooper-lab/crema-d-mirror/-/archive/{_COMMIT}/crema-d-mirror-{_COMMIT}.zip"
            "?path=AudioWAV",
            "crema-d.zip",
        ),
    ),
    folders=("cremad", "crema_d", "CREMA-D", "AudioWAV"),
)
