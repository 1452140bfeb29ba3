"""Stores the matrices and embeddings of an ONNX graph in 8 bits, by the tools of onnxruntime."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any


def quantized(model: Any) -> Any:  # noqa: ANN401 - an ``onnx.ModelProto``, of an extra
    """Returns a graph whose matrices and embeddings are int8, with a scale for each; activations become uint8.

    The table of a bigram stays as it is.

    Args:
        model: An ``onnx.ModelProto``.
    """
    import onnx  # noqa: PLC0415 - an extra
    from onnxruntime.quantization import QuantType, quantize_dynamic  # noqa: PLC0415 - likewise
    from onnxruntime.quantization.quant_utils import add_pre_process_metadata  # noqa: PLC0415 - likewise

    add_pre_process_metadata(model)  # the exporter has inferred all shapes
    with TemporaryDirectory() as folder:
        path = Path(folder, "model.onnx")
        quantize_dynamic(
            model,
            path,
            nodes_to_exclude=[
                node.name for node in model.graph.node if node.input and node.input[0].endswith(".table")
            ],
            op_types_to_quantize=["MatMul", "Gather"],
            weight_type=QuantType.QInt8,
            extra_options={"ForceQuantizeNoInputCheck": True},  # embeddings too
        )
        return onnx.load(path)
