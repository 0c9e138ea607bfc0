"""``intone keys``: the API keys of a service."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from intone.cli.console import say, table, tell

if TYPE_CHECKING:
    from intone.serve.keys import Keys

app = typer.Typer(help="Make, list and revoke the API keys of a service.", no_args_is_help=True)
FILE = Annotated[Path | None, typer.Option("--keys", help="The file of the keys; your own where it is left out.")]


def _store(path: Path | None) -> "Keys":
    from intone.serve.keys import Keys, default_path

    return Keys(path or default_path())


@app.command()
def create(name: Annotated[str, typer.Argument(help="What it is for.")], keys: FILE = None) -> None:
    """Make a key and print it, once.

    Example: intone keys create dashboard
    """
    store = _store(keys)
    say(store.create(name))
    tell(f"Kept as a hash in {store.path}; it cannot be shown again.")


@app.command("list")
def list_keys(keys: FILE = None) -> None:
    """List the keys, never shown themselves.

    Example: intone keys list
    """
    rows = [[entry.id, entry.name, entry.created, entry.revoked or "in use"] for entry in _store(keys).entries]
    table(["Id", "Name", "Created", "Revoked"], rows)


@app.command()
def revoke(key: Annotated[str, typer.Argument(help="Its id or name.")], keys: FILE = None) -> None:
    """Let a key be accepted no more; running services heed it at once.

    Example: intone keys revoke dashboard
    """
    entry = _store(keys).revoke(key)
    say(f"Revoked {entry.name} ({entry.id}).")
