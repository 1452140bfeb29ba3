"""The arrays of an n-gram model, as its lookups use them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from charlm.models.ngram.tree import NGramTree


class Parts(NamedTuple):
    """The attributes of the same names of an ``NGramTable``."""

    tree: NGramTree
    context_only: tuple[int, ...]
    log_probabilities: NDArray[np.floating[Any]]
    log_backoffs: NDArray[np.floating[Any]]

    @property
    def log_uniform(self) -> float:
        """The logarithm of the uniform probability of an id, below the unigrams and before its backoff weight."""
        return -math.log(self.tree.vocab_size - len(self.context_only))
