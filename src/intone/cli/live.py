"""``intone live``: the emotion of what is being said, from the microphone or from a recording played out."""

import contextlib
import math
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from intone.cli import SOME_FAILED
from intone.cli.options import shares
from intone.errors import UsageError
from intone.machine import hushed

if TYPE_CHECKING:
    from intone.cli.live_output import Output
    from intone.hear.delivery import Receiver
    from intone.hear.sources import Source

HELP = """Hear the emotion of what is being said, as it is said.

From the microphone, or with --input from a recording. On a terminal it shows level, emotion, the seven probabilities
and the last minute; elsewhere it prints a line for each stretch of speech. Ctrl-C ends it.

[bold]Examples[/bold]

  intone live

  intone live --device "USB Microphone" --record call.wav --log call.jsonl

  intone live --input call.wav --realtime

  intone live --input call.wav --json > updates.jsonl

  intone live --alert "anger > 0.7 for 2s" --exec "notify-send Anger"

  intone live --alert "fear >= 0.5" --alert "anger > 0.8 for 1s" --webhook https://example.org/alerts
"""


def live(
    source: Annotated[
        str, typer.Option("--input", help="Hear this recording instead of the microphone.", metavar="FILE")
    ] = "",
    realtime: Annotated[bool, typer.Option("--realtime", help="Hear it no faster than it was spoken.")] = False,
    device: Annotated[
        str, typer.Option(help="The microphone: its name, a part of it, or its number.", metavar="NAME|NUMBER")
    ] = "",
    model: Annotated[str, typer.Option(help="A model's name, a model file, or a run folder.")] = "",
    prior: Annotated[str, typer.Option(help="How often emotions occur in what is heard, such as neutral=0.8.")] = "",
    baseline: Annotated[
        Path | None, typer.Option(help="What the speaker sounds like otherwise, as 'intone baseline' wrote it.")
    ] = None,
    record: Annotated[Path | None, typer.Option(help="Keep what is heard, as a new WAV file.")] = None,
    log: Annotated[Path | None, typer.Option(help="Add all updates and alerts to this file, as JSON lines.")] = None,
    alert: Annotated[
        list[str] | None,
        typer.Option(help="What to tell of, such as 'anger > 0.7 for 2s'; may be given several times."),
    ] = None,
    program: Annotated[
        str, typer.Option("--exec", help="Run this for each alert, with the alert as JSON on standard input.")
    ] = "",
    webhook: Annotated[str, typer.Option(help="Post each alert to this address, as JSON.", metavar="URL")] = "",
    seconds: Annotated[float, typer.Option(min=0.1, help="Stop after so many seconds.", show_default=False)] = math.inf,
    as_json: Annotated[bool, typer.Option("--json", help="Print updates and alerts as JSON lines.")] = False,
    plain: Annotated[bool, typer.Option("--plain", help="Print a line for each stretch of speech, no view.")] = False,
) -> None:
    """See HELP, which stands in the command's --help."""
    from intone.cli.live_session import Session, asked_to_stop
    from intone.hear import loading, modelfile
    from intone.hear.alerts import Condition, Watch
    from intone.hear.baseline import Baseline
    from intone.hear.delivery import Delivery

    if (realtime and not source) or (device and source):
        raise UsageError(f"{'--device' if source else '--realtime'} goes {'without' if source else 'with'} --input.")
    if as_json and plain:
        raise UsageError("--json and --plain are two ways to print; accepted is one of them.")
    watches = [Watch(Condition.parse(text)) for text in alert or []]
    receivers = _receivers(program, webhook, alerted=bool(watches))
    usual, speaker = shares(prior), None if baseline is None else Baseline.load(baseline)
    session = Session(watches, record, log)
    hearing = loading.load(model or modelfile.DEFAULT)
    with contextlib.ExitStack() as stack:
        stack.callback(session.close)
        sound = _opened(source, realtime, device)
        stack.callback(sound.close)
        viewed = not (as_json or plain) and _is_screen()
        interim = viewed or as_json or log is not None or bool(watches)
        session.stream = hearing.stream(rate=sound.rate, prior=usual or None, baseline=speaker, interim=interim)
        session.delivery = Delivery(*receivers)
        session.output = stack.enter_context(contextlib.closing(_output(as_json, viewed, sound.name)))
        begun = datetime.now(UTC).isoformat(timespec="seconds")
        session.started(
            {"at": 0.0, "type": "start", "time": begun, "source": sound.name, "rate": sound.rate,
             "model": hearing.card.name}
        )  # fmt: skip
        with asked_to_stop() as stopped:
            session.run(sound, seconds, stopped)
    session.tell_of_files()
    if session.failed:
        raise typer.Exit(SOME_FAILED)


live.__doc__ = HELP


def _receivers(program: str, webhook: str, *, alerted: bool) -> "list[Receiver]":
    from intone.hear.delivery import Program, Webhook

    if (program or webhook) and not alerted:
        raise UsageError(f"{'--exec' if program else '--webhook'} needs an --alert, such as 'anger > 0.7 for 2s'.")
    receivers: list[Receiver] = []
    if program:
        receivers.append(Program(program))
    if webhook:
        receivers.append(Webhook(webhook))
    return receivers


def _opened(file: str, realtime: bool, device: str) -> "Source":
    from intone.hear.microphone import Microphone, portaudio
    from intone.hear.sources import Recording

    if file:
        return Recording(file, realtime=realtime, quiet=hushed)
    with hushed():
        api = portaudio("'intone live' without --input")
    return Microphone(api, device or None, quiet=hushed)


def _is_screen() -> bool:
    return sys.stdout is not None and sys.stdout.isatty() and os.environ.get("TERM", "") not in ("dumb", "unknown")


def _output(as_json: bool, viewed: bool, name: str) -> "Output":
    from intone.cli.live_output import Lines, Plain

    if viewed:
        from intone.cli.live_view import View

        return View(name)
    return Lines() if as_json else Plain()
