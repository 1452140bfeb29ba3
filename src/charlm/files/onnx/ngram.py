"""An n-gram model as tensors and standard operators, which have no search and no early end.

The children of a context are adjacent, so a window that is as wide as the most children of any context of its length
covers them. The window of each context is read whole: comparing the ids in it finds the next context, and writing its
probabilities over those of the shorter context gives the distribution.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from charlm.models.ngram.table import NGramTable

HIGHEST_ORDER = 16
"""The graph has about forty operators for each order, and an export of this one takes ten seconds."""
NO_ID = -1
"""Stands for an id before the start of a text."""


class NGramGraph(nn.Module):
    """The log-probabilities of an n-gram model, float32.

    Contexts are the nodes of ``NGramCounts``; one more, the last, stands for a context that is not stored. It has no
    children and no weight.

    Args:
        table: A fitted model.

    Raises:
        ValueError: Its order is above 16, or it has not been fitted.
    """

    starts: Tensor
    """Where the children of each context begin among the n-grams."""
    ids: Tensor
    """The last id of each n-gram."""
    log_probabilities: Tensor
    log_backoffs: Tensor
    unigrams: Tensor
    """The context that each id alone is, and what stands for no id."""
    row: Tensor
    """The log-probabilities after nothing, ``(V + 1,)``."""

    def __init__(self, table: NGramTable) -> None:
        super().__init__()
        table.check_fitted()
        if table.order > HIGHEST_ORDER:
            raise ValueError(
                f"an n-gram model is exported to ONNX up to order {HIGHEST_ORDER}, since its graph grows with the "
                f"order, got {table.order}: use save_arpa"
            )
        self.vocab_size: int = table.vocab_size
        self.order: int = table.order
        self.nowhere: int = len(table.log_backoffs)
        starts = np.append(table.child_starts, table.child_starts[-1]).astype(np.int64)
        self.widths: list[int] = [
            int(np.diff(starts[start + 1 : stop + 2]).max(initial=0))
            for start, stop in zip(table.levels[:-2], table.levels[1:-1], strict=True)
        ]
        """The most children of a context of each length from 1 on."""
        self._hold("starts", starts.astype(np.int32 if len(table) < 1 << 31 else np.int64))
        self._hold("ids", table.ids.astype(np.uint8 if table.vocab_size <= 1 << 8 else np.int32))
        self._hold("log_probabilities", table.log_probabilities.astype(np.float32))
        self._hold("log_backoffs", np.append(table.log_backoffs, 0).astype(np.float32))
        unigrams = np.full(self.vocab_size + 1, self.nowhere)  # the last is that of NO_ID
        if self.order > 1:
            unigrams[table.ids[: table.levels[1]]] = np.arange(1, table.levels[1] + 1)
        self._hold("unigrams", unigrams)
        row = table.search.rows(np.zeros(1, dtype=np.int64))[0]
        self._hold("row", np.append(row, 0).astype(np.float32))

    def forward(self, ids: Tensor) -> Tensor:
        """Returns the log-probabilities of what follows each position: int64 ``(B, T)`` to float32 ``(B, T, V)``."""
        return self.predicted(ids)[0]

    def predicted(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the log-probabilities, and the length of the longest context of each position, int64 ``(B, T)``."""
        contexts = self.contexts(ids)
        return self.rows(contexts), self.lengths(contexts)

    def last(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the same for the last position alone, for which no more ids than its context are read."""
        nearest = max(self.order - 1, 1)
        padded = functional.pad(ids, (nearest, 0), value=NO_ID)[:, -nearest:]
        contexts = [nodes[:, -1:] for nodes in self.contexts(padded)]
        return self.rows(contexts), self.lengths(contexts)

    def contexts(self, ids: Tensor) -> list[Tensor]:
        """Returns the contexts of each length from 1 on that end at each position, int64 ``(B, T)`` each."""
        if self.order == 1:
            return [torch.full_like(ids, self.nowhere)]
        found = [self.unigrams[ids]]
        for width in self.widths[:-1]:
            before = functional.pad(found[-1], (1, 0), value=self.nowhere)[:, :-1]
            places, is_child = self._children(before, width)
            is_next = is_child & (self.ids[places] == ids.unsqueeze(-1))
            found.append(torch.where(is_next, places + 1, self.nowhere).amin(dim=-1))
        return found

    def lengths(self, contexts: list[Tensor]) -> Tensor:
        """Returns the length of the longest context of each position, int64 ``(B, T)``."""
        return torch.stack([(nodes != self.nowhere).long() for nodes in contexts]).sum(dim=0)

    def rows(self, contexts: list[Tensor]) -> Tensor:
        """Returns the log-probabilities of what follows contexts, ``(B, T, V)``."""
        return self.rows_by_length(contexts)[-1]

    def rows_by_length(self, contexts: list[Tensor]) -> list[Tensor]:
        """Returns the log-probabilities of what follows contexts of up to each length from 0 on, ``(B, T, V)`` each."""
        rows = self.row.expand(*contexts[0].shape, -1)  # the last column takes what is not a child
        found = [rows]
        for nodes, width in zip(contexts, self.widths, strict=False):
            rows = rows + self.log_backoffs[nodes].unsqueeze(-1)
            places, is_child = self._children(nodes, width)
            columns = torch.where(is_child, self.ids[places].long(), self.vocab_size)
            rows = rows.scatter(-1, columns, self.log_probabilities[places])
            found.append(rows)
        return [rows[..., : self.vocab_size].clamp(max=0) for rows in found]

    def _children(self, nodes: Tensor, width: int) -> tuple[Tensor, Tensor]:
        """Returns the places of the n-grams after each context, ``(B, T, width)``, and which of them are its own."""
        places = self.starts[nodes].long().unsqueeze(-1) + torch.arange(max(width, 1))
        is_child = places < self.starts[nodes + 1].long().unsqueeze(-1)
        return places.clamp(max=len(self.ids) - 1), is_child

    def _hold(self, name: str, array: NDArray[Any]) -> None:
        self.register_buffer(name, torch.from_numpy(np.ascontiguousarray(array)))
