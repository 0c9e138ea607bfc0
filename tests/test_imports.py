"""What a prediction imports: NumPy, ONNX Runtime, soundfile and soxr, and none of what training needs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"tensorflow", "keras", "sklearn", "librosa", "numba", "matplotlib", "pandas", "scipy", "onnx", "torch", "av"}
TELL = (
    "import json, sys; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})), file=sys.stderr)\n"
)
WAYS = {
    "in Python": "import intone; intone.load().predict(sys.argv.pop())\n",
    "intone predict": "from intone.cli import main\ntry: main()\nexcept SystemExit as left: assert not left.code\n",
}


@pytest.mark.parametrize("way", WAYS)
def test_a_prediction_imports_nothing_heavy(way: str, examples: Path) -> None:
    command = [sys.executable, "-c", f"import sys\n{WAYS[way]}{TELL}", "predict", str(examples / "kennedy.flac")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    modules = set(json.loads(done.stderr.splitlines()[-1]))
    others = sorted(name for name in modules - set(sys.stdlib_module_names) if not name.startswith("_"))
    print(f"{way} imports {', '.join(others)}")
    assert {"intone", "numpy", "onnxruntime", "soundfile", "soxr"} <= modules
    assert not modules & HEAVY


def test_importing_intone_opens_neither_models_nor_sound() -> None:
    done = subprocess.run([sys.executable, "-c", f"import intone\n{TELL}"], capture_output=True, text=True, check=True)
    assert not set(json.loads(done.stderr)) & {*HEAVY, "onnxruntime", "soundfile", "soxr", "typer", "rich"}


def test_reading_a_training_recipe_waits_for_neither_keras_nor_scikit_learn() -> None:
    code = f"import intone.learn.recipe\n{TELL}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(json.loads(done.stderr)) & {"keras", "tensorflow", "sklearn"}
