"""Workers are not left behind."""

import signal
import subprocess
import sys
from pathlib import Path

STARTED = """
import os, sys
from intone.features import parallel
def main():
    with parallel.process_pool(2) as pool:
        print(*{pool.submit(os.getpid).result() for _ in range(8)}, flush=True)
        sys.stdin.read()
if __name__ == "__main__":
    main()
"""


def test_workers_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "started.py"
    script.write_text(STARTED)
    parent = subprocess.Popen([sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    workers = [int(word) for word in parent.stdout.readline().split()]
    assert workers
    parent.send_signal(signal.SIGKILL)
    # The workers hold the pipe's other end: it closes, and the read ends, when the last of them is gone.
    assert parent.stdout.read() == ""
    parent.wait()
