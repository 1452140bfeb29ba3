"""One character at a time from an n-gram table: the way through its nodes, and the distribution at each."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

CACHE_BYTES = 1 << 26
"""How much the distributions that are kept for another time may take."""
FEWEST_ROWS = 16
"""How many are kept at least, however large the vocabulary: those along one way from the empty context."""


class Distributions:
    """Answers what follows a context, and which context comes next, for single contexts on the CPU.

    A context is the number of its node in ``NGramCounts``; the distribution of a context is that of its suffix,
    weighted, with the stored children put in their places.

    Args:
        vocab_size: The number of ids, V.
        keys: Those of ``NGramCounts``, int64 ``(N,)``.
        longest: The first node of the longest contexts, which the next id turns into nodes without children.
        suffixes: The node of each context without its first id, int64 ``(M,)``.
        log_probabilities: Of the n-grams, floating point ``(N,)``.
        log_backoffs: Of the contexts, floating point ``(M,)``.
    """

    def __init__(
        self,
        *,
        vocab_size: int,
        keys: NDArray[np.int64],
        longest: int,
        suffixes: NDArray[np.int64],
        log_probabilities: NDArray[np.floating[Any]],
        log_backoffs: NDArray[np.floating[Any]],
    ) -> None:
        self._vocab_size = vocab_size
        self._keys = keys
        self._longest = longest
        self._suffixes = suffixes
        self._log_probabilities = log_probabilities
        self._log_backoffs = log_backoffs
        self._child_starts = np.zeros(len(log_backoffs) + 1, dtype=np.min_scalar_type(len(keys)))
        np.bincount(keys // vocab_size, minlength=len(log_backoffs)).cumsum(out=self._child_starts[1:])
        row_bytes = vocab_size * log_probabilities.itemsize
        self._most_rows = max(CACHE_BYTES // row_bytes, FEWEST_ROWS)
        self._rows = OrderedDict[int, NDArray[np.floating[Any]]]()  # the one used last at the end
        self._lock = Lock()

    def following(self, context: int, token_id: int) -> int:
        """Returns the longest stored context that ends a context and one more id."""
        if context >= self._longest:
            if not context:
                return 0
            context = self._suffixes.item(context)
        while True:
            key = context * self._vocab_size + token_id
            place = int(self._keys.searchsorted(key))
            if place < len(self._keys) and self._keys.item(place) == key:
                return place + 1
            if not context:
                return 0
            context = self._suffixes.item(context)

    def rows(self, contexts: list[int]) -> NDArray[np.floating[Any]]:
        """Returns the natural-log probabilities of what follows each context, ``(B, V)``, as a copy."""
        rows = np.empty((len(contexts), self._vocab_size), dtype=self._log_probabilities.dtype)
        for place, context in enumerate(contexts):
            rows[place] = self._row(context)
        return rows

    def _row(self, context: int) -> NDArray[np.floating[Any]]:
        """Returns the natural-log probabilities of what follows a context, ``(V,)``, computed where they are not kept.

        A row is made of that of its suffix, in a loop: there may be more suffixes than Python has room to recurse.
        """
        missing = []
        with self._lock:
            while (row := self._rows.get(context)) is None:
                missing.append(context)
                if not context:
                    break
                context = self._suffixes.item(context)
            else:
                self._rows.move_to_end(context)
            for longer in reversed(missing):
                self._rows[longer] = row = self._computed_row(longer, row)
                if len(self._rows) > self._most_rows:
                    self._rows.popitem(last=False)
        assert row is not None  # noqa: S101 - kept, or computed last
        return row

    def _computed_row(self, context: int, lower: NDArray[np.floating[Any]] | None) -> NDArray[np.floating[Any]]:
        """Returns the row of a context from that of its suffix; of the empty context, from nothing."""
        if lower is not None:
            row: NDArray[np.floating[Any]] = lower + self._log_backoffs.item(context)
        else:
            uniform = self._log_backoffs[0] - np.log(self._vocab_size)
            row = np.full(self._vocab_size, uniform, dtype=self._log_probabilities.dtype)
        start, stop = self._child_starts.item(context), self._child_starts.item(context + 1)
        first_key = context * self._vocab_size
        if stop - start == 1:  # as in most long contexts; three times as fast
            row[self._keys.item(start) - first_key] = self._log_probabilities.item(start)
        else:
            row[self._keys[start:stop] - first_key] = self._log_probabilities[start:stop]
        return row
