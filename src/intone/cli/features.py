"""``intone features``: from recordings to a table of what was measured in them, or to a picture of one."""

import sys
from collections.abc import Iterator
from importlib.util import find_spec
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from intone.cli.console import complain, progress, tell
from intone.errors import IntoneError, MissingExtraError, SoundNotFoundError, UsageError, counted

if TYPE_CHECKING:
    import pandas as pd

    from intone.features import FeatureRecipe
    from intone.features.store import Store

SOME_FAILED = 1
HELP = """Measure recordings and write a table, a row for each; or draw one.

What was measured before is taken from a cache, by the content of the recording; --clear-cache empties it.

[bold]Examples[/bold]

  intone features *.wav --recipe classic --out features.csv

  intone features --corpus tess --recipe full --out tess.parquet

  intone features speech.wav --plot speech.png

'intone features rank' tells which features separate the emotions of a corpus.
"""


def features(
    files: Annotated[list[Path] | None, typer.Argument(help="Recordings, or folders of them.")] = None,
    corpus: Annotated[str | None, typer.Option(help="Measure a corpus, by its short name.")] = None,
    corpora: Annotated[Path, typer.Option(envvar="INTONE_CORPORA", help="The folder that holds the corpora.")] = Path(
        "corpora"
    ),
    recipe: Annotated[str, typer.Option(help="A named recipe, or a TOML file of one.")] = "classic",
    out: Annotated[Path | None, typer.Option(help="Where to write: .csv or .parquet; CSV is printed without.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw one recording: .png, .svg or .pdf.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; all cores where left out.")] = None,
    cache: Annotated[bool, typer.Option(help="Keep what was measured, and look there first.")] = True,
    clear_cache: Annotated[bool, typer.Option("--clear-cache", help="Remove all that was kept, first.")] = False,
) -> None:
    """See HELP, which stands in the command's --help."""
    from intone.features.store import clear, default_folder

    if clear_cache:
        tell(f"Removed {counted(clear(default_folder()), 'kept measurement')}.")
        if not files and corpus is None:
            return
    if plot is not None:
        _plot(files or [], plot)
        return
    if out is not None and out.suffix not in (".csv", ".parquet"):
        raise UsageError(f"{out}: a table is written as .csv or .parquet.")
    chosen = chosen_recipe(recipe)
    rows = recordings(files or [], corpus, corpora)
    failed = measure(rows, chosen, workers=workers, cache=cache)
    _write(rows, out)
    if failed:
        raise typer.Exit(SOME_FAILED)


features.__doc__ = HELP


def chosen_recipe(name: str) -> "FeatureRecipe":
    """Give the recipe of that name, or of that TOML file, if it gives each recording one row."""
    from intone.features import FeatureRecipe, recipe

    if name.endswith(".toml"):
        try:
            chosen = FeatureRecipe.from_toml(Path(name).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{name}: the recipe cannot be read ({error}).") from error
    else:
        chosen = recipe(name)
    if chosen.sequence:
        raise UsageError(f"Recipe '{chosen.name}' gives columns over time; a table has one row for each recording.")
    return chosen


def recordings(files: list[Path], corpus: str | None, root: Path) -> list[dict[str, object]]:
    """List the recordings, each with what is known of it; `path` comes first."""
    if (corpus is None) == (not files):
        raise UsageError("Name recordings, or a corpus with --corpus: one of the two.")
    if corpus is not None:
        from intone import corpora

        table = corpora.read(corpus, root)
        for sentence in corpora.left_out(table):
            tell(f"Left out: {sentence}")
        return [{str(k): v for k, v in row.items()} for row in table.to_dict("records")]
    return [{"path": str(path)} for path in _found(files)]


def _found(files: list[Path]) -> Iterator[Path]:
    from intone.hear.audio import SUFFIXES

    for path in files:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
            if not inside:
                raise SoundNotFoundError(f"{path}: there is no sound in this folder.")
            yield from inside
        else:
            yield path


def measure(rows: list[dict[str, object]], recipe: "FeatureRecipe", *, workers: int | None, cache: bool) -> int:
    """Add the measured columns to each row, and drop those that cannot be heard; tell how many these were."""
    from intone import __version__
    from intone.features.parallel import process_pool
    from intone.features.store import Store, default_folder
    from intone.machine import cores

    store = Store(default_folder(), recipe, version=__version__) if cache else None
    heard: dict[int, dict[str, float]] = {}
    # A process more costs half a second to start: a few recordings are measured sooner by few.
    count = min(workers or cores(), max(1, len(rows) // 8))
    with process_pool(count) as pool:
        jobs = [pool.submit(_values, Path(str(row["path"])), recipe, store) for row in rows]
        for number, job in enumerate(progress(jobs, "Measuring")):
            try:
                values = job.result()
            except IntoneError as error:
                complain(str(error))
                continue
            heard[number] = dict(zip(recipe.names, values, strict=True))
    failed = len(rows) - len(heard)
    rows[:] = [rows[number] | heard[number] for number in sorted(heard)]
    missing = sum(isnan(value) for row in heard.values() for value in row.values())
    if missing:
        tell(f"Missing: {counted(missing, 'value')}; there was no voice, or too little speech, to measure it in.")
    return failed


def _values(path: Path, recipe: "FeatureRecipe", store: "Store | None") -> list[float]:
    """Measure one recording, or find it measured; what was done is kept at once, and survives a crash."""
    from intone.features import extract

    key = store.key(path) if store is not None and path.is_file() else None
    values = store.get(key) if store is not None and key else None
    if values is None:
        values = extract(path, recipe).values
        if store is not None and key:
            store.put(key, values)
    return [float(value) for value in values]


def _write(rows: list[dict[str, object]], out: Path | None) -> None:
    """Write the table; a file appears whole or not at all."""
    if out is None:
        _write_csv(rows, sys.stdout)
        return
    draft = out.with_name(f".{out.name}.new")
    try:
        if out.suffix == ".parquet":
            _frame(rows).to_parquet(draft, index=False)
        else:
            with draft.open("w", encoding="utf-8", newline="") as target:
                _write_csv(rows, target)
        draft.replace(out)
    except OSError as error:
        raise UsageError(f"{out}: the table cannot be written ({error.strerror}).") from error
    finally:
        draft.unlink(missing_ok=True)


def _write_csv(rows: list[dict[str, object]], target: TextIO) -> None:
    import csv

    if rows:
        writer = csv.DictWriter(target, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _frame(rows: list[dict[str, object]]) -> "pd.DataFrame":
    missing = [name for name in ("pandas", "pyarrow") if find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            f"Parquet needs {missing[0]}, which is not installed: pip install 'intone[learn]', or write .csv."
        )
    import pandas as pd

    return pd.DataFrame(rows)


def _plot(files: list[Path], out: Path) -> None:
    if len(files) != 1:
        raise UsageError(f"--plot draws one recording; {len(files)} were named.")
    check_picture(out)
    from intone.features.picture import draw

    draw(files[0], out)


def check_picture(out: Path) -> None:
    """Refuse a name that says no format of a picture."""
    if out.suffix not in (".png", ".svg", ".pdf"):
        raise UsageError(f"{out}: a picture is written as .png, .svg or .pdf.")
