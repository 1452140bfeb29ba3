"""What the attention of a Transformer keeps of the ids that it has seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


@dataclass
class KeyValueCache:
    """The keys and values of all layers, in one tensor that is filled from the left.

    It may be shared by states of ``GPT.step``: each knows how long it is itself, and the newest alone can be extended
    in place. What is filled never changes, so that the older ones stay what they are.

    Attributes:
        memory: ``(n_layers, 2, B, H, room, head_size)``; keys at 0 of the second dimension, values at 1.
        length: For how many ids it is filled.

    Example:
        >>> cache = KeyValueCache(torch.empty(1, 2, 1, 1, 8, 4), length=3)
        >>> cache.takes(4), cache.takes(3)  # for the second, some other sequence has already gone on from two ids
        (True, False)
    """

    memory: Tensor
    length: int = 0

    def takes(self, length: int) -> bool:
        """Returns whether the id that makes a sequence this long can be added to what is here.

        It cannot where there is no room, or where another sequence has gone on from the ids before; nor, as PyTorch
        has it, outside of inference mode to tensors that were made in it.
        """
        is_open = torch.is_inference_mode_enabled() or not self.memory.is_inference()
        return self.length == length - 1 < self.memory.shape[-2] and is_open
