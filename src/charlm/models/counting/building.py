"""The tree of the n-grams with which windows begin, grown from ascending windows a block at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from charlm.models.counting.runs import Packing, Run
    from charlm.models.counting.scratch import Keeper, Kept


class TreeBuilder:
    """The n-grams of all orders, to which ascending windows are added.

    Args:
        vocab_size: The number of ids, V.
        packing: How windows are packed.
        keeper: Where the n-grams are kept until all are there.
    """

    def __init__(self, vocab_size: int, packing: Packing, keeper: Keeper) -> None:
        self._vocab_size = vocab_size
        self._packing = packing
        self._levels = [_Level(keeper) for _ in range(packing.order)]
        self._last: tuple[np.unsignedinteger[Any], ...] | None = None

    def add(self, run: Run) -> None:
        """Adds windows that are above all before them."""
        shared = self._shared(run)
        counts = run.counts.astype(np.int64)
        parents = np.zeros(run.size, dtype=np.int64)
        for order, (level, symbols) in enumerate(zip(self._levels, self._symbols(run), strict=True), 1):
            is_symbol = symbols != 0
            is_new = is_symbol & (shared < order)
            rows = np.flatnonzero(is_new)
            own_counts = counts * is_symbol
            level.count_last(int(own_counts[: rows[0] if len(rows) else None].sum()))
            ranks = np.cumsum(is_new) + (level.size - 1)
            if len(rows):
                ids = symbols[rows].astype(np.int64) - 1
                level.extend(parents[rows] * self._vocab_size + ids, np.add.reduceat(own_counts, rows))
            parents = ranks

    def keys_and_counts(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Returns the keys and the counts of ``NGramCounts``, which the tree no longer has afterwards."""
        keys, counts = (np.empty(sum(level.size for level in self._levels), dtype=np.int64) for _ in range(2))
        start, parents = 0, 0
        for level in self._levels:
            place = start
            for some_keys, some_counts in level.taken():
                keys[place : place + len(some_keys)] = some_keys
                counts[place : place + len(some_keys)] = some_counts
                place += len(some_keys)
            keys[start:place] += parents * self._vocab_size
            parents, start = start + 1, place
        return keys, counts

    def _shared(self, run: Run) -> NDArray[np.uint16]:
        """Returns how many symbols each window begins with in common with the one before it."""
        shared = np.zeros(run.size, dtype=np.uint16)
        start = 0
        for number, (word, width) in enumerate(zip(run.words, self._packing.widths, strict=True)):
            before = np.concatenate([word[:1] if self._last is None else [self._last[number]], word[:-1]])
            different = word ^ before
            in_common = np.zeros(run.size, dtype=np.uint16)
            for symbols in range(1, width + 1):
                in_common += different >> self._packing.bits * (width - symbols) == 0
            shared[shared == start] += in_common[shared == start]
            start += width
        if self._last is None:
            shared[0] = 0
        self._last = tuple(word[-1] for word in run.words)
        return shared

    def _symbols(self, run: Run) -> Iterator[NDArray[np.integer[Any]]]:
        """Yields the first symbol of each window, the second, and so on."""
        mask = (1 << self._packing.bits) - 1
        for word, width in zip(run.words, self._packing.widths, strict=True):
            for place in reversed(range(width)):
                yield word >> self._packing.bits * place & mask


class _Level:
    """The n-grams of one order; the count of the last is still open, since the next windows may begin with it.

    Attributes:
        size: How many there are.
    """

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._kept: list[tuple[Kept, Kept]] = []
        self._last = (0, 0)
        self.size = 0

    def count_last(self, more: int) -> None:
        """Adds to the count of the last n-gram."""
        key, count = self._last
        self._last = key, count + more

    def extend(self, keys: NDArray[np.int64], counts: NDArray[np.int64]) -> None:
        """Adds n-grams, given by V times the rank of their parent in its level, plus their last id."""
        if self.size:
            keys, counts = np.append(self._last[0], keys), np.append(self._last[1], counts)
            self.size -= 1
        self.size += len(keys)
        self._last = int(keys[-1]), int(counts[-1])
        if len(keys) > 1:
            self._kept.append((self._keep(keys[:-1]), self._keep(counts[:-1])))

    def taken(self) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
        """Yields the keys and counts in order, and forgets them."""
        self._kept.reverse()
        while self._kept:
            keys, counts = self._kept.pop()
            yield keys(), counts()
        if self.size:
            yield np.array(self._last[:1]), np.array(self._last[1:])

    def _keep(self, values: NDArray[np.int64]) -> Kept:
        return self._keeper.keep(values.astype(np.min_scalar_type(int(values.max()))))
