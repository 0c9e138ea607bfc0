"""``intone predict``: the emotion of each recording."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from intone.cli import SOME_FAILED
from intone.cli.console import as_json as json_line
from intone.cli.console import complain, progress, table, tell
from intone.cli.options import shares
from intone.errors import BaselineError, IntoneError, SoundNotFoundError, UsageError
from intone.machine import hushed
from intone.paths import is_folder

if TYPE_CHECKING:
    from intone.hear.audio import Waveform
    from intone.results import Prediction

    Answer = Callable[[Sequence[Waveform]], list[Prediction]]

STANDARD_INPUT, ITS_NAME = "-", "<standard input>"
MANY = 16
"""More recordings than this are heard behind a progress bar."""
BATCH_SECONDS = 600.0
"""A batch that has more sound than this is answered before more is loaded, so that memory stays small."""
HELP = """Hear the emotion of each recording.

Files, folders (searched for recordings) and - for standard input. One that cannot be heard is named on standard error,
and the others are still answered.

[bold]Examples[/bold]

  intone predict call.wav

  intone predict recordings/ --json > emotions.jsonl

  intone predict call.m4a --plot call.png --play

  intone predict calls/ --prior neutral=0.7,anger=0.1

  intone predict turn-1.wav turn-2.wav turn-3.wav --one-speaker

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
    prior: Annotated[
        str, typer.Option(help="How often emotions occur where the recordings come from, such as neutral=0.8.")
    ] = "",
    baseline: Annotated[
        Path | None, typer.Option(help="What their one speaker sounds like otherwise, as 'intone baseline' wrote it.")
    ] = None,
    one_speaker: Annotated[
        bool,
        typer.Option(
            "--one-speaker", help="All are of one speaker, in the order given: each is heard beside those before it."
        ),
    ] = False,
) -> None:
    """See HELP, which stands in the command's --help."""
    from intone.hear import loading, modelfile
    from intone.hear.baseline import Baseline
    from intone.hear.recogniser import BATCH

    items = _recordings(files)
    usual, speaker = shares(prior), None if baseline is None else Baseline.load(baseline)
    if plot is not None:
        if len(items) != 1:
            raise UsageError(f"--plot draws one recording; {len(items)} were given.")
        from intone.hear import picture

        picture.check(plot)
    heard: list[Prediction] = []
    failed = False
    hearing = loading.load(model or modelfile.DEFAULT)
    answer_all: Answer = partial(hearing.predict_batch, prior=usual, baseline=speaker)
    if one_speaker:
        answer_all = hearing.follow(prior=usual, baseline=speaker).predict_batch
    try:
        for item, waveform, answer in _answers(answer_all, items, batch_size=1 if play else BATCH):
            if isinstance(answer, IntoneError):
                failed = True
                complain(str(answer))
                if as_json:
                    _print_json({"file": item.name, "error": {"code": answer.code, "message": str(answer)}})
                continue
            if as_json:
                _print_json(answer.to_dict(top))
            heard.append(answer)
            if waveform is not None:
                failed |= not _shown(waveform, answer, plot, play)
    finally:  # a Ctrl-C too leaves what was heard until then
        if heard and not as_json:
            _print_table(heard, top)
    if failed:
        raise typer.Exit(SOME_FAILED)


predict.__doc__ = HELP


@dataclass(frozen=True)
class _Item:
    """Something to hear: a file, standard input, or a folder in which there was nothing."""

    name: str
    refused: IntoneError | None = None


def _recordings(files: list[str]) -> list[_Item]:
    """Replace each folder by the recordings in it; hidden ones are left out, as they are by a shell."""
    from intone.hear.audio import SUFFIXES

    items: list[_Item] = []
    for given in files:
        if given == STANDARD_INPUT or not is_folder(given):
            items.append(_Item(ITS_NAME if given == STANDARD_INPUT else given))
            continue
        folder = Path(given)
        inside = [path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file()]
        shown = [path for path in inside if not any(part.startswith(".") for part in path.relative_to(folder).parts)]
        accepted = " ".join(sorted(SUFFIXES))
        nothing = SoundNotFoundError(f"{given}: there is no recording in this folder; its files' endings: {accepted}.")
        items += [_Item(name) for name in sorted(map(str, shown))] or [_Item(given, nothing)]
    return items


def _answers(
    answer_all: "Answer", items: list[_Item], batch_size: int
) -> "Iterator[tuple[_Item, Waveform | None, Prediction | IntoneError]]":
    """Answer in the order given, with a progress bar where there are many."""
    batch: list[tuple[_Item, Waveform | IntoneError]] = []
    seconds = 0.0
    for item in progress(items, "Listening") if len(items) > MANY else items:
        sound = _loaded(item)
        batch.append((item, sound))
        seconds += 0.0 if isinstance(sound, IntoneError) else sound.duration
        if len(batch) == batch_size or seconds > BATCH_SECONDS:
            yield from _batch_answers(answer_all, batch)
            batch, seconds = [], 0.0
    yield from _batch_answers(answer_all, batch)


def _batch_answers(
    answer_all: "Answer", batch: "list[tuple[_Item, Waveform | IntoneError]]"
) -> "Iterator[tuple[_Item, Waveform | None, Prediction | IntoneError]]":
    waveforms = [sound for _, sound in batch if not isinstance(sound, IntoneError)]
    try:
        predictions: Iterator[Prediction | IntoneError] = iter(answer_all(waveforms))
    except (BaselineError, UsageError):  # of every batch
        raise
    except IntoneError as error:  # the model gave no answer; the other batches may still get theirs
        predictions = iter([error] * len(waveforms))
    for item, sound in batch:
        if isinstance(sound, IntoneError):
            yield item, None, sound
        else:
            yield item, sound, next(predictions)


def _loaded(item: _Item) -> "Waveform | IntoneError":
    from intone.hear import audio

    if item.refused is not None:
        return item.refused
    try:
        with hushed():
            if item.name == ITS_NAME:
                return audio.load(sys.stdin.buffer, name=ITS_NAME)
            return audio.load(item.name)
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
    print(json_line(answer), flush=True)


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
