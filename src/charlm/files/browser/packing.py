"""A model of any family as a description and arrays that the runtime reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np

from charlm.files.browser.quantizing import quantized_rows
from charlm.files.model_arrays import check_storable
from charlm.models.bigram.table import BigramTable
from charlm.models.ngram.codes import coded
from charlm.models.ngram.packed_counts import PackedCounts
from charlm.models.ngram.table import NGramTable, table_of
from charlm.models.ngram.tree_packing import packed_shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from charlm.models.base import LanguageModel
    from charlm.models.bigram.model import BigramLanguageModel
    from charlm.models.gpt.model import GPT
    from charlm.models.mixture import MixtureLanguageModel
    from charlm.models.predictor import CountModel
    from charlm.models.transformer import TransformerLanguageModel

FULL_PRECISION = ("gate.weight", "from_counts.weight")
"""Matrices that are small, and by which large numbers are multiplied: float32."""
TWO_BYTES = ("embedding.weight",)
"""Of a GPT: what all else is computed from, and what costs little."""


class Packed(NamedTuple):
    """A model for the runtime.

    Attributes:
        description: Its family and its shape, JSON values.
        arrays: Its arrays by name.
    """

    description: dict[str, Any]
    arrays: dict[str, NDArray[Any]]


def packed_model(model: LanguageModel | CountModel) -> Packed:
    """Returns a model for the runtime.

    Args:
        model: A model of a family of charlm.

    Raises:
        ValueError: It has not been fitted, or has weights that are not finite; or a file could not hold it, or the
            runtime does not know its family.

    Example:
        >>> packed_model(BigramTable(vocab_size=2, table=np.zeros((2, 2)))).description
        {'family': 'bigram', 'vocab_size': 2, 'context_only': []}
    """
    check_storable(model)
    if isinstance(model, BigramTable):
        return Packed(_shape(model), {"table": model.table.astype(np.float32)})
    table = table_of(model)
    if table is not None:
        return _ngram(table)
    match model.family:
        case "bigram":
            return Packed(_shape(model), {"table": _in_numpy(cast("BigramLanguageModel", model).table)})
        case "gpt":
            return _gpt(cast("GPT", model))
        case "classic-gpt":
            transformer = cast("TransformerLanguageModel", model)
            return Packed({**_shape(model), **_settings(transformer)}, _weights(transformer, two_bytes=()))
        case "mixture":
            return _mixture(cast("MixtureLanguageModel", model))
    raise ValueError(
        f"a {type(model).__name__}, of family {model.family!a}, cannot be exported to JavaScript, only the families of "
        "charlm: use save_onnx"
    )


def _ngram(table: NGramTable) -> Packed:
    """Returns an n-gram model with a byte for each logarithm, as in its compact file."""
    table.check_fitted()
    codes = coded(table.tree, table.log_probabilities, table.log_backoffs)
    arrays = {"ids": table.ids, "shape": packed_shape(table.tree), **codes._asdict()}
    return Packed({**_shape(table), "order": table.order}, arrays)


def _gpt(model: GPT) -> Packed:
    packed = Packed({**_shape(model), **_settings(model), "prior": None}, _weights(model, two_bytes=TWO_BYTES))
    if model.prior is None:
        return packed
    table = model.prior.table
    prior, counts = _ngram(table), PackedCounts.of(table.counts[: table.levels[-2]])
    arrays = {**prior.arrays, "counts": counts.small, "large_counts": counts.large.astype(np.float64)}
    packed.description["prior"] = prior.description
    packed.arrays.update({f"prior.{name}": array for name, array in arrays.items()})
    return packed


def _mixture(model: MixtureLanguageModel) -> Packed:
    arrays = {"weights": _in_numpy(model.weights)}
    parts = [packed_model(cast("LanguageModel", part)) for part in model.models]
    for place, part in enumerate(parts):
        arrays |= {f"models.{place}.{name}": array for name, array in part.arrays.items()}
    return Packed({**_shape(model), "models": [part.description for part in parts]}, arrays)


def _weights(model: TransformerLanguageModel, *, two_bytes: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Returns the weights by name: matrices in a byte or two with a scale for each row, the rest in float32."""
    arrays: dict[str, NDArray[Any]] = {}
    for name, tensor in model.state_dict().items():
        if name.startswith("prior."):
            continue
        weights = _in_numpy(tensor)
        if weights.ndim == 1 or name in FULL_PRECISION:
            arrays[name] = weights
        else:
            dtype = np.int16 if name in two_bytes else np.int8
            arrays[name], arrays[f"{name}.scales"] = quantized_rows(weights, dtype)
    return arrays


def _settings(model: TransformerLanguageModel) -> dict[str, Any]:
    return {name: value for name, value in model.settings().items() if name not in ("prior", "dropout")}


def _shape(model: LanguageModel | CountModel) -> dict[str, Any]:
    never = [int(token_id) for token_id in model.predictor().context_only]
    return {"family": model.family, "vocab_size": model.vocab_size, "context_only": never}


def _in_numpy(tensor: Any) -> NDArray[np.float32]:  # noqa: ANN401 - of PyTorch, which is not loaded here
    array: NDArray[np.float32] = tensor.detach().float().numpy(force=True)
    return array
