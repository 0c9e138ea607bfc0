"""RTTM, what tools for diarisation write and read: a line of ten fields for each stretch of speech.

The format: NIST, "The 2009 (RT-09) Rich Transcription Meeting Recognition Evaluation Plan", appendix A.
"""

import math
import re
from dataclasses import dataclass
from pathlib import Path

from intone.errors import UsageError
from intone.formats.text import lines_of, well_formed
from intone.results import Timeline

FIELDS = 10
SPEAKER = "SPEAKER"


@dataclass(frozen=True)
class Turn:
    """A stretch in which somebody speaks, in seconds; ``channel`` counts from 1."""

    speaker: str
    start: float
    end: float
    channel: int = 1


def render(timeline: Timeline) -> bytes:
    """Write a timeline as RTTM: the voice is the speaker's name, the emotion its type, and the confidence its score."""
    file = _word(Path(timeline.file).stem) or "recording"
    several = len(lines_of(timeline)) > 1
    lines = []
    for segment in timeline.segments:
        voice = _word(segment.voice) if several or segment.speaker else "speaker"
        kind = "unsure" if segment.unsure else str(segment.emotion)
        lines.append(
            f"{SPEAKER} {file} {segment.channel} {segment.start:.3f} {segment.duration:.3f} <NA> {kind} {voice} "
            f"{segment.confidence:.3f} <NA>\n"
        )
    return "".join(lines).encode()


def _word(text: str) -> str:
    return re.sub(r"\s+", "_", well_formed(text))


def read_rttm(path: str | Path) -> tuple[Turn, ...]:
    """Read who speaks when from an RTTM file of any diariser.

    Lines of other types than ``SPEAKER``, and comments (``;;``), are passed over.

    Returns
    -------
    tuple of Turn
        In the order of their beginnings.

    Raises
    ------
    UsageError
        The file cannot be read, holds no turn, or a line is not as the format says.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path}: the turns cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not an RTTM file; it is no text in UTF-8.") from error
    turns = [
        _turn(line, f"{path}, line {number}")
        for number, line in enumerate(text.splitlines(), start=1)
        if line.split()[:1] == [SPEAKER]
    ]
    if not turns:
        raise UsageError(f"{path}: there is no turn in it; an RTTM file has lines that begin with {SPEAKER}.")
    return tuple(sorted(turns, key=lambda turn: (turn.start, turn.end)))


def _turn(line: str, where: str) -> Turn:
    fields = line.split()
    if len(fields) not in (FIELDS - 1, FIELDS):  # older tools leave the last one out
        raise UsageError(f"{where}: {len(fields)} fields; a line of RTTM has {FIELDS}, separated by spaces.")
    try:
        channel, start, length = int(fields[2]) if fields[2] != "<NA>" else 1, float(fields[3]), float(fields[4])
    except ValueError as error:
        raise UsageError(
            f"{where}: channel, start and length are {' '.join(fields[2:5])}; accepted are a number and two of seconds."
        ) from error
    if not (0 <= start < math.inf and 0 <= length < math.inf):
        raise UsageError(f"{where}: it starts at {start:g} s and lasts {length:g} s; accepted are seconds from 0 on.")
    return Turn(fields[7], start, start + length, channel)
