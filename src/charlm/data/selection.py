"""Some of many numbers, in a bit for each that could be among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK = 256
"""Numbers in a block; how many before each block are chosen is kept."""


class Selection:
    """Some of the numbers from 0 up, in ascending order.

    Args:
        is_chosen: Whether each number is among them, ``(N,)``.

    Example:
        >>> selection = Selection(np.array([False, True, False, True, True]))
        >>> len(selection), selection[np.array([2, 0])], selection[1:3]
        (3, array([4, 1]), array([3, 4]))
    """

    def __init__(self, is_chosen: NDArray[np.bool_]) -> None:
        self._length = len(is_chosen)
        self._bits = np.zeros((-(-self._length // BLOCK), BLOCK // 8), dtype=np.uint8)
        packed = np.packbits(is_chosen)
        self._bits.reshape(-1)[: len(packed)] = packed
        in_block = np.bitwise_count(self._bits).sum(axis=1, dtype=np.int64)
        self._before = np.concatenate([[0], np.cumsum(in_block)])

    def __len__(self) -> int:
        return int(self._before[-1])

    def __getitem__(self, places: NDArray[np.int64] | slice) -> NDArray[np.int64]:
        if isinstance(places, slice):
            return self._between(*places.indices(len(self))[:2])
        blocks = np.searchsorted(self._before, places, side="right") - 1
        ranks = np.unpackbits(self._bits[blocks], axis=1).cumsum(axis=1, dtype=np.int16)
        inside = (ranks <= (places - self._before[blocks])[:, None]).sum(axis=1)
        return np.asarray(blocks * BLOCK + inside, dtype=np.int64)

    def _between(self, start: int, stop: int) -> NDArray[np.int64]:
        first, last = np.searchsorted(self._before, [start, stop - 1], side="right").tolist()
        found = np.flatnonzero(np.unpackbits(self._bits[first - 1 : last])) + (first - 1) * BLOCK
        skipped = start - int(self._before[first - 1])
        return np.asarray(found[skipped : skipped + max(stop - start, 0)], dtype=np.int64)

    def chosen(self, is_chosen: NDArray[np.bool_]) -> Selection:
        """Returns some of these numbers.

        Args:
            is_chosen: Whether each of them is to stay, ``(len(self),)``.
        """
        among_all = np.unpackbits(self._bits).view(np.bool_)[: self._length]
        among_all[among_all] = is_chosen
        return Selection(among_all)

    def tobytes(self) -> bytes:
        """Returns the bits."""
        return self._bits.tobytes()
