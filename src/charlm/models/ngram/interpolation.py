"""Several models as one: the mixture of their probabilities, as a backoff model over the n-grams of all.

A context h is given the weights w_i(h) of the models, which add up to 1. The probability of a stored n-gram is the
mixture of what the models say, whether they store it or back off; the backoff weight of a context makes its
distribution sum to 1:

    P(w | h) = sum of w_i(h) P_i(w | h)
    gamma(h) = (1 - sum of P(w | h) over stored w) / (1 - sum of P(w | h') over the same w)

An n-gram that none of the models stores thus has the probability of its suffix times gamma(h) in place of the mixture
of what the models say, which would take all n-grams that there could be.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from charlm.models.counting.union import united
from charlm.models.ngram.gating import Known
from charlm.models.smoothing.kneser_ney import BackoffTable, suffix_nodes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from charlm.models.ngram.table import NGramTable

    Floats = NDArray[np.float64]

LEAST_LEFT = 1e-15
"""What is left at least for ids that a context does not store: rounding may leave nothing."""


class Interpolated(NamedTuple):
    """A mixture as a backoff model.

    Attributes:
        keys: Its n-grams, as in ``NGramCounts``, int64 ``(N,)``.
        table: Its probabilities.
    """

    keys: NDArray[np.int64]
    table: BackoffTable


def interpolated(models: Sequence[NGramTable], weights: Callable[[Sequence[Known]], Floats]) -> Interpolated:
    """Returns the mixture of models over the same ids.

    Args:
        models: The models; they may be of different orders.
        weights: Returns the weights of the models in contexts, float64 ``(len(models), M)``, from what each knows.
    """
    vocab_size, never = models[0].vocab_size, models[0].context_only
    keys, levels, nodes = united(models, vocab_size)
    suffixes = suffix_nodes(keys, levels, vocab_size)
    parents, ids = np.divmod(keys, vocab_size)
    is_never = np.isin(ids, never)
    contexts = levels[-2] + 1
    places = _Places(levels, parents, suffixes, is_never, 1 / (vocab_size - len(never)))
    spread = [_spread(model, own, places) for model, own in zip(models, nodes, strict=True)]
    of_contexts = weights([known for _, known in spread])
    mixed = np.empty(len(keys) + 1)
    mixed[0] = places.uniform
    mixed[1:] = sum(of[parents] * own[1:] for of, (own, _) in zip(of_contexts, spread, strict=True))
    lower = np.where(is_never, 0, mixed[suffixes[1:]])
    stored, below, outcomes = (
        np.bincount(parents, weights=values, minlength=contexts) for values in (mixed[1:], lower, 1.0 * ~is_never)
    )
    left = np.maximum(1 - stored, LEAST_LEFT) / np.maximum(1 - below, LEAST_LEFT)
    left[(outcomes == 0) | (outcomes == vocab_size - len(never))] = 1
    with np.errstate(divide="ignore"):
        return Interpolated(keys, BackoffTable(np.minimum(np.log(mixed[1:]), 0), np.log(left)))


class _Places(NamedTuple):
    """The n-grams of all models."""

    levels: tuple[int, ...]
    parents: NDArray[np.int64]
    suffixes: NDArray[np.int64]
    is_never: NDArray[np.bool_]
    uniform: float


def _spread(model: NGramTable, nodes: NDArray[np.int64], places: _Places) -> tuple[Floats, Known]:
    """Returns the probabilities that a model gives to all n-grams, the empty one first, and what it knows."""
    contexts = places.levels[-2] + 1
    table = model.backoff_table()
    probabilities = np.full(len(places.parents) + 1, np.nan)
    probabilities[0] = places.uniform
    probabilities[nodes[1:]] = np.exp(table.log_probabilities)
    own = nodes[: len(table.log_backoffs)]
    nearest = np.zeros(contexts, dtype=np.int64)
    nearest[own] = own
    log_backoffs, lengths = np.zeros(contexts), np.zeros(contexts, dtype=np.int64)
    log_backoffs[own] = table.log_backoffs
    backoffs = np.exp(log_backoffs)
    for length, (start, stop) in enumerate(pairwise(places.levels), 1):
        here = slice(start + 1, stop + 1)
        lower = np.where(places.is_never[start:stop], 0, probabilities[places.suffixes[here]])
        backed_off = backoffs[places.parents[start:stop]] * lower
        probabilities[here] = np.where(np.isnan(probabilities[here]), backed_off, probabilities[here])
        if stop < contexts:
            is_known = nearest[here] > 0
            nearest[here] = np.where(is_known, nearest[here], nearest[places.suffixes[here]])
            lengths[here] = np.where(is_known, length, lengths[places.suffixes[here]])
    return probabilities, Known(lengths, log_backoffs[nearest])
