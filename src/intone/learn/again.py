"""Lets a model file answer again: what was heard once, beside another baseline, without hearing the sound anew.

A recording's baseline grows while it is heard, and with hindsight it is that of the whole. Hearing costs milliseconds a
second of sound, and answering from what was heard next to nothing, so the file gets the nodes behind ``embedding`` and
``voice`` a second time, on the same weights: from the inputs ``known_embedding`` and ``known_voice``, which may be left
out, to the output ``again``.
"""

from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from intone.hear.engines import AGAIN, KNOWN


def add(model: Any) -> bool:
    """Add it to a graph that has ``logits``, ``voice`` and ``baseline``.

    Parameters
    ----------
    model : onnx.ModelProto
        Changed in place.

    Returns
    -------
    bool
        False, and nothing is changed, where the answer hangs on more of the sound than on these outputs.
    """
    graph = model.graph
    outputs = {value.name: value for value in graph.output}
    known = {name: f"{KNOWN}{name}" for name in ("embedding", "voice") if name in outputs}
    behind = _behind(graph, known)
    if behind is None:
        return False
    made = {output for node in behind for output in node.output}
    renamed = known | {name: AGAIN if name == "logits" else f"{name}~" for name in made}
    used = {name for node in behind for name in node.input}
    for name in (name for name in known if name in used):
        width = outputs[name].type.tensor_type.shape.dim[1].dim_value
        graph.input.append(helper.make_tensor_value_info(known[name], TensorProto.FLOAT, ["heard", width]))
        # An input with an initializer may be left out, as it is wherever a sound is heard.
        graph.initializer.append(numpy_helper.from_array(np.zeros((1, width), np.float32), known[name]))
    for node in behind:
        copy = helper.make_node(
            node.op_type,
            [renamed.get(name, name) for name in node.input],
            [renamed[name] for name in node.output],
            domain=node.domain,
        )
        copy.attribute.extend(node.attribute)
        graph.node.append(copy)
    labels = outputs["logits"].type.tensor_type.shape.dim[1].dim_value
    graph.output.append(helper.make_tensor_value_info(AGAIN, TensorProto.FLOAT, ["heard", labels]))
    return True


def _behind(graph: Any, known: dict[str, str]) -> list[Any] | None:
    """Give the nodes between what is known of a sound and the logits; None where the sound itself comes in too."""
    needed, lower = {"logits"}, []
    for node in reversed(graph.node):
        if needed & set(node.output) and not set(known) & set(node.output):
            needed |= set(node.input)
            lower.append(node)
    if needed & {"waveform", "lengths"} or "voice" not in needed:
        return None
    behind, reached = [], set(known)
    for node in reversed(lower):
        if reached & set(node.input):
            reached |= set(node.output)
            behind.append(node)
    return behind
