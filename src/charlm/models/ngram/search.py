"""Vectorized lookup of many positions of a text in an n-gram model."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from charlm.models.ngram.children import BitsOfChildren, SortedChildren
    from charlm.models.ngram.parts import Parts

PLACES_AT_ONCE = 1 << 14
"""How many positions are looked up at a time, so that what is computed for them stays in the cache."""
MOST_BYTES = 12
"""Up to how many bytes an n-gram of a float32 model may take with the bits in which children are looked up."""


class Search:
    """Finds the n-grams that end at each position of texts, and the probabilities that they give.

    Texts are one array of ids in which ``vocab_size`` stands for no id: it follows each text. A window begins at each
    position, and grows by an id at a time as long as its n-gram is stored; 0 stands for one that is not.

    Args:
        parts: The arrays of the model.
    """

    def __init__(self, parts: Parts) -> None:
        self._of = parts
        tree = parts.tree
        self._never = np.array([*parts.context_only, tree.vocab_size + 1])  # ascending; the last is larger than any id
        logarithms = len(parts.log_probabilities) + len(parts.log_backoffs)
        remaining = MOST_BYTES * len(tree) - tree.nbytes - logarithms * np.dtype(np.float32).itemsize
        self._children: list[BitsOfChildren | SortedChildren] = []
        for length in range(tree.order):
            children = tree.children(length, most_bytes=remaining)
            remaining -= children.nbytes
            self._children.append(children)

    @property
    def nbytes(self) -> int:
        """The number of bytes that it takes besides the arrays of the model."""
        return sum(children.nbytes for children in self._children)

    def of_texts(self, ids: NDArray[np.integer[Any]], lengths: NDArray[np.int64]) -> NDArray[np.float64]:
        """Returns the natural-log probability of every id but the first of each text; see ``Predictor``."""
        padded, is_target = self._separated(ids, lengths)
        is_target[np.cumsum(lengths + 1) - (lengths + 1)] = False  # the first of each text, or its separator if empty
        scores = np.empty(np.count_nonzero(is_target))
        scored = 0
        for start in range(0, len(padded), PLACES_AT_ONCE):
            overlap = min(start, self._of.tree.order - 1)
            of_block = self._scores(padded[start - overlap : start + PLACES_AT_ONCE])[overlap:]
            found = of_block[is_target[start : start + PLACES_AT_ONCE]]
            scores[scored : scored + len(found)] = found
            scored += len(found)
        return scores

    def of_targets(
        self, ids: NDArray[np.integer[Any]], lengths: NDArray[np.int64], targets: NDArray[np.integer[Any]]
    ) -> NDArray[np.float64]:
        """Returns the log-probability of a target after each id of texts; it need not be the next id."""
        padded, is_id = self._separated(ids, lengths)
        wanted = np.full_like(padded, self._of.tree.vocab_size)
        wanted[is_id] = targets
        contexts = np.zeros(len(padded), dtype=np.int64)
        ngrams = self._children[0].find(contexts, wanted)
        log_weights = np.where(ngrams == 0, float(self._of.log_backoffs[0]), 0)
        for length, nodes in enumerate(self._windows(padded, self._of.tree.order - 1), 1):
            contexts = _at_ends(nodes, len(padded))
            longer = self._children[length].find(contexts, wanted)
            lacks = np.flatnonzero((longer == 0) & (contexts > 0))
            log_weights[lacks] += self._of.log_backoffs[contexts[lacks]]
            np.maximum(ngrams, longer, out=ngrams)
        return self._weighted(ngrams, log_weights, wanted)[is_id]

    def contexts(self, ids: NDArray[np.integer[Any]], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns the node of the longest stored context that ends at each id, for all texts, concatenated."""
        contexts = np.zeros(len(ids), dtype=np.int64)
        for nodes in self.contexts_by_length(ids, lengths):
            np.maximum(contexts, nodes, out=contexts)  # those of a higher order are higher
        return contexts

    def contexts_by_length(
        self, ids: NDArray[np.integer[Any]], lengths: NDArray[np.int64]
    ) -> Iterator[NDArray[np.int64]]:
        """Yields the node of the context of each length that ends at each id, 0 if it is not stored, from 1 on.

        It stops after ``order - 1``, or where no longer context is stored.
        """
        padded, is_id = self._separated(ids, lengths)
        for nodes in self._windows(padded, self._of.tree.order - 1):
            yield _at_ends(nodes, len(padded))[is_id]

    def longest(self, ids: NDArray[np.integer[Any]], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns the length of the longest stored n-gram that ends in each id of texts, concatenated; 0 if none is."""
        padded, is_id = self._separated(ids, lengths)
        found = np.zeros(len(padded), dtype=np.int64)
        for length, nodes in enumerate(self._windows(padded, self._of.tree.order), 1):
            found[_at_ends(nodes, len(padded)) > 0] = length
        return found[is_id]

    def lengths(self, nodes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns the lengths of the n-grams of nodes."""
        return np.searchsorted(np.array(self._of.tree.levels), nodes)

    def rows(self, contexts: NDArray[np.int64]) -> NDArray[np.floating[Any]]:
        """Returns the log-probabilities of what follows each context, ``(N,)`` to ``(N, V)``."""
        chains: list[NDArray[np.integer[Any]]] = [contexts]
        for _ in range(self._of.tree.order - 2):
            chains.append(self._of.tree.context_suffixes[chains[-1]])
        rows = np.repeat(self._row_of_nothing()[None], len(contexts), axis=0)
        for nodes in reversed(chains):
            deeper = np.flatnonzero(nodes)
            self._descend(rows, deeper, nodes[deeper])
        return np.minimum(rows, 0, out=rows)  # a sum of logarithms may be rounded up

    def _separated(
        self, ids: NDArray[np.integer[Any]], lengths: NDArray[np.int64]
    ) -> tuple[NDArray[np.unsignedinteger[Any]], NDArray[np.bool_]]:
        """Returns texts as one array with no id after each, and a mask of the ids."""
        vocab_size = self._of.tree.vocab_size
        is_id = np.ones(len(ids) + len(lengths), dtype=bool)
        is_id[np.cumsum(lengths + 1) - 1] = False
        padded = np.full(len(is_id), vocab_size, dtype=np.min_scalar_type(vocab_size))
        padded[is_id] = ids
        return padded, is_id

    def _scores(self, padded: NDArray[np.unsignedinteger[Any]]) -> NDArray[np.float64]:
        """Returns the log-probability of each id given those before it, float64 ``(N,)``.

        The n-gram of an id is the longest that ends in it. Each window that ends just before it is a longer context,
        which lacks the id, and gives its weight.
        """
        ngrams, contexts, lengths = np.zeros((3, len(padded)), dtype=np.int64)
        for length, nodes in enumerate(self._windows(padded, self._of.tree.order)):
            for longest in (ngrams[length:], contexts[: len(nodes)]):
                np.maximum(longest, nodes, out=longest)  # nodes of a higher order have higher numbers
            lengths[: len(nodes)] += nodes > 0
        starts = np.flatnonzero(lengths < self._of.tree.order)
        ends = starts + lengths.take(starts)
        log_backoffs = self._of.log_backoffs.take(contexts.take(starts))
        log_weights: NDArray[Any] = np.bincount(ends, weights=log_backoffs, minlength=len(padded))[: len(padded)]
        return self._weighted(ngrams, log_weights, padded)

    def _weighted(
        self, ngrams: NDArray[np.int64], log_weights: NDArray[np.float64], ids: NDArray[np.unsignedinteger[Any]]
    ) -> NDArray[np.float64]:
        """Returns the log-probabilities of ids, ``(N,)``, from the n-grams that end in them.

        Args:
            ngrams: The longest stored n-gram of the id and what comes before it; 0 if there is none, int64 ``(N,)``.
            log_weights: The sum of the backoff weights of the longer contexts, float64 ``(N,)``.
            ids: The ids, ``(N,)``.
        """
        scores: NDArray[np.float64] = log_weights + self._of.log_probabilities.take(ngrams - 1)
        unseen = np.flatnonzero(ngrams == 0)
        scores[unseen] = log_weights[unseen] + self._of.log_uniform
        unseen_ids = ids[unseen]
        is_never = self._never[np.searchsorted(self._never, unseen_ids)] == unseen_ids
        scores[unseen[is_never]] = -math.inf
        return np.minimum(scores, 0, out=scores)  # as in rows

    def _windows(self, padded: NDArray[np.unsignedinteger[Any]], longest: int) -> Iterator[NDArray[np.int64]]:
        """Yields the nodes of the windows of each length up to ``longest``, until none is stored.

        Yields:
            int64, ``(N,)``, then ``(N - 1,)``, and so on.
        """
        nodes = np.zeros(len(padded) + 1, dtype=np.int64)
        for length in range(longest):
            nodes = self._children[length].find(nodes[:-1], padded[length:])
            yield nodes
            if not np.count_nonzero(nodes):
                return

    def _row_of_nothing(self) -> NDArray[np.floating[Any]]:
        """Returns the log-probabilities of ids after the empty context, ``(V,)``."""
        of, unigrams = self._of, self._of.tree.levels[1]
        nothing = of.log_backoffs[0] + of.log_uniform
        row = np.full(of.tree.vocab_size, nothing, dtype=of.log_probabilities.dtype)
        row[list(of.context_only)] = -math.inf
        row[of.tree.ids[:unigrams]] = of.log_probabilities[:unigrams]
        return row

    def _descend(
        self, rows: NDArray[np.floating[Any]], places: NDArray[np.int64], contexts: NDArray[np.integer[Any]]
    ) -> None:
        """Turns the rows of the suffixes of contexts into those of the contexts, in place."""
        tree = self._of.tree
        rows[places] += self._of.log_backoffs[contexts, None]
        first = tree.child_starts[contexts].astype(np.int64)
        children = tree.child_starts[contexts + 1] - first
        before = np.cumsum(children) - children
        owner = np.repeat(np.arange(len(children)), children)
        ngrams = np.arange(len(owner)) + (first - before)[owner]
        rows[places[owner], tree.ids[ngrams]] = self._of.log_probabilities[ngrams]


def _at_ends(nodes: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Returns nodes by the position at which their window ends, ``(size,)``; 0 where it would begin too early."""
    at_ends = np.zeros(size, dtype=np.int64)
    at_ends[size - len(nodes) :] = nodes
    return at_ends
