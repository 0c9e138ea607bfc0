"""A speaker's baseline: what they sound like otherwise, from a few recordings of them."""

import json
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from intone.errors import BaselineError, UsageError

Floats = NDArray[np.float32]
MOST = 10**9
"""No speaker has said as many utterances."""
FORMAT = 1
"""Version of the file that this version of Intone writes and reads."""


@dataclass(frozen=True, eq=False)
class Baseline:
    """What a model has heard of one speaker, small enough to keep: no sound, and none can be made from it.

    Made by :meth:`intone.Recogniser.baseline`, kept by :meth:`save`, and given to ``predict(…, baseline=…)``. Two of
    the same speaker and model add up.

    Attributes
    ----------
    model : str
        The model's name.
    fingerprint : str
        Which training of the model; another hears other numbers.
    mean, variance : numpy.ndarray of float32, shape (width,)
        Of the speaker's utterances, as the model hears voices.
    count : int
        How many utterances these were.
    seconds : float
        How much sound.
    rest : bool
        Whether the speaker was at rest, that is neutral, in all of it.
    """

    model: str
    fingerprint: str
    mean: Floats = field(repr=False)
    variance: Floats = field(repr=False)
    count: int
    seconds: float
    rest: bool = False

    @classmethod
    def of(cls, voices: Floats, *, model: str, fingerprint: str, seconds: float, rest: bool = False) -> "Baseline":
        """Gather the voices ``(utterances, width)`` of a speaker.

        Examples
        --------
        >>> voices = np.array([[0, 1], [2, 1]], np.float32)
        >>> one = Baseline.of(voices, model="m", fingerprint="f", seconds=5.0)
        >>> one.count, one.mean.tolist(), one.variance.tolist()
        (2, [1.0, 1.0], [1.0, 0.0])
        >>> (one + one).count
        4
        """
        wide = voices.astype(np.float64)
        mean, variance = wide.mean(axis=0).astype(np.float32), wide.var(axis=0).astype(np.float32)
        return cls(model, fingerprint, mean, variance, len(voices), seconds, rest)

    def __add__(self, other: "Baseline") -> "Baseline":
        """Give the baseline of all that was heard for either; at rest only where both are."""
        if (self.model, self.fingerprint) != (other.model, other.fingerprint):
            raise UsageError(f"Baselines of two models ({self.model} and {other.model}) do not add up.")
        count = self.count + other.count
        ours, theirs = self.count / count, other.count / count
        mean = ours * self.mean + theirs * other.mean
        variance = sum(
            share * (one.variance + np.square(one.mean - mean)) for share, one in ((ours, self), (theirs, other))
        )
        return Baseline(
            self.model, self.fingerprint, mean.astype(np.float32), np.asarray(variance, dtype=np.float32), count,
            self.seconds + other.seconds, self.rest and other.rest,
        )  # fmt: skip

    @property
    def vector(self) -> Floats:
        """What a model file is given: mean, variance, count, and 1 for rest; ``(1, 2 · width + 2)``."""
        return np.concatenate([self.mean, self.variance, [self.count, self.rest]]).astype(np.float32)[np.newaxis]

    def to_dict(self) -> dict[str, object]:
        """Give a dictionary for JSON, which :meth:`from_json` reads."""
        return {
            "format": FORMAT, "model": self.model, "fingerprint": self.fingerprint, "count": self.count,
            "seconds": round(self.seconds, 3), "rest": self.rest,
            **{name: [round(float(number), 5) for number in getattr(self, name)] for name in ("mean", "variance")},
        }  # fmt: skip

    def save(self, path: str | Path) -> None:
        """Write it as JSON; the file appears whole or not at all.

        Raises
        ------
        UsageError
            The file cannot be written.
        """
        target = Path(os.path.realpath(path))  # through a link to what it names
        try:
            with tempfile.TemporaryDirectory(dir=target.parent) as folder:
                draft = Path(folder) / "baseline.json"
                draft.write_text(json.dumps(self.to_dict()), encoding="utf-8")
                draft.replace(target)
        except OSError as error:
            raise UsageError(f"{target}: the baseline cannot be written ({error.strerror}).") from error

    @classmethod
    def load(cls, path: str | Path) -> "Baseline":
        """Read what :meth:`save` wrote.

        Raises
        ------
        BaselineError
            The file is not there, or holds no baseline.
        """
        try:
            text = Path(path).read_text(encoding="utf-8")
        except OSError as error:
            raise BaselineError(f"{path}: the baseline cannot be read ({error.strerror}).") from error
        except ValueError as error:
            raise BaselineError(f"{path}: not a baseline; 'intone baseline' writes one, as JSON.") from error
        return cls.from_json(text, name=str(path))

    @classmethod
    def from_json(cls, text: str, *, name: str) -> "Baseline":
        """Read what :meth:`to_dict` says; ``name`` is for messages.

        Raises
        ------
        BaselineError
            The text is no baseline.
        """
        try:
            stored: Any = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise BaselineError(f"{name}: not a baseline; 'intone baseline' writes one, as JSON.") from error
        if not isinstance(stored, dict) or stored.get("format") != FORMAT:
            raise BaselineError(f"{name}: not a baseline that this version of Intone reads; its format is {FORMAT}.")
        try:
            with np.errstate(over="ignore"):
                mean, variance = (np.array(stored[each], dtype=np.float32) for each in ("mean", "variance"))
            found = cls(
                str(stored["model"]), str(stored["fingerprint"]), mean, variance, int(stored["count"]),
                float(stored["seconds"]), stored["rest"] is True,
            )  # fmt: skip
            fits = mean.ndim == 1 and mean.shape == variance.shape and 0 < found.count < MOST
            fits = fits and bool(np.isfinite(found.vector).all()) and variance.min(initial=0) >= 0
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise BaselineError(f"{name}: the baseline is damaged ({error!r}).") from error
        if not fits:
            raise BaselineError(f"{name}: the baseline is damaged; its numbers are not those of a voice.")
        return found
