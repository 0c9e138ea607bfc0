"""Smaller and faster model files: weights in eight bits, and with them the products of a transformer's layers.

Everything else is computed as before, by fewer and larger operators (:mod:`intone.learn.condense`). What flows
into a product in eight bits is rounded by a scale that was measured once and is kept in the file, so that a sound's
answer cannot depend on its neighbours in a batch.
"""

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from intone.errors import ModelError, UsageError
from intone.features import Inputs
from intone.hear import engines
from intone.hear.answering import softmax
from intone.hear.audio import RATE, Waveform
from intone.hear.modelfile import Card
from intone.learn import noises, waves
from intone.learn.condense import DOMAIN, condense
from intone.learn.graph import Graph, NoMatchError, branches, other

Floats = NDArray[np.float32]
SMALLEST = 4096
"""A tensor of fewer numbers is left as it is: it would save nothing."""
STEPS = 127
TOLERANCE = 0.05
"""Largest difference between a probability of the eight-bit file and of its source, over the sounds of the proof."""
_CHANNEL = {"Conv": 0, "MatMul": 1, "Gemm": 1}
"""Operators with weights as their second input, and the axis along which these are another output's."""
_TAMED = frozenset({"LayerNormalization", "Gelu", "MultiHeadAttention"})
"""What these make is of much the same size whatever is heard, so that a product of it can be taken in eight bits."""
_MEASURED, _PROVED = range(16), range(16, 32)
"""Seeds of the made sounds by which that size is measured, and of those that the answers are compared on."""


def write(source: Path, target: Path) -> float:
    """Write a network's model file in eight bits, and prove that it answers alike; it needs ONNX Runtime.

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
        It holds no weights that eight bits could keep, as a forest does not, or they are kept so already, or loops.
    """
    run, text = engines.from_onnx(source, threads=0)
    card = Card.from_json(text, name=str(source))
    model = onnx.load(source)
    if any(tensor.data_type == TensorProto.INT8 for tensor in model.graph.initializer):
        raise UsageError(f"{source}: the model's weights are in eight bits already.")
    if branches(model):
        raise UsageError(
            f"{source}: the network has loops, as a GRU does; only networks without are kept in eight bits."
        )
    condense(model)
    _products(model, _sizes(model))
    if not _rounded(model):
        raise UsageError(f"{source}: the model holds no weights of layers; only networks are kept in eight bits.")
    waves.computed(model)
    _shorten(model.graph)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        draft = Path(folder) / "model.onnx"
        onnx.checker.check_model(model)
        onnx.save(model, draft)
        small, _ = engines.from_onnx(draft, threads=0)
        sounds = _made(_PROVED)
        hear = [engines.hearing(engine, card, name=str(source)) for engine in (run, small)]
        before, after = (softmax(listen(sounds).logits.astype(np.float64)) for listen in hear)
        apart = float(np.abs(after - before).max())
        if not apart <= TOLERANCE:
            raise ModelError(
                f"{source}: in eight bits the probabilities differ by up to {apart:.3f}; accepted is {TOLERANCE}."
            )
        draft.replace(target)
    return apart


def _sizes(model: Any) -> dict[str, tuple[float, float]]:
    """Measure on made sounds from where to where the numbers go that flow into products of tamed tensors."""
    graph, wanted = Graph(model), list[str]()
    for node in graph.nodes:
        if node.op_type == "MatMul":
            try:
                wanted.append(graph.maker(node.input[0], *_TAMED).output[0])
            except NoMatchError:
                continue
    wanted = list(dict.fromkeys(wanted))
    if not wanted:
        return {}
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    probe.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in wanted)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(probe.SerializeToString(), options, providers=["CPUExecutionProvider"])
    found = dict.fromkeys(wanted, (0.0, 0.0))
    for sound in (*_made(_MEASURED), *_noises()):
        heard = session.run(wanted, Inputs.of_sounds([sound.samples]).named())
        for name, values in zip(wanted, heard, strict=True):
            least, most = found[name]
            found[name] = min(least, float(values.min())), max(most, float(values.max()))
    return found


def _products(model: Any, sizes: Mapping[str, tuple[float, float]]) -> None:
    """Take products of a tensor whose size is known and of large weights in eight bits."""
    graph = Graph(model)
    for node in graph.nodes:
        if node.op_type != "MatMul" or node.input[0] not in sizes:
            continue
        given, name = node.input
        try:
            weights = graph.constant(name)
        except NoMatchError:
            continue
        if weights.size < SMALLEST:
            continue
        least, most = sizes[given]
        step = max(most - least, 1e-12) / 255
        known = [
            graph.add_constant(np.array(step, np.float32), f"{given}/step"),
            graph.add_constant(np.array(round(-least / step), np.uint8), f"{given}/zero"),
        ]
        rounded = f"{given}/rounded"
        if not graph.takers(rounded):
            graph.insert(node, [helper.make_node("QuantizeLinear", [given, *known], [rounded])])
        steps, scale = _in_steps(weights, axis=1)
        factors = graph.add_constant(steps, f"{name}/factors")
        scales = graph.add_constant(scale.ravel(), f"{name}/scales")
        last, bias = _biased(graph, node, weights.shape[1])
        inputs = [rounded, factors, known[0], scales, known[1], "", bias]
        graph.replace(last, [helper.make_node("MatMulIntegerToFloat", inputs, last.output, domain=DOMAIN)])
    graph.sweep()


def _biased(graph: Graph, product: Any, width: int) -> tuple[Any, str]:
    """Give the last node of a product with its bias, and the bias; without one, the product itself and no name."""
    (made,) = product.output
    try:
        added = graph.taker(made, "Add")
        bias = other(added, made)
        fits = graph.constant(bias).shape == (width,)
    except NoMatchError:
        return product, ""
    return (added, bias) if fits and len(graph.takers(made)) == 1 else (product, "")


def _in_steps(weights: Floats, *, axis: int) -> tuple[NDArray[np.int8], Floats]:
    """Round weights to whole steps, and give the size of a step for each output: 127 of it are the largest weight."""
    others = tuple(each for each in range(weights.ndim) if each != axis)
    scale = np.maximum(np.abs(weights).max(axis=others, keepdims=True), 1e-12) / STEPS
    return np.rint(weights / scale).astype(np.int8), scale.astype(np.float32)


def _rounded(model: Any) -> int:
    """Put eight-bit weights and their unfolding in place of large weights; give how many tensors are in eight bits."""
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
        steps, scale = _in_steps(values, axis=used[tensor.name])
        kept += [
            numpy_helper.from_array(steps, f"{tensor.name}/steps"),
            numpy_helper.from_array(scale, f"{tensor.name}/scale"),
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
    return sum(tensor.data_type == TensorProto.INT8 for tensor in kept)


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


def _made(seeds: Iterable[int]) -> list[Waveform]:
    """Make sounds like vowels in bursts, over a little noise: a gliding pitch, and resonances that move."""
    sounds = []
    for number in seeds:
        generator = np.random.default_rng(number)
        times = np.arange(int(generator.uniform(0.5, 4) * RATE)) / RATE
        swing = np.sin(2 * np.pi * generator.uniform(0.3, 2, (4, 1)) * times)
        pitch = generator.uniform(90, 300) * 2 ** (0.3 * swing[0])
        phase = 2 * np.pi * np.cumsum(pitch) / RATE
        middle, reach, width = np.array([[500, 1500, 2600], [300, 700, 200], [80, 110, 170]])[:, :, np.newaxis]
        places = middle + reach * swing[1:]
        voice = sum(
            np.sin(order * phase) * (1 / (1 + ((order * pitch - places) / width) ** 2)).sum(axis=0)
            for order in range(1, 20)
        )
        bursts = np.maximum(np.sin(2 * np.pi * generator.uniform(2, 5) * times), 0)
        noise = generator.normal(0, 0.01, len(times))
        sounds.append(Waveform((0.1 * voice * bursts + noise).astype(np.float32)))
    return sounds


def _noises() -> list[Waveform]:
    """Make two seconds of each of many noises."""
    made = (noise(2 * RATE, np.random.default_rng(1)) for noise in noises.TRAINING.values())
    return [Waveform((0.1 * noise / np.abs(noise).max()).astype(np.float32)) for noise in made]
