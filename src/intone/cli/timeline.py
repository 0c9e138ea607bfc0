"""``intone timeline``: the emotions of a long recording over time."""

import sys
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from intone.cli import options
from intone.cli.console import as_json as json_line
from intone.cli.console import clock, progress_of, say, table, tell
from intone.cli.predict import ITS_NAME, STANDARD_INPUT
from intone.errors import UsageError
from intone.machine import hushed

if TYPE_CHECKING:
    from rich.text import Text

    from intone import formats
    from intone.results import Segment, Summary, Timeline

HELP = """Hear how the emotion of a recording changes over time.

A recording of any length is cut at pauses, and each stretch of speech gets an answer, smoothed over time and heard
beside what its speaker has sounded like so far. - is standard input.

[bold]Examples[/bold]

  intone timeline call.wav

  intone timeline call.wav --plot call.png --json > call.json

  intone timeline call.wav --channels separate

  intone timeline interview.flac --speakers interview.rttm --hindsight

  intone timeline interview.flac --out interview.TextGrid

  intone timeline talk.mp3 --format webvtt > talk.vtt
"""


class Channels(StrEnum):
    """What becomes of a recording's channels."""

    MIXED = "mixed"
    SEPARATE = "separate"


def timeline(
    file: Annotated[str, typer.Argument(help="A recording, or - for standard input.")],
    model: Annotated[str, typer.Option(help="A model's name, a model file, or a run folder.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of tables.")] = False,
    plot: Annotated[Path | None, typer.Option(help="Draw waveform, emotions, confidence and summary.")] = None,
    form: Annotated[
        str, typer.Option("--format", help="Print it as another tool reads it: textgrid, webvtt, rttm, eaf, csv, ...")
    ] = "",
    out: Annotated[Path | None, typer.Option(help="Write it to a file; its ending says the format.")] = None,
    channels: Annotated[
        Channels, typer.Option(help="Mix the channels, or take each for a voice of its own, as in calls.")
    ] = Channels.MIXED,
    speakers: Annotated[
        Path | None,
        typer.Option(help="Who speaks when, an RTTM file of any diariser: each voice gets its own timeline."),
    ] = None,
    hindsight: Annotated[
        bool, typer.Option("--hindsight", help="Answer all anew at the end, with what came later.")
    ] = False,
    prior: Annotated[
        str, typer.Option(help="How often emotions occur where the recording comes from, such as neutral=0.8.")
    ] = "",
    baseline: Annotated[
        Path | None, typer.Option(help="What the speaker sounds like otherwise, as 'intone baseline' wrote it.")
    ] = None,
) -> None:
    """See HELP, which stands in the command's --help."""
    from intone.hear import loading, modelfile
    from intone.hear.baseline import Baseline

    if plot is not None and file == STANDARD_INPUT:
        raise UsageError("--plot reads the recording a second time; name a file instead of standard input.")
    written = _checked(plot, form, out, as_json)
    turns = None if speakers is None else _turns(speakers)
    known = None if baseline is None else Baseline.load(baseline)
    shares = options.shares(prior)
    hearing = loading.load(model or modelfile.DEFAULT)
    sound = sys.stdin.buffer if file == STANDARD_INPUT else file
    with progress_of("Listening", _length(file)) as heard, hushed():
        found = hearing.timeline(
            sound, prior=shares, baseline=known, channels=channels.value, speakers=turns, hindsight=hindsight,
            heard=heard, name=ITS_NAME if file == STANDARD_INPUT else None,
        )  # fmt: skip
    if plot is not None:
        from intone.hear import timeline_picture

        timeline_picture.save(file, found, plot)
        tell(f"Drew {plot}")
    written(found)


timeline.__doc__ = HELP


def _checked(plot: Path | None, form: str, out: Path | None, as_json: bool) -> "Callable[[Timeline], None]":
    """Refuse before anything is heard what cannot be written; give what writes the rest."""
    from intone import formats

    if plot is not None:
        from intone.hear import picture

        picture.check(plot)
    if form and as_json:
        raise UsageError("--json and --format both say how to print; give one of them.")
    if form or out is not None:
        chosen = formats.chosen(form or None, out)
        if out is not None:
            if not out.parent.is_dir():
                raise UsageError(f"{out}: it cannot be written; there is no folder {out.parent}.")

            def save(found: "Timeline") -> None:
                formats.save(found, out, chosen)
                tell(f"Wrote {out}")

            return save

        def render(found: "Timeline") -> None:
            sys.stdout.flush()
            sys.stdout.buffer.write(formats.render(found, chosen))

        return render
    return _print_json if as_json else _print_tables


def _turns(path: Path) -> "Sequence[formats.Turn]":
    from intone import formats

    return formats.read_rttm(path)


def _length(file: str) -> float | None:
    """Tell how long a recording says that it is (seconds), for the progress bar alone."""
    import soundfile

    if file == STANDARD_INPUT or not Path(file).is_file():
        return None
    try:
        return float(soundfile.info(file).duration)
    except soundfile.LibsndfileError:  # whatever is wrong with it, the door says; other formats do not tell
        return None


def _print_json(found: "Timeline") -> None:
    print(json_line(found.to_dict()), flush=True)


def _print_tables(found: "Timeline") -> None:
    from rich.text import Text

    several = len(found.voices) > 1
    rows: list[list[str | Text]] = []
    for segment in found.segments:
        voice = [segment.voice] if several else []
        others = "  ".join(
            f"{emotion} {score:.0%}"
            for emotion, score in sorted(segment.scores.items(), key=lambda pair: -pair[1])[1:3]
        )
        rows.append(
            [
                clock(segment.start, tenths=True),
                clock(segment.end, tenths=True),
                *voice,
                _named(segment),
                f"{segment.confidence:.0%}",
                others,
            ]
        )
    voice = ["Voice"] if several else []
    table(["From", "To", *voice, "Emotion", "Confidence", "Then"], rows, title=found.file, right=(0, 1))
    if not found.segments:
        say(f"No speech was heard in {found.duration:.1f} s.")
        return
    for name, summary in found.voices.items() if several else {"": found.summary}.items():
        _say_summary(f"Voice {name}: " if several else "", summary)
    if found.talk is not None:
        talk = found.talk
        turns = ", ".join(
            f"{name} {count} ({talk.interruptions[name]} interrupting)" for name, count in talk.turns.items()
        )
        say(f"At once {talk.overlap:.1f} s, nobody {talk.silence:.1f} s; turns: {turns}; median gap {talk.gap:.2f} s.")


def _named(segment: "Segment") -> "Text":
    from rich.text import Text

    if segment.unsure:
        return Text(f"unsure ({segment.emotion}?)", style="dim")
    return Text(str(segment.emotion), style=f"bold {segment.emotion.colour}")


def _say_summary(voice: str, summary: "Summary") -> None:
    shares = ", ".join(
        f"{emotion} {share:.0%}"
        for emotion, share in sorted(summary.shares.items(), key=lambda pair: -pair[1])
        if share >= 0.005
    )
    say(f"{voice}{summary.speech:.1f} s of speech: {shares}; unsure in {summary.unsure:.0%}.")
    if summary.turning_points:
        points = ", ".join(
            f"{clock(point.at, tenths=True)} {point.before} → {point.after}" for point in summary.turning_points
        )
        say(f"{voice}turns at {points}.")
    if summary.peaks:
        peaks = ", ".join(
            f"{peak.emotion} {peak.confidence:.0%} at {clock(peak.start, tenths=True)}" for peak in summary.peaks
        )
        say(f"{voice}peaks: {peaks}.")
