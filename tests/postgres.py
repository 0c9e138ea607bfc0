"""A real PostgreSQL server for tests: the one that Debian installs, in a folder of its own, while it is used."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

USER, PASSWORD = "intone", "se/cret:&?"  # what a URL has to escape
ESCAPED = "se%2Fcret%3A%26%3F"


@dataclass(frozen=True)
class Server:
    """A server that runs, reached by a socket in a folder."""

    folder: Path

    def create(self, name: str, more: str = "") -> str:
        """Make a database, and give its URL."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} {more}".encode())
        return self.url(name)

    def url(self, name: str, password: str = ESCAPED) -> str:
        """Give the URL of a database."""
        return f"postgresql://{USER}:{password}@/{name}?host={self.folder}"


@contextmanager
def server() -> Iterator[Server]:
    """Run a server; a test that wants one is skipped where PostgreSQL is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found:
        pytest.skip("PostgreSQL is not installed")
    programs = found[-1].parent
    folder = Path(tempfile.mkdtemp(prefix="intone-postgres-"))
    data, password, account = folder / "data", folder / "password", _account()
    password.write_text(PASSWORD, encoding="ascii")
    if account:
        for path in (folder, password):
            os.chown(path, account["user"], account["group"])

    def run(program: str, *words: str) -> None:
        done = subprocess.run(
            [programs / program, "-D", data, *words], cwd=folder, capture_output=True, text=True, check=False, **account
        )
        assert done.returncode == 0, done.stdout + done.stderr

    try:
        run("initdb", "--no-sync", "--no-locale", "--encoding=UTF8", "--auth=scram-sha-256", f"--username={USER}",
            f"--pwfile={password}")  # fmt: skip
        # It lives for some tests only: nothing of it has to survive a crash of the machine.
        options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
        run("pg_ctl", "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield Server(folder)
        finally:
            run("pg_ctl", "-w", "-m", "fast", "stop")
    finally:
        shutil.rmtree(folder)


def _account() -> dict[str, Any]:
    """Say whose the server is to be, for subprocess: it refuses to be root's."""
    if os.geteuid():
        return {}
    names = {entry.pw_name for entry in pwd.getpwall()}
    entry = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
