"""Batches of windows, drawn from a seed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import torch
from torch import Tensor

from charlm.arguments import positive_integer
from charlm.devices import resolve_device

if TYPE_CHECKING:
    from charlm.data import TextDataset


class BatchSampler:
    """An endless iterator of ``(inputs, targets)``: windows drawn at random, with replacement.

    The draws come from a generator of this sampler's own, so that the same seed gives the same batches whatever
    else uses random numbers; they are those of ``torch.randint`` after ``torch.manual_seed(seed)``.

    Args:
        dataset: Where the windows come from.
        batch_size: The number of windows in a batch.
        seed: Decides every draw.
        device: Where the batches are to be, or ``"auto"``.

    Raises:
        ValueError: ``batch_size`` is below 1, or there is no such device.

    Example:
        >>> from charlm import TextDataset
        >>> batches = BatchSampler(TextDataset(range(100), block_size=4), batch_size=2, seed=1337)
        >>> inputs, targets = next(batches)
        >>> inputs
        tensor([[55, 56, 57, 58],
                [61, 62, 63, 64]])
        >>> targets - inputs
        tensor([[1, 1, 1, 1],
                [1, 1, 1, 1]])
    """

    def __init__(
        self,
        dataset: TextDataset,
        batch_size: int,
        *,
        seed: int = 0,
        device: str | torch.device = "cpu",
    ) -> None:
        self.dataset = dataset
        self.batch_size = positive_integer("batch_size", batch_size)
        self.seed = seed
        self.device = resolve_device(device)
        self._generator = torch.Generator().manual_seed(seed)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> tuple[Tensor, Tensor]:
        """Returns the next batch: int64 inputs and targets, each ``(batch_size, block_size)``, on the device."""
        indices = torch.randint(len(self.dataset), (self.batch_size,), generator=self._generator)
        inputs, targets = self.dataset.gather(indices)
        return inputs.to(self.device).long(), targets.to(self.device).long()
