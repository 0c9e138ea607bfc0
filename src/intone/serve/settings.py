"""How a service is set up."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from intone.hear import modelfile

MEBIBYTE = 2**20


@dataclass(frozen=True)
class Settings:
    """What a service is told at its start, most of it by the options of ``intone serve``.

    Attributes
    ----------
    model : str
        As for :func:`intone.load`.
    threads : int
        For the model; 0 is one for each core.
    keys : str
        The file of API keys, as :class:`intone.serve.keys.Keys` writes it; empty where none are asked for.
    max_upload_mb : int
        Largest body of a request.
    max_files : int
        Most files in a request.
    max_seconds : float
        Longest recording, and most sound of a request.
    decode_seconds : float
        Longest time that decoding a request may take.
    queue : int
        From so many recordings in hand on, a request is told to come back; 0 is one and a half for each core, rounded
        up.
    streams : int
        Most live streams at a time.
    idle_seconds : float
        A stream that says nothing for longer is closed.
    requests_a_minute : int
        For each key, or for each address where no keys are asked for.
    store : str
        Where results are kept, as :func:`intone.serve.store.accepted` gives it; empty where nothing is kept.
    keep_days : float
        For so long; 0 is for ever.
    keep_audio : bool
        Whether the sound is kept beside its result.
    loopback : bool
        Whether it is for this machine alone, and answers only those who call it so.
    """

    model: str = modelfile.DEFAULT
    threads: int = 0
    keys: str = ""
    max_upload_mb: int = 100
    max_files: int = 32
    max_seconds: float = 3600.0
    decode_seconds: float = 30.0
    queue: int = 0
    streams: int = 64
    idle_seconds: float = 60.0
    requests_a_minute: int = 600
    store: str = ""
    keep_days: float = 30.0
    keep_audio: bool = False
    loopback: bool = False

    @property
    def max_upload_bytes(self) -> int:
        """Largest body of a request."""
        return self.max_upload_mb * MEBIBYTE

    @property
    def keys_path(self) -> Path | None:
        """The file of API keys, where they are asked for."""
        return Path(self.keys) if self.keys else None

    def to_json(self) -> str:
        """Write them for the processes of a service with several."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Settings":
        """Read what :meth:`to_json` wrote.

        Examples
        --------
        >>> Settings.from_json(Settings(queue=8).to_json()).queue
        8
        """
        stored = json.loads(text)
        return cls(**{entry.name: stored[entry.name] for entry in fields(cls)})
