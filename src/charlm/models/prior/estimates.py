"""What the counts say of n-grams: of all texts, and without a part of them.

A model that learns from a text on which its own prior was counted would learn to trust counts that will be wrong on any
other text: each n-gram of its training text has been seen, if only there. So in training each position is given what
the counts say without the fold of the text that the position is in.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from charlm.data.folds import FoldTexts
from charlm.models.counting.counts import NGramCounts
from charlm.models.smoothing.fitting import estimated
from charlm.models.smoothing.kneser_ney import suffix_nodes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from charlm.data.dataset import SupportsParts
    from charlm.models.ngram.table import NGramTable
    from charlm.models.smoothing.kneser_ney import BackoffTable


NOT_COUNTED = "the prior has not counted the training data: fit it to them, or update it with them"


def check_counted(table: NGramTable) -> None:
    """Checks that a prior can say without each part of the texts what it says.

    Raises:
        ValueError: It has not been fitted, or has no counts.
    """
    if not len(table):
        raise ValueError("the prior is not fitted: make the model with a fitted one, or load its weights")
    table.check_counts("the prior", "fit one to the training data, and do not prune it")


class Estimates(NamedTuple):
    """What several counts, each of some of the texts, say of the same n-grams.

    Attributes:
        log_probabilities: ln P of the last id of each n-gram after the others, float32 ``(C, N)``.
        log_backoffs: ln of the backoff weight of each context, the empty one first, float32 ``(C, M)``.
        log_counts: ln of 1 plus how often each context occurs, float32 ``(C, M)``.
    """

    log_probabilities: NDArray[np.float32]
    log_backoffs: NDArray[np.float32]
    log_counts: NDArray[np.float32]


def of_all(table: NGramTable) -> Estimates:
    """Returns what the counts of all texts say; C is 1.

    Raises:
        ValueError: The table has no counts, or has not been fitted.
    """
    check_counted(table)
    return Estimates(
        table.log_probabilities.astype(np.float32)[None],
        table.log_backoffs.astype(np.float32)[None],
        _log_counts(table, table.counts)[None],
    )


def counts_of_others(table: NGramTable, texts: SupportsParts) -> NDArray[np.int64]:
    """Returns the counts of a prior without those of some texts, which it has counted among others, int64 ``(N,)``.

    Args:
        table: The prior.
        texts: The texts.

    Raises:
        ValueError: It has not counted them; or as for ``of_all``.
    """
    check_counted(table)
    return _without(table.ngram_counts(), FoldTexts(texts)).counts


def without_each(table: NGramTable, folds: Sequence[FoldTexts]) -> tuple[Estimates, NDArray[np.int64]]:
    """Returns what the counts say without each of some texts, C in number, and the counts without all of them.

    The latter are below 0 where texts overlap.

    An n-gram belongs to the text that its last id is in. So those that an n-gram ends with go where it goes, and counts
    stay consistent.

    Args:
        table: The counts.
        folds: Texts that are counted in it, with ``order - 1`` ids of context.

    Raises:
        ValueError: One is not; or as for ``of_all``.
    """
    check_counted(table)
    counts = table.ngram_counts()
    suffixes = suffix_nodes(counts.keys, counts.levels, counts.vocab_size)
    of_ngrams, of_contexts = (len(folds), len(counts.keys)), (len(folds), counts.levels[-2] + 1)
    found = Estimates(*(np.empty(shape, np.float32) for shape in (of_ngrams, of_contexts, of_contexts)))
    others = counts.counts.copy()
    for place, fold in enumerate(folds):
        rest = _without(counts, fold)
        others -= counts.counts - rest.counts
        smoothed = estimated(rest, table.constants, table.context_only, suffixes).table
        found.log_backoffs[place] = smoothed.log_backoffs
        found.log_probabilities[place] = _backed_off(rest, suffixes, smoothed, table.context_only)
        found.log_counts[place] = _log_counts(table, rest.counts)
    return found, others


def _without(counts: NGramCounts, fold: FoldTexts) -> NGramCounts:
    """Returns counts without those of a fold, so that some n-grams have a count of 0.

    Raises:
        ValueError: The fold has not been counted.
    """
    left = counts.counts.copy()
    for texts, sign in ((fold.texts, -1), (fold.before, 1)):
        if texts is not None:
            some = NGramCounts.from_tokens(texts, vocab_size=counts.vocab_size, order=counts.order)
            left[_places(counts, some)] += sign * some.counts
    if left.min(initial=0) < 0:
        raise ValueError(NOT_COUNTED)
    return NGramCounts(vocab_size=counts.vocab_size, order=counts.order, keys=counts.keys, counts=left)


def _places(counts: NGramCounts, some: NGramCounts) -> NDArray[np.int64]:
    """Returns where n-grams are among those of counts, int64 ``(N,)``.

    Raises:
        ValueError: One is not among them.
    """
    nodes = np.zeros(len(some.keys) + 1, dtype=np.int64)
    for (start, stop), (first, last) in zip(pairwise(some.levels), pairwise(counts.levels), strict=True):
        parents, ids = np.divmod(some.keys[start:stop], counts.vocab_size)
        wanted = nodes[parents] * counts.vocab_size + ids
        keys = counts.keys[first:last]
        places = np.searchsorted(keys, wanted)
        if len(wanted) and (places.max() == len(keys) or not np.array_equal(keys[places], wanted)):
            raise ValueError(NOT_COUNTED)
        nodes[start + 1 : stop + 1] = first + places + 1
    return nodes[1:] - 1


def _backed_off(
    counts: NGramCounts, suffixes: NDArray[np.int64], smoothed: BackoffTable, context_only: Sequence[int]
) -> NDArray[np.float64]:
    """Returns log-probabilities in which n-grams that do not occur have what the model gives them by backing off."""
    log_uniform = -math.log(counts.vocab_size - len(context_only))
    found = np.concatenate([[log_uniform], smoothed.log_probabilities])
    for start, stop in pairwise(counts.levels):
        missing = start + 1 + np.flatnonzero(counts.counts[start:stop] == 0)
        contexts, ids = np.divmod(counts.keys[missing - 1], counts.vocab_size)
        values = smoothed.log_backoffs[contexts] + found[suffixes[missing]]
        found[missing] = np.where(np.isin(ids, context_only), -np.inf, values)
    backed_off: NDArray[np.float64] = found[1:]
    return backed_off


def _log_counts(table: NGramTable, counts: NDArray[np.int64]) -> NDArray[np.float32]:
    """Returns ln of 1 plus the count of each context, float32 ``(M,)``; that of the empty one is all ids."""
    levels = table.levels
    of_contexts = np.concatenate([[counts[: levels[1]].sum()], counts[: levels[-2]]])
    logarithms: NDArray[np.float32] = np.log1p(of_contexts).astype(np.float32)
    return logarithms
