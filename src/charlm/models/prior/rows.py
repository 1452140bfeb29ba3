"""The log-probabilities of all ids after contexts of each length, as tensors on any device."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from charlm.models.ngram.table import NGramTable
    from charlm.models.prior.estimates import Estimates

MOST_NUMBERS = 1 << 21
"""How many numbers the rows that are computed beforehand may have."""
LEAST = -50.0
"""Stands for ln 0, which has no gradient; ids that are never predicted get their minus infinity from the model."""
LEAST_LENGTH = 2
"""The length of the shortest contexts that a prior looks at, unless its n-grams are shorter."""
MOST_LENGTHS = 6
"""Of how many lengths there are contexts: the gates of more would together move too far in a step."""


class PriorFeatures(NamedTuple):
    """What the counts say of positions.

    Attributes:
        log_probabilities: ln P of all ids after the last k ids, for the K lengths k of ``lengths_of``, float32
            ``(B, T, K, V)``.
        known: ln of 1 plus the count of each of these contexts, and ln of its backoff weight, 0 where it has not
            occurred, float32 ``(B, T, 2 * K)``.
    """

    log_probabilities: Tensor
    known: Tensor

    def last(self) -> PriorFeatures:
        """Returns those of the last position, T being 1."""
        return PriorFeatures(self.log_probabilities[:, -1:], self.known[:, -1:])


def lengths_of(order: int) -> tuple[int, ...]:
    """Returns the lengths of the contexts that a prior of an order looks at: all from 2 on, or six evenly spaced.

    Example:
        >>> lengths_of(8), lengths_of(2), lengths_of(20)
        ((2, 3, 4, 5, 6, 7), (1,), (2, 5, 9, 12, 16, 19))
    """
    shortest, longest = min(LEAST_LENGTH, order - 1), order - 1
    number = min(MOST_LENGTHS, longest - shortest + 1)
    return tuple(np.linspace(shortest, longest, number).round().astype(int).tolist())


class PriorRows:
    """Finds what counts say after contexts.

    The distribution after a context is that after its suffix, weighted, with the entries of its stored children
    replaced. Those after the shortest contexts are computed once.

    Args:
        table: The n-grams.
        estimates: What one or more counts of them say.
        device: Where to compute.
    """

    def __init__(self, table: NGramTable, estimates: Estimates, device: torch.device) -> None:
        self.device = device

        def moved(array: NDArray[Any]) -> Tensor:
            return torch.from_numpy(array).to(device)

        self._child_starts = moved(table.child_starts.astype(np.int64))
        self._ids = moved(table.ids.astype(np.int64))
        self._ngrams, self._contexts = estimates.log_probabilities.shape[1], estimates.log_backoffs.shape[1]
        self._log_probabilities = moved(estimates.log_probabilities).clamp(min=LEAST).flatten()
        self._log_backoffs = moved(estimates.log_backoffs).flatten()
        self._log_counts = moved(estimates.log_counts).flatten()
        self._lengths = lengths_of(table.order)
        self._rows = self._first_rows(table, len(estimates.log_backoffs))
        self._before: int = table.levels.index(self._rows.shape[1] - 1)
        """The longest length of which the rows are computed."""

    def _first_rows(self, table: NGramTable, counts: int) -> Tensor:
        """Returns the rows of all contexts of the shortest lengths, as far as there is room, ``(C, contexts, V)``."""
        nothing = self._log_backoffs[:: self._contexts] - math.log(table.vocab_size - len(table.context_only))
        rows = nothing[:, None, None].repeat(1, 1, table.vocab_size)
        rows[..., list(table.context_only)] = LEAST
        children = int(self._child_starts[1])
        rows[:, 0, self._ids[:children]] = self._log_probabilities.view(counts, -1)[:, :children]
        suffixes = torch.from_numpy(table.tree.context_suffixes.astype(np.int64)).to(rows.device)
        for start, stop in pairwise(table.levels[: self._lengths[0] + 1]):
            if counts * (stop + 1) * table.vocab_size > MOST_NUMBERS:
                break
            nodes = torch.arange(start + 1, stop + 1, device=rows.device)
            which = torch.arange(counts, device=rows.device).repeat_interleave(len(nodes))
            longer = self._descended(rows[:, suffixes[nodes]].flatten(0, 1), nodes.repeat(counts), which)
            rows = torch.cat([rows, longer.unflatten(0, (counts, -1))], dim=1)
        return rows

    def __call__(self, nodes: Tensor, which: Tensor) -> PriorFeatures:
        """Returns what is said after contexts.

        Args:
            nodes: The context of each length from 1 up to ``order - 1``, 0 where it has not occurred, int64
                ``(order - 1, B, T)``.
            which: Which of the counts to ask at each position, int64 ``(B, T)``.
        """
        shape = which.shape
        nodes, which = nodes.flatten(1), which.flatten()
        shortest = nodes[: self._before].amax(dim=0) if self._before else torch.zeros_like(which)
        rows = self._rows[which, shortest]
        found = []
        for length, contexts in enumerate(nodes, start=1):
            if length > self._before:
                rows = self._descended(rows, contexts, which)
            if length in self._lengths:
                found.append(rows)
        stacked = PriorFeatures(
            torch.stack(found, dim=1), self._known(nodes[[length - 1 for length in self._lengths]], which)
        )
        return PriorFeatures(*(each.unflatten(0, shape) for each in stacked))

    def _known(self, nodes: Tensor, which: Tensor) -> Tensor:
        """Returns what is known of contexts of each length, ``(N, 2 * K)``."""
        places = which * self._contexts + nodes
        known = torch.stack([self._log_counts[places], self._log_backoffs[places]], dim=-1) * (nodes > 0)[..., None]
        return known.transpose(0, 1).flatten(1)

    def _descended(self, rows: Tensor, contexts: Tensor, which: Tensor) -> Tensor:
        """Returns the rows of contexts from those of their suffixes, ``(N, V)``; where there is none they stay."""
        if len(contexts) == 1:
            return self._one_descended(rows, int(contexts), int(which))
        known = contexts.nonzero().squeeze(-1)
        nodes, counts = contexts[known], which[known]
        weights = rows.new_zeros(len(rows), 1)
        weights[known, 0] = self._log_backoffs[counts * self._contexts + nodes]
        rows = rows + weights
        first = self._child_starts[nodes]
        children = self._child_starts[nodes + 1] - first
        owners = torch.repeat_interleave(children)
        ngrams = torch.arange(len(owners), device=rows.device) + (first - (children.cumsum(0) - children))[owners]
        values = self._log_probabilities[counts[owners] * self._ngrams + ngrams]
        rows.view(-1)[known[owners] * rows.shape[1] + self._ids[ngrams]] = values
        return rows

    def _one_descended(self, row: Tensor, context: int, which: int) -> Tensor:
        """Returns what ``_descended`` does of one context, in a fraction of the time: each step of generation asks."""
        if not context:
            return row
        start, stop = self._child_starts[context : context + 2].tolist()
        row = row + self._log_backoffs[which * self._contexts + context]
        first = which * self._ngrams
        row[0, self._ids[start:stop]] = self._log_probabilities[first + start : first + stop]
        return row
