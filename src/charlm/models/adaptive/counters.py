"""What each context has seen of each decision: buckets of slots in a table of fixed size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from charlm.models.adaptive.compiled import inlined
from charlm.models.adaptive.contexts import mixed
from charlm.models.adaptive.logistic import LARGEST_LOGIT, ONE
from charlm.models.adaptive.state import FOUND, FRACTION, N_CONTEXTS, N_ORDERS, SLOTS, UNKNOWN, State

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_BITS = 120
"""A slot moves towards each bit as one that has seen so many, at the least: texts change."""
MOST_LEARNED = 1000
"""Likewise what is learned over all contexts."""
LOWEST_BYTE = 0xFF


@inlined
def bucket(state: State, hashed: int, root: int, claims: bool) -> int:  # noqa: FBT001 - numba takes positions
    """Returns the bucket of a context for a group of decisions: one of two neighbors.

    Args:
        state: The model.
        hashed: The hash of the context.
        root: The first decision of the group.
        claims: Whether to give it the bucket of the two that has seen less if it has none; otherwise it gets an
            empty one that belongs to no context.
    """
    buckets = state.buckets
    key = mixed(hashed, root)
    check = (key >> 12) | 1
    place = 2 + (mixed(key, 1) * (len(buckets) - 2) >> 32)
    if int(buckets[place, 0]) == check:
        return place
    other = place ^ 1
    if int(buckets[other, 0]) == check:
        return other
    if not claims:
        return 0
    if int(buckets[other, 1]) & LOWEST_BYTE < int(buckets[place, 1]) & LOWEST_BYTE:
        place = other
    buckets[place, 0] = check
    for slot in range(1, SLOTS):
        buckets[place, slot] = UNKNOWN
    return place


@inlined
def enter_group(state: State, root: int, claims: bool) -> None:  # noqa: FBT001 - numba takes positions
    """Finds the buckets of all contexts for a group of decisions, and how many orders are known at the first."""
    for context in range(N_CONTEXTS):
        state.places[context] = bucket(state, int(state.hashes[context]), root, claims)
    if root == 0:
        found = 0
        for order in range(1, N_ORDERS):
            if int(state.buckets[state.places[order], 1]) & LOWEST_BYTE:
                found += 1
        state.now[FOUND] = found


@inlined
def learned(
    values: NDArray[np.int64], seen: NDArray[np.int64], place: int, bit: int, rates: NDArray[np.int64], most: int
) -> None:
    """Moves a probability towards a bit, the less the more bits it has seen."""
    count = int(seen[place])
    value = int(values[place])
    values[place] = value + ((((bit << FRACTION) - value) * int(rates[count])) >> 16)
    if count < most:
        seen[place] = count + 1


@inlined
def slot_after(state: State, slot: int, bit: int) -> int:
    """Returns a slot that has seen one bit more."""
    count, history, probability = slot & LOWEST_BYTE, slot >> 8 & LOWEST_BYTE, slot >> 16
    probability += (((bit << 16) - probability) * int(state.rates[count])) >> 16
    probability = min(max(probability, 0), ONE - 1)
    return probability << 16 | int(state.following[history, bit]) << 8 | min(count + 1, MOST_BITS)


@inlined
def limited(logit: int) -> int:
    """Returns a logit within those of the tables."""
    return min(max(logit, -LARGEST_LOGIT), LARGEST_LOGIT)
