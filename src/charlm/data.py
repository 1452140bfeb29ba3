"""Ids as training data: a stream cut into windows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from charlm.arguments import fraction as checked_fraction
from charlm.arguments import positive_integer
from chartok.ids import as_id_array

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from chartok.ids import Ids


class TextDataset(Dataset[tuple[Tensor, Tensor]]):
    """A stream of ids seen as windows of ``block_size``, each with the targets that follow its ids.

    Window ``i`` has the inputs ``ids[i : i + block_size]`` and the targets ``ids[i + 1 : i + block_size + 1]``:
    windows overlap, and there is one for each place where one fits. A map-style torch ``Dataset``, so that
    torch's own ``DataLoader`` takes it; ``BatchSampler`` is the fast way to batches.

    Args:
        ids: The stream, shape ``(N,)``, as a NumPy array, a tensor on any device, or an iterable of integers.
            Arrays and tensors are not copied and keep their dtype and device.
        block_size: The number of ids in a window.

    Raises:
        ValueError: There are fewer than ``block_size + 1`` ids, or they have more than one dimension.
        TokenIdError: An id is negative.
        TypeError: They are not integers.

    Example:
        >>> dataset = TextDataset([10, 11, 12, 13, 14], block_size=3)
        >>> len(dataset)
        2
        >>> dataset[-1]
        (tensor([11, 12, 13]), tensor([12, 13, 14]))
    """

    def __init__(self, ids: Ids | Tensor, block_size: int) -> None:
        self.block_size = positive_integer("block_size", block_size)
        self.ids = _as_stream(ids)
        """The whole stream, shape ``(N,)``, in the dtype and on the device that it came in."""
        if len(self.ids) < self.block_size + 1:
            raise ValueError(
                f"a window of block_size {self.block_size} and its targets need at least {self.block_size + 1} "
                f"ids, got {len(self.ids)}: give more text or a smaller block_size"
            )
        self._windows = self.ids.unfold(0, self.block_size + 1, 1)

    def __len__(self) -> int:
        return len(self._windows)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        if not -len(self) <= index < len(self):
            raise IndexError(f"window {index} of a dataset of {len(self)}")
        window = self._windows[index].long()
        return window[:-1], window[1:]

    def __getitems__(self, indices: Sequence[int]) -> list[tuple[Tensor, Tensor]]:
        inputs, targets = self.gather(torch.as_tensor(indices))
        return list(zip(inputs.long(), targets.long(), strict=True))

    def gather(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Returns several windows at once, in the dtype and on the device of ``ids``.

        Args:
            indices: Which windows, shape ``(B,)``.

        Returns:
            Inputs and targets, each ``(B, block_size)``.

        Example:
            >>> TextDataset([10, 11, 12, 13, 14], block_size=3).gather(torch.tensor([1, 0]))[0]
            tensor([[11, 12, 13],
                    [10, 11, 12]])
        """
        windows = self._windows[indices.to(self.ids.device)]
        return windows[:, :-1], windows[:, 1:]

    def split(self, fraction: float) -> tuple[TextDataset, TextDataset]:
        """Returns the first part of the stream and the rest, as two datasets over the same memory.

        Args:
            fraction: The share of the ids in the first part, above 0 and below 1; rounded down to whole ids.

        Raises:
            ValueError: ``fraction`` is not between 0 and 1, or a part is shorter than a window.

        Example:
            >>> train, validation = TextDataset(range(100), block_size=8).split(0.9)
            >>> len(train.ids), len(validation.ids)
            (90, 10)
        """
        end = int(checked_fraction("fraction", fraction) * len(self.ids))
        parts = {"training": self.ids[:end], "validation": self.ids[end:]}
        for name, ids in parts.items():
            if len(ids) < self.block_size + 1:
                raise ValueError(
                    f"split({fraction}) of {len(self.ids)} ids leaves {len(ids)} for the {name} part: a window "
                    f"of block_size {self.block_size} and its targets need {self.block_size + 1}"
                )
        return TextDataset(parts["training"], self.block_size), TextDataset(parts["validation"], self.block_size)


def _as_stream(ids: Ids | Tensor) -> Tensor:
    stream = _checked_tensor(ids) if isinstance(ids, Tensor) else _shared(as_id_array(ids))
    if stream.ndim != 1:
        raise ValueError(f"ids must have one dimension, got shape {tuple(stream.shape)}")
    return stream


def _checked_tensor(ids: Tensor) -> Tensor:
    if ids.is_floating_point() or ids.is_complex() or ids.dtype == torch.bool:
        raise TypeError(f"ids must be integers, got {ids.dtype} values")
    if ids.device.type != "meta" and ids.dtype.is_signed:
        as_id_array(ids.numpy(force=True))
    return ids.detach()


def _shared(ids: np.ndarray[Any, np.dtype[np.integer[Any]]]) -> Tensor:
    return torch.from_numpy(ids if ids.flags.writeable else ids.copy())
