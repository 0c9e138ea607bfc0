"""``intone serve``: predictions, timelines and live streams over the network."""

import ipaddress
import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from intone.cli.console import tell
from intone.errors import MissingExtraError, UsageError

HELP = """Answer over HTTP and WebSocket.

The page is at http://127.0.0.1:8000. POST /v1/predict, /v1/timeline and /v1/baselines take recordings; the WebSocket
/v1/stream takes live sound. What can be asked stands in /openapi.json and docs/service.md.

On this machine alone no key is asked for; elsewhere one is, made by 'intone keys create'. Answers are kept for 30 days,
in a file of yours unless --store says elsewhere; the sound is not.

[bold]Examples[/bold]

  intone serve

  curl -s -F file=@call.wav http://127.0.0.1:8000/v1/predict

  intone keys create dashboard

  intone serve --host 0.0.0.0 --workers 2 --store postgresql://intone@db/intone

  intone serve --no-store
"""


def serve(
    host: Annotated[str, typer.Option(help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")] = 8000,
    model: Annotated[str, typer.Option(help="A model's name, a model file, or a run folder.")] = "",
    workers: Annotated[int, typer.Option(min=1, help="Processes; each holds the model.")] = 1,
    keys: Annotated[Path | None, typer.Option(help="Ask for the keys in this file, on this machine too.")] = None,
    no_keys: Annotated[bool, typer.Option("--no-keys", help="Ask for no key, wherever it listens.")] = False,
    max_upload: Annotated[int, typer.Option(min=1, help="Largest request, in MiB.", metavar="MIB")] = 100,
    max_seconds: Annotated[float, typer.Option(min=1, help="Longest recording.")] = 3600.0,
    queue: Annotated[int, typer.Option(min=0, help="Most recordings in hand; 0 is 3 a core.")] = 0,
    streams: Annotated[int, typer.Option(min=0, help="Most live streams at a time.")] = 64,
    rate: Annotated[int, typer.Option(min=1, help="Requests a minute, for each key or address.")] = 600,
    store: Annotated[str, typer.Option(help="Where answers are kept: a file, or postgresql://….")] = "",
    no_store: Annotated[bool, typer.Option("--no-store", help="Keep nothing.")] = False,
    keep_days: Annotated[float, typer.Option(min=0, help="How long answers are kept; 0 is for ever.")] = 30.0,
    keep_audio: Annotated[bool, typer.Option("--keep-audio", help="Keep the sound beside its answer.")] = False,
) -> None:
    """See HELP, which stands in the command's --help."""
    from intone.hear import modelfile
    from intone.serve.settings import Settings

    if keys is not None and no_keys:
        raise UsageError("--keys and --no-keys say the opposite; accepted is one of them.")
    if no_store and (store or keep_audio):
        raise UsageError("--no-store keeps nothing; --store and --keep-audio ask for something to be kept.")
    asked = _asked_for(host, keys, no_keys)
    path = modelfile.find(model or modelfile.DEFAULT)  # refused before anything listens
    settings = Settings(
        model=str(path) if model and model not in modelfile.shipped() else model or modelfile.DEFAULT,
        keys="" if asked is None else str(asked), max_upload_mb=max_upload, max_seconds=max_seconds, queue=queue,
        streams=streams, requests_a_minute=rate, keep_days=keep_days, keep_audio=keep_audio,
    )  # fmt: skip
    try:
        import uvicorn

        from intone.serve import app
        from intone.serve.store import Store, accepted, default_url
    except ImportError as error:
        raise MissingExtraError(
            f"'intone serve' needs the service, and {error.name} is not installed: pip install 'intone[serve]'."
        ) from error
    if not no_store:
        settings = replace(settings, store=accepted(store) if store else default_url())
        Store(settings.store).close()  # refused, or brought to the newest schema, before anything listens
    os.environ[app.ENVIRONMENT] = settings.to_json()
    tell(f"Listening at http://{host}:{port}; Ctrl-C ends it.")
    uvicorn.run(
        "intone.serve.app:from_environment", factory=True, host=host, port=port, workers=workers, access_log=False,
        log_level="warning", server_header=False, ws_max_size=2**21, ws_ping_interval=20.0,
        timeout_graceful_shutdown=10,
    )  # fmt: skip


serve.__doc__ = HELP


def _asked_for(host: str, keys: Path | None, no_keys: bool) -> Path | None:
    """Give the file of the keys that will be asked for; refuse to listen to the world without one."""
    from intone.serve.keys import Keys, default_path

    if no_keys or (keys is None and is_loopback(host)):
        return None
    path = keys or default_path()
    if not any(not entry.revoked for entry in Keys(path).entries):
        raise UsageError(
            f"{host} can be reached by others, and {path} holds no key in use; "
            "make one with 'intone keys create NAME', or say --no-keys."
        )
    return path


def is_loopback(host: str) -> bool:
    """Say whether an address is this machine's alone.

    Examples
    --------
    >>> [is_loopback(host) for host in ("127.0.0.1", "localhost", "::1", "0.0.0.0", "example.org")]
    [True, True, True, False, False]
    """
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
