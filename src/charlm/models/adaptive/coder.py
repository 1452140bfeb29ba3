"""Reading, encoding and decoding of ids, decision by decision.

The coder narrows an interval of 32-bit numbers by each decision in proportion to its probability, and writes the
leading bytes once they are settled: binary arithmetic coding without carries, as in PAQ.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from charlm.models.adaptive.compiled import compiled
from charlm.models.adaptive.counters import enter_group
from charlm.models.adaptive.logistic import ONE
from charlm.models.adaptive.prediction import LEAST, enter_id, learn_bit, leave_id, predict

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from charlm.models.adaptive.state import State

LOW, HIGH, CODE, AT = range(4)
"""The places in what a coder keeps: the ends of its interval, what it has read of the code, and how far it is."""
WHOLE = 0xFFFFFFFF
SETTLED = 1 << 24
BYTES_OF_A_DECISION = 2
"""A decision costs at most 12 bits."""
DECISIONS_OF_A_BYTE = 8 * ONE // LEAST
"""A decision takes at least a share of ``LEAST / ONE`` of the interval, so that it costs more bits than that."""


@compiled
def read(state: State, ids: NDArray[np.int64], nats: NDArray[np.float64]) -> None:
    """Learns ids, and writes what each costs before it is learned, in nats."""
    tree = state.tree
    for time in range(len(ids)):
        token_id = int(ids[time])
        enter_id(state, True)  # noqa: FBT003
        cost = 0.0
        for step in range(tree.path_starts[token_id], tree.path_starts[token_id + 1]):
            node, bit = int(tree.path_nodes[step]), int(tree.path_bits[step])
            if node and tree.places[node] == 1:
                enter_group(state, node, True)  # noqa: FBT003
            probability = predict(state, node)
            cost -= math.log((probability if bit else ONE - probability) / ONE)
            learn_bit(state, node, bit)
        nats[time] = cost
        leave_id(state, token_id)


@compiled
def row(state: State, reached: NDArray[np.float64], probabilities: NDArray[np.float64]) -> None:
    """Writes the probability of each decision to be reached, and of each id to come next; learns nothing."""
    tree = state.tree
    enter_id(state, False)  # noqa: FBT003 - numba takes positions
    if tree.start < 0:
        probabilities[-1 - tree.start] = 1.0
    reached[0] = 1.0
    for node in range(len(tree.roots)):
        enter_group(state, int(tree.roots[node]), False)  # noqa: FBT003
        one = predict(state, node) / ONE
        for bit in range(2):
            part = reached[node] * (one if bit else 1.0 - one)
            child = int(tree.branches[node, bit])
            if child < 0:
                probabilities[-1 - child] = part
            else:
                reached[child] = part


@compiled
def encode(state: State, coder: NDArray[np.int64], ids: NDArray[np.int64], code: NDArray[np.uint8]) -> int:
    """Writes the code of ids, learning them, and returns its length."""
    tree = state.tree
    low, high, at = int(coder[LOW]), int(coder[HIGH]), 0
    for time in range(len(ids)):
        token_id = int(ids[time])
        enter_id(state, True)  # noqa: FBT003
        for step in range(tree.path_starts[token_id], tree.path_starts[token_id + 1]):
            node, bit = int(tree.path_nodes[step]), int(tree.path_bits[step])
            if node and tree.places[node] == 1:
                enter_group(state, node, True)  # noqa: FBT003
            middle = low + ((high - low) * predict(state, node) >> 16)
            if bit:
                high = middle
            else:
                low = middle + 1
            while (low ^ high) < SETTLED:
                code[at] = high >> 24
                at += 1
                low, high = low << 8 & WHOLE, high << 8 & WHOLE | 255
            learn_bit(state, node, bit)
        leave_id(state, token_id)
    coder[LOW], coder[HIGH] = low, high
    return at


@compiled
def decode(state: State, coder: NDArray[np.int64], code: NDArray[np.uint8], ids: NDArray[np.int64]) -> None:
    """Writes the ids of a code, learning them; behind the end of the code come zeros."""
    tree = state.tree
    low, high, value, at = int(coder[LOW]), int(coder[HIGH]), int(coder[CODE]), int(coder[AT])
    for time in range(len(ids)):
        enter_id(state, True)  # noqa: FBT003
        node = tree.start
        while node >= 0:
            if node and tree.places[node] == 1:
                enter_group(state, node, True)  # noqa: FBT003
            middle = low + ((high - low) * predict(state, node) >> 16)
            bit = 1 if value <= middle else 0
            if bit:
                high = middle
            else:
                low = middle + 1
            while (low ^ high) < SETTLED:
                low, high = low << 8 & WHOLE, high << 8 & WHOLE | 255
                value = value << 8 & WHOLE | (int(code[at]) if at < len(code) else 0)
                at += 1
            learn_bit(state, node, bit)
            node = int(tree.branches[node, bit])
        ids[time] = -1 - node
        leave_id(state, int(ids[time]))
    coder[LOW], coder[HIGH], coder[CODE], coder[AT] = low, high, value, at
