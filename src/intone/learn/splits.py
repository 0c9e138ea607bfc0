"""Splits: how training and test are kept apart, and whether voices leak between them.

A fold is three masks over one table of utterances. Identical sounds are left out of the table before
(:func:`intone.learn.dataset.load`), so none can stand on two sides.
"""

from collections.abc import Callable, Sequence
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


def unseen_speakers(table: pd.DataFrame, settings: SplitPart, _seed: int) -> list[Fold]:
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
    test = _of(table, settings.test_speakers)
    validation = _of(table, settings.validation_speakers)
    return [Fold("unseen-speakers", ~(test | validation), validation, test)]


def leave_one_speaker_out(table: pd.DataFrame, settings: SplitPart, seed: int) -> list[Fold]:
    """Test each speaker, or each of the corpora that the recipe names, on a model that heard all the others."""
    everyone = sorted(set(table["speaker"]))
    if len(everyone) < 2:
        raise UsageError(
            f"Leaving one speaker out needs two speakers; the table has {len(everyone)}: {', '.join(everyone)}."
        )
    named = _named(table, settings)
    names = sorted(set(table["speaker"][table["corpus"].isin(named)])) if named else everyone
    return [_fold(table, name, _of(table, [name]), settings, seed) for name in names]


def speaker_folds(table: pd.DataFrame, settings: SplitPart, seed: int) -> list[Fold]:
    """Deal the speakers out to k folds, and test each fold on a model that heard the speakers of the others."""
    return [
        _fold(table, f"speakers-{number}", _of(table, group), settings, seed)
        for number, group in enumerate(_dealt(table, "speaker", settings.folds, seed), start=1)
    ]


def emobox(table: pd.DataFrame, settings: SplitPart, seed: int) -> list[Fold]:
    """Test the six folds of four RAVDESS actors each that EmoBox published (Ma et al. 2024, arXiv:2406.07162)."""
    if set(table["corpus"]) != {"ravdess"}:
        raise UsageError("The protocol 'emobox' is of RAVDESS alone; name it alone in [corpora].")
    return [
        _fold(table, f"fold-{number}", _of(table, [f"ravdess-{actor:02d}" for actor in actors]), settings, seed)
        for number, actors in enumerate(EMOBOX_RAVDESS, start=1)
    ]


def unseen_sentences(table: pd.DataFrame, settings: SplitPart, seed: int) -> list[Fold]:
    """Deal the sentences out to folds, and test each on a model that heard the others said, by the same speakers."""
    groups = _dealt(table, "sentence", min(settings.folds, table["sentence"].nunique()), seed)
    return [
        _fold(table, f"sentences-{number}", table["sentence"].isin(group).to_numpy(), settings, seed, by="sentence")
        for number, group in enumerate(groups, start=1)
    ]


def unseen_both(table: pd.DataFrame, settings: SplitPart, seed: int) -> list[Fold]:
    """Test speakers on sentences of which the model has heard neither: RAVDESS's two sentences in both directions.

    The speakers are dealt out to k folds and the sentences to two halves; what shares one of the two with the test is
    left out of the training.
    """
    halves = _dealt(table, "sentence", 2, seed)
    folds = []
    for number, group in enumerate(_dealt(table, "speaker", settings.folds, seed), start=1):
        for letter, half in zip("ab", halves, strict=True):
            theirs, said = _of(table, group), table["sentence"].isin(half).to_numpy()
            folds.append(_fold(table, f"speakers-{number}-{letter}", theirs & said, settings, seed, out=theirs | said))
    return folds


def leave_one_corpus_out(table: pd.DataFrame, settings: SplitPart, seed: int) -> list[Fold]:
    """Test each corpus on a model that heard all the others; emotions that only the test holds are left out of it."""
    names = sorted(set(table["corpus"]))
    if len(names) < 2:
        raise UsageError(f"Leaving one corpus out needs two corpora; the recipe names {', '.join(names)}.")
    return [_across(table, name, (name,), settings, seed) for name in names]


def cross_corpus(table: pd.DataFrame, settings: SplitPart, seed: int) -> list[Fold]:
    """Train on some corpora and test on the others that the recipe names."""
    named = _named(table, settings)
    if not named:
        raise UsageError("The protocol 'cross-corpus' needs test_corpora in [split]; none are named.")
    return [_across(table, name, (name,), settings, seed, out=named) for name in named]


def _named(table: pd.DataFrame, settings: SplitPart) -> tuple[str, ...]:
    """Give the corpora that the recipe wants tested; each must be in the table."""
    present = set(table["corpus"])
    for name in settings.test_corpora:
        if name not in present:
            raise unknown("corpus in this recipe", name, present)
    return settings.test_corpora


def _across(
    table: pd.DataFrame, name: str, test: tuple[str, ...], settings: SplitPart, seed: int, out: tuple[str, ...] = ()
) -> Fold:
    corpus = table["corpus"]
    outside = corpus.isin(out or test).to_numpy()
    heard = set(table["emotion"][~outside])
    tested = corpus.isin(test).to_numpy() & table["emotion"].isin(heard).to_numpy()
    return _fold(table, name, tested, settings, seed, out=outside)


def _of(table: pd.DataFrame, speakers: Sequence[str]) -> Mask:
    return table["speaker"].isin(list(speakers)).to_numpy()


def _dealt(table: pd.DataFrame, column: str, count: int, seed: int) -> list[list[str]]:
    """Deal the values of a column out to groups, in an order that the seed draws."""
    values = np.random.default_rng(seed).permutation(sorted(set(table[column])))
    if len(values) < count:
        raise UsageError(f"[split] folds is {count}, and the table has {len(values)} values of '{column}'.")
    return [values[start::count].tolist() for start in range(count)]


def _fold(
    table: pd.DataFrame,
    name: str,
    test: Mask,
    settings: SplitPart,
    seed: int,
    *,
    out: Mask | None = None,
    by: str = "speaker",
) -> Fold:
    """Make a fold of which ``out`` (the test itself, where not given) is not trained on.

    A share of the other speakers (or sentences) is kept for validation, as the recipe says.
    """
    rest = ~(test if out is None else out)
    groups = sorted(set(table[by][rest]))
    kept = min(round(settings.validation * len(groups)), len(groups) - 1)
    watched = np.random.default_rng([seed, 1]).permutation(groups)[:kept]
    validation = rest & table[by].isin(watched.tolist()).to_numpy()
    return Fold(name, rest & ~validation, validation, test)


EMOBOX_RAVDESS = (
    (1, 11, 20, 21),
    (4, 10, 12, 14),
    (8, 9, 19, 23),
    (3, 5, 7, 24),
    (2, 15, 16, 18),
    (6, 13, 17, 22),
)
"""Test actors of EmoBox's six folds."""
PROTOCOLS = {
    "random": Protocol("random split (speakers shared)", True, random),
    "unseen-speakers": Protocol("unseen speakers", False, unseen_speakers),
    "unseen-sentences": Protocol("unseen sentences (speakers shared)", True, unseen_sentences),
    "leave-one-speaker-out": Protocol("unseen speaker (leave one out)", False, leave_one_speaker_out),
    "speaker-folds": Protocol("unseen speakers (k folds)", False, speaker_folds),
    "emobox": Protocol("unseen speakers (EmoBox's six folds)", False, emobox),
    "unseen-speakers-and-sentences": Protocol("unseen speakers and sentences", False, unseen_both),
    "leave-one-corpus-out": Protocol("unseen corpus (leave one out)", False, leave_one_corpus_out),
    "cross-corpus": Protocol("unseen corpus", False, cross_corpus),
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
