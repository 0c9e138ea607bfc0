"""EMOVO: fourteen sentences by six actors, in Italian."""

import re
from pathlib import PurePath

from intone.corpora.corpus import Corpus, Sexes, Utterance, code, sex_of
from intone.emotions import Emotion

_NAME = re.compile(r"(?P<emotion>[a-z]{3})-(?P<speaker>[a-z]\d)-(?P<sentence>[a-z]\d)", re.IGNORECASE)
# disgusto, gioia, neutro, paura, rabbia, sorpresa, tristezza
_EMOTIONS = {
    "dis": Emotion.DISGUST,
    "gio": Emotion.HAPPINESS,
    "neu": Emotion.NEUTRAL,
    "pau": Emotion.FEAR,
    "rab": Emotion.ANGER,
    "sor": Emotion.SURPRISE,
    "tri": Emotion.SADNESS,
}
# Short (breve), long (lunga), nonsense and question (domanda).
_SENTENCES = "b1 b2 b3 d1 d2 l1 l2 l3 l4 n1 n2 n3 n4 n5".split()
_SEXES: Sexes = {"f1": "female", "f2": "female", "f3": "female", "m1": "male", "m2": "male", "m3": "male"}


def _read(path: PurePath) -> Utterance | None:
    found = _NAME.fullmatch(path.stem)
    if found is None:
        return None
    speaker = found["speaker"].lower()
    return Utterance(
        speaker=speaker,
        sex=sex_of(speaker, _SEXES),
        emotion=code("emotion", found["emotion"].lower(), _EMOTIONS),
        sentence=code("sentence", found["sentence"].lower(), {known: known for known in _SENTENCES}),
    )


CORPUS = Corpus(
    name="emovo",
    title="EMOVO, an Italian Emotional Speech Database",
    language="it",
    licence="free for research",
    commercial=False,
    citation="Costantini, G., Iaderola, I., Paoloni, A. & Todisco, M. (2014). EMOVO corpus: an Italian emotional "
    "speech database. LREC 2014.",
    homepage="http://voice.fub.it/activities/corpora/emovo/index.html",
    counts=dict.fromkeys("anger disgust fear happiness neutral sadness surprise".split(), 84),
    speakers=6,
    example="dis-f1-b1.wav",
    instructions="""\
1. Open http://voice.fub.it/activities/corpora/emovo/index.html and download the corpus; where that
   server does not answer, ask the authors, whose addresses are in https://aclanthology.org/L14-1478/.
2. intone corpora get emovo --from THE-FILE.zip""",
    read_name=_read,
)
