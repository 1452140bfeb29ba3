"""A model of any family as a description and arrays that the runtime reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from charlm.models.bigram.table import BigramTable
from charlm.models.ngram.codes import coded
from charlm.models.ngram.table import NGramTable
from charlm.models.ngram.tree_packing import packed_shape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from charlm.models.base import LanguageModel
    from charlm.models.predictor import CountModel


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
        ValueError: It has not been fitted; or the runtime does not know its family.

    Example:
        >>> packed_model(BigramTable(vocab_size=2, table=np.zeros((2, 2)))).description
        {'family': 'bigram', 'vocab_size': 2, 'context_only': []}
    """
    if isinstance(model, BigramTable):
        return _bigram(model.table, _shape(model))
    table = getattr(model, "table", model)
    if isinstance(table, NGramTable):
        return packed_ngram(table)
    raise ValueError(f"the runtime has no models of the family {model.family!a}")


def packed_ngram(table: NGramTable) -> Packed:
    """Returns an n-gram model with a byte for each logarithm, as in its compact file.

    Raises:
        ValueError: It has not been fitted.
    """
    table.check_fitted()
    codes = coded(table.tree, table.log_probabilities, table.log_backoffs)
    arrays = {"ids": table.ids, "shape": packed_shape(table.tree), **codes._asdict()}
    return Packed({**_shape(table), "order": table.order}, arrays)


def _bigram(table: NDArray[Any], shape: Mapping[str, Any]) -> Packed:
    return Packed(dict(shape), {"table": table.astype(np.float32)})


def _shape(model: LanguageModel | CountModel) -> dict[str, Any]:
    never = [int(token_id) for token_id in model.predictor().context_only]
    return {"family": model.family, "vocab_size": model.vocab_size, "context_only": never}
