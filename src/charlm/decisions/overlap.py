"""Tells texts that an n-gram model has counted from texts that are new to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from charlm.models.ngram.table import NGramTable

FEWEST_EXPECTED = 50.0
"""Of new n-grams: where fewer are expected in new texts, old and new ones cannot be told apart."""
SMALLEST_SHARE = 1 / 3
"""Of the expected ones. In random samples of new texts of ten kinds, of 200 texts each, it was 0.41 at least."""


class NewNGrams(NamedTuple):
    """How many n-grams in texts an n-gram model has not counted.

    Attributes:
        found: How many there are.
        expected: About how many there are in texts like those that were counted.
    """

    found: int
    expected: float

    @property
    def are_too_few(self) -> bool:
        """Whether most of the texts must have been counted."""
        return self.expected >= FEWEST_EXPECTED and self.found < SMALLEST_SHARE * self.expected


def new_ngrams(
    table: NGramTable, ids: NDArray[np.unsignedinteger[Any]], lengths: NDArray[np.int64], *, skipped: int = 0
) -> NewNGrams:
    """Returns how many n-grams of texts are new, of one id less than the longest that the model has.

    The probability that the next n-gram is new is about the share of n-grams that occurred once among all that were
    counted (Good 1953). It is much lower in texts that were counted themselves: zero.

    Args:
        table: The model, with its counts.
        ids: The ids of all texts, concatenated.
        lengths: The length of each, ``(N,)``.
        skipped: How many ids at the beginning of each text were not counted with it.
    """
    order = max(1, table.order - 1)
    starts, stops = table.levels[order - 1 : order + 1]
    counts = table.counts[starts:stops]
    nodes = np.zeros(len(ids), dtype=np.int64)
    for length, found in enumerate(table.search.contexts_by_length(ids, lengths), 1):
        if length == order:
            nodes = found
    places = np.arange(len(ids)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    is_whole = places >= order - 1 + skipped
    share = np.count_nonzero(counts == 1) / max(1, int(counts.sum()))
    return NewNGrams(int(np.count_nonzero(is_whole & (nodes == 0))), share * int(np.count_nonzero(is_whole)))
