"""``intone serve``: predictions, timelines and live streams over the network."""

import errno
import ipaddress
import math
import os
import shlex
import socket
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from intone.cli.console import tell
from intone.errors import MissingExtraError, UsageError

LOOK_SECONDS = 0.05
"""How often it is looked whether it listens yet."""
ABSENT = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
"""What a machine without IPv6 says of an address of that kind, which its names may have all the same."""
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
    queue: Annotated[int, typer.Option(min=0, help="Most recordings in hand; 0 is 1.5 for each core, rounded up.")] = 0,
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
    if math.isnan(keep_days) or not math.isfinite(max_seconds):
        raise UsageError("--keep-days and --max-seconds take numbers; --keep-days 0 keeps for ever.")
    asked = _asked_for(host, keys, no_keys)
    path = modelfile.find(model or modelfile.DEFAULT)  # refused before anything listens
    settings = Settings(
        model=str(path) if model and model not in modelfile.shipped() else model or modelfile.DEFAULT,
        keys="" if asked is None else str(asked), max_upload_mb=max_upload, max_seconds=max_seconds, queue=queue,
        streams=streams, requests_a_minute=rate, keep_days=keep_days if math.isfinite(keep_days) else 0.0,
        keep_audio=keep_audio, loopback=is_loopback(host) and not no_keys,
    )  # fmt: skip
    try:
        import uvicorn
        from uvicorn.supervisors import Multiprocess

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
    config = uvicorn.Config(
        "intone.serve.app:from_environment", factory=True, host=host, port=port, workers=workers, access_log=False,
        log_level="warning", server_header=False, ws_max_size=2**21, ws_ping_interval=20.0,
        timeout_graceful_shutdown=10,
    )  # fmt: skip
    sockets = bound(host, port)
    threading.Thread(target=_announce, args=(sockets, host), daemon=True).start()
    if workers > 1:
        Multiprocess(config, sockets=sockets).run()
        return
    server = uvicorn.Server(config)
    try:
        server.run(sockets=sockets)
    except KeyboardInterrupt:  # which comes again when all that was under way has ended
        if not server.started:
            raise


serve.__doc__ = HELP


def _asked_for(host: str, keys: Path | None, no_keys: bool) -> Path | None:
    """Give the file of the keys that will be asked for; refuse to listen to the world without one."""
    from intone.serve.keys import Keys, default_path

    if no_keys or (keys is None and is_loopback(host)):
        return None
    path = keys or default_path()
    if any(not entry.revoked for entry in Keys(path).entries):
        return path
    if keys is not None:
        make = f"intone keys create NAME --keys {shlex.quote(str(keys))}"
        raise UsageError(f"{keys} holds no key in use; make one with '{make}'.")
    raise UsageError(
        f"{host} can be reached by others, and {path} holds no key in use; "
        "make one with 'intone keys create NAME', or say --no-keys."
    )


def bound(host: str, port: int) -> list[socket.socket]:
    """Take a port at each address of a host; nobody can connect before something listens.

    Parameters
    ----------
    host : str
        A name or an address; empty for all of this machine.
    port : int
        0 takes a free one.

    Raises
    ------
    UsageError
        It cannot be had.
    """
    sockets: list[socket.socket] = []
    absent: OSError | None = None
    try:
        places = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, _, _, _, place in dict.fromkeys(places):
            at = sockets[0].getsockname()[1] if sockets else port
            try:
                sockets.append(_bound(family, (place[0], at, *place[2:])))
            except OSError as error:
                if error.errno not in ABSENT:
                    raise
                absent = error
        if absent is not None and not sockets:
            raise absent
    except (OSError, UnicodeError) as error:
        for taken in sockets:
            taken.close()
        raise _unbound(host, port, error) from error
    return sockets


def _bound(family: int, place: tuple[object, ...]) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        if family == socket.AF_INET6:  # IPv4 has a socket of its own
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            made.bind(place)
        except OSError as error:
            # Connections of a service that ended keep its port for a minute, for all but those who say that they know.
            # Two that start at once and both say so would both have it, and only one could listen.
            if error.errno != errno.EADDRINUSE:
                raise
            _reuse(made)
            made.bind(place)
    except OSError:
        made.close()
        raise
    return made


def _reuse(made: socket.socket) -> None:
    if sys.platform != "win32":  # there it would let two programs have one port
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)


def _unbound(host: str, port: int, error: OSError | UnicodeError) -> UsageError:
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return UsageError(f"Another program listens at port {port} of {host} already; choose another with --port.")
    reason = error.strerror if isinstance(error, OSError) and error.strerror else "no address"
    return UsageError(f"{host} port {port}: nothing can listen there ({reason}).")


def _announce(sockets: Sequence[socket.socket], host: str) -> None:
    """Say where the service is as soon as it listens, in whichever process that is."""
    port = sockets[0].getsockname()[1]
    try:
        while not all(each.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) for each in sockets):
            time.sleep(LOOK_SECONDS)
        for each in sockets:  # whose connections inherit it, and let the next service have the port
            _reuse(each)
    except OSError:  # closed: it ended before it began
        return
    tell(f"Listening at http://{f'[{host}]' if ':' in host else host}:{port}; Ctrl-C ends it.")


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
