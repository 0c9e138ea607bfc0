"""Diarisers' RTTM is read, and what is none is refused in a sentence."""

from pathlib import Path

import pytest

from intone import formats
from intone.errors import UsageError

GOOD = "SPEAKER call 1 0.50 1.25 <NA> <NA> Ann <NA> <NA>"


def test_what_a_diariser_wrote_is_read(tmp_path: Path) -> None:
    path = tmp_path / "who.rttm"
    path.write_text(
        f";; a comment\nSPKR-INFO call 1 <NA> <NA> <NA> unknown Ann <NA> <NA>\n{GOOD.replace('0.50', '3')}\n\n{GOOD}\n"
    )
    assert formats.read_rttm(path) == (formats.Turn("Ann", 0.5, 1.75), formats.Turn("Ann", 3.0, 4.25))


@pytest.mark.parametrize("name", ["Ann\u2028B", "Ann\x85B", "Ann\xa0B", "山\u3000田"])
def test_a_name_ends_at_a_space_of_the_format_alone(name: str, tmp_path: Path) -> None:
    path = tmp_path / "who.rttm"
    path.write_text(f"{GOOD.replace('Ann', name)}\r\n{GOOD}\r\n".replace(" ", "\t"), encoding="utf-8-sig")
    assert {turn.speaker for turn in formats.read_rttm(path)} == {name, "Ann"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "there is no turn in it"),
        (";; nothing\n", "there is no turn in it"),
        ("hello\n", "line 1: it begins with 'hello'; accepted are turns, which begin with SPEAKER"),
        (f"{GOOD}\nSPEAKR call 1 0.5\n", "line 2: it begins with 'SPEAKR'"),
        (f"{GOOD}\nSPEAKER call 1 0.5\n", "line 2: 4 fields"),
        (GOOD.replace("0.50", "soon"), "line 1: channel, start and length are 1 soon 1.25"),
        (GOOD.replace("0.50", "-1"), "starts at -1 s"),
        (GOOD.replace("1.25", "nan"), "lasts nan s"),
        (GOOD.replace("1.25", "inf"), "lasts inf s"),
        (GOOD.replace("0.50", "1e308").replace("1.25", "1e308"), "lasts 1e\\+308 s"),
        (GOOD.replace("0.50", "1_0"), "channel, start and length are 1 1_0 1.25"),
        (GOOD.replace(" 1 ", " -1 "), "the channel is -1"),
        (GOOD.replace("Ann", "Ann B"), "11 fields"),
    ],
)
def test_what_is_no_rttm_is_refused_in_a_sentence(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "who.rttm"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=says) as raised:
        formats.read_rttm(path)
    assert "who.rttm" in str(raised.value)


def test_an_rttm_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        formats.read_rttm(tmp_path / "who.rttm")
    (tmp_path / "who.rttm").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(UsageError, match="no text in UTF-8"):
        formats.read_rttm(tmp_path / "who.rttm")
