"""The prior of a Transformer as tensors and standard operators."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from charlm.files.onnx.ngram import NGramGraph
from charlm.models.prior.estimates import of_all
from charlm.models.prior.rows import LEAST, PriorFeatures, lengths_of

if TYPE_CHECKING:
    from charlm.models.ngram.table import NGramTable


class PriorGraph(NGramGraph):
    """What the counts of an n-gram model say of positions, as ``CountPrior`` does.

    Args:
        table: The n-gram model.

    Raises:
        ValueError: As for ``NGramGraph``; or it has no counts.
    """

    log_counts: Tensor
    """ln of 1 plus how often each context occurs."""

    def __init__(self, table: NGramTable) -> None:
        super().__init__(table)
        self.table: NGramTable = table
        self._hold("log_counts", np.append(of_all(table).log_counts[0], 0).astype(np.float32))

    def features(self, ids: Tensor, start: int = 0) -> PriorFeatures:
        """Returns what the counts say of the positions from ``start`` on, from ids int64 ``(B, T)``."""
        contexts = [nodes[:, start:] for nodes in self.contexts(ids)]
        rows = self.rows_by_length(contexts)
        lengths = lengths_of(self.order)
        known = [values[contexts[length - 1]] for length in lengths for values in (self.log_counts, self.log_backoffs)]
        found = torch.stack([rows[length].clamp(min=LEAST) for length in lengths], dim=-2)
        return PriorFeatures(found, torch.stack(known, dim=-1))
