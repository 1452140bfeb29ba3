"""The tables of an n-gram model: a tree of n-grams with their probabilities, on any device."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from charlm.models.ngram.counts import NGramCounts, node_levels
from charlm.models.ngram.kneser_ney import BackoffTable, checked_suffixes
from charlm.models.ngram.lookup import Distributions
from charlm.runtime.devices import WITHOUT_FLOAT64

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray

_STATE = {
    "keys": torch.int64,
    "counts": torch.int64,
    "log_probabilities": torch.float64,
    "log_backoffs": torch.float64,
}

NO_ID = torch.iinfo(torch.int64).min
"""Makes a key negative, so that no n-gram has it."""
SORTED_BY = 4
"""How many ids positions are sorted by before they are looked up."""


class NGramTable(nn.Module):
    """N-grams numbered as in ``NGramCounts``, with what a backoff model knows of each, as buffers.

    An n-gram that is stored takes 24 bytes, and 24 more where it is a context.

    Args:
        vocab_size: The number of ids, V.
        order: The length of the longest n-grams.
    """

    keys: Tensor
    """The n-grams as a tree, int64 ``(N,)``; see ``NGramCounts``."""
    counts: Tensor
    """How often each occurred, int64 ``(N,)``; empty in a pruned model."""
    log_probabilities: Tensor
    """ln P(last id | the ids before it) of each n-gram, float64 ``(N,)``."""
    log_backoffs: Tensor
    """ln of the weight of the shorter context, for each context, the empty one first, float64 ``(M,)``."""
    suffixes: Tensor
    """The node of each context without its first id, int64 ``(M,)``; follows from ``keys``."""
    total_log_backoffs: Tensor
    """The sum of ``log_backoffs`` over each context and all that it ends in, float64 ``(M,)``; follows from them."""

    def __init__(self, vocab_size: int, order: int) -> None:
        super().__init__()
        self.vocab_size = vocab_size
        self.order = order
        for name, dtype in _STATE.items():
            self.register_buffer(name, torch.zeros(0, dtype=dtype))
        self.register_buffer("suffixes", torch.zeros(0, dtype=torch.int64), persistent=False)
        self.register_buffer("total_log_backoffs", torch.zeros(0, dtype=torch.float64), persistent=False)
        self.levels: tuple[int, ...] = (0,) * (order + 1)
        """Where each order ends in ``keys``."""
        self._distributions: Distributions | None = None

    def __len__(self) -> int:
        return self.levels[-1]

    def ngram_counts(self) -> NGramCounts:
        """Returns the n-grams with their counts, on the CPU.

        Raises:
            ValueError: The model has been pruned, or comes from a file without counts.
        """
        if len(self.counts) != len(self.keys):
            raise ValueError("this model has been pruned, or comes from an ARPA file, and has no counts: fit it anew")
        return NGramCounts(
            vocab_size=self.vocab_size, order=self.order, keys=_array(self.keys), counts=_array(self.counts)
        )

    def backoff_table(self) -> BackoffTable:
        """Returns the probabilities, on the CPU."""
        return BackoffTable(_array(self.log_probabilities), _array(self.log_backoffs))

    def store(
        self,
        keys: NDArray[np.int64],
        counts: NDArray[np.int64],
        table: BackoffTable,
        suffixes: NDArray[np.int64],
    ) -> None:
        """Replaces the tables, on the device and in the floating-point type that they are in.

        Args:
            keys: Those of ``NGramCounts``, int64 ``(N,)``.
            counts: How often each n-gram occurs, int64 ``(N,)``, or empty.
            table: The probabilities.
            suffixes: What ``suffix_nodes`` returns for the keys.
        """
        device, dtype = self.keys.device, self.log_backoffs.dtype
        self.keys = torch.from_numpy(keys).to(device)
        self.counts = torch.from_numpy(counts).to(device)
        self.log_probabilities = torch.from_numpy(table.log_probabilities).to(device, dtype)
        self.log_backoffs = torch.from_numpy(table.log_backoffs).to(device, dtype)
        self.suffixes = torch.from_numpy(suffixes[: len(table.log_backoffs)].copy()).to(device)
        self.levels = node_levels(keys, self.vocab_size, self.order)
        totals = table.log_backoffs.copy()
        for start, stop in pairwise(self.levels[:-1]):  # suffixes are of the level before
            totals[start + 1 : stop + 1] += totals[suffixes[start + 1 : stop + 1]]
        self.total_log_backoffs = torch.from_numpy(totals).to(device, dtype)
        self._distributions = None

    def distributions(self) -> Distributions:
        """Returns the same tables for one context at a time on the CPU; made when first asked for."""
        if self._distributions is None:
            self._distributions = Distributions(
                vocab_size=self.vocab_size,
                keys=_array(self.keys),
                longest=self.levels[self.order - 2] + 1 if self.order > 1 else 0,
                suffixes=_array(self.suffixes),
                log_probabilities=_array(self.log_probabilities),
                log_backoffs=_array(self.log_backoffs),
            )
        return self._distributions

    def ngrams(self, ids: Tensor, longest: int) -> Iterator[Tensor]:
        """Yields, for each order up to ``longest``, the nodes of the n-grams that end at each position, or 0.

        Nodes of a higher order have higher numbers. All positions are looked up together, sorted by the ids that
        stand there: a search then goes nearly the way of the one before it, through memory that is in the cache.

        Args:
            ids: int64 ``(B, T)``; each row starts a text.
            longest: The highest order, at most that of the table.

        Yields:
            int64, ``(B, T)``.
        """
        rows = functional.pad(ids, (0, 1), value=NO_ID)
        padded = functional.pad(rows.flatten(), (0, longest + SORTED_BY), value=NO_ID)
        sort_keys = padded[: rows.numel()]
        for place in range(1, SORTED_BY):
            sort_keys = sort_keys * self.vocab_size + padded[place : place + rows.numel()]
        starts = sort_keys.argsort()
        nodes = torch.zeros_like(starts)
        for order in range(1, longest + 1):
            nodes = self.children_of(order, nodes, padded[order - 1 :].gather(0, starts))
            at_ends = nodes.new_zeros(len(padded))
            at_ends[order - 1 :].scatter_(0, starts, nodes)
            yield at_ends[: rows.numel()].view_as(rows)[:, :-1]

    def children_of(self, order: int, parents: Tensor, ids: Tensor) -> Tensor:
        """Returns the nodes of n-grams of one order, given by their prefixes and last ids; 0 where there is none.

        Args:
            order: The order.
            parents: Nodes, int64 ``(N,)``.
            ids: int64 ``(N,)``.
        """
        start, stop = self.levels[order - 1 : order + 1]
        if start == stop:
            return torch.zeros_like(ids)
        keys = self.keys[start:stop]
        wanted = ids.add(parents, alpha=self.vocab_size)
        places = torch.searchsorted(keys, wanted).clamp_(max=stop - start - 1)
        is_missing = keys.gather(0, places) != wanted
        return places.add_(start + 1).masked_fill_(is_missing, 0)

    def scores(self, contexts: Tensor, ngrams: Tensor) -> Tensor:
        """Returns the log-probabilities of ids, ``(N,)``, each from two nodes.

        An n-gram that is stored has its probability; the weights of the longer contexts come on top, which are those
        of the longest one and all it ends in, without those of the n-gram's own prefix and all that one ends in.

        Args:
            contexts: The longest context that is stored, int64 ``(N,)``.
            ngrams: The longest n-gram of the end of that context and the id, int64 ``(N,)``; 0 where there is none.
        """
        places = (ngrams - 1).clamp_(min=0)
        prefixes = self.keys.gather(0, places).div_(self.vocab_size, rounding_mode="floor")
        stored = self.log_probabilities.gather(0, places) - self.total_log_backoffs.gather(0, prefixes)
        stored.masked_fill_(ngrams == 0, -math.log(self.vocab_size))
        return stored.add_(self.total_log_backoffs.gather(0, contexts))

    def lengths(self, nodes: Tensor) -> Tensor:
        """Returns how many ids the n-grams of nodes have."""
        return torch.searchsorted(torch.tensor(self.levels, device=nodes.device), nodes)

    def rows(self, contexts: Tensor) -> Tensor:
        """Returns the log-probabilities of what follows each context, ``(N,)`` to ``(N, V)``."""
        chains = [contexts]
        for _ in range(self.order - 2):
            chains.append(self.suffixes[chains[-1]])
        uniform = self.log_backoffs[:1] - math.log(self.vocab_size)
        rows = uniform.repeat(len(contexts), self.vocab_size)
        rows[:, self.keys[: self.levels[1]]] = self.log_probabilities[: self.levels[1]]
        for nodes in reversed(chains):
            deeper = nodes.nonzero().flatten()
            self._descend(rows, deeper, nodes[deeper])
        return rows

    def _descend(self, rows: Tensor, places: Tensor, contexts: Tensor) -> None:
        """Turns rows of the suffixes of contexts into those of the contexts, in place."""
        rows[places] += self.log_backoffs[contexts, None]
        first = torch.searchsorted(self.keys, contexts * self.vocab_size)
        children = torch.searchsorted(self.keys, (contexts + 1) * self.vocab_size) - first
        before = children.cumsum(0) - children
        owner = torch.repeat_interleave(children)
        ngrams = torch.arange(len(owner), device=owner.device) + (first - before)[owner]
        rows[places[owner], self.keys[ngrams] % self.vocab_size] = self.log_probabilities[ngrams]

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,  # noqa: FBT001 - torch's
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Takes tables of any size, as those of a fitted model differ from those of an empty one, once checked."""
        missing = [prefix + name for name in _STATE if prefix + name not in state_dict]
        if missing:
            missing_keys += missing
            return
        given = {name: state_dict[prefix + name] for name in _STATE}
        try:
            suffixes = checked_suffixes(*map(_array, given.values()), vocab_size=self.vocab_size, order=self.order)
        except ValueError as error:
            error_msgs.append(
                f"{prefix}* is no sound n-gram table of vocab_size {self.vocab_size} and order {self.order}: {error}"
            )
            return
        keys, counts, log_probabilities, log_backoffs = (_array(tensor).copy() for tensor in given.values())
        self.store(keys, counts, BackoffTable(log_probabilities, log_backoffs), suffixes)
        super()._load_from_state_dict(
            state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
        )

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:  # noqa: FBT001, FBT002 - torch's
        self._distributions = None
        if fn(torch.empty(0)).device.type in WITHOUT_FLOAT64:
            self.float()
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_distributions": None}


def _array(tensor: Tensor) -> NDArray[Any]:
    # NumPy has no bfloat16.
    array: NDArray[Any] = (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy(force=True)
    return array
