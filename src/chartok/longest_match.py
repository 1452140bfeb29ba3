"""Finds the symbols of several characters in a text: from left to right, at each place the longest."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

LARGEST_TABLE = 1 << 20
"""The most entries of a table of all edges; a larger tree has a sorted list of those that exist."""


class Matches(NamedTuple):
    """Symbols in a text, from left to right, none of which overlaps another.

    Attributes:
        starts: Where each begins, int64 ``(N,)``.
        ends: Where each ends, exclusively.
        ids: The id of each.
    """

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    ids: NDArray[np.int64]


class LongestMatch:
    """A tree of the prefixes of all symbols, which every place of a text walks down at the same time.

    Node 0 stands for no prefix. The characters that occur after the first of a symbol are numbered from 1. An edge,
    from a node by such a number to the next node, is the integer ``node * base + number``.

    Args:
        long_symbols: The id of each symbol of two or more characters; at least one.

    Attributes:
        longest: The length of the longest symbol.

    Example:
        >>> found = LongestMatch({"ab": 7, "abc": 8}).find(np.array([97, 98, 97, 98, 99], dtype=np.uint32), limit=5)
        >>> found.starts.tolist(), found.ends.tolist(), found.ids.tolist()
        ([0, 2], [2, 5], [7, 8])
    """

    def __init__(self, long_symbols: Mapping[str, int]) -> None:
        self.longest: int = max(map(len, long_symbols))
        nodes: dict[str, int] = {}
        for symbol in long_symbols:
            for end in range(1, len(symbol) + 1):
                nodes.setdefault(symbol[:end], len(nodes) + 1)
        self._first_node = _by_code_point({prefix: node for prefix, node in nodes.items() if len(prefix) == 1})
        later = sorted({prefix[-1] for prefix in nodes if len(prefix) > 1})
        numbers = {character: number for number, character in enumerate(later, start=1)}
        self._number = _by_code_point(numbers)
        self._base = len(numbers) + 1
        edges = {
            nodes[prefix[:-1]] * self._base + numbers[prefix[-1]]: node
            for prefix, node in nodes.items()
            if len(prefix) > 1
        }
        self._edges = np.array(sorted(edges), dtype=np.int64)
        self._targets = np.array([edges[edge] for edge in sorted(edges)], dtype=np.int32)
        self._table: NDArray[np.int32] | None = None
        if (len(nodes) + 1) * self._base <= LARGEST_TABLE:
            self._table = np.zeros((len(nodes) + 1) * self._base, dtype=np.int32)
            self._table[self._edges] = self._targets
        self._length_of_node, self._id_of_node = np.zeros((2, len(nodes) + 1), dtype=np.int64)
        for prefix, node in nodes.items():  # shorter ones first: each has what the one before it has, or its own
            before = nodes.get(prefix[:-1], 0)
            found = prefix in long_symbols
            self._length_of_node[node] = len(prefix) if found else self._length_of_node[before]
            self._id_of_node[node] = long_symbols[prefix] if found else self._id_of_node[before]

    def find(self, code_points: NDArray[np.uint32], limit: int, borders: NDArray[np.int64] | None = None) -> Matches:
        """Returns the symbols in a text.

        Args:
            code_points: Of the text, ``(T,)``.
            limit: Symbols that begin here or later are left out.
            borders: Where another text begins; no symbol goes across.
        """
        numbers = np.zeros(len(code_points) + 1, dtype=np.int32)  # nothing goes on after the end
        self._number.take(code_points, mode="clip", out=numbers[:-1])
        if borders is not None:
            numbers[borders] = 0
        nodes = self._first_node.take(code_points[:limit], mode="clip")
        starts = np.flatnonzero((nodes != 0) & (numbers[1 : len(nodes) + 1] != 0))
        deepest = np.zeros(len(starts), dtype=np.int32)
        walking, nodes, at = np.arange(len(starts)), nodes[starts], starts + 1
        while len(walking):
            nodes = self._following(nodes, numbers.take(at))
            goes_on = np.flatnonzero(nodes != 0)
            walking, nodes, at = walking[goes_on], nodes[goes_on], at[goes_on] + 1
            deepest[walking] = nodes
        lengths = self._length_of_node.take(deepest)
        matched = np.flatnonzero(lengths)
        starts = starts[matched]
        return _from_left_to_right(Matches(starts, starts + lengths[matched], self._id_of_node.take(deepest[matched])))

    def _following(self, nodes: NDArray[np.int32], numbers: NDArray[np.int32]) -> NDArray[np.int32]:
        """Returns the node that each number leads to, 0 if there is none."""
        if self._table is not None:
            return np.asarray(self._table.take(nodes * self._base + numbers), dtype=np.int32)
        edges = nodes.astype(np.int64) * self._base + numbers
        places = self._edges.searchsorted(edges)
        exists = self._edges.take(places, mode="clip") == edges
        return np.asarray(self._targets.take(places, mode="clip") * exists, dtype=np.int32)


def _from_left_to_right(found: Matches) -> Matches:
    """Returns the first match, the first that begins after its end, and so on."""
    overlaps = found.starts[1:] < np.maximum.accumulate(found.ends)[:-1]
    if not overlaps.any():
        return found
    in_doubt = np.zeros(len(found.starts), dtype=np.bool_)
    in_doubt[1:] |= overlaps
    in_doubt[:-1] |= overlaps
    places = np.flatnonzero(in_doubt)
    following = found.starts[places].searchsorted(found.ends[places]).tolist()
    kept, place = list[int](), 0
    while place < len(following):
        kept.append(place)
        place = following[place]
    in_doubt[places[kept]] = False
    return Matches(*(part[~in_doubt] for part in found))


def _by_code_point(values: Mapping[str, int]) -> NDArray[np.int32]:
    """Returns the value of every code point up to the last that has one, and after it 0, for all others."""
    table = np.zeros(max(map(ord, values)) + 2, dtype=np.int32)
    table[[*map(ord, values)]] = list(values.values())
    return table
