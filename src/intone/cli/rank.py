"""``intone features rank``: which features separate the emotions of a corpus."""

import json
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from intone.cli.console import needs_learning, table, tell
from intone.cli.features import SOME_FAILED, check_picture, chosen_recipe, measure, recordings
from intone.errors import CorpusError

if TYPE_CHECKING:
    from intone.learn.rank import Ranking

NEEDED = ("matplotlib", "pandas", "sklearn")
HELP = """Rank features by how well each alone separates the emotions of a corpus.

η² is the share of a feature's variance that goes with the emotion, once each speaker's own mean and spread are taken
away. Beside it stand its least, median and greatest over the speakers, each taken alone, and what is left of it when
speakers are not taken apart.

What was measured before is taken from the cache of 'intone features'.

[bold]Examples[/bold]

  intone features rank --corpus tess --recipe full

  intone features rank --corpus ravdess --corpus emodb --top 30 --plot rank.png
"""


def rank(
    corpus: Annotated[list[str], typer.Option(help="A corpus, by its short name; may be given more than once.")],
    corpora: Annotated[Path, typer.Option(envvar="INTONE_CORPORA", help="The folder that holds the corpora.")] = Path(
        "corpora"
    ),
    recipe: Annotated[str, typer.Option(help="A named recipe, or a TOML file of one.")] = "classic",
    top: Annotated[int, typer.Option(min=1, help="How many features to show of each corpus.")] = 20,
    plot: Annotated[Path | None, typer.Option(help="Draw them: .png, .svg or .pdf.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all features as JSON, one object a line.")] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; all cores where left out.")] = None,
    cache: Annotated[bool, typer.Option(help="Keep what was measured, and look there first.")] = True,
) -> None:
    """See HELP, which stands in the command's --help."""
    if plot is not None:
        check_picture(plot)
    chosen = chosen_recipe(recipe)
    needs_learning("intone features rank", NEEDED)
    import pandas as pd

    from intone.learn import rank as ranking

    rankings, failed = {}, 0
    for name in dict.fromkeys(corpus):
        rows = recordings([], name, corpora)
        failed += measure(rows, chosen, workers=workers, cache=cache)
        if not rows:
            raise CorpusError(f"{name}: none of its recordings can be heard.")
        found = pd.DataFrame(rows)
        emotions, speakers = found["emotion"].astype(str), found["speaker"].astype(str)
        tell(f"Ranking {len(chosen.names)} features over {len(found)} recordings of {name} …")
        rankings[name] = ranking.rank(found[list(chosen.names)], list(emotions), list(speakers))
    for name, one in rankings.items():
        _print(name, one, top, as_json=as_json)
    if plot is not None:
        ranking.draw(rankings, plot, top=top)
    if failed:
        raise typer.Exit(SOME_FAILED)


rank.__doc__ = HELP


def _print(corpus: str, ranking: "Ranking", top: int, *, as_json: bool) -> None:
    if as_json:
        for row in ranking.table.to_dict("records"):
            print(json.dumps({"corpus": corpus} | {str(name): _plain(value) for name, value in row.items()}))
        return
    rows = [
        [
            row.feature,
            f"{row.eta2:.3f}",
            f"{row.f:.0f}",
            f"{row.information:.3f}",
            f"{row.speaker_low:.2f} · {row.speaker_median:.2f} · {row.speaker_high:.2f}" if ranking.speakers else "–",
            f"{row.raw_eta2:.3f}",
            f"{row.raw_information:.3f}",
        ]
        for row in ranking.table.head(top).itertuples()
    ]
    table(
        ["Feature", "η²", "F", "Information", "η² of a speaker", "η² raw", "Information raw"],
        rows,
        title=f"{corpus}: {ranking.recordings} recordings, {ranking.emotions} emotions, {ranking.speakers} speakers",
        right=range(1, 7),
    )


def _plain(value: Any) -> Any:
    """Give what JSON can hold: NaN and infinity become null."""
    return None if isinstance(value, float) and not isfinite(value) else value
