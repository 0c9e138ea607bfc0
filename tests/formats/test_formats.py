"""What Intone writes of a timeline is read back by readers that know nothing of Intone."""

import io
import json
import math
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import Any

import audformat
import pandas as pd
import parselmouth
import pyarrow.parquet as pq
import pytest
import webvtt
from hypothesis import given, settings
from hypothesis import strategies as st
from parselmouth.praat import call
from praatio import textgrid
from pympi import Elan

from intone import formats
from intone.emotions import Emotion
from intone.errors import MissingExtraError, UsageError
from intone.hear.summary import by_voice, summary
from intone.results import Segment, Timeline

CHANCES = list(map(str, Emotion))
AWKWARD = 'An "odd" name --> <v>&\n\udcff\x07 \N{SPEAKING HEAD IN SILHOUETTE}'


def segment(start: float, end: float, emotion: Emotion, chance: float, speaker: str | None = None) -> Segment:
    scores = {other: chance if other is emotion else (1 - chance) / 6 for other in Emotion}
    return Segment(start, end, emotion, scores, unsure=chance < 0.5, speaker=speaker)


def timeline(segments: list[Segment], duration: float, file: str = "calls/one.wav") -> Timeline:
    voices = by_voice(segments)
    names = list(voices) or ["1"]
    return Timeline(
        file,
        duration,
        tuple(segments),
        summary(segments),
        "intone-tiny",
        {name: summary(voices.get(name, [])) for name in names},
    )


CALL = timeline(
    [
        segment(0.5, 2.25, Emotion.NEUTRAL, 0.9, "Ann"),
        segment(2.0, 4.0, Emotion.ANGER, 0.4, "Bo"),
        segment(4.5, 6.125, Emotion.ANGER, 0.8, "Ann"),
    ],
    duration=7.0,
)


@st.composite
def timelines(draw: st.DrawFn) -> Timeline:
    """Draw segments of up to three voices, those of one voice apart, in whole milliseconds as a detector's are."""
    segments: list[Segment] = []
    for speaker in draw(st.lists(st.text(max_size=8), unique=True, max_size=3)):
        at = 0
        for pause, length in draw(st.lists(st.tuples(st.integers(0, 5000), st.integers(1, 6000)), max_size=6)):
            start, end = at + pause, at + pause + length
            emotion, chance = draw(st.sampled_from(Emotion)), draw(st.floats(0.2, 1))
            segments.append(segment(start / 1000, end / 1000, emotion, chance, speaker))
            at = end
    last = max((one.end for one in segments), default=1.0)
    segments.sort(key=lambda one: one.start)
    return timeline(segments, last + draw(st.sampled_from([0.0, 0.25])))


NAMES = st.text(st.characters(), max_size=8)  # half surrogates too, as a file's name may hold them


@st.composite
def rough(draw: st.DrawFn) -> Timeline:
    """Draw what no detector gives: any floats, stretches shorter than is written, ends beyond the recording's."""
    segments: list[Segment] = []
    for speaker in draw(st.lists(NAMES, unique=True, min_size=1, max_size=3)):
        at = 0.0
        for pause, length in draw(st.lists(st.tuples(*[st.floats(0, 2) | st.floats(0, 1e-5)] * 2), max_size=5)):
            segments.append(segment(at + pause, at + pause + length, Emotion.FEAR, 0.9, speaker))
            at = segments[-1].end
    last = max((one.end for one in segments), default=1.0)
    return timeline(segments, max(last - draw(st.floats(0, 1e-3)), 0.1), draw(NAMES))


def own(whole: Timeline, name: str) -> list[Segment]:
    return [one for one in whole.segments if one.voice == name]


@given(whole=timelines())
def test_what_is_written_as_json_is_read_back_as_it_was(whole: Timeline) -> None:
    assert Timeline.from_dict(json.loads(formats.render(whole, "json"))) == whole


@given(whole=timelines())
def test_a_textgrid_has_no_gap_and_praat_agrees(whole: Timeline, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("grid") / "one.TextGrid"
    formats.save(whole, path)
    grid = parselmouth.Data.read(str(path))
    assert call(grid, "Get number of tiers") == max(len(whole.voices), 1)
    for number, name in enumerate(whole.voices, start=1):
        at, labelled = 0.0, []
        for place in range(1, int(call(grid, "Get number of intervals", number)) + 1):
            start, end = (call(grid, f"Get {side} time of interval", number, place) for side in ("start", "end"))
            assert start == pytest.approx(at, abs=1e-9)
            assert end > start
            at = end
            text = call(grid, "Get label of interval", number, place)
            if text:
                labelled.append((start, end, text.split()[0]))
        assert at == pytest.approx(whole.duration, abs=1e-6)
        expected = [(one.start, one.end, "unsure" if one.unsure else str(one.emotion)) for one in own(whole, name)]
        assert [entry[2] for entry in labelled] == [entry[2] for entry in expected]
        for entry, true in zip(labelled, expected, strict=True):
            assert entry[:2] == pytest.approx(true[:2], abs=1e-6)


@given(whole=rough())
def test_a_textgrid_of_anything_has_no_interval_without_length(
    whole: Timeline, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("grid") / "one.TextGrid"
    formats.save(whole, path)
    grid = parselmouth.Data.read(str(path))
    assert grid.xmax == pytest.approx(whole.duration, abs=1e-6)
    tiers = int(call(grid, "Get number of tiers"))
    assert tiers == max(len(whole.voices), 1)
    for tier in range(1, tiers + 1):
        at = 0.0
        for place in range(1, int(call(grid, "Get number of intervals", tier)) + 1):
            assert call(grid, "Get start time of interval", tier, place) == at
            end = call(grid, "Get end time of interval", tier, place)
            assert end > at
            at = end
        assert at == grid.xmax


@given(speakers=st.lists(NAMES, unique=True, min_size=1, max_size=3))
def test_no_two_voices_share_a_tier_whatever_they_are_called(
    speakers: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    whole = timeline([segment(0, 1, Emotion.FEAR, 0.9, speaker) for speaker in speakers], 1.0)
    folder = tmp_path_factory.mktemp("tiers")
    formats.save(whole, folder / "one.TextGrid")
    formats.save(whole, folder / "one.eaf")
    formats.save(whole, folder / "one.rttm")
    grid = parselmouth.Data.read(str(folder / "one.TextGrid"))
    names = [call(grid, "Get tier name", place) for place in range(1, int(call(grid, "Get number of tiers")) + 1)]
    assert len(set(names)) == len(speakers)
    elan = list(Elan.Eaf(str(folder / "one.eaf")).get_tier_names())
    assert len(set(elan)) == len(speakers)
    assert all(elan)
    if any(speakers):
        assert len({turn.speaker for turn in formats.read_rttm(folder / "one.rttm")}) == len(speakers)


@pytest.mark.parametrize("name", ["Ann", "می\u200cخواهم", "山\u3000田", "Zoë\xa0B", 'a "b"', "\N{GRINNING FACE}"])
def test_a_name_of_any_language_is_kept(name: str, tmp_path: Path) -> None:
    whole = timeline([segment(0, 1, Emotion.FEAR, 0.9, name)], 1.0, file=f"{name}.wav")
    formats.save(whole, tmp_path / "one.TextGrid")
    grid = textgrid.openTextgrid(str(tmp_path / "one.TextGrid"), includeEmptyIntervals=False)
    assert call(parselmouth.Data.read(str(tmp_path / "one.TextGrid")), "Get tier name", 1) == name
    assert len(grid.tierNames) == 1
    formats.save(whole, tmp_path / "one.eaf")
    assert list(Elan.Eaf(str(tmp_path / "one.eaf")).get_tier_names()) == [name]
    for form, read in (("csv", pd.read_csv), ("parquet", pd.read_parquet)):
        table = read(io.BytesIO(formats.render(whole, form)))
        assert (table["file"][0], table["speaker"][0]) == (f"{name}.wav", name)
    line = json.loads(formats.render(whole, "jsonl"))
    assert (line["file"], line["speaker"]) == (f"{name}.wav", name)


def test_a_textgrid_is_read_by_praatio(tmp_path: Path) -> None:
    formats.save(CALL, tmp_path / "call.TextGrid")
    grid = textgrid.openTextgrid(str(tmp_path / "call.TextGrid"), includeEmptyIntervals=False)
    assert grid.tierNames == ("Ann", "Bo")
    assert [tuple(entry) for entry in grid.getTier("Ann").entries] == [
        (0.5, 2.25, "neutral 90 %"),
        (4.5, 6.125, "anger 80 %"),
    ]


def test_webvtt_is_read_by_webvtt(tmp_path: Path) -> None:
    (tmp_path / "call.vtt").write_bytes(formats.render(CALL, "webvtt"))
    cues = list(webvtt.read(str(tmp_path / "call.vtt")))
    assert [(cue.start_in_seconds, cue.voice, cue.text) for cue in cues] == [
        (0, "Ann", "neutral 90 %"), (2, "Bo", "unsure (anger?) 40 %"), (4, "Ann", "anger 80 %"),
    ]  # fmt: skip
    assert [cue.start for cue in cues] == ["00:00:00.500", "00:00:02.000", "00:00:04.500"]
    assert [cue.end for cue in cues] == ["00:00:02.250", "00:00:04.000", "00:00:06.125"]


def test_a_note_of_webvtt_ends_where_it_ends(tmp_path: Path) -> None:
    odd = replace(CALL, file=f"{AWKWARD}--->\n\n00:00.000 --> 00:01.000\nno", model="m --> n")
    (tmp_path / "call.vtt").write_bytes(formats.render(odd, "webvtt"))
    assert len(list(webvtt.read(str(tmp_path / "call.vtt")))) == 3
    head = (tmp_path / "call.vtt").read_text(encoding="utf-8").split("\n\n")[1]
    assert head.startswith("NOTE ")
    assert "-->" not in head


@given(whole=timelines())
def test_rttm_is_read_as_its_definition_says_and_by_ourselves(
    whole: Timeline, tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = formats.render(whole, "rttm")
    if not whole.segments:
        assert text == b""
        return
    table = pd.read_csv(io.BytesIO(text), sep=" ", header=None, keep_default_na=False, quoting=3, dtype={7: str})
    assert table.shape == (len(whole.segments), 10)
    assert set(table[0]) == {"SPEAKER"}
    assert table[6].tolist() == ["unsure" if one.unsure else str(one.emotion) for one in whole.segments]
    assert table.groupby(7).ngroups == len(whole.voices)
    assert table[3].tolist() == pytest.approx([one.start for one in whole.segments], abs=1e-3)
    assert table[4].tolist() == pytest.approx([one.duration for one in whole.segments], abs=1e-3)
    path = tmp_path_factory.mktemp("rttm") / "one.rttm"
    path.write_bytes(text)
    turns = formats.read_rttm(path)
    true = sorted(whole.segments, key=lambda one: (one.start, one.end))
    assert [turn.start for turn in turns] == pytest.approx([one.start for one in true], abs=1e-9)
    assert [turn.end for turn in turns] == pytest.approx([one.end for one in true], abs=1e-9)


def test_rttm_tells_whose_turn_it_is(tmp_path: Path) -> None:
    spaced = timeline([segment(0, 1, Emotion.FEAR, 0.9, "Ann B"), segment(1, 2, Emotion.FEAR, 0.9, "")], 2.0)
    formats.save(spaced, tmp_path / "one.rttm")
    assert [turn.speaker for turn in formats.read_rttm(tmp_path / "one.rttm")] == ["Ann_B", "unnamed"]


@given(whole=timelines())
def test_elan_files_are_read_by_pympi(whole: Timeline, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("elan") / "one.eaf"
    formats.save(whole, path)
    elan = Elan.Eaf(str(path))
    tiers = list(elan.get_tier_names())
    assert len(tiers) == max(len(whole.voices), 1)
    for tier, name in zip(tiers, whole.voices, strict=False):
        found = sorted(elan.get_annotation_data_for_tier(tier))
        expected = sorted(
            (round(1000 * one.start), round(1000 * one.end), "unsure" if one.unsure else str(one.emotion))
            for one in own(whole, name)
        )
        assert [(start, end, text.split()[0]) for start, end, text in found] == expected
    slots = [int(slot.attrib["TIME_VALUE"]) for slot in ET.parse(path).getroot().iter("TIME_SLOT")]
    assert slots == sorted(slots)
    assert set(elan.controlled_vocabularies) == {"emotions"}


def test_csv_and_parquet_are_read_by_pandas(tmp_path: Path) -> None:
    for form, read in (("csv", pd.read_csv), ("parquet", pd.read_parquet)):
        path = tmp_path / f"call.{form}"
        formats.save(CALL, path)
        table = read(path)
        assert table["start"].tolist() == [0.5, 2.0, 4.5]
        assert table["speaker"].tolist() == ["Ann", "Bo", "Ann"]
        assert table["emotion"].tolist() == ["neutral", "anger", "anger"]
        assert table["unsure"].tolist() == [False, True, False]
        assert table[CHANCES].sum(axis=1).tolist() == pytest.approx([1, 1, 1], abs=1e-5)


def test_parquet_has_its_types_without_a_segment_too() -> None:
    schemas = [pq.read_schema(io.BytesIO(formats.render(one, "parquet"))) for one in (CALL, timeline([], 3.0))]
    assert schemas[0] == schemas[1]
    assert str(schemas[0].field("start").type) == "double"


def test_json_lines_and_json_say_what_the_timeline_says() -> None:
    lines = [json.loads(line) for line in formats.render(CALL, "jsonl").splitlines()]
    assert [line["file"] for line in lines] == ["calls/one.wav"] * 3
    assert [{key: line[key] for key in line if key != "file"} for line in lines] == [
        one.to_dict() for one in CALL.segments
    ]
    assert json.loads(formats.render(CALL, "json")) == CALL.to_dict()


@given(whole=timelines())
def test_audformat_takes_the_segmented_index(whole: Timeline, tmp_path_factory: pytest.TempPathFactory) -> None:
    frame = formats.as_frame(whole)
    assert audformat.is_segmented_index(frame)
    audformat.assert_index(frame.index)
    ours = [(one.start, one.end) for one in whole.segments]
    theirs = audformat.segmented_index(
        ["calls/one.wav"] * len(ours),
        *([pd.Timedelta(round(1000 * pair[side]), "ms") for pair in ours] for side in (0, 1)),
    )
    pd.testing.assert_index_equal(frame.index, theirs)
    path = tmp_path_factory.mktemp("frame") / "db.emotion.csv"
    path.write_bytes(formats.render(whole, "audformat"))
    again = audformat.utils.read_csv(str(path))
    index: Any = again if isinstance(again, pd.Index) else again.index
    assert len(index) == len(whole.segments)
    if len(whole.segments):
        starts = index.get_level_values("start").total_seconds()
        assert starts.tolist() == pytest.approx([one.start for one in whole.segments], abs=1e-9)


def test_a_frame_has_its_types_without_a_segment_too() -> None:
    kinds = formats.as_frame(timeline([], 3.0)).dtypes
    assert kinds.equals(formats.as_frame(CALL).dtypes)
    assert (str(kinds["channel"]), str(kinds["unsure"]), str(kinds["anger"])) == ("int64", "bool", "float64")


def test_json_holds_no_half_of_a_character(tmp_path: Path) -> None:
    odd = timeline([replace(CALL.segments[0], speaker="caf\udce9"), CALL.segments[1]], 7.0, file="caf\udce9.wav")
    for form in ("json", "jsonl"):
        assert b"\\ud" not in formats.render(odd, form)
    assert json.loads(formats.render(odd, "json"))["file"] == r"caf\xe9.wav"
    assert set(json.loads(formats.render(odd, "json"))["voices"]) == {r"caf\xe9", "Bo"}


@given(whole=rough())
@settings(max_examples=30)
def test_no_timeline_ends_a_writer(whole: Timeline) -> None:
    for form in formats.FORMATS:
        content = formats.render(whole, form)
        if form != "parquet":
            content.decode("utf-8")


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    for form in ("parquet", "audformat"):
        with pytest.raises(MissingExtraError, match=r"intone\[learn\]"):
            formats.render(CALL, form)
    assert formats.render(CALL, "csv")


@pytest.mark.parametrize("form", sorted(formats.FORMATS))
def test_awkward_names_end_no_writer(form: str, tmp_path: Path) -> None:
    odd = timeline([replace(one, speaker=AWKWARD) for one in CALL.segments[:1]] + [CALL.segments[1]], 7.0, file=AWKWARD)
    content = formats.render(odd, form)
    path = tmp_path / f"odd{formats.FORMATS[form]}"
    path.write_bytes(content)
    if form != "parquet":
        content.decode("utf-8")
    if form == "textgrid":
        assert textgrid.openTextgrid(str(path), includeEmptyIntervals=False).tierNames[1] == "Bo"
    if form == "webvtt":
        assert len(list(webvtt.read(str(path)))) == 2
    if form == "eaf":
        assert len(ET.parse(path).getroot().findall("TIER")) == 2
    if form == "rttm":
        assert len(formats.read_rttm(path)) == 2


def test_a_file_appears_whole_or_not_at_all_and_its_ending_says_what(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Did you mean 'textgrid'"):
        formats.render(CALL, "textgird")
    with pytest.raises(UsageError, match=r"ending '.docx'"):
        formats.save(CALL, tmp_path / "call.docx")
    with pytest.raises(UsageError, match="cannot be written"):
        formats.save(CALL, tmp_path / "no-folder" / "call.vtt")
    assert list(tmp_path.iterdir()) == []
    formats.save(CALL, tmp_path / "call.txt", "csv")
    assert (tmp_path / "call.txt").read_bytes() == formats.render(CALL, "csv")


def test_no_number_is_written_with_an_exponent() -> None:
    tiny: Any = timeline([segment(1e-3, 2e-3 + 1, Emotion.FEAR, 0.9)], 1e5)
    for form in ("textgrid", "csv", "rttm"):
        assert b"e-" not in formats.render(tiny, form).replace(b"file-", b"")
    assert math.isfinite(tiny.summary.speech)
