"""How the recordings of an archive are heard: all of them alike, and the same when a run goes on."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from intone.archive import durable
from intone.archive.schema import VERSION
from intone.errors import ArchiveError, UsageError
from intone.hear.answering import Answering
from intone.hear.recogniser import Recogniser

FILE = "archive.json"
"""What an archive's folder keeps its options in."""
GROUPS = ("speaker", "agent", "queue")
"""Columns of a manifest that can say whose baseline a recording is heard beside."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """How recordings are heard.

    Attributes
    ----------
    model : str
        A model's name, a model file, or a run folder.
    timeline : bool
        Whether each recording is followed over time; otherwise it gets one answer.
    channels, hindsight
        As for :meth:`intone.Recogniser.timeline`.
    prior : mapping of str to float
        As for :meth:`intone.Recogniser.predict`; empty for that of the model's training.
    baselines : str
        The column that says whose baseline a recording is heard beside; empty for none.
    """

    model: str
    timeline: bool = False
    channels: Literal["mixed", "separate"] = "mixed"
    hindsight: bool = False
    prior: Mapping[str, float] = field(default_factory=dict)
    baselines: str = ""

    def check(self, recogniser: Recogniser) -> None:
        """Refuse what does not fit together or the model.

        Raises
        ------
        UsageError
            It does not.
        """
        if not self.timeline and (self.hindsight or self.channels != "mixed"):
            raise UsageError("--channels separate and --hindsight are for recordings over time: say --timeline too.")
        Answering(recogniser.card, self.prior)
        if not self.baselines:
            return
        if self.baselines not in GROUPS:
            raise UsageError(f"--baselines has by={self.baselines}; accepted are by={', by='.join(GROUPS)}.")
        able = recogniser.gathers if self.timeline else recogniser.card.baselines
        if not able:
            raise UsageError(
                f"{recogniser.card.name}: this model knows no speakers' baselines; 'intone models list' says which do."
            )

    def remembered(self, recogniser: Recogniser) -> dict[str, Any]:
        """Give what has to be the same when a run goes on."""
        card = recogniser.card
        return {
            "schema": VERSION, "model": card.name, "fingerprint": card.fingerprint, "timeline": self.timeline,
            "channels": self.channels, "hindsight": self.hindsight, "prior": dict(sorted(self.prior.items())),
            "baselines": self.baselines,
        }  # fmt: skip


def keep(out: Path, options: Mapping[str, Any]) -> None:
    """Write the options of a new archive, or refuse to go on with one that was made with others.

    Raises
    ------
    UsageError
        They are others, or the folder holds tables of something else.
    ArchiveError
        They cannot be read or written.
    """
    path = out / FILE
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else None
        kept = None if text is None else json.loads(text)
    except (OSError, ValueError) as error:
        raise ArchiveError(f"{path}: the options of this archive cannot be read ({error}).") from error
    if kept is None:
        durable.write(path, (json.dumps(options, indent=1) + "\n").encode())
        return
    if not isinstance(kept, dict):
        raise ArchiveError(f"{path}: these are not the options of an archive; 'intone batch' writes them.")
    others = [
        f"{name} {json.dumps(kept.get(name))} and not {json.dumps(value)}"
        for name, value in options.items()
        if kept.get(name) != value
    ]
    if others:
        raise UsageError(
            f"{out}: these tables were made with {', '.join(others)}; accepted are the same options, "
            "or another folder for --out."
        )
