"""What can go wrong, said once and in a sentence.

Every error that Intone raises on purpose is an :class:`IntoneError`. Its message names the file or the setting, what
was found and what is accepted; its :attr:`~IntoneError.code` is a stable word for programs.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import ClassVar


class IntoneError(Exception):
    """The parent of everything that Intone raises on purpose."""

    code: ClassVar[str] = "error"


class UsageError(IntoneError):
    """A setting, an option or a name that does not exist or does not fit."""

    code = "usage"


class MissingExtraError(IntoneError):
    """Something asked for needs a part of Intone that is not installed."""

    code = "extra-not-installed"


class ModelError(IntoneError):
    """A file that is not a model, or a model that this version cannot run."""

    code = "model"


class BaselineError(IntoneError):
    """A file that is not a speaker's baseline, or one of another model."""

    code = "baseline"


class CorpusError(IntoneError):
    """A corpus that cannot be read, fetched or unpacked as asked."""

    code = "corpus"


class ByHandError(CorpusError):
    """A corpus that a person has to get.

    Parameters
    ----------
    message : str
        What is the matter, in one sentence.
    steps : str
        What to do, one step a line. They are Intone's own words, and may therefore be shown as several lines.
    """

    code = "by-hand"

    def __init__(self, message: str, steps: str) -> None:
        super().__init__(message, steps)
        self.message = message
        self.steps = tuple(steps.splitlines())

    def __str__(self) -> str:
        return "\n".join((self.message, *self.steps))


class ArchiveError(IntoneError):
    """Tables of an archive that cannot be read, written or gone on with."""

    code = "archive"


class ManifestError(IntoneError):
    """A line of a manifest that names no recording, or tells of it what cannot be read."""

    code = "manifest"


class WorkerError(IntoneError):
    """A recording at which the process that heard it ended, twice."""

    code = "worker"


class SoundError(IntoneError):
    """A sound that cannot be heard; the children say why."""

    code = "sound"


class SoundNotFoundError(SoundError):
    """There is no file of that name."""

    code = "not-found"


class NotSoundError(SoundError):
    """The content is not sound in a format that can be decoded."""

    code = "not-audio"


class EmptySoundError(SoundError):
    """The file or the array holds nothing at all."""

    code = "empty"


class TruncatedSoundError(SoundError):
    """There is a header, and no sound behind it."""

    code = "truncated"


class TooShortError(SoundError):
    """Less sound than an emotion can be heard in."""

    code = "too-short"


class TooLongError(SoundError):
    """More sound than one prediction is meant for."""

    code = "too-long"


class SilentSoundError(SoundError):
    """Every sample is zero."""

    code = "silent"


class NoSpeechError(SoundError):
    """Sound that is unlike speech, where speech is needed."""

    code = "no-speech"


class NotFiniteError(SoundError):
    """Samples that are NaN or infinite."""

    code = "not-finite"


class RateError(SoundError):
    """A sample rate that is missing or outside what is accepted."""

    code = "rate"


def unknown(kind: str, found: str, accepted: Iterable[str]) -> UsageError:
    """Word the error for a name that does not exist, with the nearest that does.

    Parameters
    ----------
    kind : str
        What the name was meant to be, as in "corpus".
    found : str
        The name that was given.
    accepted : iterable of str
        The names that exist.

    Returns
    -------
    UsageError
        Ready to be raised.

    Examples
    --------
    >>> print(unknown("corpus", "tes", ["ravdess", "tess"]))
    There is no corpus 'tes'. Did you mean 'tess'? Accepted: ravdess, tess.
    """
    names = sorted(accepted)
    near = get_close_matches(found.lower(), names, n=1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    return UsageError(f"There is no {kind} '{found}'.{hint} Accepted: {', '.join(names)}.")


def counted(number: int, what: str) -> str:
    """Word a number of things.

    Parameters
    ----------
    number : int
        How many.
    what : str
        What one of them is called; several take an "s".

    Returns
    -------
    str
        As in a sentence.

    Examples
    --------
    >>> counted(1, "sound file"), counted(1200, "sound file")
    ('1 sound file', '1,200 sound files')
    """
    return f"{number:,} {what}{'' if number == 1 else 's'}"
