"""Whether counts know texts by heart: whether they have counted them, or a part of them, before."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from charlm.data.dataset import SupportsParts
    from charlm.models.ngram.table import NGramTable

PASSAGE = 256
"""How many ids in a row are known by heart if each n-gram that ends in them is stored; or all ids of a shorter text."""
IDS_AT_ONCE = 1 << 20
LEAST_ORDER = 6
"""Shorter n-grams of any text are stored, whichever texts were counted."""
MOST_KNOWN = 0.1
"""The share of a text that may be known by heart, as repeated phrases are, before it counts as one that was counted."""


def share_known(table: NGramTable, several: Iterable[SupportsParts], counts: NDArray[np.int64] | None = None) -> float:
    """Returns how much of texts counts know by heart, from 0 to 1; 0 if their n-grams are too short to tell.

    Args:
        table: The counts.
        several: The texts.
        counts: How often each n-gram of the table occurs, ``(N,)``, in its place; 0 is as if it were not there.

    Example:
        >>> from charlm.data.dataset import JoinedTexts
        >>> from charlm.models.ngram.table import NGramTable
        >>> first, other = np.random.default_rng(0).integers(0, 9, (2, 1000))
        >>> table = NGramTable.fit(first, vocab_size=9, order=6)
        >>> [share_known(table, [JoinedTexts(ids, np.array([1000]))]) for ids in (first, other)]
        [1.0, 0.0]
    """
    if table.order < LEAST_ORDER:
        return 0.0
    is_there = np.append(False, (table.counts if counts is None else counts) > 0)
    known = total = 0
    for part in chain.from_iterable(texts.parts(IDS_AT_ONCE) for texts in several):
        places = np.arange(len(part.ids)) - np.repeat(np.cumsum(part.lengths) - part.lengths, part.lengths)
        needed = np.minimum(places + 1, table.order - 1)
        is_known = np.zeros(len(places), dtype=bool)
        for length, nodes in enumerate(table.search.contexts_by_length(part.ids, part.lengths), 1):
            of_length = needed == length
            is_known[of_length] = is_there[nodes[of_length]]
        starts = np.flatnonzero(places % PASSAGE == 0)
        if len(starts):
            sizes = np.diff(np.append(starts, len(places)))
            known += int(sizes[np.logical_and.reduceat(is_known, starts)].sum())
        total += len(places)
    return known / max(total, 1)
