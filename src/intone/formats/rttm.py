"""RTTM, what tools for diarisation write and read: a line of ten fields for each stretch of speech.

The format: NIST, "The 2009 (RT-09) Rich Transcription Meeting Recognition Evaluation Plan", appendix A.
"""

import math
import re
from dataclasses import dataclass
from pathlib import Path

from intone.errors import UsageError
from intone.formats.text import distinct, lines_of, well_formed
from intone.results import Timeline

FIELDS = 10
SPEAKER = "SPEAKER"
PASSED_OVER = frozenset(
    "SEGMENT NOSCORE NO_RT_METADATA LEXEME NON-LEX NON-SPEECH FILLER EDIT SU IP CB A/P SPKR-INFO".split()
)
"""The format's other types of line, which say nothing of turns."""
_WORD = re.compile(r"[^ \t\r\n\f\v]+")
"""A field; of all that Unicode counts as space the format knows these alone."""


@dataclass(frozen=True)
class Turn:
    """A stretch in which somebody speaks, in seconds; ``channel`` counts from 1."""

    speaker: str
    start: float
    end: float
    channel: int = 1


def render(timeline: Timeline) -> bytes:
    """Write a timeline as RTTM: the voice is the speaker's name, the emotion its type, and the confidence its score.

    Every reader keeps the speaker's name. The type is the emotion, or "unsure", which no reader takes for an answer.
    A name's spaces become underscores; what is shorter than a thousandth of a second is left out.
    """
    file = _word(Path(timeline.file).stem) or "recording"
    names = distinct(lines_of(timeline), _word)
    lines = []
    for segment in timeline.segments:
        start, end = round(segment.start * 1000), round(segment.end * 1000)
        if end <= start:
            continue
        voice = names[segment.voice] if len(names) > 1 or segment.speaker else "speaker"
        kind = "unsure" if segment.unsure else str(segment.emotion)
        lines.append(
            f"{SPEAKER} {file} {segment.channel} {start / 1000:.3f} {(end - start) / 1000:.3f} <NA> {kind} {voice} "
            f"{segment.confidence:.3f} <NA>\n"
        )
    return "".join(lines).encode()


def _word(text: str) -> str:
    return re.sub(r"\s+", "_", well_formed(text))


def read_rttm(path: str | Path) -> tuple[Turn, ...]:
    r"""Read who speaks when from an RTTM file of any diariser.

    The format's other types of line, and comments (``;;``), are passed over.

    Returns
    -------
    tuple of Turn
        In the order of their beginnings.

    Raises
    ------
    UsageError
        The file cannot be read, holds no turn, or a line is not as the format says.

    Examples
    --------
    >>> path = getfixture("tmp_path") / "who.rttm"
    >>> _ = path.write_text("SPEAKER call 1 0.50 1.25 <NA> <NA> Ann <NA> <NA>\n")
    >>> read_rttm(path)
    (Turn(speaker='Ann', start=0.5, end=1.75, channel=1),)
    """
    turns = []
    try:
        with Path(path).open(encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, start=1):
                fields = _WORD.findall(line)
                if fields and _is_turn(fields[0], f"{path}, line {number}"):
                    turns.append(_turn(fields, f"{path}, line {number}"))
    except OSError as error:
        raise UsageError(f"{path}: the turns cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not an RTTM file; it is no text in UTF-8.") from error
    if not turns:
        raise UsageError(f"{path}: there is no turn in it; an RTTM file has lines that begin with {SPEAKER}.")
    return tuple(sorted(turns, key=lambda turn: (turn.start, turn.end)))


def _is_turn(kind: str, where: str) -> bool:
    if kind == SPEAKER:
        return True
    if kind in PASSED_OVER or kind.startswith(";;"):
        return False
    shown = kind if len(kind) <= 40 else f"{kind[:40]}..."
    raise UsageError(
        f"{where}: it begins with '{shown}'; accepted are turns, which begin with {SPEAKER}, comments (;;) and RTTM's "
        f"other types of line ({', '.join(sorted(PASSED_OVER))})."
    )


def _turn(fields: list[str], where: str) -> Turn:
    if len(fields) not in (FIELDS - 1, FIELDS):  # older tools leave the last one out
        raise UsageError(f"{where}: {len(fields)} fields; a line of RTTM has {FIELDS}, separated by spaces.")
    try:
        channel = 1 if fields[2] == "<NA>" else int(_digits(fields[2]))
        start, length = (float(_digits(field)) for field in fields[3:5])
    except ValueError as error:
        raise UsageError(
            f"{where}: channel, start and length are {' '.join(fields[2:5])}; accepted are a number and two of seconds."
        ) from error
    if channel < 0:
        raise UsageError(f"{where}: the channel is {channel}; accepted are numbers from 0 on.")
    if not (0 <= start < math.inf and 0 <= length < math.inf and start + length < math.inf):
        raise UsageError(f"{where}: it starts at {start:g} s and lasts {length:g} s; accepted are seconds from 0 on.")
    return Turn(fields[7], start, start + length, channel)


def _digits(field: str) -> str:
    """Refuse what Python alone reads as a number: ``1_000``, and digits of other scripts."""
    if "_" in field or not field.isascii():
        raise ValueError(field)
    return field
