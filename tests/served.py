"""A service that runs as an operator runs it, for the tests that reach it as others do."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

INTONE = str(Path(sys.executable).with_name("intone"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def served(*words: str, folder: Path) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """Run a service until it is ready; end it by Ctrl-C."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    environment = {**os.environ, "XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    command = [INTONE, "serve", "--port", str(port), *words]
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(command, stderr=log, env=environment, text=True) as process,
    ):
        try:
            until = time.monotonic() + 60
            while True:
                try:
                    urllib.request.urlopen(f"{url}/readyz", timeout=5).close()
                    break
                except (urllib.error.URLError, ConnectionError):
                    running = process.poll() is None and time.monotonic() < until
                    assert running, (folder / "log").read_text()
                    time.sleep(0.05)
            yield url, process
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)
