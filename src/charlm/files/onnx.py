"""Exports models to ONNX, which runs without PyTorch: ids in, logits out, and the vocabulary in the metadata."""

from __future__ import annotations

import copy
import json
import logging
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from charlm.files.model_file import model_description
from charlm.models.bigram.model import BigramLanguageModel
from charlm.models.gpt.model import GPT
from charlm.models.mixture import MixtureLanguageModel
from charlm.models.ngram.model import NGramLanguageModel
from charlm.models.registry import as_language_model
from chartok.files.atomic import replace_file

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from charlm.models.base import LanguageModel
    from charlm.models.predictor import CountModel
    from chartok import Vocabulary

INSTEAD = {
    NGramLanguageModel.family: "use save_arpa",
    MixtureLanguageModel.family: "export the models in it one by one, and mix their probabilities with its weights",
}
"""What to do with the families that cannot be exported, because they search sorted tables."""
LARGEST_FILE = 2**31 - 2**20
"""Protocol buffers are limited to 2 GiB; a mebibyte is reserved for the graph."""


def save_onnx(path: str | os.PathLike[str], model: LanguageModel | CountModel, vocabulary: Vocabulary) -> None:
    """Writes a model and its vocabulary to an ONNX file; an existing file is replaced once the new one is complete.

    The graph takes ``inputs``, int64 ``(batch, length)``, and returns ``logits``, float32 ``(batch, length, V)``, for
    any batch size and any length up to ``block_size``. The metadata has one entry, ``charlm``, a JSON object: the
    family of the model and its settings, the vocabulary in the form of ``Vocabulary.to_dict``, and versions. The same
    model gives the same bytes. Needs the ``onnx`` extra; the first export takes seconds.

    Args:
        path: The file.
        model: A ``BigramLanguageModel`` or a ``GPT``, in any mode and on any device; it is not changed.
        vocabulary: Its vocabulary.

    Raises:
        ValueError: Models of that family cannot be exported, or the model is larger than 2 GiB, or the size of the
            vocabulary differs from the model's.
        ModuleNotFoundError: ``onnx`` or ``onnxscript`` is not installed.
        OSError: The file cannot be written.

    Example:
        >>> save_onnx("model.onnx", BigramLanguageModel(3), Vocabulary("abc"))  # doctest: +SKIP
    """
    model = as_language_model(model)
    if not isinstance(model, BigramLanguageModel | GPT):
        raise ValueError(  # noqa: TRY004 - a model of another family is still a model
            f"a {type(model).__name__} cannot be exported to ONNX: {INSTEAD.get(model.family, 'use save_model')}"
        )
    content = model_description(model, vocabulary)
    if sum(4 * tensor.numel() for tensor in model.state_dict().values()) > LARGEST_FILE:
        raise ValueError("the model exceeds 2 GiB, the limit of an ONNX file: use save_model")
    try:
        import onnxscript  # noqa: F401, PLC0415 - an extra, and slow to load
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("save_onnx needs ONNX: pip install 'chartok[onnx]'") from error
    exported = _exported(model)
    exported.metadata_props.add(key="charlm", value=json.dumps(content, allow_nan=False))
    with replace_file(path) as file:
        file.write(exported.SerializeToString(deterministic=True))


class _Logits(nn.Module):
    """A copy of a model that returns only logits, in float32 on the CPU."""

    def __init__(self, model: LanguageModel) -> None:
        super().__init__()
        self.model = copy.deepcopy(model).cpu().float()

    def forward(self, inputs: Tensor) -> Tensor:
        return self.model.logits(inputs)


def _exported(model: LanguageModel) -> Any:  # noqa: ANN401 - an ``onnx.ModelProto``, of an extra
    """Returns a model as ONNX, without the exporter's annotations, which contain local file names."""
    batch = torch.export.Dim("batch")
    length = torch.export.Dim.STATIC if model.block_size == 1 else torch.export.Dim("length", max=model.block_size)
    example = torch.zeros(2, min(2, model.block_size or 2), dtype=torch.int64, device="cpu")
    with _silence():
        program = torch.onnx.export(
            _Logits(model).eval(),
            (example,),
            input_names=["inputs"],
            output_names=["logits"],
            dynamic_shapes={"inputs": {0: batch, 1: length}},
            dynamo=True,
            verbose=False,
        )
    assert program is not None  # noqa: S101 - it is None only if a file name was given
    exported = program.model_proto
    for noted in (exported.graph, *exported.graph.node, *exported.graph.value_info, *exported.graph.initializer):
        noted.ClearField("metadata_props")
        noted.ClearField("doc_string")
    return exported


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
            yield
    finally:
        logger.setLevel(level)
