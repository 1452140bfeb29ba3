"""Inverse transform sampling of ids, and its source of randomness."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from chartok.arguments import integer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

FAR_FROM_ZERO = 500.0
TOO_LARGE = float(np.exp(FAR_FROM_ZERO))
"""A logit above the first makes the sum exceed the second; both are far from the limits of float64."""
TOO_SMALL = 1 / TOO_LARGE
"""A share of a smaller sum could be 0."""
POINTS_AT_ONCE = 64
"""How many random numbers are generated per sample at a time; one at a time would give the same numbers."""


def draw(logits: NDArray[np.floating[Any]], points: NDArray[np.float64]) -> NDArray[np.int64]:
    """Returns one id for each row, drawn from ``softmax(logits)`` by inverse transform sampling.

    Args:
        logits: float32 or float64, ``(B, V)``.
        points: The uniform random number for each draw, in (0, 1], ``(B,)``.

    Returns:
        int64, ``(B,)``: the first id at which the cumulative probability reaches the point; V if there is none because
        every id is excluded or a logit is NaN.

    Example:
        >>> draw(np.log([[0.2, 0.3, 0.5]]), np.array([0.4]))
        array([1])
    """
    ids = np.empty(len(logits), dtype=np.int64)
    for row, own in enumerate(logits.astype(np.float64, copy=False)):  # a binary search beats comparing all sums
        sums = np.add.accumulate(np.exp(np.minimum(own, FAR_FROM_ZERO)))
        if not TOO_SMALL < sums[-1] < TOO_LARGE:  # nothing to draw, or logits that need a common factor first
            highest = own.max()
            if not np.isfinite(highest):  # minus infinity or NaN
                ids[row] = len(own)
                continue
            sums = np.add.accumulate(np.exp(own - highest))
        # A point in (0, total] never falls on an id of probability zero: the first sum that reaches it has just grown.
        ids[row] = sums.searchsorted(points[row] * sums[-1])
    return ids


def uniform_points(seeds: Sequence[int], delays: Sequence[int] | None = None) -> Iterator[NDArray[np.float64]]:
    """Yields an endless sequence of points for ``draw``, ``(B,)``, entry ``i`` of each only from seed ``i``.

    Args:
        seeds: One for each row; any integer, of which only the lowest 64 bits are used.
        delays: How many points of no meaning precede those of each row; by default none.
    """
    generators = [np.random.default_rng(integer("seed", seed) % (1 << 64)) for seed in seeds]
    if delays is not None:
        longest = max(delays)
        pairs = zip(generators, delays, strict=True)
        yield from np.stack(
            [np.append(np.ones(delay), 1 - generator.random(longest - delay)) for generator, delay in pairs], axis=1
        )
    while True:
        yield from 1 - np.stack([generator.random(POINTS_AT_ONCE) for generator in generators], axis=1)
