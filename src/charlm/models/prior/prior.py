"""The prior of a Transformer: an n-gram model that is asked about every position, with contexts of several lengths."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from charlm.models.ngram.model import NGramLanguageModel
from charlm.models.prior.estimates import check_counted, of_all, without_each
from charlm.models.prior.overlap import MOST_KNOWN, share_known
from charlm.models.prior.rows import PriorFeatures, PriorRows, lengths_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from charlm.data.folds import HasFolds
    from charlm.models.ngram.table import NGramTable

FOLDS = 10
"""Into how many parts the training text is divided, each of which is judged by the counts of the others."""


class CountPrior(nn.Module):
    """What the counts of an n-gram model say of positions, in the tensors that a Transformer takes.

    Args:
        table: The n-gram model: with its counts, of order 2 or more.

    Attributes:
        ngram: It, with its tables in the ``state_dict``.

    Raises:
        ValueError: The order is 1, or the model has been fitted and has no counts.
    """

    def __init__(self, table: NGramTable) -> None:
        super().__init__()
        if table.order == 1:
            raise ValueError("a prior looks at contexts, and an n-gram model of order 1 has none: give a higher order")
        if len(table):
            check_counted(table)
        self.ngram: NGramLanguageModel = NGramLanguageModel.of(table.to_ship())
        self._made: tuple[NGramTable, PriorRows] | None = None
        self.register_load_state_dict_post_hook(_check_loaded)  # type: ignore[no-untyped-call]

    @property
    def table(self) -> NGramTable:
        """The n-gram model."""
        return self.ngram.table

    @property
    def order(self) -> int:
        """The length of its longest n-grams."""
        return self.ngram.order

    @property
    def n_lengths(self) -> int:
        """K, the number of lengths of contexts; see ``charlm.models.prior.rows.lengths_of``."""
        return len(lengths_of(self.ngram.order))

    def features(self, ids: Tensor, start: int = 0) -> PriorFeatures:
        """Returns what the counts of all texts say of the positions from ``start`` on.

        Args:
            ids: The ids from the start of a text or a block on, int64 ``(B, T)``.
            start: The first position.

        Raises:
            ValueError: The n-gram model has not been fitted, or has no counts.
            TokenIdError: An id is not in the vocabulary.
        """
        rows = self._rows(ids.device)
        nearest = max(0, start + 2 - self.ngram.order)  # on which the context of the first one depends
        nodes = self.nodes(ids[:, nearest:])[..., start - nearest :]
        which = torch.zeros(nodes.shape[1:], dtype=torch.int64, device=ids.device)
        return rows(nodes, which)

    def held_out(self, dataset: HasFolds, device: torch.device) -> HeldOutPrior:
        """Returns what tells of the examples of a dataset that this prior has counted.

        Args:
            dataset: The dataset.
            device: The device of its batches.

        Raises:
            ValueError: The prior has not counted it.
        """
        return HeldOutPrior(self, dataset, device)

    def _rows(self, device: torch.device) -> PriorRows:
        """Returns the rows of this table on a device, which are kept."""
        made, table = self._made, self.table
        if made is None or made[0] is not table or made[1].device != device:
            made = table, PriorRows(table, of_all(table), device)
            self._made = made  # another thread may put that of another table there at once
        return made[1]

    def nodes(self, ids: Tensor) -> Tensor:
        """Returns the context of each length that ends at each position, int64 ``(order - 1, B, T)``."""
        self.ngram.check_ids(ids)
        rows: NDArray[np.int64] = ids.numpy(force=True)
        nodes = np.zeros((self.ngram.order - 1, rows.size), dtype=np.int64)
        lengths = np.full(len(rows), rows.shape[1])
        for place, found in enumerate(self.table.search.contexts_by_length(rows.ravel(), lengths)):
            nodes[place] = found
        return torch.from_numpy(nodes.reshape(-1, *rows.shape)).to(ids.device)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_made": None}


def _check_loaded(prior: CountPrior, keys: Any) -> None:  # noqa: ANN401, ARG001 - torch's
    """Refuses tables without counts, which say nothing without a part of the texts."""
    if len(prior.table):
        check_counted(prior.table)


class HeldOutPrior:
    """What the counts say of training examples, without the tenth of the training data that an example is in.

    Args:
        prior: The counts.
        dataset: The training data, which they have counted.
        device: The device of the batches.

    Raises:
        ValueError: They have not.
    """

    def __init__(self, prior: CountPrior, dataset: HasFolds, device: torch.device) -> None:
        self._prior = prior
        self._folds = dataset.folds(FOLDS, context=prior.table.order - 1)
        estimates, others = without_each(prior.table, self._folds.texts)
        self._rows = PriorRows(prior.table, estimates, device)
        texts = [fold.texts for fold in self._folds.texts]
        if (others > 0).any() and (known := share_known(prior.table, texts, others)) > MOST_KNOWN:
            warnings.warn(
                f"the prior has counted {known:.0%} of the training data twice, so that training trusts counts that no "
                "other text has: fit it to these data once",
                stacklevel=6,
            )

    def __call__(self, inputs: Tensor, indices: Tensor) -> PriorFeatures:
        """Returns what the counts say of examples.

        Args:
            inputs: Their ids, int64 ``(B, T)``.
            indices: Which examples they are, int64 ``(B,)``, on the CPU.
        """
        nodes = self._prior.nodes(inputs)
        which = torch.from_numpy(self._folds.of(indices.numpy())).to(inputs.device)
        return self._rows(nodes, which[:, None].expand(inputs.shape))
