"""How long one prediction takes from a cold start: the command, beside a script that loads the .keras file.

Both hear the same file with the same network, in the same run, one after the other; the median of each is compared.
The peer is what people write today: TensorFlow, librosa, the average of 40 MFCCs, and ``model.predict``.
The weights are random, so that the benchmark needs no corpus; that the two answers agree is checked.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from intone import features
from intone.emotions import Emotion
from intone.hear.modelfile import Card
from intone.learn import learners, networks

ROUNDS = 7
MUST, AGREE = 5, 1e-3
EXAMPLE = Path(__file__).parents[1] / "examples" / "plain.flac"
BIN = Path(sys.executable).parent

PEER = """
import json
import sys
import tensorflow as tf
import librosa
import numpy as np
model = tf.keras.models.load_model(sys.argv[1], compile=False)
sound, rate = librosa.load(sys.argv[2], sr=16000)
mfcc = np.mean(librosa.feature.mfcc(y=sound, sr=rate, n_mfcc=40).T, axis=0)
print(json.dumps(model.predict(mfcc[np.newaxis], verbose=0)[0].tolist()))
"""
LABELS = tuple(str(emotion) for emotion in Emotion)


def build(folder: Path) -> tuple[Path, Path]:
    """Leave the same network, with random weights, as ``.keras`` and as a model file."""
    network = learners.Network(networks.build("lstm", {}, columns=40, labels=len(LABELS)))
    network.save(folder)
    card = Card(
        name="bench", labels=LABELS, input="features", feature_recipe=features.recipe("mfcc40").to_toml(), corpora={},
        speakers=(), licence="none: random weights", recipe="", recipe_sha256="",
    )  # fmt: skip
    proof = features.Inputs.of([features.extract(str(EXAMPLE), "mfcc40").values])
    network.write(card, folder / "bench.intone.onnx", proof=proof)
    return folder / "model.keras", folder / "bench.intone.onnx"


def timed(command: list[str]) -> tuple[float, str]:
    began = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"})
    return time.perf_counter() - began, done.stdout.decode().strip()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        network, model = build(Path(folder))
        ours = [str(BIN / "intone"), "predict", str(EXAMPLE), "--json", "--model", str(model)]
        peer = [sys.executable, "-c", PEER, str(network), str(EXAMPLE)]
        mine = json.loads(timed(ours)[1])["scores"]  # both once unmeasured: the disk's cache is warm for either
        theirs = json.loads(timed(peer)[1])
        apart = max(abs(mine[label] - score) for label, score in zip(LABELS, theirs, strict=True))
        pairs = [(timed(ours)[0], timed(peer)[0]) for _ in range(ROUNDS)]
    fast, slow = median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)
    print(f"One prediction from a cold start (median of {ROUNDS}, whole process)")
    print(f"  intone predict                      {fast:6.2f} s")
    print(f"  TensorFlow, librosa, .keras         {slow:6.2f} s")
    print(f"  ratio                               {slow / fast:6.1f} times faster (must: {MUST})")
    print(f"  largest difference of a probability {apart:8.1e}")
    if slow < MUST * fast or apart > AGREE:
        sys.exit("The bar is not met.")


if __name__ == "__main__":
    main()
