"""nEMO: ninety sentences by nine actors, in Polish."""

import csv
import re
from pathlib import Path, PurePath

from intone.corpora.corpus import Corpus, Notes, Sexes, Source, UnreadableNameError, Utterance, code, sex_of
from intone.emotions import Emotion
from intone.errors import CorpusError

_NAME = re.compile(r"(?P<speaker>[a-z]{2}\d)_(?P<emotion>[a-z]+)_(?P<sentence>\d+)", re.IGNORECASE)
_EMOTIONS = {
    "anger": Emotion.ANGER,
    "fear": Emotion.FEAR,
    "happiness": Emotion.HAPPINESS,
    "neutral": Emotion.NEUTRAL,
    "sadness": Emotion.SADNESS,
    "surprised": Emotion.SURPRISE,
    "surprise": Emotion.SURPRISE,
}
# As in data.tsv, which not every copy has.
_SEXES: Sexes = {
    "EB0": "female", "IC0": "female", "KD0": "female", "MK0": "female",
    "KS0": "male", "MP0": "male", "SM0": "male", "TP0": "male", "WR0": "male",
}  # fmt: skip
_SENTENCES = 90
_COLUMNS = {"file_id", "raw_text", "gender"}


def _read(path: PurePath) -> Utterance | None:
    found = _NAME.fullmatch(path.stem)
    if found is None:
        return None
    speaker, sentence = found["speaker"].upper(), int(found["sentence"])
    if not 1 <= sentence <= _SENTENCES:
        raise UnreadableNameError(f"unknown sentence '{sentence}'; known are 1 to {_SENTENCES}")
    return Utterance(
        speaker=speaker,
        sex=sex_of(speaker, _SEXES),
        emotion=code("emotion", found["emotion"].lower(), _EMOTIONS),
        sentence=str(sentence),
    )


def _notes(root: Path) -> Notes:
    """Read the words of each recording; without the file the sentences keep their numbers."""
    path = next(iter(sorted(root.rglob("data.tsv"))), None)
    if path is None:
        return {}
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            table = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
            if missing := _COLUMNS - set(table.fieldnames or ()):
                raise CorpusError(f"{path}: the column {', '.join(sorted(missing))} is missing; is this nEMO's table?")
            rows = list(table)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CorpusError(f"{path}: nEMO's table cannot be read ({error}).") from error
    # Fields are padded by blanks; a line cut short gives None.
    return {
        PurePath(row["file_id"].strip()).stem.lower(): {
            "sentence": (row["raw_text"] or "").strip(),
            "sex": (row["gender"] or "").strip(),
        }
        for row in rows
    }


CORPUS = Corpus(
    name="nemo",
    title="nEMO, Dataset of Emotional Speech in Polish",
    language="pl",
    licence="CC BY-NC-SA 4.0",
    commercial=False,
    citation="Christop, I. (2024). nEMO: Dataset of Emotional Speech in Polish. LREC-COLING 2024. arXiv:2404.06292",
    homepage="https://github.com/amu-cai/nEMO",
    counts={
        "anger": 749,
        "fear": 736,
        "happiness": 749,
        "neutral": 809,
        "sadness": 769,
        "surprise": 669,
    },
    speakers=9,
    example="EB0_anger_1.wav",
    instructions="""\
intone corpora get nemo
or, with what you downloaded yourself: intone corpora get nemo --from THE-FILE.zip""",
    read_name=_read,
    read_notes=_notes,
    # The commit that holds all recordings and data.tsv: a branch may change, a commit cannot.
    sources=(
        Source("https://github.com/amu-cai/nEMO/archive/06f1f83dde8f1a780443a57d53b2af3971af34ab.zip", "nemo.zip"),
    ),
    folders=("nEMO", "nEMO-main"),
)
