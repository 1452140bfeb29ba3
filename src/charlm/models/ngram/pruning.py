"""Smaller n-gram models: without rare n-grams, or without those that hardly change the distributions.

How much the model loses with an n-gram hw is the relative entropy of the distributions with and without it (Stolcke,
1998), where h' is the context without its first id, and alpha the backoff weight of h:

    D = P(h) * (P(w | h) * (ln P(w | h) - ln alpha'(h) P(w | h')) + rest * (ln alpha(h) - ln alpha'(h)))
    alpha'(h) = (rest + P(w | h)) / (1 - sum of P(v | h') + P(w | h')),  rest = alpha(h) * (1 - sum of P(v | h'))

with the sums over the stored ids v. P(h) is how often h occurred in the texts: the probabilities of short n-grams are
made to back off to, so that their product is far from it. Only where there are no counts it takes its place, and an id
that is never predicted, such as the start of a record, occurs as often as the likeliest. The losses of n-grams that go
together are taken to add up.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from charlm.models.smoothing.kneser_ney import BackoffTable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from charlm.models.ngram.tree import NGramTree


class Unseen(NamedTuple):
    """What a model gives to n-grams that are not stored.

    Attributes:
        lower: The probability of each n-gram without its first id, 0 if its last id is never predicted, ``(N,)``.
        below: The probability of all that a context does not store, given the context without its first id, ``(M,)``.
        parents: The context of each n-gram, int64 ``(N,)``.
    """

    lower: NDArray[np.float64]
    below: NDArray[np.float64]
    parents: NDArray[np.int64]

    @classmethod
    def of(cls, tree: NGramTree, table: BackoffTable, context_only: Sequence[int]) -> Unseen:
        """Returns it for a model.

        Args:
            tree: The n-grams.
            table: Their probabilities.
            context_only: The ids that are never predicted.
        """
        parents = np.concatenate([tree.parents(length) for length in range(tree.order)])
        uniform = 1 / (tree.vocab_size - len(context_only))
        lower = np.concatenate([[uniform], np.exp(table.log_probabilities)])[tree.suffixes(tree.order)[1:]]
        lower[np.isin(tree.ids, context_only)] = 0
        below = np.maximum(1 - np.bincount(parents, lower, minlength=len(table.log_backoffs)), 0)
        return cls(lower, below, parents)


def without(
    tree: NGramTree, table: BackoffTable, is_kept: NDArray[np.bool_], context_only: Sequence[int]
) -> tuple[NDArray[np.int64], BackoffTable]:
    """Returns the keys and the table of a model without some of its n-grams.

    N-grams that are kept keep their probabilities; those removed get, like every n-gram that is not stored, the
    weighted probability of their suffix. The weight of a context that lost n-grams is recomputed, so that its
    distribution sums to 1.

    Args:
        tree: The n-grams.
        table: Their probabilities.
        is_kept: Whether each n-gram is kept: with it, its prefix and its suffix, and all of one id, ``(N,)``.
        context_only: The ids that are never predicted.
    """
    lower, below, parents = Unseen.of(tree, table, context_only)
    contexts = len(table.log_backoffs)
    probabilities = np.exp(table.log_probabilities)
    removed = [np.where(is_kept, 0.0, weights) for weights in (lower > 0, probabilities, lower)]
    lost, freed, freed_below = (np.bincount(parents, weights, minlength=contexts) for weights in removed)
    log_backoffs = table.log_backoffs.copy()
    changed = np.flatnonzero(lost)
    unseen = np.exp(log_backoffs) * below + freed
    log_backoffs[changed] = np.log(unseen[changed] / (below + freed_below)[changed])
    places = np.concatenate([[0], np.cumsum(is_kept)])
    keys = (places[parents] * tree.vocab_size + tree.ids)[is_kept]
    kept_contexts = np.concatenate([[True], is_kept[: contexts - 1]])
    return keys, BackoffTable(table.log_probabilities[is_kept], log_backoffs[kept_contexts])


def losses(
    tree: NGramTree, table: BackoffTable, counts: NDArray[np.int64], context_only: Sequence[int]
) -> NDArray[np.float64]:
    """Returns at which loss each n-gram goes: its own, or that of an n-gram that needs it, if larger.

    Args:
        tree: The n-grams.
        table: Their probabilities.
        counts: How often each occurred, or none.
        context_only: The ids that are never predicted.

    Returns:
        float64 ``(N,)``, in nats; infinity for n-grams of one id.
    """
    found = _own_losses(tree, table, counts, context_only)
    suffixes = tree.suffixes(tree.order)
    for length in reversed(range(1, tree.order)):
        start, stop = tree.levels[length : length + 2]
        for needed in (tree.parents(length), suffixes[start + 1 : stop + 1]):
            np.maximum.at(found, needed - 1, found[start:stop])
    found[: tree.levels[1]] = math.inf
    return found


def _own_losses(
    tree: NGramTree, table: BackoffTable, counts: NDArray[np.int64], context_only: Sequence[int]
) -> NDArray[np.float64]:
    lower, below, parents = Unseen.of(tree, table, context_only)
    probabilities = np.exp(table.log_probabilities)
    rest = (np.exp(table.log_backoffs) * below)[parents]
    with np.errstate(divide="ignore", invalid="ignore"):
        log_weights = np.log(rest + probabilities) - np.log(below[parents] + lower)
        of_ngrams = probabilities * (table.log_probabilities - np.log(lower) - log_weights)
        of_rests = rest * (table.log_backoffs[parents] - log_weights)
        found: NDArray[np.float64] = _shares(tree, table, counts)[parents] * (
            of_ngrams + np.where(rest > 0, of_rests, 0)
        )
    found[probabilities == 0] = 0  # its context loses nothing
    return np.maximum(found, 0)  # rounding


def _shares(tree: NGramTree, table: BackoffTable, counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Returns how often each context occurs, as a share of all positions, float64 ``(M,)``."""
    shares = np.ones(len(table.log_backoffs))
    if len(counts):
        shares[1:] = counts[: len(shares) - 1] / counts[: tree.levels[1]].sum()
        return shares
    own = np.exp(table.log_probabilities)
    own[np.isneginf(table.log_probabilities)] = own[: tree.levels[1]].max()
    for length, (start, stop) in enumerate(pairwise(tree.levels[:-1])):
        shares[start + 1 : stop + 1] = shares[tree.parents(length)] * own[start:stop]
    return shares


def loss_that_fits(tree: NGramTree, found: NDArray[np.float64], taken: Callable[[int, int], int], limit: int) -> float:
    """Returns the lowest loss so that the model fits without the n-grams that go up to it.

    Args:
        tree: The n-grams.
        found: What ``losses`` returns for them.
        taken: Returns how many bytes a model of some n-grams and contexts takes.
        limit: How many bytes it may take.

    Raises:
        ValueError: The n-grams of one id alone take more.
    """
    ascending, of_contexts = np.sort(found), np.sort(found[: tree.levels[-2]])

    def size(loss: float) -> int:
        ngrams, contexts = (len(some) - int(np.searchsorted(some, loss, "right")) for some in (ascending, of_contexts))
        return taken(ngrams, contexts + 1)

    candidates = np.concatenate([[-math.inf], ascending[np.isfinite(ascending)]])
    if (least := size(candidates[-1])) > limit:
        raise ValueError(f"max_bytes must be at least {least:,}, which n-grams of one id take, got {limit:,}")
    return float(candidates[bisect_left(candidates, -limit, key=lambda loss: -size(loss))])
