"""Makes an n-gram model smaller, up to the size of its file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from charlm.files.model_arrays import model_arrays
from charlm.files.serializing import serialized_model
from charlm.models.ngram.table import NGramTable, table_of

if TYPE_CHECKING:
    from charlm.models.base import LanguageModel
    from charlm.models.predictor import CountModel
    from chartok import Vocabulary


def prune(
    model: LanguageModel | CountModel,
    vocabulary: Vocabulary,
    *,
    min_count: int | None = None,
    entropy: float | None = None,
    max_bytes: int | str | None = None,
) -> NGramTable:
    """Returns an n-gram model without the n-grams that do least.

    Args:
        model: The model, which is not changed.
        vocabulary: Its vocabulary.
        min_count: How often an n-gram must have occurred to be kept.
        entropy: An n-gram goes if the model loses no more with it, in nats.
        max_bytes: How large its compact file may be, in bytes or such as ``"500KB"``.

    Raises:
        ValueError: As for ``NGramLanguageModel.prune``; or the model is not one of n-grams.
    """
    table = table_of(model)
    if table is None:
        raise ValueError(f"n-gram models can be pruned, got one of the family {model.family}")
    other_bytes = 0
    if max_bytes is not None:
        table.check_fitted()
        of_arrays = sum(array.nbytes for array in model_arrays(table, compact=True).values())
        other_bytes = len(serialized_model(table, vocabulary, compact=True)) - of_arrays
    return table.prune(min_count, entropy=entropy, max_bytes=max_bytes, other_bytes=other_bytes)
