"""How fast recordings are answered by the model that ships, next to what people use today, in the same run.

Run as ``python benchmarks/predict.py``; it needs TESS and RAVDESS in INTONE_CORPORA. All hear the same 400 files,
whole: decoding and resampling are in the time, starting and warming up is not. Each contender runs in a process of its
own that is held to one core, then to two. The peers:

- the usual pipeline: ``librosa.load``, the means of 40 MFCCs, and a Keras LSTM called per file as ``model(x)``; its
  weights are random, which changes no time;
- openSMILE's eGeMAPS features alone, without any model;
- the machine's own matrix product in float32, measured beside the model in the same process: what share of it the
  encoder reaches, in float32 as a training leaves it, and as it ships, with most of its products in eight bits. The
  former's weights are the backbone's, which is looked for in INTONE_BACKBONES.

The command's cold start, and the most memory that its process takes, are set beside those of a script that does the
same by the usual pipeline.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

EACH = 200
CORPORA = ("tess", "ravdess")
WARM_UP = 10
STARTS = 5
LAYERS, BATCH, SECONDS = 3, 16, 3
PRODUCT = 1024
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS",
           "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")  # fmt: skip
MUST = {"usual": 5, "opensmile": 4, "product": 0.6, "start": 12, "memory": 5}
BIN = Path(sys.executable).parent
PEER = """
import sys
import tensorflow as tf
import librosa
import numpy as np
model = tf.keras.models.load_model(sys.argv[1], compile=False)
sound, rate = librosa.load(sys.argv[2], sr=16000)
mfcc = np.mean(librosa.feature.mfcc(y=sound, sr=rate, n_mfcc=40).T, axis=0)
print(model(mfcc[np.newaxis]).numpy()[0].tolist())
"""


# A process begins with its parent's most memory, so that the parent has to be a small one.
STARTER = """
import os, sys, time
began = time.perf_counter()
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(child, 0)
took = time.perf_counter() - began
print(took, usage.ru_maxrss, file=sys.stderr)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def recordings() -> list[str]:
    from intone.hear.audio import SUFFIXES

    found = list[str]()
    for corpus in CORPORA:
        root = Path(os.environ.get("INTONE_CORPORA") or "../shared/corpora") / corpus
        there = sorted(str(path) for path in root.rglob("*") if path.suffix in SUFFIXES)
        if len(there) < EACH:
            sys.exit(f"benchmarks/predict.py needs {EACH} files of {corpus} in {root}; set INTONE_CORPORA.")
        found += there[:: len(there) // EACH][:EACH]
    return found


# --- What a process of its own does -----------------------------------------------------------------------------------


def intone_all(files: Sequence[str], threads: int, _: str) -> Callable[[], Any]:
    from intone.hear import loading

    hearing = loading.load(threads=threads)
    hearing.predict_batch(files[:WARM_UP])
    return lambda: hearing.predict_batch(files)


def usual(files: Sequence[str], _: int, network: str) -> Callable[[], Any]:
    answer = usual_pipeline(network, rate=16_000)
    _each(answer, files[:WARM_UP])
    return lambda: _each(answer, files)


def usual_pipeline(network: str, *, rate: int | None) -> Callable[[str], Any]:
    """Give what answers a file as people do today, at so many samples a second; None for the file's own."""
    import keras
    import librosa

    model = keras.models.load_model(network, compile=False)

    def answer(file: str) -> Any:
        sound, its = librosa.load(file, sr=rate)
        mfcc = np.mean(librosa.feature.mfcc(y=sound, sr=its, n_mfcc=40).T, axis=0)
        return np.asarray(model(mfcc[np.newaxis]))

    return answer


def float_encoder(folder: Path) -> Path:
    """Leave an encoder of the shape of the one that ships in a folder, in float32; give its file."""
    from intone.emotions import Emotion
    from intone.features import Inputs
    from intone.hear import modelfile
    from intone.learn.learners import Network
    from intone.learn.networks.encoder import encoder

    path = folder / f"encoder{modelfile.SUFFIX}"
    network = Network(
        encoder(labels=len(Emotion), backbone="openai/whisper-tiny.en", layers=LAYERS, mix=LAYERS, heads=1)
    )
    card = modelfile.Card(path.stem, tuple(map(str, Emotion)), "waveform", "", {}, (), "", "", "")
    sound = np.random.default_rng(0).normal(0, 0.1, SECONDS * 16_000).astype(np.float32)
    network.write(card, path, proof=Inputs.of_sounds([sound]))
    return path


def usual_network(folder: Path) -> Path:
    """Leave the network of the usual pipeline in a folder, with random weights; give its file."""
    from intone.learn import learners, networks

    learners.Network(networks.build("lstm", {}, columns=40, labels=7)).save(folder)
    return folder / "model.keras"


def opensmile_all(files: Sequence[str], threads: int, _: str) -> Callable[[], Any]:
    import opensmile

    smile = opensmile.Smile(
        feature_set=opensmile.FeatureSet.eGeMAPSv02,
        feature_level=opensmile.FeatureLevel.Functionals,
        num_workers=threads,
    )
    _each(smile.process_file, files[:WARM_UP])
    return (lambda: smile.process_files(files)) if threads > 1 else (lambda: _each(smile.process_file, files))


def _each(what: Callable[[str], Any], files: Sequence[str]) -> None:
    for file in files:
        what(file)


def share_of_product(file: Path, threads: int) -> float:
    """Give an encoder's arithmetic a second in a batch, over that of a plain matrix product on as many cores."""
    from intone.features import Inputs
    from intone.hear import engines

    engine, _ = engines.from_onnx(file, threads=threads)
    sound = np.random.default_rng(0).normal(0, 0.1, SECONDS * 16_000).astype(np.float32)
    batch = Inputs.of_sounds([sound] * BATCH)
    a, b = np.random.default_rng(0).normal(size=(2, PRODUCT, PRODUCT)).astype(np.float32)
    by_runtime = runtime_product(threads, b)
    encoder, product = list[float](), list[float]()
    for _ in range(WARM_UP):  # one after the other, so that all meet the same machine
        encoder.append(seconds(lambda: engine(batch)))
        product.append(seconds(lambda: [a @ b for _ in range(20)]) / 20)
        product.append(seconds(lambda: [by_runtime(a) for _ in range(20)]) / 20)
    return BATCH * operations(LAYERS, 100 * SECONDS) / min(encoder) / (2 * PRODUCT**3 / min(product))


def runtime_product(threads: int, b: Any) -> Callable[[Any], Any]:
    """Give ONNX Runtime's matrix product, which on some machines is faster than NumPy's."""
    import onnx
    import onnxruntime
    from onnx import helper, numpy_helper

    given = helper.make_tensor_value_info("a", onnx.TensorProto.FLOAT, list(b.shape))
    made = helper.make_tensor_value_info("c", onnx.TensorProto.FLOAT, list(b.shape))
    node = helper.make_node("MatMul", ["a", "b"], ["c"])
    graph = helper.make_graph([node], "product", [given], [made], [numpy_helper.from_array(b, "b")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return lambda a: session.run(None, {"a": a})


def operations(layers: int, frames: int) -> float:
    """Count the multiplications and additions of Whisper tiny's first layers over so many frames of 10 ms."""
    fourier, bands, width, steps = 2 * 199, 80, 384, frames // 2
    front = frames * (fourier * 400 + fourier * bands) + frames * 3 * bands * width + steps * 3 * width * width
    layer = steps * (4 * width * width + 8 * width * width) + 2 * steps * steps * width
    return 2.0 * (front + layers * layer)


def seconds(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


CONTENDERS = {"intone": intone_all, "usual": usual, "opensmile": opensmile_all}


def child(name: str, cores: int, network: str) -> None:
    files = json.loads(sys.stdin.read())
    if name == "product":
        print(share_of_product(Path(network), cores))
    else:
        print(seconds(CONTENDERS[name](files, cores, network)))


# --- What sets them beside one another --------------------------------------------------------------------------------


def measured(name: str, cores: int, network: Path, files: Sequence[str]) -> float:
    """Run a contender in a process of its own, on so many cores."""
    held = sorted(os.sched_getaffinity(0))[:cores]
    done = subprocess.run(
        [sys.executable, __file__, name, str(cores), str(network)],
        input=json.dumps(files), capture_output=True, text=True, check=True,
        env=os.environ | dict.fromkeys(THREADS, str(cores)) | {"TF_CPP_MIN_LOG_LEVEL": "3"},
        preexec_fn=lambda: os.sched_setaffinity(0, held),  # this process has no other threads
    )  # fmt: skip
    return float(done.stdout.split()[-1])


def started(command: Sequence[str]) -> tuple[float, float]:
    """Give the seconds that a process takes, and its most memory in MB; Python may keep what it has compiled."""
    usual = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    starter = [sys.executable, "-S", "-c", STARTER, *command]
    done = subprocess.run(starter, capture_output=True, text=True, check=True, env=usual)
    took, memory = done.stderr.splitlines()[-1].split()
    return float(took), float(memory) / 1000


def main() -> None:
    from intone.hear import modelfile

    files = recordings()
    console, missed = Console(), list[str]()
    table = Table(title=f"{len(files)} files of {' and '.join(CORPORA)}, whole")
    for heading in (
        "cores",
        "intone",
        "librosa + Keras LSTM",
        "openSMILE eGeMAPS",
        "share of matrix product",
        "as it ships",
    ):
        table.add_column(heading, justify="right")

    def judge(what: str, value: float) -> None:
        if value < MUST[what]:
            missed.append(f"{what} {value:.2f} (must: {MUST[what]})")

    with tempfile.TemporaryDirectory() as folder:
        network, encoder = usual_network(Path(folder)), float_encoder(Path(folder))
        for cores in (1, 2):
            took = {name: measured(name, cores, network, files) for name in CONTENDERS}
            shares = [measured("product", cores, file, []) for file in (encoder, modelfile.find(modelfile.DEFAULT))]
            ratios = {name: took[name] / took["intone"] for name in ("usual", "opensmile")}
            table.add_row(
                str(cores),
                f"{took['intone']:.1f} s",
                *(f"{took[name]:.1f} s, {ratio:.1f} times slower" for name, ratio in ratios.items()),
                *(f"{share:.0%}" for share in shares),
            )
            if cores == 1:
                for name, ratio in (*ratios.items(), ("product", shares[0])):
                    judge(name, ratio)
        console.print(table)
        ours = [str(BIN / "intone"), "predict", files[0], "--json"]
        peer = [sys.executable, "-c", PEER, str(network), files[0]]
        started(ours), started(peer)  # the disk's cache is warm for either
        pairs = [(started(ours), started(peer)) for _ in range(STARTS)]
    own, other = ([median(pair[side][part] for pair in pairs) for part in (0, 1)] for side in (0, 1))
    print(f"Cold start: {own[0]:.2f} s beside {other[0]:.2f} s, {other[0] / own[0]:.1f} times faster")
    print(f"Most memory: {own[1]:.0f} MB beside {other[1]:.0f} MB, {other[1] / own[1]:.1f} times less")
    judge("start", other[0] / own[0])
    judge("memory", other[1] / own[1])
    if missed:
        sys.exit(f"Bars that are not met: {'; '.join(missed)}")


if __name__ == "__main__":
    if len(sys.argv) == 4:
        child(sys.argv[1], int(sys.argv[2]), sys.argv[3])
    else:
        main()
