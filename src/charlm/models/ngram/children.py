"""Two ways of finding the child of a node by its last id, for many nodes of one length at once.

Where there are bits for all ids of all nodes, one of them says whether there is such a child, and the number of bits
before it says which (Jacobson, 1989). They take a few bytes for each node and id, so that they suit nodes with many
children, of which there are few. The others have their children searched: halving the range of all at once takes no
branches, and as many steps as the widest range needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from charlm.models.ngram.tree import NGramTree

WORD = 64
"""The number of bits in a word."""
WORD_BYTES = 12
"""What a word takes, with the child at its end."""
HIGHEST_BIT = np.uint64(1 << (WORD - 1))


class BitsOfChildren:
    """The children of the nodes of one length: a row of bits for each node, with a bit for each id, and one for none.

    The first bit of a word is its highest. The first word, without bits, is that of whatever is no node.

    Args:
        tree: The n-grams.
        length: The length of the nodes.
    """

    def __init__(self, tree: NGramTree, length: int) -> None:
        start, stop = tree.levels[length : length + 2]
        self._columns = tree.vocab_size + 1
        self._before = _first(tree, length) * self._columns - WORD
        bits = self._bits(tree.parents(length), tree.ids[start:stop])
        words = bits >> 6
        bits &= WORD - 1
        self._words = np.zeros(_words(tree, length), dtype=np.uint64)
        np.add.at(self._words, words, HIGHEST_BIT >> bits.view(np.uint64))
        counts = np.bitwise_count(self._words)
        counts[0] = 0
        self._ends = counts.cumsum(dtype=tree.child_starts.dtype)
        self._ends += self._ends.dtype.type(start + 1)

    @property
    def nbytes(self) -> int:
        """The number of bytes that it takes besides the tree."""
        return self._words.nbytes + self._ends.nbytes

    @staticmethod
    def size(tree: NGramTree, length: int) -> int:
        """Returns the number of bytes that the bits of the nodes of a length take."""
        return _words(tree, length) * WORD_BYTES

    def find(self, nodes: NDArray[np.int64], ids: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
        """Returns the child of each node with an id, int64 ``(N,)``; 0 if there is none.

        Args:
            nodes: Nodes of this length, or 0 for none, int64 ``(N,)``.
            ids: The ids, ``(N,)``; ``vocab_size`` for none.
        """
        bits = self._bits(nodes, ids)
        words = bits >> 6
        bits &= WORD - 1
        from_bit_on = self._words.take(words, mode="clip")
        from_bit_on <<= bits.view(np.uint64)  # now the bit asked for is the highest
        children = self._ends.take(words, mode="clip").astype(np.int64)
        children -= np.bitwise_count(from_bit_on)
        children *= from_bit_on.view(np.int64) < 0
        return children

    def _bits(self, nodes: NDArray[np.int64], ids: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
        bits = nodes * self._columns
        bits += ids
        bits -= self._before
        return bits


class SortedChildren:
    """The children of the nodes of one length, searched by halving.

    Args:
        tree: The n-grams.
        length: The length of the nodes.
    """

    nbytes: int = 0
    """The number of bytes that it takes besides the tree."""

    def __init__(self, tree: NGramTree, length: int) -> None:
        self._ids, self._child_starts = tree.ids, tree.child_starts
        self._first = _first(tree, length)
        self._widest = int(np.diff(tree.child_starts[self._first : tree.levels[length] + 2]).max(initial=0))

    def find(self, nodes: NDArray[np.int64], ids: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
        """Returns the child of each node with an id, int64 ``(N,)``; 0 if there is none; see ``BitsOfChildren``."""
        if not self._widest:
            return np.zeros(len(nodes), dtype=np.int64)
        places = self._child_starts.take(nodes).astype(np.int64)
        remaining = self._child_starts.take(nodes + 1).astype(np.int64)
        remaining -= places
        remaining *= nodes >= self._first
        widest = self._widest
        while widest > 1:
            half = remaining >> 1
            remaining -= half
            half *= self._ids.take(places + half, mode="clip") <= ids
            places += half
            widest -= widest >> 1
        is_found = self._ids.take(places, mode="clip") == ids
        is_found &= remaining > 0
        places += 1
        places *= is_found
        return places


def _first(tree: NGramTree, length: int) -> int:
    """Returns the first node of a length."""
    return tree.levels[length - 1] + 1 if length else 0


def _words(tree: NGramTree, length: int) -> int:
    nodes = tree.levels[length] + 1 - _first(tree, length)
    return nodes * (tree.vocab_size + 1) // WORD + 2
