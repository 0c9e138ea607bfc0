"""Splits: how training and test are kept apart, and whether voices leak between them.

A fold is three masks over one table of utterances. Identical sounds are left out of the table before
(:func:`intone.learn.dataset.load`), so none can stand on two sides.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from intone.errors import UsageError, unknown
from intone.learn.recipe import SplitPart

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Fold:
    """One division of a table into what is learned from, what settings may be fitted on, and what is tested.

    Attributes
    ----------
    name : str
        Tells the fold from its siblings; may stand in a file's name.
    train, validation, test : numpy.ndarray of bool, shape (utterances,)
        Rows of the table; no row is in two of them.
    """

    name: str
    train: Mask
    validation: Mask
    test: Mask


@dataclass(frozen=True)
class Protocol:
    """A way to split.

    Attributes
    ----------
    title : str
        How tables call it; says so where speakers stand on both sides.
    leaks_speakers : bool
        Whether a speaker of the test may be in the training.
    folds : callable
        ``(table, settings, seed) -> list of Fold``.
    """

    title: str
    leaks_speakers: bool
    folds: Callable[[pd.DataFrame, SplitPart, int], list[Fold]]


def random(table: pd.DataFrame, settings: SplitPart, seed: int) -> list[Fold]:
    """Shuffle each emotion's utterances and cut: the field's habit, in which every test voice has been heard before."""
    generator = np.random.default_rng(seed)
    test, validation = np.zeros(len(table), dtype=bool), np.zeros(len(table), dtype=bool)
    emotions = table["emotion"].to_numpy()
    for emotion in sorted(set(emotions)):
        rows = generator.permutation(np.flatnonzero(emotions == emotion))
        tested = round(settings.test * len(rows))
        held = tested + round(settings.validation * (len(rows) - tested))
        test[rows[:tested]] = True
        validation[rows[tested:held]] = True
    return [Fold("random", ~(test | validation), validation, test)]


def unseen_speakers(table: pd.DataFrame, settings: SplitPart, seed: int) -> list[Fold]:  # noqa: ARG001  # drawn by name
    """Keep out the speakers that the recipe names: some to fit the confidence on, some to test."""
    if not settings.test_speakers:
        raise UsageError("The protocol 'unseen-speakers' needs test_speakers in [split]; none are named.")
    both = set(settings.test_speakers) & set(settings.validation_speakers)
    if both:
        raise UsageError(f"[split]: {', '.join(sorted(both))} cannot be both a test and a validation speaker.")
    present = set(table["speaker"])
    for speaker in (*settings.test_speakers, *settings.validation_speakers):
        if speaker not in present:
            raise unknown("speaker", speaker, present)
    speakers = table["speaker"]
    test = speakers.isin(settings.test_speakers).to_numpy()
    validation = speakers.isin(settings.validation_speakers).to_numpy()
    return [Fold("unseen-speakers", ~(test | validation), validation, test)]


def leave_one_speaker_out(table: pd.DataFrame, settings: SplitPart, seed: int) -> list[Fold]:  # noqa: ARG001  # no choice
    """Test each speaker on a model that heard all the others."""
    speakers = table["speaker"].to_numpy()
    names = sorted(set(speakers))
    if len(names) < 2:
        raise UsageError(f"Leaving one speaker out needs two speakers; the table has {len(names)}: {', '.join(names)}.")
    nobody = np.zeros(len(table), dtype=bool)
    return [Fold(name, speakers != name, nobody, speakers == name) for name in names]


PROTOCOLS = {
    "random": Protocol("random split (speakers shared)", True, random),
    "unseen-speakers": Protocol("unseen speakers", False, unseen_speakers),
    "leave-one-speaker-out": Protocol("unseen speaker (leave one out)", False, leave_one_speaker_out),
}


def protocols(settings: SplitPart) -> dict[str, Protocol]:
    """Give the protocols of a recipe by name, the one whose model is left first.

    Raises
    ------
    UsageError
        A protocol does not exist, or one that leaks speakers has none beside it that does not.
    """
    names = [settings.protocol] + ([settings.beside] if settings.beside else [])
    for name in names:
        if name not in PROTOCOLS:
            raise unknown("split protocol", name, PROTOCOLS)
    chosen = {name: PROTOCOLS[name] for name in names}
    if all(protocol.leaks_speakers for protocol in chosen.values()):
        honest = ", ".join(name for name, protocol in PROTOCOLS.items() if not protocol.leaks_speakers)
        raise UsageError(
            f"The split '{settings.protocol}' has the same speakers on both sides, so its figure says nothing of a new "
            f"voice; name one of these as 'beside' in [split]: {honest}."
        )
    return chosen


def make(table: pd.DataFrame, protocol: Protocol, settings: SplitPart, seed: int) -> list[Fold]:
    """Make a protocol's folds and prove that they are what the protocol says.

    Raises
    ------
    UsageError
        A side is empty, an emotion of the test is never trained, or the settings do not fit the table.
    """
    folds = protocol.folds(table, settings, seed)
    for fold in folds:
        check(table, fold, protocol)
    return folds


def check(table: pd.DataFrame, fold: Fold, protocol: Protocol) -> None:
    """Refuse a fold in which a row, a sound or (where the protocol forbids it) a speaker stands on two sides."""
    sides = {"training": fold.train, "validation": fold.validation, "test": fold.test}
    for side in ("training", "test"):
        if not sides[side].any():
            raise UsageError(f"The fold '{fold.name}' ({protocol.title}) has an empty {side} part.")
    never = set(table["emotion"][fold.test]) - set(table["emotion"][fold.train])
    if never:
        raise UsageError(f"The fold '{fold.name}' tests {', '.join(sorted(never))}, which its training never holds.")
    columns = ["sha256"] if protocol.leaks_speakers else ["sha256", "speaker"]
    pairs = [("training", "test"), ("training", "validation"), ("validation", "test")]
    for first, second in pairs:
        for column in columns:
            shared = set(table[column][sides[first]]) & set(table[column][sides[second]])
            if shared:
                raise UsageError(
                    f"The fold '{fold.name}' leaks: {first} and {second} share the {column} {sorted(shared)[0]} "
                    f"({len(shared)} in all)."
                )
