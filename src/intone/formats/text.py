"""Text that every reader takes."""

from intone.results import Segment, Timeline


def well_formed(text: str) -> str:
    r"""Write as escapes what is no letter of UTF-8, as the name of a file may hold, and what would end a line.

    Examples
    --------
    >>> well_formed("caf\udce9\n.wav")
    'caf\\udce9\\n.wav'
    """
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


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
