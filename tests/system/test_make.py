"""What a failed `make` leaves behind."""

import shutil
import subprocess
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).parents[2] / "Makefile"
# Makes what `python3 -m venv` leaves where ensurepip is not installed.
FAILING = """#!/bin/sh
if [ "$1" = -c ]; then exit 0; fi
mkdir -p .venv/bin && touch .venv/bin/python
echo "ensurepip is not available" >&2
exit 1
"""


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
def test_an_environment_that_could_not_be_made_is_not_left_half_made(tmp_path: Path) -> None:
    shutil.copy(MAKEFILE, tmp_path)
    (tmp_path / "python").write_text(FAILING)
    (tmp_path / "python").chmod(0o755)
    done = subprocess.run(
        ["make", "PYTHON=./python", ".venv/bin/python"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "python3-venv" in done.stderr
    assert not (tmp_path / ".venv").exists()
    assert ".DELETE_ON_ERROR:" in MAKEFILE.read_text(encoding="utf-8").splitlines()
