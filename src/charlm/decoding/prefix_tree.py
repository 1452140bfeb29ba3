"""Many texts that share their beginnings, in a few arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROOM = 1 << 10
"""How many nodes there is room for at first."""


class PrefixTree:
    """Ids, each with the one before it: a node stands for all ids on the way to it.

    Attributes:
        size: The number of nodes, the first of which is -1, before any id.

    Example:
        >>> tree = PrefixTree()
        >>> first = tree.add(np.array([-1]), np.array([7]))
        >>> tree.paths(tree.add(np.repeat(first, 2), np.array([8, 9])), 2).tolist()
        [[7, 8], [7, 9]]
    """

    def __init__(self) -> None:
        self.size: int = 0
        self._parents = np.empty(ROOM, dtype=np.int64)
        self._ids = np.empty(ROOM, dtype=np.int32)
        self._depths = np.empty(ROOM, dtype=np.int32)

    def add(self, parents: NDArray[np.int64], ids: NDArray[np.integer]) -> NDArray[np.int64]:
        """Returns new nodes, int64 ``(N,)``, one behind each parent.

        Args:
            parents: Nodes, or -1 for none, int64 ``(N,)``.
            ids: The id of each new node, ``(N,)``.
        """
        start, self.size = self.size, self.size + len(parents)
        if self.size > len(self._ids):
            room = max(2 * len(self._ids), self.size, ROOM)
            self._parents, self._ids, self._depths = (
                np.concatenate([array, np.empty(room - len(array), array.dtype)])
                for array in (self._parents, self._ids, self._depths)
            )
        here = slice(start, self.size)
        self._parents[here], self._ids[here] = parents, ids
        self._depths[here] = np.where(parents < 0, 0, self._depths[parents]) + 1
        return np.arange(start, self.size)

    def depths(self, nodes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns how many ids there are on the way to each node, int64 ``(N,)``."""
        return self._depths[nodes].astype(np.int64)

    def paths(self, nodes: NDArray[np.int64], length: int) -> NDArray[np.int64]:
        """Returns the last ids on the way to each node, int64 ``(N, length)``.

        Args:
            nodes: Nodes, none with fewer ids, int64 ``(N,)``.
            length: How many ids.
        """
        found = np.empty((len(nodes), length), dtype=np.int64)
        for place in reversed(range(length)):
            found[:, place] = self._ids[nodes]
            nodes = self._parents[nodes]
        return found

    def compacted(self, nodes: NDArray[np.int64]) -> tuple[PrefixTree, NDArray[np.int64]]:
        """Returns a tree of what is on the way to some nodes, and these nodes in it.

        Args:
            nodes: Nodes, or -1 for none, int64 ``(N,)``.
        """
        is_used = np.zeros(self.size + 1, dtype=bool)  # the last stands for -1
        is_used[nodes] = True
        further = np.append(self._parents[: self.size], -1)  # the node 1, 2, 4, ... ids before each
        while (further >= 0).any():
            is_used[further[np.flatnonzero(is_used)]] = True
            further = further[further]
        used = np.flatnonzero(is_used[:-1])
        places = np.full(self.size + 1, -1, dtype=np.int64)
        places[used] = np.arange(len(used))
        tree = PrefixTree()
        tree.size = len(used)
        tree._parents, tree._ids = places[self._parents[used]], self._ids[used]
        tree._depths = self._depths[used]
        return tree, places[nodes]
