"""The installed command's door: Ctrl-C ends it in silence, also while it still imports."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"
# Presses Ctrl-C at the moment at which a module is looked for.
PRESSED = """
import sys
class Pressed:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[1]:
            raise KeyboardInterrupt
sys.meta_path.insert(0, Pressed())
from intone_command import main
main()
"""


def run(code: str, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("module", ["intone", "numpy", "intone.cli", "typer", "intone.cli.commands"])
def test_ctrl_c_during_the_imports_is_no_traceback(module: str) -> None:
    done = run(PRESSED, module)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_the_command_goes_through_that_door_which_itself_imports_nothing() -> None:
    scripts = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]["scripts"]
    assert scripts == {"intone": "intone_command:main"}
    done = run("import sys; before = set(sys.modules); import intone_command; print(set(sys.modules) - before)")
    assert done.stdout == "{'intone_command'}\n", done.stderr
