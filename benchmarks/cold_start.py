"""How long one prediction takes from a cold start: the command, beside a script that loads the .keras file.

Both hear the same file with the same network, in the same run, one after the other; the median of each is compared.
The peer is what people write today: TensorFlow, librosa, the average of 40 MFCCs, and ``model.predict``.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROUNDS = 7
EXAMPLE = Path(__file__).parents[1] / "examples" / "plain.flac"
BIN = Path(sys.executable).parent

PEER = """
import sys
import tensorflow as tf
import librosa
import numpy as np
model = tf.keras.models.load_model(sys.argv[1], compile=False)
sound, rate = librosa.load(sys.argv[2], sr=16000)
mfcc = np.mean(librosa.feature.mfcc(y=sound, sr=rate, n_mfcc=40).T, axis=0)
print(model.predict(mfcc[np.newaxis], verbose=0)[0])
"""
BUILD = """
import sys
from intone.learn import networks
networks.build("lstm", {}, columns=40, labels=7).save(sys.argv[1])
"""


def seconds(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"})
    return time.perf_counter() - began


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        network = str(Path(folder) / "lstm.keras")
        subprocess.run([sys.executable, "-c", BUILD, network], check=True, capture_output=True)
        ours = [str(BIN / "intone"), "predict", str(EXAMPLE), "--json"]
        peer = [sys.executable, "-c", PEER, network, str(EXAMPLE)]
        seconds(ours), seconds(peer)  # both once unmeasured, so that the disk's cache is warm for either
        pairs = [(seconds(ours), seconds(peer)) for _ in range(ROUNDS)]
    mine, theirs = median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)
    print(f"One prediction from a cold start (median of {ROUNDS}, whole process)")
    print(f"  intone predict                      {mine:6.2f} s")
    print(f"  TensorFlow, librosa, .keras         {theirs:6.2f} s")
    print(f"  ratio                               {theirs / mine:6.1f} times faster (must: 5)")


if __name__ == "__main__":
    main()
