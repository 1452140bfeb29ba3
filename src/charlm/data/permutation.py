"""A shuffled order of any length, computed entry by entry instead of being stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from charlm.runtime.seeds import seed_or_new

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROUNDS = 6


class Permutation:
    """A pseudo-random permutation of ``0 .. length - 1`` that takes no memory.

    A Feistel network (Luby and Rackoff, 1988) permutes a domain whose size is the smallest power of four not below
    ``length``; an entry outside the range is permuted again until it falls inside ("cycle walking", Black and Rogaway,
    2002), on average at most four times. The round function is the finalizer of MurmurHash3.

    Args:
        length: The number of entries.
        seed: Determines the permutation.
        epoch: Each epoch has a different permutation.

    Example:
        >>> Permutation(5, seed=0, epoch=0)(np.arange(5))
        array([3, 1, 2, 0, 4])
    """

    def __init__(self, length: int, *, seed: int, epoch: int) -> None:
        self._length = np.uint64(length)
        self._half_bits = np.uint64(max(1, -(-(length - 1).bit_length() // 2)))
        self._mask = (np.uint64(1) << self._half_bits) - np.uint64(1)
        entropy = np.random.SeedSequence([seed % (1 << 64), epoch])
        self._keys = entropy.generate_state(ROUNDS, dtype=np.uint64)

    def __call__(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns the entries at some positions, each between 0 and ``length - 1``; any shape."""
        entries = self._network(positions.astype(np.uint64))
        while (outside := entries >= self._length).any():
            entries[outside] = self._network(entries[outside])
        return entries.astype(np.int64)

    def _network(self, values: NDArray[np.uint64]) -> NDArray[np.uint64]:
        left, right = values >> self._half_bits, values & self._mask
        for key in self._keys:
            left, right = right, left ^ (mixed(right ^ key) & self._mask)
        return (left << self._half_bits) | right


def shuffled(length: int, seed: int | None) -> NDArray[np.int64]:
    """Returns the numbers from 0 to ``length - 1`` in an order determined by a seed.

    Raises:
        TypeError: The seed is not an integer.

    Example:
        >>> shuffled(5, seed=0)
        array([3, 1, 2, 0, 4])
    """
    return Permutation(length, seed=seed_or_new(seed), epoch=0)(np.arange(length))


def mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Returns numbers that look random, each determined by one of the values: the finalizer of MurmurHash3."""
    for multiplier in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        values = (values ^ (values >> np.uint64(33))) * np.uint64(multiplier)
    return values ^ (values >> np.uint64(33))
