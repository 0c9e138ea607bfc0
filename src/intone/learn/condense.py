"""Says a network's graph in fewer and larger operators, those of ONNX Runtime; what it computes stays the same.

Keras's export says a layer normalisation in thirteen operators, GELU in five and attention with all its weights
transposed twice, and reshapes what goes in and out of each product. Each of these is found by what it consists of; what
looks otherwise is left as it is.

Convolutions over time become products, which ONNX Runtime sums in one order however long the sound is: what comes of a
convolution of half a second and of the same beside a longer sound differs in the last digits.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from onnx import TensorProto, helper

from intone.learn.graph import Graph, NoMatchError, attribute, other

DOMAIN = "com.microsoft"
"""Of ONNX Runtime's own operators."""
OPSET = 17
"""The first with layer normalisation; what these graphs hold means the same from 15 on."""
ONLY_SHAPES = ("Cast", "Gather", "Slice")
"""Between the shape of one tensor and the beginning of another's."""
FAR = 1e4
"""Who is this far below the others gets no attention in float32."""
TO_THE_END = np.iinfo(np.int64).max


def condense(model: Any) -> None:
    """Say a graph in larger operators, in place.

    Parameters
    ----------
    model : onnx.ModelProto
        As Keras exports it, without loops.
    """
    graph = Graph(model)
    for kind, rule in RULES:
        for node in graph.nodes:
            if node.op_type == kind:
                try:
                    rule(graph, node)
                except NoMatchError:
                    continue
    graph.sweep()
    others = [opset for opset in model.opset_import if opset.domain not in {"", DOMAIN}]
    version = max(opset.version for opset in model.opset_import if opset.domain == "")
    del model.opset_import[:]
    model.opset_import.extend([helper.make_opsetid("", max(OPSET, version)), helper.make_opsetid(DOMAIN, 1), *others])


def _product(graph: Graph, node: Any) -> None:
    """Multiply ``(batch, frames, columns)`` as it is, rather than laid out flat for the product and back."""
    flat, back = graph.maker(node.input[0], "Reshape"), graph.taker(node.output[0], "Reshape")
    sound, weights = flat.input[0], graph.constant(node.input[1])
    graph.ranked(sound, 3)
    graph.ranked(back.output[0], 3)
    graph.expect(flat.input[1], -1, len(weights))
    shape = graph.maker(graph.maker(back.input[1], "Cast").input[0], "Concat")
    if len(shape.input) != 2:
        raise NoMatchError
    graph.expect(shape.input[1], weights.shape[1])
    first = graph.maker(shape.input[0], *ONLY_SHAPES)
    while first.op_type != "Shape":
        first = graph.maker(first.input[0], *ONLY_SHAPES, "Shape")
    if first.input[0] != sound:
        raise NoMatchError
    graph.replace(back, [helper.make_node("MatMul", [sound, node.input[1]], back.output)])


def _normalisation(graph: Graph, mean: Any) -> None:
    """Find ``x · g / √(variance + ε) + (b - mean · g / √(variance + ε))`` over the last axis, as Keras computes it."""
    (x,) = mean.input
    graph.ranked(x, 3)  # a mean over all but the first two axes
    away, less = graph.taker(mean.output[0], "Sub"), graph.taker(mean.output[0], "Neg")
    square = graph.taker(away.output[0], "Mul")
    if [*away.input] != [x, mean.output[0]] or [*square.input] != [away.output[0]] * 2:
        raise NoMatchError
    variance = graph.taker(square.output[0], "GlobalAveragePool")
    wider = graph.taker(variance.output[0], "Add")
    inverse = graph.taker(graph.taker(wider.output[0], "Sqrt").output[0], "Reciprocal")
    factor = graph.taker(inverse.output[0], "Mul")
    scaled = {other(node, factor.output[0]): node for node in graph.takers(factor.output[0]) if node.op_type == "Mul"}
    if set(scaled) != {x, less.output[0]}:
        raise NoMatchError
    last = graph.taker(scaled[x].output[0], "Add")
    shift = graph.maker(other(last, scaled[x].output[0]), "Add")
    epsilon = graph.number(other(wider, variance.output[0]))
    given = [other(factor, inverse.output[0]), other(shift, scaled[less.output[0]].output[0])]
    flat = [graph.add_constant(graph.constant(name).ravel(), f"{name}/flat") for name in given]
    graph.replace(last, [helper.make_node("LayerNormalization", [x, *flat], last.output, axis=-1, epsilon=epsilon)])


def _gelu(graph: Graph, erf: Any) -> None:
    """Find ``x · (½ · (erf(x / √2) + 1))``."""
    narrow = graph.maker(erf.input[0], "Mul")
    x, root = narrow.input
    graph.expect(root, 1 / np.sqrt(2))
    from_one = graph.taker(erf.output[0], "Add")
    graph.expect(other(from_one, erf.output[0]), 1)
    half = graph.taker(from_one.output[0], "Mul")
    graph.expect(other(half, from_one.output[0]), 0.5)
    last = graph.taker(half.output[0], "Mul")
    if other(last, half.output[0]) != x:
        raise NoMatchError
    graph.replace(last, [helper.make_node("Gelu", [x], last.output, domain=DOMAIN)])


def _attention(graph: Graph, softmax: Any) -> None:
    """Find attention with several heads, and a mask that is 0 for a sound's own frames and large elsewhere."""
    masked = graph.maker(softmax.input[0], "Sub")
    energy, mask = masked.input
    left_out = graph.maker(mask, "Mul")
    graph.ranked(mask, 4)  # (batch, frames that are heard, 1, 1)
    graph.expect(graph.maker(left_out.input[0], "Sub").input[0], 1)
    if attribute(softmax, "axis", -1) != 1 or graph.constant(left_out.input[1]).min() < FAR:
        raise NoMatchError
    scaled = graph.maker(graph.transposed(energy, 0, 3, 1, 2), "Mul")
    products = graph.maker(scaled.input[0], "MatMul")
    weights = graph.taker(softmax.output[0], "Transpose")
    heard = graph.taker(weights.output[0], "MatMul")
    together = graph.taker(heard.output[0], "Transpose")
    last = graph.taker(together.output[0], "Reshape")
    graph.transposed(weights.output[0], 0, 2, 3, 1)
    graph.transposed(together.output[0], 0, 2, 1, 3)
    graph.ranked(last.output[0], 3)
    query, key, value = (
        graph.maker(graph.transposed(name, *order), "Reshape")
        for name, order in (
            (products.input[0], (0, 2, 1, 3)),
            (products.input[1], (0, 2, 3, 1)),
            (heard.input[1], (0, 2, 1, 3)),
        )
    )
    heads = graph.number(graph.maker(graph.maker(query.input[1], "Cast").input[0], "Concat").input[2])
    attend = helper.make_node(
        "MultiHeadAttention",
        [query.input[0], key.input[0], value.input[0], "", _own_frames(graph, left_out)],
        last.output,
        domain=DOMAIN,
        num_heads=int(heads),
        scale=graph.number(scaled.input[1]),
    )
    graph.replace(last, [attend])


def _own_frames(graph: Graph, left_out: Any) -> str:
    """Say in numbers which frames are a sound's own, once for all layers; give the tensor's name."""
    (mask,) = left_out.output
    name = f"{mask}/own"
    if not graph.takers(name):
        one = graph.add_constant(np.ones((), np.float32), "attention/one")
        last = graph.add_constant(np.array([2, 3]), "attention/last")
        behind = graph.nodes[graph.nodes.index(left_out) + 1]
        graph.insert(
            behind,
            [
                helper.make_node("Less", [mask, one], [f"{name}/is"]),
                helper.make_node("Cast", [f"{name}/is"], [f"{name}/number"], to=TensorProto.INT32),
                helper.make_node("Squeeze", [f"{name}/number", last], [name]),
            ],
        )
    return name


def _convolution(graph: Graph, conv: Any) -> None:
    """Convolve ``(batch, channels, 1, steps)`` by a product: of what lies under the kernel, side by side.

    Steps are taken in blocks of the stride; a kernel of 400 at strides of 160 lies over two and a half of them.
    """
    kernel = graph.constant(conv.input[1])
    stride = attribute(conv, "strides", [1, 1])[-1]
    last = graph.taker(conv.output[0], "Squeeze")
    graph.expect(last.input[1], 2)
    same = attribute(conv, "auto_pad", b"NOTSET") == b"SAME_UPPER"
    if (
        kernel.ndim != 4 or kernel.shape[2] != 1 or len(conv.input) != 2 or attribute(conv, "group", 1) != 1
        or set(attribute(conv, "dilations", [1])) != {1} or any(attribute(conv, "pads", [0])) or (same and stride != 1)
    ):  # fmt: skip
        raise NoMatchError
    width, channels, size = len(kernel), kernel.shape[1], kernel.shape[3]
    before, behind = ((size - 1) // 2, size // 2) if same else (0, 0)
    blocks = -(-size // stride)
    stem = conv.output[0]

    def whole(values: list[int], name: str) -> str:
        return graph.add_constant(np.array(values, np.int64), f"{stem}/{name}")

    pads = [0, before, 0, 0, behind + blocks * stride - size, 0]
    nodes = [
        helper.make_node("Squeeze", [conv.input[0], whole([2], "two")], [f"{stem}/flat"]),
        helper.make_node("Transpose", [f"{stem}/flat"], [f"{stem}/steps"], perm=[0, 2, 1]),
        helper.make_node("Pad", [f"{stem}/steps", whole(pads, "pads")], [f"{stem}/padded"]),
        helper.make_node("Shape", [f"{stem}/padded"], [f"{stem}/shape"], start=1, end=2),
        helper.make_node("Div", [f"{stem}/shape", whole([stride], "stride")], [f"{stem}/count"]),
        helper.make_node("Mul", [f"{stem}/count", f"{stem}/stride"], [f"{stem}/end"]),
        helper.make_node("Slice", [f"{stem}/padded", whole([0], "zero"), f"{stem}/end", whole([1], "one")],
                         [f"{stem}/cut"]),
        helper.make_node("Reshape", [f"{stem}/cut", whole([0, -1, stride * channels], "laid")], [f"{stem}/blocks"]),
    ]  # fmt: skip
    under = [f"{stem}/under/{number}" for number in range(blocks)]
    for number, name in enumerate(under):
        end = number - blocks + 1 or TO_THE_END
        columns = min(stride, size - number * stride) * channels
        inputs = [whole([number, 0], f"{number}/from"), whole([end, columns], f"{number}/to"), whole([1, 2], "axes")]
        nodes.append(helper.make_node("Slice", [f"{stem}/blocks", *inputs], [name]))
    weights = np.ascontiguousarray(kernel[:, :, 0].transpose(2, 1, 0)).reshape(size * channels, width)
    laid = graph.add_constant(weights, f"{conv.input[1]}/laid")
    nodes += [
        helper.make_node("Concat", under, [f"{stem}/columns"], axis=2),
        helper.make_node("MatMul", [f"{stem}/columns", laid], [f"{stem}/product"]),
        helper.make_node("Transpose", [f"{stem}/product"], last.output, perm=[0, 2, 1]),
    ]
    graph.replace(last, nodes)


RULES: tuple[tuple[str, Callable[[Graph, Any], None]], ...] = (
    ("MatMul", _product),
    ("GlobalAveragePool", _normalisation),
    ("Erf", _gelu),
    ("Softmax", _attention),
    ("Conv", _convolution),
)
"""From which operator on a rule looks, in the order in which they are tried."""
