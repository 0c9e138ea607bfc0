"""A network's ONNX graph whose nodes are found by what they give and what they take, so that it can be rewritten."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import AttributeProto, helper, numpy_helper

Array = NDArray[Any]


class NoMatchError(Exception):
    """What a rule looks for is not there."""


class Graph:
    """A graph without branches and loops.

    Parameters
    ----------
    model : onnx.ModelProto
        Is changed as the graph is.
    """

    def __init__(self, model: Any) -> None:
        self._graph = model.graph
        self._public = {value.name for value in model.graph.output}
        self._ranks = {
            value.name: len(value.type.tensor_type.shape.dim)
            for value in onnx.shape_inference.infer_shapes(model).graph.value_info
        }
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
            raise NoMatchError
        return node

    def takers(self, name: str) -> list[Any]:
        """Give the nodes that take a tensor."""
        return self._takers[name]

    def taker(self, name: str, kind: str) -> Any:
        """Give the node of this kind that takes a tensor; there must be one, and only one."""
        takers = [node for node in self._takers[name] if node.op_type == kind]
        if len(takers) != 1:
            raise NoMatchError
        return takers[0]

    def transposed(self, name: str, *order: int) -> str:
        """Give the tensor of which this one is the transposition in this order of its axes."""
        node = self.maker(name, "Transpose")
        if list(attribute(node, "perm", [])) != list(order):
            raise NoMatchError
        return str(node.input[0])

    def ranked(self, name: str, rank: int) -> None:
        """Go on only where a tensor is known to have so many axes."""
        if self._ranks.get(name) != rank:
            raise NoMatchError

    def constant(self, name: str) -> Array:
        """Give the numbers of a tensor, which must always be the same."""
        if name not in self._constants:
            raise NoMatchError
        return np.asarray(numpy_helper.to_array(self._constants[name]))

    def number(self, name: str) -> float:
        """Give a tensor's only number, which must always be the same."""
        found = self.constant(name).ravel()
        if len(found) != 1:
            raise NoMatchError
        return float(found[0])

    def expect(self, name: str, *values: float) -> None:
        """Go on only where a tensor always holds these numbers."""
        found = self.constant(name).ravel()
        if len(found) != len(values) or not np.allclose(found, values, rtol=1e-6):
            raise NoMatchError

    def add_constant(self, values: Array, name: str) -> str:
        """Give the graph a constant, once; give its name."""
        if name not in self._constants:
            self._constants[name] = numpy_helper.from_array(values, name)
            self._graph.initializer.append(self._constants[name])
        return name

    def replace(self, old: Any, new: Sequence[Any]) -> None:
        """Put nodes, the last of which makes what ``old`` made, in its place."""
        self.insert(old, new)
        self._graph.node.remove(old)
        self.index()

    def insert(self, before: Any, new: Sequence[Any]) -> None:
        """Put nodes before another."""
        place = self.nodes.index(before)
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


def branches(model: Any) -> bool:
    """Say whether a graph holds others, as a loop does; names in these are not followed here."""
    kinds = {AttributeProto.GRAPH, AttributeProto.GRAPHS}
    return any(each.type in kinds for node in model.graph.node for each in node.attribute)


def attribute(node: Any, name: str, default: Any) -> Any:
    """Give an attribute of a node, or what holds where it has none."""
    for each in node.attribute:
        if each.name == name:
            return helper.get_attribute_value(each)
    return default


def other(node: Any, name: str) -> str:
    """Give the other one of a node's two inputs."""
    found = [given for given in node.input if given != name]
    if len(node.input) != 2 or len(found) != 1:
        raise NoMatchError
    return str(found[0])
