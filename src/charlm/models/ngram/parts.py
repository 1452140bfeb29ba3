"""The arrays of an n-gram model, as its ways of looking up take them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Parts(NamedTuple):
    """What ``NGramTable`` says of the attributes of these names."""

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
        """The logarithm of the probability of an id of which nothing is known, before the weight of that."""
        return -math.log(self.vocab_size - len(self.context_only))
