"""Lets a model file compute the waves that a spectrum is measured by, rather than keep them.

They are two thirds of a megabyte, a twelfth of a small model, and say no more than a cosine of 400 steps does. Whoever
opens the file computes them once.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from intone.learn.networks import whisper

STEM = "waves"
TOLERANCE = 1e-6


def computed(model: Any) -> bool:
    """Put nodes that compute the waves in their place.

    Parameters
    ----------
    model : onnx.ModelProto
        Changed in place; it has been through :func:`intone.learn.condense.condense`, which lays them out.

    Returns
    -------
    bool
        False, and nothing is changed, where the graph holds none.
    """
    graph = model.graph
    known = whisper.waves().astype(np.float32)  # (400, 398)
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.shape == known.shape and np.abs(values - known).max() <= TOLERANCE:
            constants, nodes = _waves(tensor.name, known.shape[1] // 2)
            graph.initializer.remove(tensor)
            graph.initializer.extend(constants)
            others = list(graph.node)
            del graph.node[:]
            graph.node.extend([*nodes, *others])
            return True
    return False


def _waves(name: str, bins: int) -> tuple[list[Any], list[Any]]:
    """Give the constants and the nodes of ``window · [cos | sin](2π · step · bin / 400)``."""
    window = whisper.WINDOW
    turn = 2 * np.pi * np.arange(window) / window
    values: dict[str, NDArray[Any]] = {
        "steps": np.arange(window, dtype=np.int32)[:, np.newaxis],
        "bins": np.arange(1, bins + 1, dtype=np.int32)[np.newaxis],
        "round": np.array(window, np.int32),
        "cosine": np.cos(turn).astype(np.float32),
        "sine": np.sin(turn).astype(np.float32),
        "window": (np.sin(turn / 2) ** 2).astype(np.float32)[:, np.newaxis],
    }

    def own(*names: str) -> list[str]:
        return [f"{STEM}/{each}" for each in names]

    nodes = [
        helper.make_node("Mul", own("steps", "bins"), own("product")),
        helper.make_node("Mod", own("product", "round"), own("place")),
        helper.make_node("Gather", own("cosine", "place"), own("cosines")),
        helper.make_node("Gather", own("sine", "place"), own("sines")),
        helper.make_node("Concat", own("cosines", "sines"), own("both"), axis=1),
        helper.make_node("Mul", own("window", "both"), [name]),
    ]
    return [numpy_helper.from_array(array, f"{STEM}/{each}") for each, array in values.items()], nodes
