r"""Learned back-off: Kneser-Ney's estimate, corrected by a log-linear model of what the counts say.

Kneser-Ney smoothing (``charlm.models.smoothing.kneser_ney``) looks at the count of an n-gram and at how many n-grams
follow its context. Here the same quantities, and a few more, are features of a log-linear model whose constants are
learned from text. For an n-gram hw, that is context h followed by id w, with the adjusted count a, the count c, and the
probability P' = P(w | h') one order below; and for its context the sums T of a and C of c over the N ids that follow
it, of which n1, n2 and n3 have an adjusted count of 1, 2, and 3 or more, and the largest adjusted count m:

    g = (theta + D1 n1 + D2 n2 + D3 n3) / (T + theta)
    q = (a - D_min(a,3)) / (T + theta) + g P'
    ln f = (1 + A0) ln q + A1 ln P' + 0.4 A2 ln a + 0.4 A3 ln c + A4 [c = 1] + A5 [c = 2]
           + A6 ln T + A7 ln N + A8 n1/N + A9 m/T + 0.05 A10 ln^2 P' + 0.05 A11 ln^2 q
    ln gamma = ln g + A12 + 0.3 B0 ln T + 0.4 B1 ln N + 0.3 B2 ln C + B3 n1/N + B4 m/T + B5 ln g
    Z = sum of f over the ids that follow h + gamma (1 - sum of their P')

The probability of an n-gram is f / Z, and the backoff weight of its context is gamma / Z, so that every distribution
sums to 1. With all A and B zero it is Kneser-Ney smoothing of a text to which theta was added.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from charlm.models.smoothing.inner_products import along, weighted
from charlm.models.smoothing.kneser_ney import BackoffTable, adjusted_counts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from charlm.models.counting.counts import NGramCounts

    Floats = NDArray[np.float64]

CONSTANTS = 23
"""How many constants an order has: those of the discounts, theta, A and B."""
DISCOUNTS, THETA, OF_SEEN, OF_UNSEEN = slice(0, 3), 3, slice(4, 16), slice(16, 23)
"""Where they are among the constants of an order: A12 is the first of those that concern unseen ids."""
LARGEST_DISCOUNTS = np.array([0.99, 1.98, 2.97])
"""A discount is the logistic function of its constant times this, and theta the exponential of its constant."""
NGRAMS_AT_ONCE = 1 << 15
"""How many n-grams are estimated at a time, so that what is computed of them stays in the processor's cache."""
LOGARITHMS = np.log(np.arange(1, 1 << 12))
"""Those of small counts, which are most."""


class Siblings(NamedTuple):
    """N-grams of one length in the order of their contexts, with what the formula needs of their counts.

    ``M`` is the number of their contexts.

    Attributes:
        starts: Where the n-grams of each context begin, int64 ``(M,)``.
        owners: The context of each n-gram, int64 ``(N,)``.
        group: 0, 1 or 2 for an adjusted count of 1, 2, or 3 or more, int64 ``(N,)``.
        adjusted: The adjusted count a of each, float64 ``(N,)``.
        of_counts: ln a, ln c, and whether c is 1 and 2, with their factors, float64 ``(4, N)``.
        total: T of each context, float64 ``(M,)``.
        groups: n1, n2 and n3 of each, ``(3, M)``.
        of_context: ln T, ln N, ln C, n1/N and m/T of each, ``(5, M)``.
    """

    starts: NDArray[np.int64]
    owners: NDArray[np.int64]
    group: NDArray[np.int64]
    adjusted: Floats
    of_counts: Floats
    total: Floats
    groups: Floats
    of_context: Floats

    @classmethod
    def of(cls, parents: NDArray[np.int64], adjusted: NDArray[np.int64], counts: NDArray[np.int64]) -> Siblings:
        """Returns the n-grams of contexts.

        Args:
            parents: The context of each n-gram, ascending, ``(N,)``, N at least 1.
            adjusted: The adjusted count of each, above 0.
            counts: The count of each, above 0.
        """
        is_first = np.ones(len(parents), dtype=bool)
        np.not_equal(parents[1:], parents[:-1], out=is_first[1:])
        starts = np.flatnonzero(is_first)
        followers = np.diff(starts, append=len(parents))
        group = np.minimum(adjusted, 3) - 1
        is_one, is_two = group == 0, group == 1
        ones, twos = (np.add.reduceat(mask, starts, dtype=np.int64) for mask in (is_one, is_two))
        total = np.add.reduceat(adjusted, starts)
        largest = np.maximum.reduceat(adjusted, starts)
        of_context = [
            _log(total), _log(followers), _log(np.add.reduceat(counts, starts)), ones / followers, largest / total
        ]  # fmt: skip
        return cls(
            starts=starts,
            owners=np.repeat(np.arange(len(starts)), followers),
            group=group,
            adjusted=adjusted.astype(np.float64),
            of_counts=np.array([0.4 * _log(adjusted), 0.4 * _log(counts), *(counts == few for few in (1, 2))]),
            total=total.astype(np.float64),
            groups=np.array([ones, twos, followers - ones - twos], dtype=np.float64),
            of_context=np.array(of_context),
        )

    def sums(self, values: Floats) -> Floats:
        """Returns the sum of values of n-grams for each context, ``(N,)`` to ``(M,)``."""
        return np.add.reduceat(values, self.starts)


class Estimate(NamedTuple):
    """The probabilities of n-grams of one length, and how they came about.

    Attributes:
        log_probabilities: ln P of each n-gram, float64 ``(N,)``.
        log_backoffs: ln of the backoff weight of each context, ``(M,)``.
        log_lower: ln P' of each n-gram.
        lower: P' of each.
        log_interpolated: ln q of each.
        interpolated: q of each.
        weights: g of each context.
        of_weights: The features of gamma, ``(6, M)``.
        unseen: The sum of P' over the ids that do not follow each context.
    """

    log_probabilities: Floats
    log_backoffs: Floats
    log_lower: Floats
    lower: Floats
    log_interpolated: Floats
    interpolated: Floats
    weights: Floats
    of_weights: Floats
    unseen: Floats


def smoothed(siblings: Siblings, constants: Floats, log_lower: Floats) -> Estimate:
    """Returns the probabilities of the n-grams of contexts; the module has the formula.

    Args:
        siblings: The n-grams.
        constants: Those of their order, float64 ``(23,)``.
        log_lower: ln P' of each n-gram, ``(N,)``.
    """
    discounts, theta = unpacked(constants)
    of_seen, of_unseen = constants[OF_SEEN], constants[OF_UNSEEN]
    total = siblings.total + theta
    weights = (weighted(discounts, siblings.groups) + theta) / total
    lower = np.exp(log_lower)
    interpolated = (siblings.adjusted - discounts[siblings.group]) / total[siblings.owners]
    interpolated += weights[siblings.owners] * lower
    log_interpolated = np.log(interpolated)
    log_seen = log_interpolated * (1 + of_seen[0] + 0.05 * of_seen[11] * log_interpolated)
    log_seen += log_lower * (of_seen[1] + 0.05 * of_seen[10] * log_lower)
    log_seen += weighted(of_seen[2:6], siblings.of_counts)
    log_seen += weighted(of_seen[6:10], siblings.of_context[[0, 1, 3, 4]])[siblings.owners]
    log_weights = np.log(weights)
    of_weights = np.concatenate([siblings.of_context * np.array([[0.3], [0.4], [0.3], [1], [1]]), log_weights[None]])
    log_unseen = log_weights + of_unseen[0] + weighted(of_unseen[1:], of_weights)
    unseen = np.maximum(1 - siblings.sums(lower), 0)
    log_norm = np.log(siblings.sums(np.exp(log_seen)) + np.exp(log_unseen) * unseen)
    return Estimate(
        log_probabilities=log_seen - log_norm[siblings.owners],
        log_backoffs=log_unseen - log_norm,
        log_lower=log_lower,
        lower=lower,
        log_interpolated=log_interpolated,
        interpolated=interpolated,
        weights=weights,
        of_weights=of_weights,
        unseen=unseen,
    )


def gradients(
    siblings: Siblings, constants: Floats, estimate: Estimate, of_log_probabilities: Floats, of_log_backoffs: Floats
) -> tuple[Floats, Floats]:
    """Returns the derivatives of a loss by the constants, ``(23,)``, and by ln P' of each n-gram, ``(N,)``.

    Args:
        siblings: The n-grams.
        constants: Those of their order.
        estimate: What ``smoothed`` returned for them.
        of_log_probabilities: The derivatives by the log-probabilities, ``(N,)``.
        of_log_backoffs: The derivatives by the logarithms of the backoff weights, ``(M,)``.
    """
    discounts, theta = unpacked(constants)
    of_seen = constants[OF_SEEN]
    owners, total = siblings.owners, siblings.total + theta
    log_q, log_lower = estimate.log_interpolated, estimate.log_lower
    through_norm = siblings.sums(of_log_probabilities) + of_log_backoffs
    by_unseen = through_norm * np.exp(estimate.log_backoffs)
    by_log_seen = of_log_probabilities - through_norm[owners] * np.exp(estimate.log_probabilities)
    by_log_unseen = of_log_backoffs - by_unseen * estimate.unseen
    by_q = by_log_seen * (1 + of_seen[0] + 0.1 * of_seen[11] * log_q) / estimate.interpolated
    by_lower = np.where(estimate.unseen > 0, by_unseen, 0)[owners] + by_q * estimate.weights[owners]
    by_log_lower = by_log_seen * (of_seen[1] + 0.1 * of_seen[10] * log_lower) + by_lower * estimate.lower

    by_weight = siblings.sums(by_q * estimate.lower) + by_log_unseen * (1 + constants[-1]) / estimate.weights
    by_weight /= total
    by_kept = by_q / total[owners]  # by the numerator of what is left of a count
    by_discounts = along(siblings.groups, by_weight) - np.bincount(siblings.group, weights=by_kept, minlength=3)
    kept = (siblings.adjusted - discounts[siblings.group]) / total[owners]
    by_theta = along(by_weight, 1 - estimate.weights) - along(by_kept, kept)
    result = np.empty(CONSTANTS)
    result[DISCOUNTS] = by_discounts * discounts * (1 - discounts / LARGEST_DISCOUNTS)
    result[THETA] = by_theta * theta
    result[OF_SEEN] = [
        along(by_log_seen, log_q),
        along(by_log_seen, log_lower),
        *along(siblings.of_counts, by_log_seen),
        *along(siblings.of_context[[0, 1, 3, 4]], siblings.sums(by_log_seen)),
        0.05 * along(by_log_seen, log_lower**2),
        0.05 * along(by_log_seen, log_q**2),
    ]
    result[OF_UNSEEN] = [by_log_unseen.sum(), *along(estimate.of_weights, by_log_unseen)]
    return result, by_log_lower


def unpacked(constants: Floats) -> tuple[Floats, float]:
    """Returns the discounts D1, D2 and D3, and theta, from the constants of an order."""
    return LARGEST_DISCOUNTS / (1 + np.exp(-constants[DISCOUNTS])), float(np.exp(constants[THETA]))


def estimate(
    counts: NGramCounts, suffixes: NDArray[np.int64], constants: Floats, context_only: Sequence[int] = ()
) -> BackoffTable:
    """Returns the smoothed model of counts.

    Args:
        counts: At least one n-gram.
        suffixes: What ``suffix_nodes`` returns for them.
        constants: Those of each order, float64 ``(order, 23)``.
        context_only: The ids that are never predicted: their probability is 0 everywhere.
    """
    adjusted = adjusted_counts(counts, suffixes, context_only)
    log_probabilities = np.full(len(counts.keys) + 1, -np.inf)
    log_probabilities[0] = -np.log(counts.vocab_size - len(context_only))
    log_backoffs = np.zeros(counts.levels[-2] + 1)
    for of_order, (start, stop) in zip(constants, pairwise(counts.levels), strict=True):
        for first, last in _whole_contexts(counts.keys, start, stop, counts.vocab_size):
            chosen = first + np.flatnonzero(adjusted[first:last])
            if not len(chosen):
                continue
            parents = counts.keys[chosen] // counts.vocab_size
            siblings = Siblings.of(parents, adjusted[chosen], counts.counts[chosen])
            found = smoothed(siblings, of_order, log_probabilities[suffixes[chosen + 1]])
            log_probabilities[chosen + 1] = np.minimum(found.log_probabilities, 0)
            log_backoffs[parents[siblings.starts]] = found.log_backoffs
    return BackoffTable(log_probabilities[1:], log_backoffs)


def _whole_contexts(keys: NDArray[np.int64], start: int, stop: int, vocab_size: int) -> list[tuple[int, int]]:
    """Returns where to divide the n-grams of an order, so that those of a context stay together."""
    bounds = [start]
    while bounds[-1] < stop:
        last = min(bounds[-1] + NGRAMS_AT_ONCE, stop) - 1
        next_context = (int(keys[last]) // vocab_size + 1) * vocab_size
        bounds.append(last + 1 + int(np.searchsorted(keys[last + 1 : stop], next_context)))
    return list(pairwise(bounds))


def _log(counts: NDArray[np.int64]) -> Floats:
    """Returns the logarithms of counts above 0."""
    if int(counts.max()) <= len(LOGARITHMS):
        return LOGARITHMS[counts - 1]
    return np.log(counts)
