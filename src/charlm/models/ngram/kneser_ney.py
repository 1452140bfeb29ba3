"""Interpolated modified Kneser-Ney smoothing (Chen and Goodman, 1998): from counts to probabilities.

With a(hw) the adjusted count of the n-gram that is context h followed by id w, and h' the context h without its first
id (their section 3; Kneser and Ney, 1995, for the adjusted counts):

    P(w | h) = max(a(hw) - D(a(hw)), 0) / sum of a(hv) over v + gamma(h) * P(w | h')
    gamma(h) = (D1 * N1(h) + D2 * N2(h) + D3 * N3+(h)) / sum of a(hv) over v

where Nc(h) is the number of ids that follow h with an adjusted count of c. The distribution below that of the
unigrams is uniform, 1/V. At the highest order a(hw) is how often hw occurs. Below it is in how many ways hw goes on to
the left: the number of different ids that come before it, and one more for each text that begins with it, where there
is nothing that could have been different.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from charlm.models.ngram.counts import node_levels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from charlm.models.ngram.counts import NGramCounts

FALLBACK_DISCOUNTS = (0.75, 1.25, 1.5)
"""D1, D2 and D3+ of an order whose counts of counts do not give them."""


class BackoffTable(NamedTuple):
    """A smoothed model in the form that answers queries.

    A stored n-gram has its probability; that of any other is the probability of the n-gram without its first id,
    weighted by its context.

    Attributes:
        log_probabilities: ln P(w | h) of each n-gram, float64 ``(N,)``, in the order of ``NGramCounts.keys``.
        log_backoffs: ln gamma(h) of each node below the highest order, the empty context first, float64 ``(M,)``;
            0 where nothing follows.
    """

    log_probabilities: NDArray[np.float64]
    log_backoffs: NDArray[np.float64]


def suffix_nodes(keys: NDArray[np.int64], levels: tuple[int, ...], vocab_size: int) -> NDArray[np.int64]:
    """Returns the node of each n-gram without its first id: the numbers of ``NGramCounts``, int64 ``(N + 1,)``.

    Args:
        keys: Those of ``NGramCounts``.
        levels: Likewise.
        vocab_size: The number of ids.

    Raises:
        ValueError: There is an n-gram without a node for its suffix.

    Example:
        >>> from charlm.models.ngram.counts import NGramCounts
        >>> counts = NGramCounts.from_tokens([0, 1, 0], vocab_size=2, order=2)
        >>> suffix_nodes(counts.keys, counts.levels, 2)  # of the empty n-gram, 0, 1, 01, 10
        array([0, 0, 0, 2, 1])
    """
    suffixes = np.zeros(len(keys) + 1, dtype=np.int64)
    for (lower, start), (_, stop) in pairwise(pairwise(levels)):
        parents, ids = np.divmod(keys[start:stop], vocab_size)
        wanted = suffixes[parents] * vocab_size + ids
        places = np.minimum(lower + np.searchsorted(keys[lower:start], wanted), max(start - 1, 0))
        if not np.array_equal(keys[places], wanted):
            raise ValueError("an n-gram is there without its suffix")
        suffixes[start + 1 : stop + 1] = places + 1
    return suffixes


def checked_suffixes(
    keys: NDArray[np.int64],
    counts: NDArray[np.int64],
    log_probabilities: NDArray[np.floating[Any]],
    log_backoffs: NDArray[np.floating[Any]],
    *,
    vocab_size: int,
    order: int,
) -> NDArray[np.int64]:
    """Returns what ``suffix_nodes`` does for tables that come from elsewhere, once they have been found sound.

    Raises:
        ValueError: They are not those of a model of this vocabulary size and order; says why.
    """
    arrays = {"keys": keys, "counts": counts, "log_probabilities": log_probabilities, "log_backoffs": log_backoffs}
    for name, array in arrays.items():
        kind = "i" if name in ("keys", "counts") else "f"
        if array.ndim != 1 or array.dtype.kind != kind or (kind == "i" and array.dtype.itemsize != keys.itemsize):
            raise ValueError(f"{name} has the wrong shape {array.shape} or dtype {array.dtype}")
    if keys.dtype != np.int64 or (len(keys) and int(keys[0]) < 0) or not (keys[1:] > keys[:-1]).all():
        raise ValueError("keys must be int64 values that ascend from 0 or more")
    levels = node_levels(keys, vocab_size, order)
    if levels[-1] != len(keys):
        raise ValueError(f"keys[{levels[-1]}] is longer than {order} ids, or its prefix is missing")
    sizes = {"log_probabilities": len(keys), "log_backoffs": levels[-2] + 1 if len(keys) else 0}
    if len(counts):
        sizes["counts"] = len(keys)
    for name, size in sizes.items():
        if len(arrays[name]) != size:
            raise ValueError(f"{name} has {len(arrays[name])} values where the keys need {size}")
    if not (np.isfinite(log_probabilities).all() and np.isfinite(log_backoffs).all()):
        raise ValueError("a logarithm is infinite or NaN")
    if not (log_probabilities <= 0).all() or not (counts > 0).all():
        raise ValueError("a probability is above 1 or a count is below 1")
    return suffix_nodes(keys, levels, vocab_size)


def modified_discounts(adjusted: NDArray[np.int64]) -> tuple[float, float, float]:
    """Returns D1, D2 and D3+ of one order, from how many n-grams have an adjusted count of 1, 2, 3 and 4.

    With Y = n1 / (n1 + 2 n2): D1 = 1 - 2 Y n2 / n1, D2 = 2 - 3 Y n3 / n2, D3+ = 3 - 4 Y n4 / n3 (Chen and Goodman,
    1998, section 3). The estimate takes rare n-grams to be the rule. All three discounts are those of
    ``FALLBACK_DISCOUNTS`` where they are not, or where it has too little to go by:

    - one of n1 to n4 is zero, as in tiny texts, or in texts so large that no n-gram of a low order is rare;
    - n1 is below 2 n2, so that D1 would be below a half, as with the short n-grams of characters;
    - a discount would not be above zero.

    Args:
        adjusted: The adjusted count of each n-gram of the order, int64 ``(N,)``.

    Example:
        >>> modified_discounts(np.array([1, 1, 1, 1, 2, 2, 3, 4]))
        (0.5, 1.25, 1.0)
        >>> modified_discounts(np.array([7, 7]))
        (0.75, 1.25, 1.5)
    """
    n1, n2, n3, n4 = (int(np.count_nonzero(adjusted == count)) for count in (1, 2, 3, 4))
    if not (n1 and n2 and n3 and n4) or n1 < 2 * n2:
        return FALLBACK_DISCOUNTS
    y = n1 / (n1 + 2 * n2)
    discounts = (1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3)
    return discounts if min(discounts) > 0 else FALLBACK_DISCOUNTS


def adjusted_counts(counts: NGramCounts, suffixes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns the adjusted count a of each n-gram, int64 ``(N,)``, in the order of ``counts.keys``.

    Args:
        counts: Any counts.
        suffixes: What ``suffix_nodes`` returns for them.
    """
    adjusted = counts.counts.copy()
    for (start, stop), (_, upper) in pairwise(pairwise(counts.levels)):
        longer = suffixes[stop + 1 : upper + 1] - (start + 1)
        ways = np.bincount(longer, minlength=stop - start)
        # An occurrence that no longer n-gram ends with is at the start of a text. Exact in float64 below 2**53.
        preceded = np.bincount(longer, weights=counts.counts[stop:upper], minlength=stop - start)
        adjusted[start:stop] = ways + (counts.counts[start:stop] - preceded.astype(np.int64))
    return adjusted


def estimate(counts: NGramCounts, suffixes: NDArray[np.int64]) -> BackoffTable:
    """Returns the smoothed model of some counts.

    Args:
        counts: At least one n-gram.
        suffixes: What ``suffix_nodes`` returns for them.

    Example:
        >>> from charlm.models.ngram.counts import NGramCounts
        >>> counts = NGramCounts.from_tokens([0, 0, 0, 1], vocab_size=2, order=1)
        >>> np.exp(estimate(counts, suffix_nodes(counts.keys, counts.levels, 2)).log_probabilities)
        array([0.65625, 0.34375])
    """
    adjusted = adjusted_counts(counts, suffixes)
    levels = counts.levels
    probabilities = np.empty(len(counts.keys) + 1)
    probabilities[0] = 1 / counts.vocab_size
    backoffs = np.ones(levels[-2] + 1)
    for order, (start, stop) in enumerate(pairwise(levels)):
        first_parent = levels[order - 1] + 1 if order else 0
        parents = counts.keys[start:stop] // counts.vocab_size - first_parent
        count = adjusted[start:stop]
        discount = np.array([0.0, *modified_discounts(count)])[np.minimum(count, 3)]
        contexts = start + 1 - first_parent
        total = np.bincount(parents, weights=count, minlength=contexts)
        gamma = np.divide(
            np.bincount(parents, weights=discount, minlength=contexts), total, out=np.ones(contexts), where=total > 0
        )
        lower = probabilities[suffixes[start + 1 : stop + 1]]
        probabilities[start + 1 : stop + 1] = (count - discount) / total[parents] + gamma[parents] * lower
        backoffs[first_parent : start + 1] = gamma
    return BackoffTable(np.log(probabilities[1:]), np.log(backoffs))


def pruned(
    counts: NGramCounts, suffixes: NDArray[np.int64], table: BackoffTable, min_count: int
) -> tuple[NDArray[np.int64], BackoffTable]:
    """Returns the keys and the table without the n-grams of two ids or more that occur too rarely.

    What stays keeps its probability; what goes is given, as every n-gram that is not stored, the weighted probability
    of its suffix. The weight of a context that lost something is chosen anew, so that its distribution sums to 1.

    Args:
        counts: How often each n-gram occurs.
        suffixes: What ``suffix_nodes`` returns for them.
        table: What ``estimate`` returns for them, or what came of it.
        min_count: How often an n-gram must occur to stay.
    """
    levels = counts.levels
    contexts = len(table.log_backoffs)
    is_kept = counts.counts >= min_count
    is_kept[: levels[1]] = True
    parents, ids = np.divmod(counts.keys, counts.vocab_size)
    probabilities = np.exp(table.log_probabilities)
    lower = np.concatenate([[1 / counts.vocab_size], probabilities])[suffixes[1:]]

    def total(weights: NDArray[np.floating[Any]]) -> NDArray[Any]:
        return np.bincount(parents, weights=weights, minlength=contexts)

    lost = total(1.0 - is_kept) > 0
    unseen_below = np.maximum(1 - total(lower), 0)
    backoffs = np.exp(table.log_backoffs)
    freed = backoffs * unseen_below + total(probabilities * ~is_kept)
    backoffs[lost] = freed[lost] / (unseen_below + total(lower * ~is_kept))[lost]
    places = np.concatenate([[0], np.cumsum(is_kept)])
    return (
        (places[parents] * counts.vocab_size + ids)[is_kept],
        BackoffTable(
            table.log_probabilities[is_kept],
            np.log(backoffs)[np.concatenate([[True], is_kept[: contexts - 1]])],
        ),
    )
