"""Says a network's graph in fewer and larger operators, those of ONNX Runtime; what it computes stays the same.

Keras's export says a layer normalisation in thirteen operators, GELU in five and attention with all its weights
transposed twice, and reshapes what goes in and out of each product. Each of these is found by what it consists of; what
looks otherwise is left as it is.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Array = NDArray[Any]
DOMAIN = "com.microsoft"
"""Of ONNX Runtime's own operators."""
OPSET = 17
"""The first with layer normalisation; what these graphs hold means the same from 15 on."""
ONLY_SHAPES = frozenset({"Cast", "Concat", "Gather", "Slice"})
"""Between the shape of one tensor and what another is reshaped to."""


FAR = 1e4
"""Who is this far below the others gets no attention in float32."""


class Otherwise(Exception):  # noqa: N818  # no error: a graph may look otherwise than a rule says
    """What a rule looks for is not there."""


class Graph:
    """A graph whose nodes are found by what they give and what they take."""

    def __init__(self, model: Any) -> None:
        self._graph = model.graph
        self._public = {value.name for value in model.graph.output}
        self.index()

    @property
    def nodes(self) -> list[Any]:
        """The nodes, in an order in which they can be computed."""
        return list(self._graph.node)

    def index(self) -> None:
        """Look at the graph as it is now."""
        self._makers = {name: node for node in self._graph.node for name in node.output}
        self._takers = defaultdict[str, list[Any]](list)
        for node in self._graph.node:
            for name in dict.fromkeys(node.input):
                self._takers[name].append(node)
        self._constants = {tensor.name: tensor for tensor in self._graph.initializer}

    def maker(self, name: str, *kinds: str) -> Any:
        """Give the node that makes a tensor; it must be of one of these kinds."""
        node = self._makers.get(name)
        if node is None or node.op_type not in kinds:
            raise Otherwise
        return node

    def takers(self, name: str) -> list[Any]:
        """Give the nodes that take a tensor."""
        return self._takers[name]

    def taker(self, name: str, kind: str) -> Any:
        """Give the node of this kind that takes a tensor; there must be one, and only one."""
        takers = [node for node in self._takers[name] if node.op_type == kind]
        if len(takers) != 1:
            raise Otherwise
        return takers[0]

    def constant(self, name: str) -> Array:
        """Give the numbers of a tensor, which must always be the same."""
        if name not in self._constants:
            raise Otherwise
        return np.asarray(numpy_helper.to_array(self._constants[name]))

    def expect(self, name: str, *values: float) -> None:
        """Go on only where a tensor always holds these numbers."""
        found = self.constant(name).ravel()
        if len(found) != len(values) or not np.allclose(found, values, rtol=1e-6):
            raise Otherwise

    def add_constant(self, values: Array, name: str) -> str:
        """Give the graph a constant, once; give its name."""
        if name not in self._constants:
            self._constants[name] = numpy_helper.from_array(values, name)
            self._graph.initializer.append(self._constants[name])
        return name

    def replace(self, old: Any, new: Sequence[Any]) -> None:
        """Put nodes, the last of which makes what ``old`` made, in its place."""
        place = self.nodes.index(old)
        self._graph.node.remove(old)
        for node in reversed(new):
            self._graph.node.insert(place, node)
        self.index()

    def sweep(self) -> None:
        """Remove nodes and constants that no output hangs on."""
        while dead := [n for n in self.nodes if not any(self._takers[o] or o in self._public for o in n.output)]:
            for node in dead:
                self._graph.node.remove(node)
            self.index()
        kept = [tensor for tensor in self._graph.initializer if self._takers[tensor.name]]
        del self._graph.initializer[:]
        self._graph.initializer.extend(kept)
        self.index()


def other(node: Any, name: str) -> str:
    """Give the other one of a node's two inputs."""
    found = [given for given in node.input if given != name]
    if len(node.input) != 2 or len(found) != 1:
        raise Otherwise
    return str(found[0])


def condense(model: Any) -> None:
    """Say a graph in larger operators, in place.

    Parameters
    ----------
    model : onnx.ModelProto
        As Keras exports it. A tensor that was the graph's stays so, with its numbers.
    """
    graph = Graph(model)
    for kind, rule in RULES:
        for node in graph.nodes:
            if node.op_type == kind:
                try:
                    rule(graph, node)
                except Otherwise:
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
    graph.expect(flat.input[1], -1, len(weights))
    shaped = graph.maker(back.input[1], *ONLY_SHAPES)
    while shaped.op_type != "Shape":
        shaped = graph.maker(shaped.input[0], *ONLY_SHAPES, "Shape")
    if shaped.input[0] != sound:
        raise Otherwise
    graph.replace(back, [helper.make_node("MatMul", [sound, node.input[1]], back.output)])


def _normalisation(graph: Graph, mean: Any) -> None:
    """Find ``x · g / √(variance + ε) + (b - mean · g / √(variance + ε))`` over the last axis, as Keras computes it."""
    (x,) = mean.input
    from_mean = {node.op_type: node for node in graph.takers(mean.output[0])}
    if set(from_mean) != {"Neg", "Sub"}:
        raise Otherwise
    variance = graph.taker(graph.taker(from_mean["Sub"].output[0], "Mul").output[0], "GlobalAveragePool")
    wider = graph.taker(variance.output[0], "Add")
    inverse = graph.taker(graph.taker(wider.output[0], "Sqrt").output[0], "Reciprocal")
    factor = graph.taker(inverse.output[0], "Mul")
    scaled = {node.input[node.input[0] == factor.output[0]]: node for node in graph.takers(factor.output[0])}
    if set(scaled) != {x, from_mean["Neg"].output[0]}:
        raise Otherwise
    last = graph.taker(scaled[x].output[0], "Add")
    shift = graph.maker(other(last, scaled[x].output[0]), "Add")
    (epsilon,) = graph.constant(other(wider, variance.output[0])).ravel()
    given = [other(factor, inverse.output[0]), other(shift, scaled[from_mean["Neg"].output[0]].output[0])]
    flat = [graph.add_constant(graph.constant(name).ravel(), f"{name}/flat") for name in given]
    node = helper.make_node("LayerNormalization", [x, *flat], last.output, axis=-1, epsilon=float(epsilon))
    graph.replace(last, [node])


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
        raise Otherwise
    graph.replace(last, [helper.make_node("Gelu", [x], last.output, domain=DOMAIN)])


def _attention(graph: Graph, softmax: Any) -> None:
    """Find attention with several heads, and a mask that is 0 for a sound's own frames and large elsewhere."""
    masked = graph.maker(softmax.input[0], "Sub")
    energy, mask = masked.input
    left_out = graph.maker(mask, "Mul")
    graph.expect(graph.maker(left_out.input[0], "Sub").input[0], 1)
    if graph.constant(left_out.input[1]).min() < FAR:
        raise Otherwise
    scaled = graph.maker(graph.maker(energy, "Transpose").input[0], "Mul")
    products = graph.maker(scaled.input[0], "MatMul")
    (scale,) = graph.constant(scaled.input[1]).ravel()
    weights = graph.taker(softmax.output[0], "Transpose")
    heard = graph.taker(weights.output[0], "MatMul")
    last = graph.taker(graph.taker(heard.output[0], "Transpose").output[0], "Reshape")
    query, key, value = (
        graph.maker(graph.maker(name, "Transpose").input[0], "Reshape")
        for name in (products.input[0], products.input[1], heard.input[1])
    )
    heads = graph.constant(graph.maker(graph.maker(query.input[1], "Cast").input[0], "Concat").input[2])
    own = f"{mask}/own"
    nodes = [
        helper.make_node("Less", [mask, graph.add_constant(np.ones((), np.float32), "attention/one")], [f"{own}/is"]),
        helper.make_node("Cast", [f"{own}/is"], [f"{own}/number"], to=TensorProto.INT32),
        helper.make_node("Squeeze", [f"{own}/number", graph.add_constant(np.array([2, 3]), "attention/last")], [own]),
    ]
    attend = helper.make_node(
        "MultiHeadAttention",
        [query.input[0], key.input[0], value.input[0], "", own],
        last.output,
        domain=DOMAIN,
        num_heads=int(heads[0]),
        scale=float(scale),
    )
    graph.replace(last, [*([] if graph.takers(own) else nodes), attend])


RULES: tuple[tuple[str, Callable[[Graph, Any], None]], ...] = (
    ("MatMul", _product),
    ("GlobalAveragePool", _normalisation),
    ("Erf", _gelu),
    ("Softmax", _attention),
)
"""From which operator on a rule looks, in the order in which they are tried."""
