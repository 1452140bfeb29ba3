"""Vectorized lookup of many positions of a text in an n-gram model."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import DTypeLike, NDArray

    from charlm.models.ngram.parts import Parts

NO_ID = np.iinfo(np.int64).min
"""Makes a key negative, so that it matches no n-gram."""
SORTED_BY = 4
"""By how many ids positions are sorted before they are looked up."""
PLACES_AT_ONCE = 1 << 18
"""How many positions are looked up at a time."""


class Search:
    """Finds the n-grams that end at each position of texts, and the probabilities that they give.

    Args:
        parts: The arrays of the model.
    """

    def __init__(self, parts: Parts) -> None:
        self._of = parts

    def of_texts(self, ids: NDArray[np.integer[Any]], lengths: NDArray[np.int64]) -> NDArray[np.float64]:
        """Returns the natural-log probability of every id but the first of each text; see ``Predictor``."""
        separator = self._of.vocab_size
        compact, is_target = separated(ids, lengths, separator, np.min_scalar_type(separator))
        is_target[np.cumsum(lengths + 1) - (lengths + 1)] = False  # the first of each text, or its separator if empty
        scores = np.empty(np.count_nonzero(is_target))
        scored = 0
        for start in range(0, len(compact), PLACES_AT_ONCE):
            overlap = min(start, self._of.order)
            padded = compact[start - overlap : start + PLACES_AT_ONCE].astype(np.int64)
            padded[padded == separator] = NO_ID
            contexts, ngrams = self._longest(padded)
            at_places = np.concatenate([[0.0], self.scores(contexts[:-1], ngrams[1:], padded[1:])])[overlap:]
            found = at_places[is_target[start : start + PLACES_AT_ONCE]]
            scores[scored : scored + len(found)] = found
            scored += len(found)
        return scores

    def of_targets(
        self, ids: NDArray[np.integer[Any]], lengths: NDArray[np.int64], targets: NDArray[np.integer[Any]]
    ) -> NDArray[np.floating[Any]]:
        """Returns the log-probability of a target after each id of texts; it need not be the next id."""
        padded, is_id = separated(ids, lengths)
        wanted = np.full(len(padded), NO_ID)
        wanted[is_id] = targets
        contexts = np.zeros(len(padded), dtype=np.int64)
        ngrams = self._children(1, contexts, wanted)
        for order, nodes in enumerate(self._ngrams(padded, self._of.order - 1), 2):
            np.maximum(contexts, nodes, out=contexts)
            np.maximum(ngrams, self._children(order, nodes, wanted), out=ngrams)
        return self.scores(contexts, ngrams, wanted)[is_id]

    def contexts(self, ids: NDArray[np.integer[Any]], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns the node of the longest stored context that ends at each id, for all texts, concatenated."""
        padded, is_id = separated(ids, lengths)
        contexts = np.zeros(len(padded), dtype=np.int64)
        for nodes in self._ngrams(padded, self._of.order - 1):
            np.maximum(contexts, nodes, out=contexts)
        return contexts[is_id]

    def rows(self, contexts: NDArray[np.int64]) -> NDArray[np.floating[Any]]:
        """Returns the log-probabilities of what follows each context, ``(N,)`` to ``(N, V)``."""
        chains = [contexts]
        for _ in range(self._of.order - 2):
            chains.append(self._of.suffixes[chains[-1]])
        rows = np.repeat(self._row_of_nothing()[None], len(contexts), axis=0)
        for nodes in reversed(chains):
            deeper = np.flatnonzero(nodes)
            self._descend(rows, deeper, nodes[deeper])
        return np.minimum(rows, 0, out=rows)  # a sum of logarithms may be rounded up

    def scores(
        self, contexts: NDArray[np.int64], ngrams: NDArray[np.int64], targets: NDArray[np.int64]
    ) -> NDArray[np.floating[Any]]:
        """Returns the log-probabilities of ids, ``(N,)``, each from two nodes.

        The result is the stored probability of the n-gram times the backoff weights of the contexts longer than its
        prefix: those of the longest context and all its suffixes, except those of the prefix and all its suffixes.

        Args:
            contexts: The longest stored context, int64 ``(N,)``.
            ngrams: The longest stored n-gram of a suffix of that context and the id, int64 ``(N,)``; 0 if none.
            targets: The ids, int64 ``(N,)``.
        """
        places = np.maximum(ngrams - 1, 0)
        prefixes = self._of.keys[places] // self._of.vocab_size
        stored = self._of.log_probabilities[places] - self._of.total_log_backoffs[prefixes]
        stored[ngrams == 0] = self._of.log_uniform
        if self._of.context_only:
            stored[np.isin(targets, self._of.context_only)] = -math.inf
        stored += self._of.total_log_backoffs[contexts]
        return np.minimum(stored, 0, out=stored)  # as in rows

    def lengths(self, nodes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns the lengths of the n-grams of nodes."""
        return np.searchsorted(np.array(self._of.levels), nodes)

    def _longest(self, padded: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Returns the nodes of the longest stored contexts and longest stored n-grams that end at each position."""
        contexts = ngrams = np.zeros(len(padded), dtype=np.int64)
        for nodes in self._ngrams(padded, self._of.order):
            contexts, ngrams = ngrams, np.maximum(ngrams, nodes)
        return contexts, ngrams

    def _ngrams(self, padded: NDArray[np.int64], longest: int) -> Iterator[NDArray[np.int64]]:
        """Yields, for each order up to ``longest``, the nodes of the n-grams that end at each position, or 0.

        Nodes of a higher order have higher numbers. All positions are looked up together, sorted by their ids:
        consecutive searches then take almost the same path, through memory that is in the cache.

        Args:
            padded: What ``separated`` returns, ``(N,)``.
            longest: The highest order, at most that of the table.

        Yields:
            int64, ``(N,)``.
        """
        places = len(padded)
        padded = np.concatenate([padded, np.full(longest + SORTED_BY, NO_ID)])
        sort_keys = padded[:places]
        for place in range(1, SORTED_BY):
            sort_keys = sort_keys * self._of.vocab_size + padded[place : place + places]
        starts = sort_keys.argsort()
        nodes = np.zeros(places, dtype=np.int64)
        for order in range(1, longest + 1):
            nodes = self._children(order, nodes, padded[order - 1 :][starts])
            at_ends = np.zeros(len(padded), dtype=np.int64)
            at_ends[order - 1 :][starts] = nodes
            yield at_ends[:places]

    def _children(self, order: int, parents: NDArray[np.int64], ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns the nodes of n-grams of one order, given by their prefixes and last ids; 0 if not stored."""
        start, stop = self._of.levels[order - 1 : order + 1]
        if start == stop:
            return np.zeros_like(ids)
        keys = self._of.keys[start:stop]
        wanted = parents * self._of.vocab_size + ids
        places = np.searchsorted(keys, wanted)
        np.minimum(places, stop - start - 1, out=places)
        is_missing = keys[places] != wanted
        places += start + 1
        places[is_missing] = 0
        return places

    def _row_of_nothing(self) -> NDArray[np.floating[Any]]:
        """Returns the log-probabilities of ids after the empty context, ``(V,)``."""
        row = np.full(
            self._of.vocab_size, self._of.log_backoffs[0] + self._of.log_uniform, dtype=self._of.log_probabilities.dtype
        )
        row[list(self._of.context_only)] = -math.inf
        row[self._of.keys[: self._of.levels[1]]] = self._of.log_probabilities[: self._of.levels[1]]
        return row

    def _descend(self, rows: NDArray[np.floating[Any]], places: NDArray[np.int64], contexts: NDArray[np.int64]) -> None:
        """Turns the rows of the suffixes of contexts into those of the contexts, in place."""
        rows[places] += self._of.log_backoffs[contexts, None]
        first = np.searchsorted(self._of.keys, contexts * self._of.vocab_size)
        children = np.searchsorted(self._of.keys, (contexts + 1) * self._of.vocab_size) - first
        before = np.cumsum(children) - children
        owner = np.repeat(np.arange(len(children)), children)
        ngrams = np.arange(len(owner)) + (first - before)[owner]
        rows[places[owner], self._of.keys[ngrams] % self._of.vocab_size] = self._of.log_probabilities[ngrams]


def separated(
    ids: NDArray[np.integer[Any]], lengths: NDArray[np.int64], separator: int = NO_ID, dtype: DTypeLike = np.int64
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Returns texts as one array with a separator after each, and a mask of the ids."""
    ends = np.cumsum(lengths + 1) - 1
    padded = np.full(len(ids) + len(lengths), separator, dtype=dtype)
    is_id = np.ones(len(padded), dtype=bool)
    is_id[ends] = False
    padded[is_id] = ids
    return padded, is_id
