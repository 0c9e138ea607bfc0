"""ASED, the Amharic Speech Emotion Dataset: sixty-five speakers of four dialects."""

import re
from pathlib import PurePath

from intone.corpora.corpus import Corpus, Sex, UnreadableNameError, Utterance, code
from intone.emotions import Emotion

_NAME = re.compile(
    r"(?P<letter>[a-z])(?P<number>\d)-(?P<sentence>\d\d)-(?P<repetition>\d\d)-(?P<sex>\d\d)-(?P<speaker>\d\d)",
    re.IGNORECASE,
)
_EMOTIONS = {
    "n": Emotion.NEUTRAL,
    "f": Emotion.FEAR,
    "h": Emotion.HAPPINESS,
    "s": Emotion.SADNESS,
    "a": Emotion.ANGER,
}
_SENTENCES, _SPEAKERS = 7, 65
# Five women are marked 02 in one file each, and 01 in all their others, so the speaker's number decides. That 01 is
# female is heard: the median pitch of 01 lies at 223 Hz and that of 02 at 130 Hz.
_WOMEN = frozenset(f"{number:02d}" for number in (*range(1, 38, 2), 43, 47, 48, 49, 58, 62))


def _read(path: PurePath) -> Utterance | None:
    found = _NAME.fullmatch(path.stem)
    if found is None:
        return None
    letter, sentence, speaker = found["letter"].lower(), int(found["sentence"]), found["speaker"]
    emotion = code("emotion", letter, _EMOTIONS)
    if not 1 <= sentence <= _SENTENCES:
        raise UnreadableNameError(f"unknown sentence '{found['sentence']}'; known are 01 to {_SENTENCES:02d}")
    if not 1 <= int(speaker) <= _SPEAKERS:
        raise UnreadableNameError(f"unknown speaker '{speaker}'; known are 01 to {_SPEAKERS}")
    sex: Sex = "female" if speaker in _WOMEN else "male"
    # Sentences are numbered within each emotion: n03 and a03 are different words.
    return Utterance(speaker=speaker, sex=sex, emotion=emotion, sentence=f"{letter}{sentence:02d}")


CORPUS = Corpus(
    name="ased",
    title="Amharic Speech Emotion Dataset",
    language="am",
    licence="free; the authors ask to be cited",
    commercial=False,
    citation="Retta, E. A., Almekhlafi, E., Sutcliffe, R., Mhamed, M., Ali, H. & Feng, J. (2023). A New Amharic Speech "
    "Emotion Dataset and Classification Benchmark. ACM TALLIP 22(1). doi:10.1145/3529759",
    homepage="https://github.com/Ethio2021/ASED_V1",
    counts={
        "anger": 486,
        "fear": 510,
        "happiness": 486,
        "neutral": 522,
        "sadness": 470,
    },
    speakers=_SPEAKERS,
    example="a5-03-01-02-50.wav",
    instructions="""\
1. Open https://github.com/Ethio2021/ASED_V1 and choose Code > Download ZIP.
2. intone corpora get ased --from THE-FILE.zip""",
    read_name=_read,
    folders=("ASED_V1", "ASED_V1-main"),
)
