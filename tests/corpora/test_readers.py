"""The readers against trees of file names that the tests make up; no reader opens a recording."""

import warnings
from collections.abc import Iterable
from pathlib import Path, PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intone import corpora
from intone.corpora import UnreadableNameError
from intone.errors import CorpusError, UsageError
from intone.hear.audio import SUFFIXES

SAVEE_SPEAKERS = ("DC", "JE", "JK", "KL")
SAVEE = {"a": "anger", "d": "disgust", "f": "fear", "h": "happiness", "n": "neutral", "sa": "sadness", "su": "surprise"}
CREMA_D = {"ANG": "anger", "DIS": "disgust", "FEA": "fear", "HAP": "happiness", "NEU": "neutral", "SAD": "sadness"}
CREMA_D_SENTENCES = "IEO TIE IOM IWW TAI MTI IWL ITH DFA ITS TSI WSI".split()


def plant(root: Path, names: Iterable[str]) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def savee_names(form: str) -> list[str]:
    return [
        form.format(speaker=speaker, code=f"{letters}{number:02d}")
        for speaker in SAVEE_SPEAKERS
        for letters in SAVEE
        for number in range(1, 31 if letters == "n" else 16)
    ]


@pytest.mark.parametrize("form", ["{speaker}_{code}.wav", "AudioData/{speaker}/{code}.wav", "{speaker}/{code}.WAV"])
def test_savee_in_each_of_its_layouts(form: str, tmp_path: Path) -> None:
    table = corpora.read("savee", plant(tmp_path, savee_names(form)))
    assert len(table) == 480
    assert table["speaker"].value_counts().to_dict() == {f"savee-{speaker}": 120 for speaker in SAVEE_SPEAKERS}
    counts = dict.fromkeys(SAVEE.values(), 60) | {"neutral": 120}
    assert table["emotion"].value_counts().to_dict() == counts
    assert set(table["sex"]) == {"male"}
    assert table["sentence"].nunique() == 120


def test_crema_d_with_all_its_actors(tmp_path: Path) -> None:
    names = [
        f"AudioWAV/{actor}_{sentence}_{emotion}_{level}.wav"
        for actor in range(1001, 1092)
        for emotion in CREMA_D
        for sentence in CREMA_D_SENTENCES
        for level in (("LO", "MD", "HI") if sentence == "IEO" and emotion != "NEU" else ("XX",))
    ]
    assert len(names) == 7462  # the twenty that the actors owe are lacking in the real corpus
    table = corpora.read("crema-d", plant(tmp_path, names))
    assert len(table) == len(names)
    assert table["speaker"].nunique() == 91
    assert table.drop_duplicates("speaker")["sex"].value_counts().to_dict() == {"male": 48, "female": 43}
    assert table["sentence"].nunique() == 12
    assert table["intensity"].value_counts().to_dict() == {"": 7462 - 3 * 455, "low": 455, "medium": 455, "high": 455}
    first = table.iloc[0]
    assert (first["speaker"], first["sex"], first["sentence"]) == ("crema-d-1001", "male", "Don't forget a jacket")


def test_ravdess_tells_speech_from_song(tmp_path: Path) -> None:
    plant(tmp_path, ["Actor_02/03-01-05-02-01-01-02.wav", "Actor_02/03-02-04-01-02-02-02.wav"])
    both = corpora.read("ravdess", tmp_path, channel="both")
    assert both["channel"].tolist() == ["speech", "song"]
    assert both["intensity"].tolist() == ["strong", "normal"]
    assert corpora.read("ravdess", tmp_path)["emotion"].tolist() == ["anger"]
    assert corpora.read("ravdess", tmp_path, channel="song")["emotion"].tolist() == ["sadness"]


def test_calm_becomes_neutral_only_where_it_is_asked_for(tmp_path: Path) -> None:
    table = corpora.read("ravdess", plant(tmp_path, ["03-01-02-01-01-01-01.wav"]))
    assert table["emotion"].tolist() == ["calm"]
    assert corpora.only_seven(table, calm_is_neutral=True).table["emotion"].tolist() == ["neutral"]


@pytest.mark.parametrize(
    ("name", "file", "expected"),
    [
        ("tess", "OA_bite_neutral.wav", ("OAF", "female", "neutral", "Say the word bite")),
        ("tess", "yaf_DOG_PS.flac", ("YAF", "female", "surprise", "Say the word dog")),
        ("tess", "YAF_dog_pleasant_surprised.wav", ("YAF", "female", "surprise", "Say the word dog")),
        ("tess", "OAF_dog_surprised.mp3", ("OAF", "female", "surprise", "Say the word dog")),
        ("tess", "any/OAF_Sad/OAF_dog_Fear.wav", ("OAF", "female", "fear", "Say the word dog")),
        ("ravdess", "Actor_07/03-01-06-01-02-01-12.wav", ("12", "female", "fear", "Dogs are sitting by the door")),
        ("emodb", "wav/03A01FA.WAV", ("03", "male", "happiness", "a01")),
        ("emodb", "16b10Lb.wav", ("16", "female", "boredom", "b10")),
        ("emodb", "08a02Tz.wav", ("08", "female", "sadness", "a02")),
        ("emovo", "f1/GIO-F2-N5.wav", ("f2", "female", "happiness", "n5")),
        ("nemo", "samples/sm0_surprised_90.wav", ("SM0", "male", "surprise", "90")),
        ("ased", "04Sad/S4-04-02-01-29.wav", ("29", "female", "sadness", "s04")),
        ("ased", "f2-01-01-02-15.wav", ("15", "female", "fear", "f01")),
        ("savee", "kl_SU07.wav", ("KL", "male", "surprise", "su07")),
        ("savee", "je/sa15.wav", ("JE", "male", "sadness", "sa15")),
        ("crema-d", "1040_ITH_SAD_X.wav", ("1040", "male", "sadness", "I think I have a doctor's appointment")),
        ("crema-d", "1091_wsi_dis_xx.mp3", ("1091", "female", "disgust", "We'll stop in a couple of minutes")),
    ],
)
def test_names_as_they_go_round(name: str, file: str, expected: tuple[str, ...]) -> None:
    heard = corpora.describe(name).parse(file)
    assert heard is not None
    assert (heard.speaker, heard.sex, heard.emotion, heard.sentence) == expected


@pytest.mark.parametrize(
    ("name", "file", "told"),
    [
        ("tess", "OAF_back_bored.wav", "unknown emotion 'bored'"),
        ("tess", "XAF_back_angry.wav", "unknown speaker 'XAF'; known are OAF, YAF"),
        ("ravdess", "03-01-09-01-01-01-01.wav", "unknown emotion '09'"),
        ("ravdess", "03-01-01-01-01-01-25.wav", "unknown actor '25'"),
        ("ravdess", "03-03-01-01-01-01-01.wav", "unknown channel '03'"),
        ("emodb", "04a01Fa.wav", "unknown speaker '04'"),
        ("emodb", "03a03Fa.wav", "unknown text 'a03'"),
        ("emovo", "dis-f4-b1.wav", "unknown speaker 'f4'"),
        ("nemo", "EB0_anger_91.wav", "unknown sentence '91'"),
        ("ased", "d6-03-01-02-50.wav", "unknown emotion 'd'"),
        ("ased", "a5-03-01-02-66.wav", "unknown speaker '66'"),
        ("savee", "DC_s01.wav", "unknown emotion 's'"),
        ("savee", "DC_a16.wav", "unknown sentence 'a16'"),
        ("crema-d", "1092_DFA_ANG_XX.wav", "unknown actor '1092'"),
        ("crema-d", "1001_DFA_ANG_ZZ.wav", "unknown intensity 'ZZ'"),
    ],
)
def test_a_name_that_nearly_fits_is_told_and_not_dropped(name: str, file: str, told: str, tmp_path: Path) -> None:
    corpus = corpora.describe(name)
    with pytest.raises(UnreadableNameError, match=told):
        corpus.parse(file)
    plant(tmp_path, [file, corpus.example])
    table = corpora.read(name, tmp_path)
    assert len(table) == 1
    (sentence,) = corpora.left_out(table)
    assert sentence.startswith(f"{file}: the name looks like {name}'s, but it has an {told}")
    assert "further" not in sentence


def test_a_folder_of_unreadable_names_alone_is_refused(tmp_path: Path) -> None:
    plant(tmp_path, ["OAF_back_bored.wav", "holiday.wav"])
    with pytest.raises(CorpusError, match=r"1 file with a name like OAF_back_bored\.wav, which has an unknown emotion"):
        corpora.read("tess", tmp_path)


def test_what_is_not_of_the_corpus_is_passed_over(tmp_path: Path) -> None:
    plant(
        tmp_path,
        [
            "TESS Toronto emotional speech set data/OAF_Fear/OAF_back_fear.wav",
            "TESS Toronto emotional speech set data/OAF_Fear/._OAF_back_fear.wav",
            "TESS Toronto emotional speech set data/OAF_Fear/OAF_back_fear.txt",
            "TESS Toronto emotional speech set data/my_holiday_song.wav",
            "__MACOSX/TESS/OAF_back_sad.wav",
            "README.md",
        ],
    )
    table = corpora.read("tess", tmp_path)
    assert [Path(path).name for path in table["path"]] == ["OAF_back_fear.wav"]


def test_an_archive_that_holds_everything_twice_counts_once(tmp_path: Path) -> None:
    top = "TESS Toronto emotional speech set data"
    names = ["OAF_Fear/OAF_back_fear.wav", "OAF_Sad/OAF_back_sad.wav", "YAF_Sad/YAF_back_sad.wav"]
    plant(tmp_path, [f"{folder}/{name}" for folder in (top, f"{top}/{top}") for name in names])
    with warnings.catch_warnings(action="error"):
        table = corpora.read("tess", tmp_path)
    assert len(table) == 3
    assert corpora.left_out(table) == [
        f"{top}/OAF_Fear/OAF_back_fear.wav: tess has this name already, at OAF_Fear/OAF_back_fear.wav; only the first "
        "is kept. So it is with 2 further files, which 'intone corpora check tess' tells."
    ]
    assert corpora.left_out(corpora.read("tess", tmp_path / top / top)) == []


def test_the_same_name_below_two_speakers_of_savee_is_two_recordings(tmp_path: Path) -> None:
    assert len(corpora.read("savee", plant(tmp_path, ["DC/a01.wav", "KL/a01.wav"]))) == 2


def test_rows_come_in_the_order_of_their_paths(tmp_path: Path) -> None:
    plant(tmp_path, ["b/YAF_dog_sad.wav", "a/OAF_dog_sad.wav", "OAF_dog_angry.wav", "c/OAF_back_happy.wav"])
    paths = corpora.read("tess", tmp_path)["path"].tolist()
    assert paths == [str(path) for path in sorted(map(Path, paths))]


def test_a_root_with_several_corpora_gives_the_one_that_is_asked_for(tmp_path: Path) -> None:
    plant(tmp_path, ["SAVEE/DC/a01.wav", "crema_d/AudioWAV/1001_DFA_ANG_XX.wav", "TESS/OAF_back_angry.wav"])
    assert len(corpora.read("savee", tmp_path)) == 1
    assert len(corpora.read("CREMA-D", str(tmp_path))) == 1
    assert len(corpora.read("tess", tmp_path)) == 1


@pytest.mark.parametrize(
    ("planted", "told"),
    [
        ([], "no sound files"),
        (["hello.wav", "notes.txt"], "1 sound file with other names, such as hello.wav"),
        (["03-02-04-01-02-02-02.wav"], "1 recording, none of it speech"),
    ],
)
def test_a_folder_without_the_corpus_says_what_it_holds(planted: list[str], told: str, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=told) as caught:
        corpora.read("ravdess", plant(tmp_path, planted))
    assert str(tmp_path) in str(caught.value)
    assert "03-01-06-01-02-01-12.wav" in str(caught.value)


def test_a_folder_that_is_missing_or_a_file(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="there is no such folder"):
        corpora.read("tess", tmp_path / "nowhere")
    (tmp_path / "tess.zip").touch()
    with pytest.raises(CorpusError, match="this is a file"):
        corpora.read("tess", tmp_path / "tess.zip")


def test_settings_that_do_not_exist(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Did you mean 'ravdess'"):
        corpora.read("ravdes", tmp_path)
    with pytest.raises(UsageError, match="accepted are both, song, speech"):
        corpora.read("ravdess", tmp_path, channel="shouting")  # type: ignore[arg-type]


class TestNemoTable:
    HEADER = "file_id\temotion\traw_text\tnormalized_text\tspeaker_id\tgender\tage\n"

    def test_blanks_and_quotes_are_part_of_no_field(self, tmp_path: Path) -> None:
        plant(tmp_path, ["samples/EB0_anger_1.ogg", "samples/EB0_anger_2.ogg"])
        (tmp_path / "data.tsv").write_text(
            self.HEADER
            + 'EB0_anger_1.wav \tanger\t  On mówi "tak. \ton\t   EB0\t female\t27\nEB0_anger_2.wav\tanger\n',
            encoding="utf-8",
        )
        table = corpora.read("nemo", tmp_path)
        assert table["sentence"].tolist() == ['On mówi "tak.', "2"]
        assert table["sex"].tolist() == ["female", "female"]

    def test_another_table_is_refused(self, tmp_path: Path) -> None:
        plant(tmp_path, ["EB0_anger_1.ogg"])
        (tmp_path / "data.tsv").write_text("name\tlabel\n", encoding="utf-8")
        with pytest.raises(CorpusError, match="the column file_id, gender, raw_text is missing"):
            corpora.read("nemo", tmp_path)

    def test_a_table_in_another_encoding_is_refused(self, tmp_path: Path) -> None:
        plant(tmp_path, ["EB0_anger_1.ogg"])
        (tmp_path / "data.tsv").write_bytes(self.HEADER.encode("utf-16"))
        with pytest.raises(CorpusError, match="cannot be read"):
            corpora.read("nemo", tmp_path)


@given(
    fields=st.tuples(*(st.integers(1, last) for last in (2, 8, 2, 2, 2, 24))), suffix=st.sampled_from(sorted(SUFFIXES))
)
def test_every_ravdess_name_is_read(fields: tuple[int, ...], suffix: str) -> None:
    channel, emotion, _, _, _, actor = fields
    heard = corpora.describe("ravdess").parse("-".join(f"{field:02d}" for field in (3, *fields)) + suffix)
    assert heard is not None
    assert int(heard.speaker) == actor
    assert heard.sex == ("male" if actor % 2 else "female")
    labels = ["neutral", "calm", "happiness", "sadness", "anger", "fear", "disgust", "surprise"]
    assert heard.emotion == labels[emotion - 1]
    assert heard.channel == ("speech", "song")[channel - 1]


@given(speaker=st.sampled_from(SAVEE_SPEAKERS), letters=st.sampled_from(sorted(SAVEE)), number=st.integers(1, 15))
def test_both_layouts_of_savee_say_the_same(speaker: str, letters: str, number: int) -> None:
    parse = corpora.describe("savee").parse
    flat = parse(f"{speaker}_{letters}{number:02d}.wav")
    assert flat is not None
    assert flat == parse(f"{speaker}/{letters}{number:02d}.wav")
    assert flat.emotion == SAVEE[letters]


@given(name=st.sampled_from(sorted(corpora.CORPORA)), stem=st.text(max_size=24))
def test_any_name_is_an_utterance_or_foreign_or_told(name: str, stem: str) -> None:
    corpus = corpora.describe(name)
    try:
        heard = corpus.parse(PurePath("folder") / f"{stem}.wav")
    except UnreadableNameError as error:
        assert "unknown" in str(error)
    else:
        assert heard is None or heard.emotion in corpus.labels


@pytest.mark.parametrize("name", sorted(corpora.CORPORA))
def test_a_corpus_describes_itself(name: str) -> None:
    corpus = corpora.describe(name)
    assert corpus.parse(corpus.example) is not None
    for told in (corpus.title, corpus.licence, corpus.citation, corpus.homepage, corpus.instructions):
        assert told.strip()
    assert list(corpus.labels) == sorted(corpus.labels)
    assert all(source.checksum is None or source.checksum.startswith("md5:") for source in corpus.sources)
    for source in corpus.sources:  # encrypted, and the same file next year
        assert source.url.startswith("https://")
        assert not any(branch in source.url for branch in ("/heads/", "main", "master"))


def test_the_licences_that_allow_commercial_use() -> None:
    assert [name for name, corpus in corpora.CORPORA.items() if corpus.commercial] == ["crema-d"]
