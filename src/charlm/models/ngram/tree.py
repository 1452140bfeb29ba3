"""The n-grams of a model as a tree, in the fewest bytes that can be searched."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from charlm.models.counting.counts import node_levels
from charlm.models.ngram.children import BitsOfChildren, SortedChildren

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

CHILDREN_AT_ONCE = 1 << 14
"""How many n-grams are looked at together."""
MOST_BITS = 16
"""Up to how many bytes of bits a child are made to look up suffixes, all of which are wanted once."""


class Family(NamedTuple):
    """Contexts and their children.

    Attributes:
        length: The length of the contexts.
        contexts: The contexts.
        ngrams: Their children, among the n-grams.
        places: The place of the context of each among the contexts, int64.
        suffixes: The node of each without its first id, int64.
    """

    length: int
    contexts: slice
    ngrams: slice
    places: NDArray[np.int64]
    suffixes: NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class NGramTree:
    """N-grams, numbered as the nodes of ``NGramCounts``: an id for each, and where its children begin.

    Attributes:
        vocab_size: The number of ids, V.
        order: The length of the longest n-grams.
        ids: The last id of each n-gram, in the smallest unsigned dtype, ``(N,)``.
        child_starts: Where the children of each context begin among the n-grams, the empty context first, in the
            smallest unsigned dtype, ``(M + 1,)``. They end where those of the next one begin.
        levels: Where each order ends among the n-grams, beginning with 0 for order 0.

    Example:
        >>> tree = NGramTree.of_keys(np.array([0, 1, 3, 4]), vocab_size=2, order=2)  # 0, 1, 01, 10
        >>> tree.ids.tolist(), tree.child_starts.tolist(), tree.levels
        ([0, 1, 1, 0], [0, 2, 3, 4], (0, 2, 4))
    """

    vocab_size: int
    order: int
    ids: NDArray[np.unsignedinteger[Any]]
    child_starts: NDArray[np.unsignedinteger[Any]]
    levels: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        levels = [0]
        for _ in range(self.order):
            levels.append(int(self.child_starts[levels[-1] + 1]))
        object.__setattr__(self, "levels", tuple(levels))

    @classmethod
    def of_keys(cls, keys: NDArray[np.int64], *, vocab_size: int, order: int) -> Self:
        """Returns the n-grams with these keys.

        Args:
            keys: Those of ``NGramCounts``, int64 ``(N,)``.
            vocab_size: The number of ids, V.
            order: The length of the longest n-grams.
        """
        levels = node_levels(keys, vocab_size, order)
        parents, ids = np.divmod(keys, vocab_size)
        child_starts = np.zeros(levels[-2] + 2, dtype=np.min_scalar_type(len(keys)))
        np.cumsum(np.bincount(parents, minlength=levels[-2] + 1), out=child_starts[1:], dtype=child_starts.dtype)
        ids = ids.astype(np.min_scalar_type(vocab_size - 1))
        return cls(vocab_size=vocab_size, order=order, ids=ids, child_starts=child_starts)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def nbytes(self) -> int:
        """The number of bytes that the arrays take."""
        return self.ids.nbytes + self.child_starts.nbytes

    @property
    def keys(self) -> NDArray[np.int64]:
        """The keys of the n-grams as in ``NGramCounts``, int64 ``(N,)``, made anew each time."""
        keys = np.concatenate([self.parents(length) for length in range(self.order)])
        keys *= self.vocab_size
        keys += self.ids
        return keys

    def parents(self, length: int) -> NDArray[np.int64]:
        """Returns the context of each n-gram whose context has a length, int64."""
        first = self.levels[length - 1] + 1 if length else 0
        return owners(self.child_starts[first : self.levels[length] + 2]) + first

    def suffixes(self, longest: int) -> NDArray[np.int64]:
        """Returns the node of each n-gram without its first id, the empty n-gram first.

        Args:
            longest: Up to which length.

        Returns:
            int64, ``(levels[longest] + 1,)``.

        Raises:
            ValueError: The suffix of an n-gram is missing.

        Example:
            >>> NGramTree.of_keys(np.array([0, 1, 3, 4]), vocab_size=2, order=2).suffixes(2)
            array([0, 0, 0, 2, 1])
        """
        none = np.zeros(1, dtype=np.int64)
        return np.concatenate([none, *(family.suffixes for family in self.families(longest))])

    def families(self, longest: int) -> Iterator[Family]:
        """Yields contexts with their children, some thousands at a time: what is computed for them stays in the cache.

        Args:
            longest: The length of the longest children.

        Raises:
            ValueError: The suffix of an n-gram is missing.
        """
        suffixes = np.zeros(self.levels[max(longest - 1, 0)] + 1, dtype=np.int64)
        for length, (start, stop) in enumerate(pairwise(self.levels[: longest + 1])):
            below = self.children(length - 1, most_bytes=MOST_BITS * (stop - start)) if length else None
            for contexts, bounds in self._some_contexts(length):
                ngrams, places = slice(int(bounds[0]), int(bounds[-1])), owners(bounds)
                found = np.zeros(len(places), dtype=np.int64)
                if below is not None:
                    found = below.find(suffixes[contexts].take(places), self.ids[ngrams])
                    if not found.all():
                        raise ValueError("the suffix of an n-gram is missing")
                if length + 1 < longest:
                    suffixes[ngrams.start + 1 : ngrams.stop + 1] = found
                yield Family(length, contexts, ngrams, places, found)

    def _some_contexts(self, length: int) -> Iterator[tuple[slice, NDArray[np.int64]]]:
        """Yields consecutive contexts of a length, and where the children of each begin and those of the last end."""
        first, end = self.levels[length - 1] + 1 if length else 0, self.levels[length] + 1
        starts = self.child_starts[first : end + 1].astype(np.int64)
        context = 0
        while context < end - first:
            last = int(np.searchsorted(starts, starts[context] + CHILDREN_AT_ONCE, side="right")) - 1
            last = max(last, context + 1)
            yield slice(first + context, first + last), starts[context : last + 1]
            context = last

    @property
    def context_suffixes(self) -> NDArray[np.unsignedinteger[Any]]:
        """The node of each context without its first id, ``(M,)``; kept from the first use on."""
        # cached_property has a lock in Python 3.11, which would stay locked in a forked process.
        found: NDArray[np.unsignedinteger[Any]] | None = self.__dict__.get("_context_suffixes")
        if found is None:
            suffixes = self.suffixes(self.order - 1).astype(self.child_starts.dtype)
            found = self.__dict__.setdefault("_context_suffixes", suffixes)
        return found

    def children(self, length: int, *, most_bytes: int) -> BitsOfChildren | SortedChildren:
        """Returns a way of finding the children of nodes.

        Args:
            length: The length of the nodes.
            most_bytes: How much memory it may take.
        """
        if BitsOfChildren.size(self, length) <= most_bytes:
            return BitsOfChildren(self, length)
        return SortedChildren(self, length)


def owners(bounds: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """Returns in which of consecutive ranges each place is, int64 ``(bounds[-1] - bounds[0],)``.

    What ``np.repeat`` does for many short ranges in a third of the time: of a row of places and the ends of ranges, a
    place is at its own number plus that of its range.

    Args:
        bounds: Where the ranges begin, and the end of the last, ascending, at least one.

    Example:
        >>> owners(np.array([5, 7, 7, 8]))
        array([0, 0, 2])
    """
    ends = bounds[1:].astype(np.int64)
    ends -= int(bounds[0])
    size = int(ends[-1]) if len(ends) else 0
    ends += np.arange(len(ends))
    is_place = np.ones(size + len(ends), dtype=bool)
    is_place[ends] = False
    found: NDArray[np.int64] = np.flatnonzero(is_place)
    found -= np.arange(size)
    return found
