"""``intone predict``: the emotion of each recording."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from intone.cli import SOME_FAILED
from intone.cli.console import complain, progress, table, tell
from intone.errors import IntoneError, SoundNotFoundError, UsageError

if TYPE_CHECKING:
    from intone.hear.audio import Waveform
    from intone.hear.recogniser import Recogniser
    from intone.results import Prediction

STANDARD_INPUT, ITS_NAME = "-", "<standard input>"
HELP = """Hear the emotion of each recording.

Files, folders (searched for recordings) and - for standard input. One that cannot be heard is named on standard error,
and the others are still answered.

[bold]Examples[/bold]

  intone predict call.wav

  intone predict recordings/ --json > emotions.jsonl

  intone predict call.m4a --plot call.png --play

  curl -s https://example.org/call.ogg | intone predict -
"""


def predict(
    files: Annotated[list[str], typer.Argument(help="Recordings, folders, or - for standard input.")],
    model: Annotated[str, typer.Option(help="A model's name, a model file, or a run folder.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line instead of a table.")] = False,
    top: Annotated[int, typer.Option(min=1, max=7, help="Show the K likeliest emotions.", metavar="K")] = 7,
    plot: Annotated[
        Path | None, typer.Option(help="Draw waveform, mel spectrogram and probabilities of one recording.")
    ] = None,
    play: Annotated[bool, typer.Option("--play", help="Play each recording that is heard.")] = False,
) -> None:
    """See HELP, which stands in the command's --help."""
    from intone.hear import modelfile, recogniser

    names = _recordings(files)
    if plot is not None and len(names) != 1:
        raise UsageError(f"--plot draws one recording; {len(names)} were given.")
    heard: list[Prediction] = []
    failed = False
    hearing = recogniser.load(model or modelfile.DEFAULT)
    for name, waveform, answer in _answers(hearing, names):
        if isinstance(answer, IntoneError):
            failed = True
            complain(str(answer))
            if as_json:
                _print_json({"file": _shown_as(name), "error": {"code": answer.code, "message": str(answer)}})
            continue
        if as_json:
            _print_json(answer.to_dict(top))
        heard.append(answer)
        if waveform is not None:
            failed |= not _shown(waveform, answer, plot, play)
    if heard and not as_json:
        _print_table(heard, top)
    if failed:
        raise typer.Exit(SOME_FAILED)


predict.__doc__ = HELP


def _recordings(files: list[str]) -> list[str]:
    """Replace each folder by the recordings in it; hidden files are left out, as they are by a shell."""
    from intone.hear.audio import SUFFIXES

    names: list[str] = []
    for given in files:
        folder = Path(given)
        if given != STANDARD_INPUT and folder.is_dir():
            inside = [path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file()]
            found = sorted(str(path) for path in inside if not path.name.startswith("."))
            if not found:
                raise SoundNotFoundError(
                    f"{given}: there is no recording in this folder ({' '.join(sorted(SUFFIXES))})."
                )
            names += found
        else:
            names.append(given)
    return names


def _answers(
    hearing: "Recogniser", names: list[str]
) -> "Iterator[tuple[str, Waveform | None, Prediction | IntoneError]]":
    """Answer in the order given, a batch at a time, with a progress bar where there is more than one batch."""
    from intone.hear.recogniser import BATCH

    batches = [names[start : start + BATCH] for start in range(0, len(names), BATCH)]
    for batch in progress(batches, "Listening") if len(batches) > 1 else batches:
        loaded = [_loaded(name) for name in batch]
        waveforms = [sound for sound in loaded if not isinstance(sound, IntoneError)]
        predictions = iter(hearing.predict_batch(waveforms))
        for name, sound in zip(batch, loaded, strict=True):
            if isinstance(sound, IntoneError):
                yield name, None, sound
            else:
                yield name, sound, next(predictions)


def _shown_as(name: str) -> str:
    return ITS_NAME if name == STANDARD_INPUT else name


def _loaded(name: str) -> "Waveform | IntoneError":
    from intone.hear import audio

    try:
        if name == STANDARD_INPUT:
            return audio.load(sys.stdin.buffer.read(), name=ITS_NAME)
        return audio.load(name)
    except IntoneError as error:
        return error


def _shown(waveform: "Waveform", prediction: "Prediction", plot: Path | None, play: bool) -> bool:
    """Draw and play what was asked for; False where that was not possible, which is said."""
    try:
        if plot is not None:
            from intone.hear import picture

            picture.save(waveform, prediction, plot)
            tell(f"Drew {plot}")
        if play:
            from intone.cli import player

            player.play(waveform)
    except IntoneError as error:
        complain(str(error))
        return False
    return True


def _print_json(answer: dict[str, object]) -> None:
    print(json.dumps(answer), flush=True)


def _print_table(heard: "list[Prediction]", top: int) -> None:
    from rich.text import Text

    rows = []
    for prediction in heard:
        emotion = Text(str(prediction.emotion), style=f"bold {prediction.emotion.colour}")
        if prediction.unsure:
            emotion = Text(f"unsure ({prediction.emotion}?)", style="dim")
        others = "  ".join(f"{emotion} {score:.0%}" for emotion, score in prediction.top(top)[1:])
        rows.append([prediction.file, f"{prediction.duration:.1f} s", emotion, f"{prediction.confidence:.0%}", others])
    headings = ["Recording", "Length", "Emotion", "Confidence", "Then"]
    table(headings if top > 1 else headings[:-1], rows if top > 1 else [row[:-1] for row in rows], right=(1, 3))
