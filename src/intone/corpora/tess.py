"""TESS, the Toronto Emotional Speech Set: two hundred words in "Say the word ..." by two women."""

import re
from pathlib import PurePath

from intone.corpora.corpus import Corpus, Sexes, Utterance, code, sex_of
from intone.emotions import Emotion

_NAME = re.compile(r"(?P<speaker>[a-z]{2,3})_(?P<word>[a-z']+)_(?P<emotion>[a-z]+(?:_[a-z]+)?)", re.IGNORECASE)
_EMOTIONS = {
    "angry": Emotion.ANGER,
    "disgust": Emotion.DISGUST,
    "fear": Emotion.FEAR,
    "happy": Emotion.HAPPINESS,
    "neutral": Emotion.NEUTRAL,
    "ps": Emotion.SURPRISE,
    "pleasant_surprise": Emotion.SURPRISE,
    "pleasant_surprised": Emotion.SURPRISE,
    "surprise": Emotion.SURPRISE,
    "surprised": Emotion.SURPRISE,
    "sad": Emotion.SADNESS,
}
_SEXES: Sexes = {"OAF": "female", "YAF": "female"}


def _read(path: PurePath) -> Utterance | None:
    found = _NAME.fullmatch(path.stem)
    if found is None:
        return None
    speaker = found["speaker"].upper()
    # The corpus itself misspells one file's speaker: OA_bite_neutral.wav is OAF's.
    speaker = "OAF" if speaker == "OA" else speaker
    if speaker not in _SEXES and found["emotion"].lower() not in _EMOTIONS:
        return None  # three words joined by lines: somebody else's file
    return Utterance(
        speaker=speaker,
        sex=sex_of(speaker, _SEXES),
        emotion=code("emotion", found["emotion"].lower(), _EMOTIONS),
        sentence=f"Say the word {found['word'].lower()}",
    )


CORPUS = Corpus(
    name="tess",
    title="Toronto Emotional Speech Set",
    language="en",
    licence="CC BY-NC-ND 4.0",
    commercial=False,
    citation="Pichora-Fuller, M. K. & Dupuis, K. (2020). Toronto emotional speech set (TESS). Borealis. "
    "doi:10.5683/SP2/E8H2MF",
    homepage="https://doi.org/10.5683/SP2/E8H2MF",
    counts=dict.fromkeys("anger disgust fear happiness neutral sadness surprise".split(), 400),
    speakers=2,
    example="OAF_back_angry.wav",
    instructions="""\
1. Open https://doi.org/10.5683/SP2/E8H2MF (Borealis), or the data set
   ejlok1/toronto-emotional-speech-set-tess on https://www.kaggle.com (needs a free account).
2. Download the whole data set as one zip.
3. intone corpora get tess --from THE-FILE.zip""",
    read_name=_read,
    folders=("TESS Toronto emotional speech set data",),
)
