"""Sum up the tables of an archive: how common each emotion is, where, when, and whether that can be believed."""

import numpy as np

from intone.archive.summary import groups
from intone.archive.summary.conversations import conversations
from intone.archive.summary.drift import drift
from intone.archive.summary.figures import SMALLEST, ArchiveSummary, Question
from intone.archive.summary.resampling import Floats
from intone.archive.summary.tables import Tables
from intone.emotions import Emotion
from intone.errors import ArchiveError, IntoneError, UsageError

__all__ = ["BY", "OVER", "SMALLEST", "ArchiveSummary", "Question", "summarise"]

BY, OVER = ("agent", "day", "queue", "speaker"), tuple(groups.TIMES)


def summarise(results: str, question: Question | None = None) -> ArchiveSummary:
    """Sum up what an archive's recordings carry.

    Parameters
    ----------
    results : str
        The folder that ``intone batch`` made, or an address of one that fsspec knows.
    question : Question, optional
        What is asked; by default the shares over all recordings, and whether the quality drifts.

    Raises
    ------
    UsageError
        There are no such tables, or agents are asked about without the customers' channel.
    ArchiveError
        The tables cannot be read, or hold nothing of what is asked.
    """
    question = question or Question()
    if question.by == "agent" and question.customer is None:
        raise UsageError(
            "By agent only the customer's emotion is summed up, never the agent's: "
            "say on which channel the customer speaks, as in --channel-of customer=1."
        )
    with Tables(results, question) as tables:
        (heard,) = tables.one("SELECT count(DISTINCT id) FROM heard")
        if not heard and question.customer is not None:
            raise ArchiveError(
                f"{results}: in no recording channel {question.customer} speaks beside another one, so that the "
                "customer's voice could be told from the agent's."
            )
        card_prior, why_not, notes = _prior(tables, question)
        recordings, untimed = tables.one("SELECT count(*), count(*) FILTER (WHERE us IS NULL) FROM recordings")
        (errors,) = tables.one("SELECT count(DISTINCT path) FROM every_error")
        by = groups.by(tables, question.by, question, card_prior, why_not) if question.by else None
        secret = {group.name: group.suppressed for group in by.groups if group.suppressed} if by else {}
        return ArchiveSummary(
            model=tables.archive["model"],
            question=question,
            recordings=recordings,
            errors=errors,
            whole=groups.whole(tables, question, card_prior, why_not),
            by=by,
            over=groups.by(tables, question.over, question, card_prior, why_not) if question.over else None,
            conversations=conversations(tables, question, secret) if question.customer is not None else None,
            drift=drift(tables, question),
            notes=(*notes, *_notes(tables, question, recordings, untimed, heard)),
        )


def _prior(tables: Tables, question: Question) -> tuple[Floats | None, str, list[str]]:
    """Find which shares the probabilities were made for: those on the model's card, or what 'intone batch' was told."""
    from intone.hear import loading
    from intone.hear.answering import RAREST, Answering

    models = [name for (name,) in tables.rows("SELECT DISTINCT model FROM recordings ORDER BY model")]
    if len(models) > 1:
        return None, f"Not corrected: the recordings were heard by several models ({', '.join(models)}).", []
    name = tables.archive["model"]
    try:
        card = loading.load(question.model or name, threads=1).card
        shares = dict(zip(card.labels, Answering(card, tables.archive.get("prior") or None).shares, strict=True))
    except IntoneError as error:
        return None, f"Not corrected: the card of the model is needed; name it by --model ({error})", []
    if card.name != name or tables.archive.get("fingerprint", card.fingerprint) != card.fingerprint:
        return None, f"Not corrected: {question.model or name} is not the model that heard this; see --model.", []
    notes = []
    if not card.prior:
        notes.append(
            f"The card of {name} does not tell how common each emotion was in its training; all count as alike."
        )
    if not card.calibrated_on:
        notes.append(f"The confidence of {name} was not fitted on held-out speakers; the corrected shares rest on it.")
    found = np.array([shares.get(emotion, 0.0) for emotion in Emotion])
    return np.maximum(found, RAREST) / np.maximum(found, RAREST).sum(), "", notes


def _notes(tables: Tables, question: Question, recordings: int, untimed: int, heard: int) -> list[str]:
    notes = []
    if heard < recordings:
        carry = "speech of the customer beside another channel" if question.customer is not None else "speech"
        notes.append(f"{recordings - heard:,} of {recordings:,} recordings carry no {carry}, and do not count.")
    if untimed and (question.over or question.by == "day" or not question.drift):
        notes.append(f"The time of {untimed:,} of {recordings:,} recordings is not told; they count in no period.")
    (agents,) = tables.one("SELECT count(DISTINCT agent) FROM recordings")
    if agents and question.customer is None:
        notes.append(
            "Agents are named in these tables, and their own voices may be among those that count; with --channel-of "
            "customer=1 (or 2) the customers' alone do."
        )
    return notes
