"""What a page says about a model, from its packed form."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from charlm.files.browser.packing import Packed

UNCOUNTED = ("ids", "shape", "scales", "counts", "large_counts", "log_shares")
"""The last parts of the names of arrays that are not learned numbers."""


def summary_of(packed: Packed) -> dict[str, Any]:
    """Returns how large a model is, JSON values: None for what it does not have.

    Args:
        packed: The model.

    Example:
        >>> import numpy as np
        >>> from charlm.files.browser.packing import packed_model
        >>> from charlm.models.ngram.table import NGramTable
        >>> summary_of(packed_model(NGramTable.fit([0, 1, 0, 0], vocab_size=2, order=2)))
        {'parameters': 8, 'ngrams': 5, 'order': 2, 'layers': None, 'heads': None}
    """
    sizes = {name: math.prod(array.shape) for name, array in packed.arrays.items()}
    ngrams = [size for name, size in sizes.items() if name.rpartition(".")[2] == "ids"]
    shapes = list(_shapes(packed.description))
    return {
        "parameters": sum(size for name, size in sizes.items() if name.rpartition(".")[2] not in UNCOUNTED),
        "ngrams": sum(ngrams) or None,
        "order": max((shape["order"] for shape in shapes if "order" in shape), default=None),
        "layers": max((shape["n_layers"] for shape in shapes if "n_layers" in shape), default=None),
        "heads": max((shape["n_heads"] for shape in shapes if "n_heads" in shape), default=None),
    }


def _shapes(description: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Returns the description of a model, and those of the models in it."""
    inside = [*description.get("models", ()), description.get("prior")]
    return [description, *(shape for part in inside if part is not None for shape in _shapes(part))]
