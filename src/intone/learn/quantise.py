"""Smaller model files: weights in eight bits, one scale for each output, everything computed as before.

Only weights are rounded, never what flows between layers, so that a sound's answer cannot depend on its neighbours in a
batch. ONNX Runtime unfolds the weights once, when it opens the file.
"""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from intone.errors import ModelError, UsageError
from intone.hear import engines
from intone.hear.answering import softmax
from intone.hear.audio import RATE, Waveform
from intone.hear.modelfile import Card

Floats = NDArray[np.float32]
SMALLEST = 4096
"""A tensor of fewer numbers is left as it is: it would save nothing."""
STEPS = 127
TOLERANCE = 0.05
"""Largest difference between a probability of the eight-bit file and of its source, over the sounds of the proof."""
_CHANNEL = {"Conv": 0, "MatMul": 1, "Gemm": 1}
"""Operators with weights as their second input, and the axis along which these are another output's."""


def write(source: Path, target: Path) -> float:
    """Write a network's model file with its weights in eight bits, and prove that it answers alike.

    Parameters
    ----------
    source : pathlib.Path
        A model file of a network.
    target : pathlib.Path
        The file appears whole or not at all.

    Returns
    -------
    float
        The largest difference between a probability of the one file and of the other, on sixteen made sounds.

    Raises
    ------
    ModelError
        The source is no model file, or the answers differ by more than 0.05.
    UsageError
        It holds no weights that eight bits could keep, as a forest does not, or they are kept so already.
    """
    run, text = engines.from_onnx(source, threads=0)
    card = Card.from_json(text, name=str(source))
    model = onnx.load(source)
    if any(tensor.data_type == TensorProto.INT8 for tensor in model.graph.initializer):
        raise UsageError(f"{source}: the model's weights are in eight bits already.")
    if not _rounded(model):
        raise UsageError(f"{source}: the model holds no weights of layers; only networks are kept in eight bits.")
    _shorten(model.graph)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        draft = Path(folder) / "model.onnx"
        onnx.checker.check_model(model)
        onnx.save(model, draft)
        small, _ = engines.from_onnx(draft, threads=0)
        sounds = _proof()
        hear = [engines.hearing(engine, card, name=str(source)) for engine in (run, small)]
        before, after = (softmax(listen(sounds).logits.astype(np.float64)) for listen in hear)
        apart = float(np.abs(after - before).max())
        if not apart <= TOLERANCE:
            raise ModelError(
                f"{source}: in eight bits the probabilities differ by up to {apart:.3f}; accepted is {TOLERANCE}."
            )
        draft.replace(target)
    return apart


def _rounded(model: Any) -> int:
    """Put eight-bit weights and their unfolding in place of a graph's large weights; give how many tensors."""
    graph = model.graph
    exact = _before_logarithms(graph)
    used = {
        node.input[1]: _CHANNEL[node.op_type]
        for node in graph.node
        if node.op_type in _CHANNEL and node.output[0] not in exact
    }
    kept, unfolding = [], []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.name not in used or values.dtype != np.float32 or values.size < SMALLEST:
            kept.append(tensor)
            continue
        axis = used[tensor.name]
        others = tuple(other for other in range(values.ndim) if other != axis)
        scale = np.maximum(np.abs(values).max(axis=others, keepdims=True), 1e-12) / STEPS
        steps = np.rint(values / scale).astype(np.int8)
        kept += [
            numpy_helper.from_array(steps, f"{tensor.name}/steps"),
            numpy_helper.from_array(scale.astype(np.float32), f"{tensor.name}/scale"),
        ]
        unfolding += [
            helper.make_node("Cast", [f"{tensor.name}/steps"], [f"{tensor.name}/wide"], to=TensorProto.FLOAT),
            helper.make_node("Mul", [f"{tensor.name}/wide", f"{tensor.name}/scale"], [tensor.name]),
        ]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    nodes = [*unfolding, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    return len(unfolding) // 2


def _shorten(graph: Any) -> None:
    """Give what flows between the nodes numbers for names: an exporter's are a hundredth of a small file."""
    public = {value.name for value in (*graph.input, *graph.output)}
    names = [tensor.name for tensor in graph.initializer] + [out for node in graph.node for out in node.output]
    inner = dict.fromkeys(name for name in names if name and name not in public)
    short = {name: f"{number:x}" for number, name in enumerate(inner)}
    for node in graph.node:
        node.name = ""
        node.input[:] = [short.get(name, name) for name in node.input]
        node.output[:] = [short.get(name, name) for name in node.output]
    for tensor in graph.initializer:
        tensor.name = short.get(tensor.name, tensor.name)
    del graph.value_info[:]


def _before_logarithms(graph: Any) -> set[str]:
    """Name everything that a logarithm is taken of: a spectrum spans 80 dB and more, and eight bits have 48."""
    made = {output: node for node in graph.node for output in node.output}
    waiting = [name for node in graph.node if node.op_type == "Log" for name in node.input]
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += made[name].input if name in made else []
    return found


def _proof() -> list[Waveform]:
    """Make sounds that rise and fall as speech does: harmonics of a gliding pitch in bursts, over a little noise."""
    sounds = []
    for number in range(16):
        generator = np.random.default_rng(number)
        times = np.arange(int(generator.uniform(0.5, 4) * RATE)) / RATE
        pitch = generator.uniform(90, 300) * 2 ** (0.3 * np.sin(2 * np.pi * generator.uniform(0.3, 2) * times))
        phase = 2 * np.pi * np.cumsum(pitch) / RATE
        voice = sum(np.sin(order * phase) / order for order in range(1, 20))
        bursts = np.maximum(np.sin(2 * np.pi * generator.uniform(2, 5) * times), 0)
        noise = generator.normal(0, 0.01, len(times))
        sounds.append(Waveform((0.1 * voice * bursts + noise).astype(np.float32)))
    return sounds
