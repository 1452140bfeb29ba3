"""Exports models to ONNX, which runs without PyTorch: ids in, logits out, and the vocabulary in the metadata."""

from __future__ import annotations

import json
from importlib.util import find_spec
from typing import TYPE_CHECKING

from charlm.files.onnx.exporting import exported
from charlm.files.onnx.graphs import graph_of
from charlm.files.onnx.int8 import quantized
from charlm.files.serializing import check_pair, model_description
from charlm.models.registry import as_language_model
from chartok.arguments import flag
from chartok.files.atomic import replace_file

if TYPE_CHECKING:
    import os

    from charlm.models.base import LanguageModel
    from charlm.models.predictor import CountModel
    from chartok import Vocabulary

LARGEST_FILE = 2**31 - 2**20
"""Protocol buffers are limited to 2 GiB; a mebibyte is reserved for the graph."""


def save_onnx(
    path: str | os.PathLike[str],
    model: LanguageModel | CountModel,
    vocabulary: Vocabulary,
    *,
    cache: bool = False,
    int8: bool = False,
) -> None:
    """Writes a model and its vocabulary to an ONNX file; an existing file is replaced once the new one is complete.

    The graph takes ``inputs``, int64 ``(batch, length)``, and returns ``logits``, float32 ``(batch, length, V)``, for
    any batch size and any length up to the ``block_size`` of a Transformer. The metadata has one entry, ``charlm``, a
    JSON object: the family of the model and its settings, the vocabulary in the form of ``Vocabulary.to_dict``,
    ``context_length`` and versions. The same model gives the same bytes. Needs the ``onnx`` extra; an export takes
    seconds.

    Args:
        path: The file.
        model: A model of any family of charlm, in any mode and on any device; it is not changed.
        vocabulary: Its vocabulary.
        cache: For a Transformer, or a mixture with one: the graph also takes the ids of the past and their keys and
            values, ``past_ids`` and ``past_key_values.0.key`` to ``past_key_values.N.value``, and returns
            ``present_ids`` and ``present.0.key`` to ``present.N.value``, from which it continues. ``logits`` are those
            of the last position, ``(batch, 1, V)``.
        int8: Whether to store the weights of matrices and embeddings in 8 bits, and compute with them.

    Raises:
        ValueError: The model has no such graph, is of a family of its own, is quantized, or is larger than 2 GiB; or
            the size of the vocabulary differs from the model's.
        ModuleNotFoundError: A package of the ``onnx`` extra is not installed.
        OSError: The file cannot be written.

    Example:
        >>> save_onnx("model.onnx", BigramLanguageModel(3), Vocabulary("abc"))  # doctest: +SKIP
    """
    check_pair(model, vocabulary)
    flag("cache", cache)
    flag("int8", int8)
    model = as_language_model(model)
    content = model_description(model, vocabulary)
    _check_size(4 * sum(parameter.numel() for parameter in model.parameters()))
    graph = graph_of(model, cache=cache)
    if int8 and not graph.has_matrices:
        raise ValueError(
            f"int8 is for the matrices of a Transformer, and a model of the family {model.family} has none: "
            "leave it out"
        )
    _check_size(sum(tensor.nbytes for tensor in graph.module.state_dict().values()))
    _check_installed("onnxscript", "save_onnx")
    if int8:
        _check_installed("onnxruntime", "int8")
    found = exported(graph)
    if int8:
        found = quantized(found)
    content["context_length"] = graph.context_length
    found.metadata_props.add(key="charlm", value=json.dumps(content, allow_nan=False))
    with replace_file(path) as file:
        file.write(found.SerializeToString(deterministic=True))


def _check_size(size: int) -> None:
    if size > LARGEST_FILE:
        raise ValueError("the model exceeds 2 GiB, the limit of an ONNX file: use save_model")


def _check_installed(package: str, what: str) -> None:
    if find_spec(package) is None:
        raise ModuleNotFoundError(f"{what} needs {package}: pip install 'chartok[onnx]'")
