"""What a model is given of training examples besides their ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor


class FeaturesOfExamples(Protocol):
    """Tells what a model is given of training examples besides their ids."""

    def __call__(self, inputs: Tensor, indices: Tensor) -> tuple[Tensor, ...]:
        """Returns a named tuple of tensors with a row for each example.

        Args:
            inputs: The ids of the examples, int64 ``(B, T)``.
            indices: Which examples they are, int64 ``(B,)``, on the CPU.
        """
