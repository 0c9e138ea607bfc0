"""Text that every reader takes."""

import unicodedata
from collections.abc import Callable, Iterable

from intone.paths import encodable
from intone.results import Segment, Timeline

_ENDS_A_LINE = {"Cc", "Zl", "Zp"}
"""Unicode's categories of control characters and of separators of lines and paragraphs."""
_NO_CHARACTER = "\ufffe\uffff"
"""What XML forbids besides."""


def well_formed(text: str) -> str:
    r"""Write as escapes what :func:`encodable` does, and what would end a line or is no character of XML.

    Examples
    --------
    >>> print(well_formed("caf\udce9\n.wav"))
    caf\xe9\n.wav
    """
    return "".join(
        char.encode("unicode_escape").decode()
        if char in _NO_CHARACTER or unicodedata.category(char) in _ENDS_A_LINE
        else char
        for char in str(encodable(text))
    )


def label(segment: Segment) -> str:
    """Say a segment's answer in two words.

    Examples
    --------
    >>> from intone.emotions import Emotion
    >>> label(Segment(0, 1, Emotion.FEAR, {Emotion.FEAR: 0.4}, unsure=True))
    'unsure (fear?) 40 %'
    """
    emotion = f"unsure ({segment.emotion}?)" if segment.unsure else str(segment.emotion)
    return f"{emotion} {segment.confidence * 100:.0f} %"


def lines_of(timeline: Timeline) -> dict[str, list[Segment]]:
    """Give the segments of each voice, in the order of time; a voice that never speaks has none."""
    lines: dict[str, list[Segment]] = {name: [] for name in timeline.voices}
    for segment in sorted(timeline.segments, key=lambda segment: segment.start):
        lines.setdefault(segment.voice, []).append(segment)
    return lines


def tiers(timeline: Timeline) -> dict[str, list[Segment]]:
    """Give the segments of each voice by the name of its tier; a lone voice without a name is called "emotion"."""
    lines = lines_of(timeline) or {"1": []}
    if len(lines) == 1 and not any(segment.speaker for segment in timeline.segments):
        return {"emotion": next(iter(lines.values()))}
    names = distinct(lines)
    return {names[voice]: segments for voice, segments in lines.items()}


def distinct(voices: Iterable[str], spell: Callable[[str], str] = well_formed) -> dict[str, str]:
    r"""Spell the names of voices so that none is empty and no two become one.

    Examples
    --------
    >>> distinct(["Ann", "", "Bo B", "Bo\tB"], lambda name: "_".join(name.split()))
    {'Ann': 'Ann', '': 'unnamed', 'Bo B': 'Bo_B', 'Bo\tB': 'Bo_B_2'}
    """
    names: dict[str, str] = {}
    for voice in voices:
        name = plain = spell(voice) or "unnamed"
        number = 1
        while name in names.values():
            number += 1
            name = f"{plain}_{number}"
        names[voice] = name
    return names
