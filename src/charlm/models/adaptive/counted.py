"""What a counted model knows, written into the contexts of one that learns while it reads."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from charlm.models.adaptive.compiled import compiled, inlined
from charlm.models.adaptive.contexts import mixed
from charlm.models.adaptive.counters import MOST_BITS, bucket
from charlm.models.adaptive.logistic import ONE
from charlm.models.ngram.table import table_of
from charlm.models.smoothing.kneser_ney import suffix_nodes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from charlm.models.adaptive.state import State
    from charlm.models.counting.counts import NGramCounts
    from charlm.models.predictor import StoredModel

LONGEST = 8
"""The longest context that is written; those of 7 ids are no context of the model."""


def write_counts(state: State, counts: NGramCounts) -> None:
    """Writes into each context of ids what it was followed by in the texts that were counted.

    Only integers are used, so that equal counts make equal models on every machine.

    Args:
        state: A model that has read nothing, for the ids of the counts and perhaps more.
        counts: The counts.
    """
    counts = counts.up_to(LONGEST + 1)
    levels = counts.levels
    keys, vocab_size = counts.keys, counts.vocab_size
    parents = np.concatenate([[0], keys // vocab_size])
    firsts = np.concatenate([[0], keys % vocab_size])
    for start, stop in pairwise(levels[1:]):
        firsts[start + 1 : stop + 1] = firsts[parents[start + 1 : stop + 1]]
    suffixes = suffix_nodes(keys, levels, vocab_size)
    child_starts = np.searchsorted(keys, np.arange(len(keys) + 2) * vocab_size)
    hashes = np.zeros(len(keys) + 1, np.int64)
    scratch = np.zeros((max(1, len(state.tree.roots)), 2), np.int64)
    stops = [level + 1 for level in levels[:-1]]
    for order, (start, stop) in enumerate(pairwise([0, *stops])):
        hash_contexts(hashes, suffixes, firsts, start, stop)
        if order != LONGEST - 1:
            write_order(state, (order, start, stop, vocab_size), hashes, child_starts, keys, counts.counts, scratch)


@compiled
def hash_contexts(
    hashes: NDArray[np.int64], suffixes: NDArray[np.int64], firsts: NDArray[np.int64], start: int, stop: int
) -> None:
    """Computes the hashes of contexts from those of their suffixes, which have one id less."""
    for context in range(max(start, 1), stop):
        hashes[context] = mixed(int(hashes[suffixes[context]]), int(firsts[context]) + 1)


@compiled
def write_order(
    state: State,
    part: tuple[int, int, int, int],
    hashes: NDArray[np.int64],
    child_starts: NDArray[np.int64],
    keys: NDArray[np.int64],
    counts: NDArray[np.int64],
    scratch: NDArray[np.int64],
) -> None:
    """Writes the contexts of one order."""
    tree = state.tree
    order, start, stop, vocab_size = part
    for context in range(start, stop):
        first, last = int(child_starts[context]), int(child_starts[context + 1])
        hashed = mixed(int(hashes[context]), order) if order else 1
        for child in range(first, last):
            token_id = int(keys[child]) % vocab_size
            for step in range(tree.path_starts[token_id], tree.path_starts[token_id + 1]):
                scratch[tree.path_nodes[step], tree.path_bits[step]] += counts[child]
        for child in range(first, last):
            token_id = int(keys[child]) % vocab_size
            for step in range(tree.path_starts[token_id], tree.path_starts[token_id + 1]):
                node = int(tree.path_nodes[step])
                zeros, ones = int(scratch[node, 0]), int(scratch[node, 1])
                if zeros + ones:
                    at = bucket(state, hashed, int(tree.roots[node]), True)  # noqa: FBT003
                    state.buckets[at, tree.places[node]] = counted_slot(state, zeros, ones)
                    scratch[node, 0] = 0
                    scratch[node, 1] = 0


@inlined
def counted_slot(state: State, zeros: int, ones: int) -> int:
    """Returns the slot of a decision that has fallen so many times each way, evenly spread."""
    total = zeros + ones
    probability = min((5 * ones + 2) * ONE // (5 * total + 4), ONE - 1)
    history, fed = 0, min(total, MOST_BITS)
    for turn in range(fed):
        bit = ((turn + 1) * ones + total // 2) // total - (turn * ones + total // 2) // total
        history = int(state.following[history, bit])
    return probability << 16 | history << 8 | fed


def symbol_weights(counts: NGramCounts) -> NDArray[np.int64]:
    """Returns how frequent each id is, from 1 on, int64 ``(V,)``."""
    weights = np.ones(counts.vocab_size, np.int64)
    singles = slice(counts.levels[1])
    weights[counts.keys[singles]] += counts.counts[singles]
    return np.minimum(weights, 1 << 31)


def counts_in(model: StoredModel) -> NGramCounts:
    """Returns the counts of a model, as far as ``write_counts`` takes them.

    Raises:
        ValueError: It has none.
    """
    table = table_of(model)
    if table is None:
        raise ValueError(f"a model to start from must be an n-gram model with its counts, got a {model.family}")
    return table.ngram_counts().up_to(LONGEST + 1)
