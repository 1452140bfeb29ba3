"""Interpolated modified Kneser-Ney smoothing (Chen and Goodman, 1998): from counts to probabilities.

With a(hw) the adjusted count of the n-gram that is context h followed by id w, and h' the context h without its first
id (their section 3; Kneser and Ney, 1995, for the adjusted counts):

    P(w | h) = max(a(hw) - D(a(hw)), 0) / sum of a(hv) over v + gamma(h) * P(w | h')
    gamma(h) = (D1 * N1(h) + D2 * N2(h) + D3 * N3+(h)) / sum of a(hv) over v

where Nc(h) is the number of ids that follow h with an adjusted count of c. The distribution below the unigrams is
uniform over all ids that can be predicted. An id that cannot, such as that of the start of a text, occurs only as
context: n-grams that end in it have an adjusted count of 0.

At the highest order a(hw) is how often hw occurs. At lower orders it is the number of different left extensions of
hw: the number of different ids that precede it, plus one for each text that begins with it, where no id could precede.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from charlm.models.counting.counts import NGramCounts

NODES_AT_ONCE = 1 << 16
"""How many suffixes are looked up at a time, which bounds memory."""
FALLBACK_DISCOUNTS = (0.75, 1.25, 1.5)
"""D1, D2 and D3+ of an order whose counts of counts do not determine them."""


class Discounts(Protocol):
    """Determines the discounts of an order."""

    def __call__(self, adjusted: NDArray[np.int64], *, is_highest: bool) -> tuple[float, float, float]:
        """Returns D1, D2 and D3+."""


class BackoffTable(NamedTuple):
    """A smoothed model in the form that is queried.

    The probability of a stored n-gram is in the table; that of any other is the probability of the n-gram without its
    first id, times the weight of its context.

    Attributes:
        log_probabilities: ln P(w | h) of each n-gram, float64 ``(N,)``, in the order of ``NGramCounts.keys``.
        log_backoffs: ln gamma(h) of each node below the highest order, the empty context first, float64 ``(M,)``;
            0 if nothing follows it.
    """

    log_probabilities: NDArray[np.float64]
    log_backoffs: NDArray[np.float64]


def suffix_nodes(keys: NDArray[np.int64], levels: tuple[int, ...], vocab_size: int) -> NDArray[np.int64]:
    """Returns the node of each n-gram without its first id, numbered as in ``NGramCounts``, int64 ``(N + 1,)``.

    Args:
        keys: Those of ``NGramCounts``.
        levels: Likewise.
        vocab_size: The number of ids.

    Raises:
        ValueError: The suffix of an n-gram is missing.

    Example:
        >>> from charlm.models.counting.counts import NGramCounts
        >>> counts = NGramCounts.from_tokens([0, 1, 0], vocab_size=2, order=2)
        >>> suffix_nodes(counts.keys, counts.levels, 2)  # of the empty n-gram, 0, 1, 01, 10
        array([0, 0, 0, 2, 1])
    """
    suffixes = np.zeros(len(keys) + 1, dtype=np.int64)
    for (lower, start), (_, stop) in pairwise(pairwise(levels)):
        for first in range(start, stop, NODES_AT_ONCE):
            last = min(first + NODES_AT_ONCE, stop)
            parents, ids = np.divmod(keys[first:last], vocab_size)
            wanted = suffixes[parents] * vocab_size + ids
            places = np.minimum(lower + np.searchsorted(keys[lower:start], wanted), max(start - 1, 0))
            if not np.array_equal(keys[places], wanted):
                raise ValueError("the suffix of an n-gram is missing")
            suffixes[first + 1 : last + 1] = places + 1
    return suffixes


def modified_discounts(adjusted: NDArray[np.int64], *, is_highest: bool = False) -> tuple[float, float, float]:
    """Returns D1, D2 and D3+ of one order, from how many n-grams have an adjusted count of 1, 2, 3 and 4.

    With Y = n1 / (n1 + 2 n2): D1 = 1 - 2 Y n2 / n1, D2 = 2 - 3 Y n3 / n2, D3+ = 3 - 4 Y n4 / n3 (Chen and Goodman,
    1998, section 3). The estimate assumes that most n-grams are rare. All three discounts are ``FALLBACK_DISCOUNTS``
    if that assumption fails or there is too little data:

    - one of n1 to n4 is zero, as in tiny texts, or in texts so large that no n-gram of a low order is rare;
    - n1 is below 2 n2, so that D1 would be below a half, as for short character n-grams (only below the highest order;
      at the highest, where counts are not adjusted, the estimate is better even so);
    - a discount would not be positive.

    Args:
        adjusted: The adjusted count of each n-gram of the order, int64 ``(N,)``.
        is_highest: Whether there is no higher order.

    Example:
        >>> modified_discounts(np.array([1, 1, 1, 1, 2, 2, 3, 4]))
        (0.5, 1.25, 1.0)
        >>> modified_discounts(np.array([7, 7]))
        (0.75, 1.25, 1.5)
    """
    n1, n2, n3, n4 = (int(np.count_nonzero(adjusted == count)) for count in (1, 2, 3, 4))
    if not (n1 and n2 and n3 and n4) or (n1 < 2 * n2 and not is_highest):
        return FALLBACK_DISCOUNTS
    y = n1 / (n1 + 2 * n2)
    discounts = (1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3)
    return discounts if min(discounts) > 0 else FALLBACK_DISCOUNTS


def adjusted_counts(
    counts: NGramCounts, suffixes: NDArray[np.int64], context_only: Sequence[int] = ()
) -> NDArray[np.int64]:
    """Returns the adjusted count a of each n-gram, int64 ``(N,)``, in the order of ``counts.keys``.

    Args:
        counts: Any counts; an n-gram with a count of 0 does not occur.
        suffixes: What ``suffix_nodes`` returns for them.
        context_only: The ids that are never predicted.
    """
    adjusted = counts.counts.copy()
    for (start, stop), (_, upper) in pairwise(pairwise(counts.levels)):
        longer = suffixes[stop + 1 : upper + 1] - (start + 1)
        ways = np.bincount(longer, weights=counts.counts[stop:upper] > 0, minlength=stop - start).astype(np.int64)
        # An occurrence that is not the end of a longer n-gram starts a text. Exact in float64 below 2**53.
        preceded = np.bincount(longer, weights=counts.counts[stop:upper], minlength=stop - start)
        adjusted[start:stop] = ways + (counts.counts[start:stop] - preceded.astype(np.int64))
    if context_only:
        adjusted[np.isin(counts.keys % counts.vocab_size, context_only)] = 0
    return adjusted


def estimate(
    counts: NGramCounts,
    suffixes: NDArray[np.int64],
    context_only: Sequence[int] = (),
    *,
    discounts: Discounts = modified_discounts,
) -> BackoffTable:
    """Returns the smoothed model of counts.

    Args:
        counts: At least one n-gram.
        suffixes: What ``suffix_nodes`` returns for them.
        context_only: The ids that are never predicted: their probability is 0 everywhere.
        discounts: Returns D1, D2 and D3+ for the adjusted counts above 0 of an order.

    Example:
        >>> from charlm.models.counting.counts import NGramCounts
        >>> counts = NGramCounts.from_tokens([0, 0, 0, 1], vocab_size=2, order=1)
        >>> np.exp(estimate(counts, suffix_nodes(counts.keys, counts.levels, 2)).log_probabilities)
        array([0.65625, 0.34375])
    """
    adjusted = adjusted_counts(counts, suffixes, context_only)
    levels = counts.levels
    probabilities = np.empty(len(counts.keys) + 1)
    probabilities[0] = 1 / (counts.vocab_size - len(context_only))
    backoffs = np.ones(levels[-2] + 1)
    for order, (start, stop) in enumerate(pairwise(levels)):
        first_parent = levels[order - 1] + 1 if order else 0
        parents = counts.keys[start:stop] // counts.vocab_size - first_parent
        count = adjusted[start:stop]
        of_order = discounts(count[count > 0], is_highest=order == counts.order - 1)
        discount = np.array([0.0, *of_order])[np.minimum(count, 3)]
        contexts = start + 1 - first_parent
        total = np.bincount(parents, weights=count, minlength=contexts)
        has_followers = total > 0
        gamma = np.bincount(parents, weights=discount, minlength=contexts)
        gamma = np.divide(gamma, total, out=np.ones(contexts), where=has_followers)
        lower = probabilities[suffixes[start + 1 : stop + 1]]
        seen = np.divide(count - discount, total[parents], out=np.zeros(stop - start), where=has_followers[parents])
        probabilities[start + 1 : stop + 1] = seen + gamma[parents] * lower
        backoffs[first_parent : start + 1] = gamma
    never = np.isin(counts.keys % counts.vocab_size, context_only)
    probabilities[1:][never] = 0
    with np.errstate(divide="ignore"):
        return BackoffTable(np.log(probabilities[1:]), np.log(backoffs))
