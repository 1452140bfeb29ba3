"""The counts of n-grams in little more than a byte each: almost all are small."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LARGE = 255
"""Stands for a count that is not below it."""


class PackedCounts(NamedTuple):
    """Counts above 0, a byte each, and those too large for one.

    Attributes:
        small: Each count, or 255 for one that is not below 255, uint8 ``(N,)``.
        large: Those, in their order, int64.

    Example:
        >>> packed = PackedCounts.of(np.array([3, 1000, 1]))
        >>> packed
        PackedCounts(small=array([  3, 255,   1], dtype=uint8), large=array([1000]))
        >>> packed.counts()
        array([   3, 1000,    1])
    """

    small: NDArray[np.uint8]
    large: NDArray[np.int64]

    @classmethod
    def of(cls, counts: NDArray[np.int64]) -> Self:
        """Returns counts, int64 ``(N,)``, packed."""
        return cls(np.minimum(counts, LARGE).astype(np.uint8), counts[counts >= LARGE])

    def counts(self) -> NDArray[np.int64]:
        """Returns the counts, int64 ``(N,)``."""
        counts = self.small.astype(np.int64)
        counts[self.small == LARGE] = self.large
        return counts
