"""The corrected shares of archives of real recordings, nine in ten of them neutral.

Their voices are the fifteen of ``recipes/intone-tiny.toml``'s test, three each of ASED, EmoDB, EMOVO, nEMO and RAVDESS.
``intone-tiny`` was not trained on them, and neither its epochs nor its confidence were set by them: the ``speakers`` of
its card are all others, those of its validation included. They are not quite new to it, since that it has two heads was
decided with an eye on them (``docs/experiments.md``).

In each archive the voices are alike often heard; one that has too few recordings of an emotion says them again, which
is a copy, and counts. Each archive is a queue of one manifest, so that what stands in several is heard once.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from intone.archive import Options
from intone.archive.summary import Question, summarise
from intone.archive.summary.figures import Figure, Group
from intone.emotions import Emotion
from tests import composed
from tests.archived import heard

pytestmark = [pytest.mark.corpora, pytest.mark.xdist_group("composed")]
CORPORA = ("ased", "emodb", "emovo", "nemo", "ravdess")
RECORDINGS = 300
"""Of each archive. More are no more voices: what the voices are wrong about stays."""
SEEDS = range(3)
NEUTRAL = 0.9
OTHERS = (0.36, 0.24, 0.16, 0.12, 0.08, 0.04)
"""How the other six share the rest; which has which is drawn."""
WITHIN = 0.05


def counts(random: np.random.Generator) -> dict[Emotion, int]:
    """Draw how many recordings of each emotion an archive has."""
    rest = round((1 - NEUTRAL) * RECORDINGS)
    ends = np.round(np.cumsum(random.permutation(OTHERS)) * rest).astype(int)
    others = [emotion for emotion in Emotion if emotion is not Emotion.NEUTRAL]
    found = dict(zip(others, np.diff(ends, prepend=0).tolist(), strict=True))
    return found | {Emotion.NEUTRAL: RECORDINGS - rest}


def taken_in_turn(table: pd.DataFrame, random: np.random.Generator) -> Iterator[tuple[str, str]]:
    """Give recordings and who speaks, voice by voice, in an order that is drawn anew each time round."""
    own = {speaker: sorted(paths) for speaker, paths in table.groupby("speaker")["path"]}
    left: dict[str, list[str]] = {str(speaker): [] for speaker in own}
    while True:
        for number in random.permutation(len(left)).tolist():
            speaker = sorted(left)[number]
            left[speaker] = left[speaker] or random.permutation(own[speaker]).tolist()
            yield left[speaker].pop(), speaker


def compose(table: pd.DataFrame, folder: Path, seed: int) -> tuple[dict[Emotion, float], list[str]]:
    """Make an archive of links to recordings; give the true shares, and its lines of the manifest."""
    random = np.random.default_rng(seed)
    wanted, lines = counts(random), list[str]()
    folder.mkdir()
    for emotion, count in wanted.items():
        turns = taken_in_turn(table[table["emotion"] == str(emotion)], random)
        for number, (path, speaker) in zip(range(count), turns, strict=False):
            link = folder / f"{emotion}-{number:04d}{Path(path).suffix}"
            link.symlink_to(path)
            lines.append(f"{folder.name}/{link.name},{speaker},{folder.name}")
    return {emotion: count / RECORDINGS for emotion, count in wanted.items()}, lines


@cache
def summed_up(corpora_root: Path, folder: Path, baselines: str) -> tuple[list[dict[Emotion, float]], list[Group]]:
    """Compose the archives, have them heard, and sum each up; give what is true of each and what was found."""
    table = pd.concat([composed.unheard(corpora_root, corpus) for corpus in CORPORA], ignore_index=True)
    assert table["speaker"].nunique() == 15
    folder = folder / f"beside-{baselines}"
    folder.mkdir()
    made = [compose(table, folder / f"seed-{seed}", seed) for seed in SEEDS]
    lines = [line for _, own in made for line in own]
    (folder / "calls.csv").write_text("\n".join(["path,speaker,queue", *lines]))
    told = heard(folder / "calls.csv", out=folder / "out", options=Options(model="intone-tiny", baselines=baselines))
    assert (told.found, told.errors) == (RECORDINGS * len(SEEDS), 0)
    by = summarise(str(folder / "out"), Question(by="queue")).by
    assert by is not None
    groups = {group.name: group for group in by.groups}
    return [truth for truth, _ in made], [groups[f"seed-{seed}"] for seed in SEEDS]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder for the archives and their tables."""
    return tmp_path_factory.mktemp("composed")


def found_in(corpora_root: Path, folder: Path, number: int, baselines: str) -> Iterator[tuple[float, Figure, Figure]]:
    """Give of each emotion how common it is in an archive, and its shares as heard and corrected; neutral first."""
    truths, groups = summed_up(corpora_root, folder, baselines)
    found = groups[number].shares
    assert found is not None
    assert found.corrected is not None, found.why_not
    for emotion in sorted(Emotion, key=Emotion.NEUTRAL.__ne__):
        yield truths[number][emotion], found.raw[emotion], found.corrected[emotion]


@pytest.mark.parametrize("baselines", ["", "speaker"])
@pytest.mark.parametrize("number", range(len(SEEDS)))
def test_corrected_shares_of_a_mostly_neutral_archive_are_close(
    corpora_root: Path, folder: Path, number: int, baselines: str
) -> None:
    for truth, _, corrected in found_in(corpora_root, folder, number, baselines):
        assert corrected.value == pytest.approx(truth, abs=WITHIN)


@pytest.mark.parametrize("number", range(len(SEEDS)))
def test_as_heard_there_is_far_less_that_is_neutral(corpora_root: Path, folder: Path, number: int) -> None:
    truth, heard_as, corrected = next(found_in(corpora_root, folder, number, ""))
    assert abs(corrected.value - truth) < abs(heard_as.value - truth) / 3
