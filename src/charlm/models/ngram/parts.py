"""The arrays of an n-gram model, as its lookups use them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Parts(NamedTuple):
    """The attributes of the same names of an ``NGramTable``."""

    vocab_size: int
    context_only: tuple[int, ...]
    keys: NDArray[np.int64]
    levels: tuple[int, ...]
    suffixes: NDArray[np.int64]
    log_probabilities: NDArray[np.floating[Any]]
    log_backoffs: NDArray[np.floating[Any]]
    total_log_backoffs: NDArray[np.floating[Any]]

    @property
    def order(self) -> int:
        """The length of the longest n-grams."""
        return len(self.levels) - 1

    @property
    def log_uniform(self) -> float:
        """The logarithm of the uniform probability of an id, below the unigrams and before its backoff weight."""
        return -math.log(self.vocab_size - len(self.context_only))
