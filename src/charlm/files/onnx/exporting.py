"""Turns the graph of a model into an ``onnx.ModelProto``."""

from __future__ import annotations

import logging
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch.export import Dim

if TYPE_CHECKING:
    from collections.abc import Iterator

    from charlm.files.onnx.graphs import Graph


class _Signature(NamedTuple):
    """Arguments of an export: examples, and the names and dynamic sizes of what goes in and comes out."""

    examples: tuple[Any, ...]
    sizes: tuple[Any, ...]
    inputs: list[str]
    outputs: list[str]


def exported(graph: Graph) -> Any:  # noqa: ANN401 - an ``onnx.ModelProto``, of an extra
    """Returns a graph as ONNX, without the exporter's annotations, which contain local file names."""
    signature = _signature(graph)
    with _silence():
        program = torch.onnx.export(
            graph.module.eval().requires_grad_(requires_grad=False),
            signature.examples,
            input_names=signature.inputs,
            output_names=signature.outputs,
            dynamic_shapes=signature.sizes,
            dynamo=True,
            verbose=False,
        )
    assert program is not None  # noqa: S101 - it is None only if a file name was given
    found = program.model_proto
    for noted in (found.graph, *found.graph.node, *found.graph.value_info, *found.graph.initializer):
        noted.ClearField("metadata_props")
        noted.ClearField("doc_string")
    return found


def _signature(graph: Graph) -> _Signature:
    """Returns the arguments; example sizes are all different, so that none is taken for another."""
    batch, length = Dim("batch"), Dim.STATIC if graph.block_size == 1 else Dim("length", max=graph.block_size)
    ids = torch.zeros(2, min(3, graph.block_size or 3), dtype=torch.int64, device="cpu")
    if graph.cached is None:
        return _Signature((ids,), ({0: batch, 1: length},), ["inputs"], ["logits"])
    past_length, config = Dim("past_length"), graph.cached.config
    shape = (2, config.n_heads, 5, config.head_size)
    past = [(torch.zeros(shape, device="cpu"), torch.zeros(shape, device="cpu")) for _ in range(config.n_layers)]
    of_layer = {0: batch, 2: past_length}
    names = [f"{layer}.{part}" for layer in range(config.n_layers) for part in ("key", "value")]
    return _Signature(
        (ids, torch.zeros(2, 5, dtype=torch.int64, device="cpu"), past),
        ({0: batch, 1: length}, {0: batch, 1: past_length}, [(of_layer, of_layer)] * config.n_layers),
        ["inputs", "past_ids", *(f"past_key_values.{name}" for name in names)],
        ["logits", "present_ids", *(f"present.{name}" for name in names)],
    )


@contextmanager
def _silence() -> Iterator[None]:
    """Suppresses messages of the exporter about which the caller can do nothing."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)  # it warns about operators of packages that are not installed
    try:
        with warnings.catch_warnings():
            # PyTorch copies its own objects in a deprecated way.
            warnings.filterwarnings("ignore", "`isinstance.treespec, LeafSpec", FutureWarning)
            warnings.filterwarnings("ignore", ".*will not be used, since it shares the same shape", UserWarning)
            yield
    finally:
        logger.setLevel(level)
