"""N-gram counts up to a given order, which can be merged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, SupportsIndex

import numpy as np

from charlm.models.counting.by_sorting import count_ngrams
from charlm.models.counting.union import united
from chartok.arguments import positive_integer, size_in_bytes

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from numpy.typing import NDArray

    from charlm.models.counting.texts import Tokens

LARGEST_VOCABULARY = 1 << 31
"""With it, the keys of four billion n-grams are below 2**63."""


@dataclass(frozen=True, eq=False, kw_only=True)
class NGramCounts:
    """The n-grams of all orders up to ``order``, as a tree in which the children of an n-gram are one id longer.

    Nodes are numbered level by level and, within a level, in the order of their ids; node 0 is the empty n-gram. Node
    ``i > 0`` has the key ``parent * vocab_size + last id`` at ``keys[i - 1]``, so that the keys ascend, the children
    of a node are adjacent, and one binary search finds a child. As parents are node numbers, a key stays far below
    2**63 for any order and any vocabulary.

    It contains only NumPy arrays and can be pickled: count parts of a corpus in other threads or processes, and
    ``merge`` the results in any order and grouping.

    Attributes:
        vocab_size: The number of ids, V.
        order: The length of the longest n-grams.
        keys: One for each n-gram, ascending, int64 ``(N,)``.
        counts: How often each n-gram occurs, int64 ``(N,)``.

    Example:
        >>> counts = NGramCounts.from_tokens([0, 1, 0, 1], vocab_size=2, order=2)
        >>> counts.levels  # two unigrams, two bigrams
        (0, 2, 4)
        >>> counts.counts
        array([2, 2, 2, 1])
        >>> counts.merge(counts).counts
        array([4, 4, 4, 2])
    """

    vocab_size: int
    order: int
    keys: NDArray[np.int64]
    counts: NDArray[np.int64]

    @classmethod
    def from_tokens(
        cls,
        tokens: Tokens,
        *,
        vocab_size: int,
        order: int,
        memory: int | str | None = None,
        executor: Executor | None = None,
    ) -> NGramCounts:
        """Returns the counts of a text or of several; no n-gram spans two texts.

        Args:
            tokens: The ids of one text, or an iterable of texts.
            vocab_size: The number of ids, V.
            order: The length of the longest n-grams to count, at least 1. A shorter text gives shorter n-grams.
            memory: The most memory that counting takes besides the tokens and the result, in bytes, or such as
                ``"2GB"``; what does not fit is in a file without a name in the folder for temporary files, ``TMPDIR``,
                until it is counted. By default there is no limit, and nothing is written.
            executor: Where parts of the texts are counted, each with that limit; by default they are counted here, one
                after the other. The result is the same, with a limit or without, on an executor or not.

        Raises:
            TypeError: The ids are not integers.
            ValueError: ``vocab_size`` or ``order`` is below 1, ``vocab_size`` is above 2**31, or a text is not
                one-dimensional; or ``memory`` is not a size, or too small: says how much would do.
            TokenIdError: An id is not below ``vocab_size``.
            OSError: With a limit, the folder for temporary files cannot be written to, or the disk is full.
        """
        keys, counts = count_ngrams(
            tokens,
            vocab_size=checked_vocab_size(vocab_size),
            order=positive_integer("order", order),
            memory=None if memory is None else size_in_bytes("memory", memory),
            executor=executor,
        )
        return cls(vocab_size=vocab_size, order=order, keys=keys, counts=counts)

    @property
    def levels(self) -> tuple[int, ...]:
        """Where each order ends in ``keys``: those of order k are ``keys[levels[k - 1] : levels[k]]``."""
        return node_levels(self.keys, self.vocab_size, self.order)

    def up_to(self, order: int) -> NGramCounts:
        """Returns the counts of the n-grams of at most ``order`` ids, without copying; all of them if it is higher."""
        if order >= self.order:
            return self
        kept = slice(self.levels[order])
        return NGramCounts(vocab_size=self.vocab_size, order=order, keys=self.keys[kept], counts=self.counts[kept])

    def merge(self, other: NGramCounts) -> NGramCounts:
        """Returns the counts of the texts of both; the order and grouping of merges does not matter.

        Raises:
            TypeError: ``other`` is not ``NGramCounts``.
            ValueError: They have a different vocabulary size or order.
        """
        check_counts("other", other)
        if (self.vocab_size, self.order) != (other.vocab_size, other.order):
            raise ValueError(
                f"counts of vocab_size {self.vocab_size} and order {self.order} cannot be merged with counts of "
                f"vocab_size {other.vocab_size} and order {other.order}"
            )
        keys, _, nodes = united((self, other), self.vocab_size)
        counts = np.zeros(len(keys), dtype=np.int64)
        for part, own in zip((self, other), nodes, strict=True):
            counts[own[1:] - 1] += part.counts
        return NGramCounts(vocab_size=self.vocab_size, order=self.order, keys=keys, counts=counts)


def check_counts(name: str, value: object) -> None:
    """Checks that n-gram counts were given.

    Raises:
        TypeError: ``value`` is something else.
    """
    if not isinstance(value, NGramCounts):
        raise TypeError(f"{name} must be NGramCounts, got {type(value).__name__}")


def checked_vocab_size(vocab_size: SupportsIndex) -> int:
    """Returns the number of ids as an ``int``.

    Raises:
        TypeError: It is not an integer.
        ValueError: It is below 1 or above 2**31.
    """
    size = positive_integer("vocab_size", vocab_size)
    if size > LARGEST_VOCABULARY:
        raise ValueError(f"vocab_size must be at most {LARGEST_VOCABULARY}, got {size}")
    return size


def node_levels(keys: NDArray[np.int64], vocab_size: int, order: int) -> tuple[int, ...]:
    """Returns where each order ends in keys such as those of ``NGramCounts``, beginning with 0 for order 0."""
    ends = [0]
    for _ in range(order):
        ends.append(int(np.searchsorted(keys, (ends[-1] + 1) * vocab_size)))
    return tuple(ends)
