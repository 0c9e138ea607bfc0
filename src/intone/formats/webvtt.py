"""WebVTT: segments as subtitles, for browsers and players (https://www.w3.org/TR/webvtt1/)."""

from html import escape

from intone.formats.text import distinct, label, lines_of, well_formed
from intone.results import Timeline


def render(timeline: Timeline) -> bytes:
    """Write a timeline as WebVTT; where there are several voices, each cue names its own."""
    names = distinct(lines_of(timeline), lambda voice: well_formed(voice).strip())
    note = well_formed(f"{timeline.file}, heard by {timeline.model}")
    blocks = ["WEBVTT", f"NOTE {escape(note, quote=False)}"]  # an arrow, which would end it, is escaped too
    for segment in sorted(timeline.segments, key=lambda segment: (segment.start, segment.end)):
        start, end = round(segment.start * 1000), round(segment.end * 1000)
        if end <= start:
            continue
        text = escape(label(segment), quote=False)
        voice = escape(names[segment.voice], quote=False)
        blocks.append(f"{_clock(start)} --> {_clock(end)}\n{f'<v {voice}>{text}' if len(names) > 1 else text}")
    return ("\n\n".join(blocks) + "\n").encode()


def _clock(milliseconds: int) -> str:
    """Write a moment as ``hours:minutes:seconds.thousandths``.

    Examples
    --------
    >>> _clock(3_723_004)
    '01:02:03.004'
    """
    seconds, thousandths = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}.{thousandths:03d}"
