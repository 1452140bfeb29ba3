"""Lookup of one context at a time in an n-gram model: the next context, and the distribution in each."""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict
from itertools import pairwise
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from charlm.runtime.forking import renew_in_children

if TYPE_CHECKING:
    from charlm.models.ngram.parts import Parts

CACHE_BYTES = 1 << 26
"""The maximum size of the cache of distributions."""
FEWEST_ROWS = 16
"""How many are cached at least, however large the vocabulary: those along one path from the empty context."""
FEW = 12
"""Up to this many children are written one by one."""
SHORT = 4
"""Contexts of up to this many ids are worth caching on the way to a longer one."""


class Lookup:
    """Finds what follows a context, and which context comes next, for single contexts.

    A context is the number of its node in ``NGramCounts``; the distribution of a context is that of its suffix,
    weighted, with the entries of its stored children replaced.

    Args:
        parts: The arrays of the model.
    """

    def __init__(self, parts: Parts) -> None:
        self._of = parts
        tree = parts.tree
        self._vocab_size = tree.vocab_size
        suffixes = tree.context_suffixes
        totals = parts.log_backoffs.astype(np.float64)
        for start, stop in pairwise(tree.levels[:-1]):  # suffixes are in the level before
            totals[start + 1 : stop + 1] += totals[suffixes[start + 1 : stop + 1]]
        # Indexing a memoryview takes a third of the time of indexing an array.
        self._ids, self._child_starts, self._suffixes = tree.ids.data, tree.child_starts.data, suffixes.data
        self._log_probabilities, self._totals = parts.log_probabilities.data, totals.data
        # The next id turns the longest contexts into nodes without children.
        self._longest = tree.levels[tree.order - 2] + 1 if tree.order > 1 else 0
        self._short = tree.levels[min(SHORT, tree.order - 1)]
        row_bytes = tree.vocab_size * parts.log_probabilities.itemsize
        self._most_rows = max(CACHE_BYTES // row_bytes, FEWEST_ROWS)
        self._rows = OrderedDict[int, NDArray[np.floating[Any]]]()  # the most recently used last
        self._renew_lock()
        renew_in_children(self, Lookup._renew_lock)

    def _renew_lock(self) -> None:
        self._lock = Lock()  # what it guards is whole between any two instructions

    def following(self, context: int, token_id: int) -> int:
        """Returns the longest stored context that is a suffix of a context followed by one more id."""
        if context >= self._longest:
            if not context:
                return 0
            context = self._suffixes[context]
        while True:
            stop = self._child_starts[context + 1]
            place = bisect_left(self._ids, token_id, self._child_starts[context], stop)
            if place < stop and self._ids[place] == token_id:
                return place + 1
            if not context:
                return 0
            context = self._suffixes[context]

    def rows(self, contexts: list[int]) -> NDArray[np.floating[Any]]:
        """Returns the natural-log probabilities after each context, ``(B, V)``, which must not be modified."""
        if len(contexts) == 1:
            return self._row(contexts[0])[None]
        return np.array([self._row(context) for context in contexts]).reshape(len(contexts), self._vocab_size)

    def _row(self, context: int) -> NDArray[np.floating[Any]]:
        """Returns the natural-log probabilities of what follows a context, ``(V,)``, cached or computed.

        A row is computed from that of the longest cached suffix, in a loop: there may be more suffixes than Python's
        recursion limit.
        """
        with self._lock:
            row = self._rows.get(context)
            if row is not None:
                self._rows.move_to_end(context)
                return row
            missing = [context]
            while context:
                context = self._suffixes[context]
                row = self._rows.get(context)
                if row is not None:
                    break
                missing.append(context)
            while missing:
                start = len(missing) - 1
                while start and missing[start] > self._short:
                    start -= 1
                row = self._computed_row(missing[start:], row, context)
                context = missing[start]
                self._rows[context] = row
                del missing[start:]
                if len(self._rows) > self._most_rows:
                    self._rows.popitem(last=False)
        assert row is not None  # noqa: S101 - cached, or computed last
        return row

    def _computed_row(
        self, contexts: list[int], lower: NDArray[np.floating[Any]] | None, kept: int
    ) -> NDArray[np.floating[Any]]:
        """Returns the row of the first of several contexts, of which each has the next as its suffix.

        Args:
            contexts: Those without a row, the longest first.
            lower: The row of the longest suffix that has one; None if not even the empty context has one.
            kept: That suffix.
        """
        of = self._of
        total = self._totals[contexts[0]]
        if lower is not None:
            row: NDArray[np.floating[Any]] = lower + (total - self._totals[kept])
        else:
            row = np.full(self._vocab_size, total + of.log_uniform, dtype=of.log_probabilities.dtype)
            row[list(of.context_only)] = -np.inf
        for context in reversed(contexts):
            start, stop = self._child_starts[context], self._child_starts[context + 1]
            weight = total - self._totals[context]
            if stop - start <= FEW:  # as in most long contexts; several times as fast
                for place in range(start, stop):
                    row[self._ids[place]] = self._log_probabilities[place] + weight
            else:
                row[of.tree.ids[start:stop]] = of.log_probabilities[start:stop] + weight
        np.minimum(row, 0, out=row)  # a sum of logarithms may be rounded up
        row.flags.writeable = False
        return row
