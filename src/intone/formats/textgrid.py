"""Praat's TextGrid, in its long text form: a gapless tier of intervals for each voice."""

from collections.abc import Iterator, Sequence

from intone.formats.text import label, tiers, well_formed
from intone.results import Segment, Timeline


def render(timeline: Timeline) -> bytes:
    """Write a timeline as a TextGrid; where nobody speaks an interval is empty.

    It is as long as the recording: what a segment has beyond that is cut off.

    The format: https://www.fon.hum.uva.nl/praat/manual/TextGrid_file_formats.html
    """
    end = timeline.duration
    lines = tiers(timeline)
    parts = [
        'File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0", f"xmax = {_time(end)}",
        "tiers? <exists>", f"size = {len(lines)}", "item []:",
    ]  # fmt: skip
    for number, (name, segments) in enumerate(lines.items(), start=1):
        intervals = list(_gapless(segments, end))
        parts += [
            f"    item [{number}]:", '        class = "IntervalTier"',
            f"        name = {_quoted(name)}", "        xmin = 0",
            f"        xmax = {_time(end)}", f"        intervals: size = {len(intervals)}",
        ]  # fmt: skip
        for place, (start, stop, text) in enumerate(intervals, start=1):
            parts += [
                f"        intervals [{place}]:", f"            xmin = {_time(start)}",
                f"            xmax = {_time(stop)}", f"            text = {_quoted(text)}",
            ]  # fmt: skip
    return ("\n".join(parts) + "\n").encode()


def _gapless(segments: Sequence[Segment], end: float) -> Iterator[tuple[float, float, str]]:
    """Give intervals that follow each other from 0 to the end; what is too short to be written is left out."""
    at = 0.0
    for segment in segments:
        start, stop = max(segment.start, at), min(segment.end, end)
        if _time(start) == _time(stop) or stop < start:
            continue
        if _time(at) != _time(start):
            yield at, start, ""
        else:
            start = at
        yield start, stop, label(segment)
        at = stop
    if _time(at) != _time(end):
        yield at, end, ""


def _time(seconds: float) -> str:
    return f"{seconds:.6f}"


def _quoted(text: str) -> str:
    doubled = well_formed(text).replace('"', '""')
    return f'"{doubled}"'
