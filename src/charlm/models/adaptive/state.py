"""All that a model that learns while it reads knows, in arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from charlm.models.adaptive.histories import history_tables
from charlm.models.adaptive.logistic import LARGEST_LOGIT, ONE, squash_table, stretch_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from charlm.models.adaptive.symbol_tree import SymbolTree

N_ORDERS = 8
"""The first contexts are the last 0, 1, 2, 3, 4, 5, 6 and 8 ids."""
N_CONTEXTS = 13
"""After them: the word, the word and the one before, the ids before the last, the shape of the last ids, the column."""
N_INPUTS = 2 * N_CONTEXTS + 3
"""Two for each context, two of the match, and a constant."""
N_MIXERS = 4
ROWS = 256
"""The sets of weights that each mixer chooses from."""

UNKNOWN = ONE // 2 << 16
"""A slot that has seen nothing: a probability (16 bits), a history (8), how many bits it has seen (8)."""
SLOTS = 8
"""Of a bucket: its checksum, and a slot for each decision of a group."""
FRACTION = 22
"""The bits behind the point of a weight, and of a probability that is learned from many bits."""
KNOTS = 33
"""A probability is refined by interpolation between so many logits, half a nat apart."""
KNOT_SHIFT = 7
COUNT_CLASSES = 16
MATCH_CLASSES = 64
REFINED = 1 << 16
"""The contexts for which each of the two final stages refines a probability."""

# The places in ``now``
TIME, MATCH_AT, MATCH_LENGTH, WORD, WORD_BEFORE, WORD_LENGTH, SHAPE, COLUMN, FOUND, MATCH_PLACE = range(10)


class State(NamedTuple):
    """What the compiled functions share; see ``new_state``.

    Attributes:
        tree: The decisions that lead to an id.
        letters: The number of each id's letter, from 1 on, 0 for what is none; int64 ``(V,)``.
        line_end: The id that ends lines in its first place, or -1.
        squash: See ``squash_table``.
        stretch: See ``stretch_table``.
        following: See ``history_tables``.
        rates: 65536ths that a probability moves towards a bit, by the number of bits before it.
        ids: The last ids read, a ring.
        matches: The time at which each hash of the last ids was met most recently.
        buckets: The slots of all contexts, uint32 ``(B, 8)``.
        now: Where the reading is: the time, the match, the word and so on.
        hashes: The hash of each context at this time.
        places: The bucket of each context for this group of decisions.
        of_histories: The probability of each context and history, and how many bits it was learned from.
        of_histories_seen: Likewise.
        of_slots: The probability of each context, count and probability of a slot.
        of_slots_seen: Likewise.
        of_matches: The probability that a match of each class holds.
        of_matches_seen: Likewise.
        cells: Of each context, what of the two was used for this decision; -1 if it had seen nothing.
        inputs: What is mixed.
        weights: Those of each mixer's rows.
        rows: The row that each mixer has chosen, in its first half; how many bits each row has learned from.
        opinions: The logit that each mixer gives.
        final_weights: How the mixers are weighted, by node.
        refined: The probability of each context and knot of the final stages.
        last: What else this decision was predicted with.
    """

    tree: SymbolTree
    letters: NDArray[np.int64]
    line_end: NDArray[np.int64]
    squash: NDArray[np.int64]
    stretch: NDArray[np.int64]
    following: NDArray[np.int64]
    rates: NDArray[np.int64]
    ids: NDArray[np.int32]
    matches: NDArray[np.int64]
    buckets: NDArray[np.uint32]
    now: NDArray[np.int64]
    hashes: NDArray[np.int64]
    places: NDArray[np.int64]
    of_histories: NDArray[np.int64]
    of_histories_seen: NDArray[np.int64]
    of_slots: NDArray[np.int64]
    of_slots_seen: NDArray[np.int64]
    of_matches: NDArray[np.int64]
    of_matches_seen: NDArray[np.int64]
    cells: NDArray[np.int64]
    inputs: NDArray[np.int32]
    weights: NDArray[np.int32]
    rows: NDArray[np.int64]
    rows_seen: NDArray[np.int64]
    opinions: NDArray[np.int64]
    final_weights: NDArray[np.int64]
    refined: NDArray[np.int32]
    last: NDArray[np.int64]


# The places in ``last``
MIXED, EXPECTED, MATCH_CLASS, FINAL_ROW, REFINED_0, REFINED_1 = range(6)


def new_state(tree: SymbolTree, letters: NDArray[np.int64], line_end: int, table_bytes: int) -> State:
    """Returns the state of a model that has read nothing.

    Args:
        tree: The decisions that lead to an id.
        letters: The number of each id's letter, 0 for what is none.
        line_end: The id that ends lines, or -1.
        table_bytes: The size of the table of contexts, a power of two.
    """
    following, guesses = history_tables()
    buckets = np.zeros((table_bytes // (4 * SLOTS), SLOTS), np.uint32)
    buckets[:2] = UNKNOWN  # never taken: that of a context that is not there
    ids = np.zeros(table_bytes // 32, np.int32)
    knots = (np.arange(KNOTS) - KNOTS // 2 << KNOT_SHIFT) + LARGEST_LOGIT
    by_knot = squash_table()[knots]
    n_slots = N_CONTEXTS * COUNT_CLASSES
    certain = (ONE - ONE // np.arange(2, MATCH_CLASSES + 2)) << FRACTION - 16
    of_contexts = [(1 << FRACTION) // 6, (1 << FRACTION) // 10] * N_CONTEXTS
    weights = np.array([*of_contexts, (1 << FRACTION) * 3 // 10, (1 << FRACTION) * 3 // 10, 0], np.int32)
    return State(
        tree=tree,
        letters=letters,
        line_end=np.array([line_end], np.int64),
        squash=squash_table(),
        stretch=stretch_table(),
        following=following,
        rates=np.array([ONE * 10 // (10 * seen + 16) for seen in range(1024)], np.int64),
        ids=ids,
        matches=np.zeros(len(ids) // 4, np.int64),
        buckets=buckets,
        now=np.zeros(10, np.int64),
        hashes=np.zeros(N_CONTEXTS, np.int64),
        places=np.zeros(N_CONTEXTS, np.int64),
        of_histories=np.tile(np.resize(guesses << FRACTION - 16, ROWS), N_CONTEXTS),
        of_histories_seen=np.zeros(N_CONTEXTS * ROWS, np.int64),
        of_slots=np.tile(by_knot << FRACTION - 16, n_slots),
        of_slots_seen=np.zeros(n_slots * KNOTS, np.int64),
        of_matches=certain.astype(np.int64),
        of_matches_seen=np.full(MATCH_CLASSES, ROWS, np.int64),
        cells=np.zeros((N_CONTEXTS, 2), np.int64),
        inputs=np.zeros(N_INPUTS, np.int32),
        weights=np.tile(weights, (N_MIXERS * ROWS, 1)),
        rows=np.zeros(N_MIXERS, np.int64),
        rows_seen=np.zeros(N_MIXERS * ROWS, np.int64),
        opinions=np.zeros(N_MIXERS, np.int64),
        final_weights=np.full((ROWS, N_MIXERS), (1 << FRACTION) // N_MIXERS, np.int64),
        refined=np.tile(by_knot.astype(np.int32), 2 * REFINED),
        last=np.zeros(6, np.int64),
    )
