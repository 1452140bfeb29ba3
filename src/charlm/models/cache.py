"""The key-value cache of a Transformer's attention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


@dataclass
class KeyValueCache:
    """The keys and values of all layers, in one tensor that is filled from the left.

    Several states of ``step`` may share it: each records its own length, and only the newest can be extended in
    place. Filled entries never change, so older states remain valid.

    Attributes:
        memory: ``(n_layers, 2, B, H, capacity, head_size)``; keys at 0 of the second dimension, values at 1.
        length: The number of ids for which it is filled.

    Example:
        >>> cache = KeyValueCache(torch.empty(1, 2, 1, 1, 8, 4), length=3)
        >>> cache.takes(4), cache.takes(3)  # in the second case another sequence has already continued from two ids
        (True, False)
    """

    memory: Tensor
    length: int = 0

    def takes(self, length: int) -> bool:
        """Returns whether the id that makes a sequence this long can be added in place.

        It cannot if the cache is full, if another sequence has already continued from the ids before, or if the tensors
        were created in inference mode and it is now off, which PyTorch forbids.
        """
        is_open = torch.is_inference_mode_enabled() or not self.memory.is_inference()
        return self.length == length - 1 < self.memory.shape[-2] and is_open
