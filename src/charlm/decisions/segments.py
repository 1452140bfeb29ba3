"""The parts of texts with the highest sums."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

TEXTS_AT_ONCE = 1 << 12
"""So that the sums of all of them together stay exact enough."""


class Segment(NamedTuple):
    """Some symbols of a text, one after the other.

    Attributes:
        start: The first.
        stop: One after the last.
        total: The sum of their values.
    """

    start: int
    stop: int
    total: float


def best_totals(values: NDArray[np.float64], lengths: NDArray[np.int64]) -> NDArray[np.float64]:
    """Returns the highest sum of values that follow each other in each text, float64 ``(N,)``; 0 for an empty text.

    Args:
        values: Those of all texts, concatenated.
        lengths: How many each has, ``(N,)``.

    Example:
        >>> best_totals(np.array([1.0, -3.0, 2.0, 2.0, -1.0, -2.0]), np.array([5, 0, 1]))
        array([ 4.,  0., -2.])
    """
    best = np.zeros(len(lengths))
    ends = np.cumsum(lengths)
    for first in range(0, len(lengths), TEXTS_AT_ONCE):
        some = slice(first, first + TEXTS_AT_ONCE)
        own = lengths[some]
        if own.any():
            begin = ends[first] - lengths[first]
            best[some][own > 0] = _best_totals(values[begin : begin + int(own.sum())], own[own > 0])
    return best


def _best_totals(values: NDArray[np.float64], lengths: NDArray[np.int64]) -> NDArray[np.float64]:
    """Returns the highest sums of texts that all have a value: of each prefix, less the smallest before it."""
    starts = np.cumsum(lengths) - lengths
    text = np.repeat(np.arange(len(lengths)), lengths)
    sums = np.cumsum(values)
    sums -= (sums - values)[starts][text]
    before = sums - values
    apart = text * (2 * float(np.abs(sums).max()) + 1)  # so that a text never takes the smallest of another one
    smallest = np.minimum.accumulate(before - apart) + apart
    best: NDArray[np.float64] = np.maximum.reduceat(sums - smallest, starts)
    return best


def maximal_segments(values: NDArray[np.float64]) -> list[Segment]:
    """Returns the disjoint segments with the highest sums, in order: the best, the best of what is left, and so on.

    A segment ends where going on would first lower its sum below what it began with, or where leaving something out at
    an end would raise it. All have a positive sum. Ruzzo and Tompa (1999), in linear time.

    Args:
        values: Those of one text, ``(T,)``.

    Example:
        >>> values = np.array([4, -5, 3, -3, 1, 2, -2, 2, -2, 1, 5.0])
        >>> [(part.start, part.stop) for part in maximal_segments(values)]
        [(0, 1), (2, 3), (4, 11)]
    """
    # Start, stop, the sums of all values before each of them, and which is the last before it with a lower first sum.
    found = list[tuple[int, int, float, float, int]]()
    before = 0.0
    for place, value in enumerate(values.tolist()):
        after = before + value
        if value > 0:
            start, low = place, before
            while True:
                lower = len(found) - 1
                while lower >= 0 and found[lower][2] >= low:
                    lower = found[lower][4]
                if lower < 0 or found[lower][3] >= after:
                    break
                start, low = found[lower][0], found[lower][2]
                del found[lower:]
            found.append((start, place + 1, low, after, lower))
        before = after
    return [Segment(start, stop, high - low) for start, stop, low, high, _ in found]
