"""The tables of an n-gram model for a vocabulary that has grown or shrunk."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from charlm.models.counting.counts import node_levels
from charlm.models.smoothing.kneser_ney import BackoffTable, suffix_nodes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from charlm.models.resizing import IdChange

SMALLEST_REST = 1e-12
"""The least probability that is taken to be left where almost everything that is likely goes."""


class Resized(NamedTuple):
    """An n-gram model with other ids.

    Attributes:
        keys: Its n-grams, as in ``NGramCounts``, int64 ``(N,)``.
        chosen: The place of each among those before, int64 ``(N,)``.
        table: Its probabilities.
    """

    keys: NDArray[np.int64]
    chosen: NDArray[np.int64]
    table: BackoffTable


def resized(keys: NDArray[np.int64], table: BackoffTable, change: IdChange, *, order: int) -> Resized:
    """Returns an n-gram model with other ids.

    N-grams with an id that is dropped go, and what is left of each distribution is scaled to a sum of 1. New ids share
    the probability of the ids that the model has never seen, such as ``unk``, equally with them: no other changes. If
    it has seen all, each distribution gives the new ids what its backoff weights say, and the rest is scaled.

    Args:
        keys: Those of the model.
        table: Its probabilities.
        change: The change of the ids.
        order: The length of the longest n-grams.
    """
    levels = node_levels(keys, len(change.ids), order)
    if (change.ids < 0).any():
        table = _without_lost(keys, levels, table, change)
    new_keys, chosen = _renumbered(keys, levels, change)
    contexts = np.concatenate([[0], chosen[: node_levels(new_keys, change.size, order)[-2]] + 1])
    table = BackoffTable(table.log_probabilities[chosen], table.log_backoffs[contexts])
    old, new = len(change.outcomes), len(change.new_outcomes)
    unseen = len(np.setdiff1d(change.outcomes, keys[: levels[1]]))
    if new and unseen:
        table.log_backoffs[0] += np.log(unseen / (unseen + new) * (old + new) / old)
    elif new:
        table = _with_room(new_keys, table, change, order)
    return Resized(new_keys, chosen, table)


def _renumbered(
    keys: NDArray[np.int64], levels: tuple[int, ...], change: IdChange
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns the keys of the n-grams of ids that are kept, ascending, and the place of each before."""
    nodes = np.full(len(keys) + 1, -1)
    nodes[0] = 0
    new_keys, chosen = [keys[:0]], [keys[:0]]
    for start, stop in pairwise(levels):
        parents, ids = np.divmod(keys[start:stop], len(change.ids))
        parents, ids = nodes[parents], change.ids[ids]
        is_kept = (parents >= 0) & (ids >= 0)
        moved = parents[is_kept] * change.size + ids[is_kept]
        ascending = np.argsort(moved, kind="stable")
        places = start + np.flatnonzero(is_kept)[ascending]
        nodes[places + 1] = sum(map(len, chosen)) + np.arange(1, len(places) + 1)
        new_keys.append(moved[ascending])
        chosen.append(places)
    return np.concatenate(new_keys), np.concatenate(chosen)


def _without_lost(
    keys: NDArray[np.int64], levels: tuple[int, ...], table: BackoffTable, change: IdChange
) -> BackoffTable:
    """Returns the probabilities given that none of the ids that are dropped follows.

    With d(h) the probability of those ids in a context h, and h' the context without its first id, P(w | h) becomes
    P(w | h) / (1 - d(h)), so that the backoff weight becomes gamma(h) (1 - d(h')) / (1 - d(h)).
    """
    vocab_size = len(change.ids)
    lost = np.setdiff1d(np.flatnonzero(change.ids < 0), change.never_before)
    outcomes = len(change.outcomes) + len(lost)
    suffixes = suffix_nodes(keys, levels, vocab_size)
    parents, ids = np.divmod(keys, vocab_size)
    probabilities, backoffs = np.exp(table.log_probabilities), np.exp(table.log_backoffs)
    lower = np.concatenate([[1 / outcomes], probabilities])[suffixes[1:]]
    more = np.where(np.isin(ids, lost), probabilities - backoffs[parents] * lower, 0)
    mass = np.bincount(parents, weights=more, minlength=len(backoffs))
    mass[0] += backoffs[0] * len(lost) / outcomes
    for start, stop in pairwise(levels[:-1]):
        contexts = slice(start + 1, stop + 1)
        mass[contexts] += backoffs[contexts] * mass[suffixes[contexts]]
    log_rest = np.log(np.maximum(1 - mass, SMALLEST_REST))
    log_backoffs = table.log_backoffs - log_rest
    log_backoffs[1:] += log_rest[suffixes[1 : len(log_rest)]]
    log_backoffs[0] += np.log(len(change.outcomes) / outcomes)  # the uniform distribution below is over fewer ids
    return BackoffTable(np.minimum(table.log_probabilities - log_rest[parents], 0), log_backoffs)


def _with_room(keys: NDArray[np.int64], table: BackoffTable, change: IdChange, order: int) -> BackoffTable:
    """Returns the probabilities scaled so that with those of new ids, by the weights there are, they add up to 1."""
    levels = node_levels(keys, change.size, order)
    suffixes = suffix_nodes(keys, levels, change.size)
    all_parents, ids = np.divmod(keys, change.size)
    uniform = 1 / (change.size - len(change.never_after))
    probabilities = np.concatenate([[uniform], np.exp(table.log_probabilities)])
    is_outcome = ~np.isin(ids, change.never_after)
    log_probabilities = table.log_probabilities.copy()
    for start, stop in pairwise(levels):
        parents, children = all_parents[start:stop], slice(start + 1, stop + 1)
        lower = probabilities[suffixes[children]] * is_outcome[start:stop]
        unseen = 1 - np.bincount(parents, weights=lower, minlength=len(table.log_backoffs))
        stored = np.bincount(parents, weights=probabilities[children], minlength=len(unseen))
        rest = 1 - np.exp(table.log_backoffs) * np.maximum(unseen, 0)
        factor = np.divide(np.maximum(rest, SMALLEST_REST), stored, out=np.ones(len(stored)), where=stored > 0)[parents]
        probabilities[children] *= factor
        log_probabilities[start:stop] += np.log(factor)
    return BackoffTable(np.minimum(log_probabilities, 0), table.log_backoffs)
