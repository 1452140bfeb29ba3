"""Ids as training data: a stream cut into windows."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.utils.data import Dataset

from charlm.data.dataset import IDS_AT_ONCE, IGNORE_INDEX
from charlm.data.streams import Stream, as_stream
from chartok.arguments import fraction as checked_fraction
from chartok.arguments import positive_integer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from charlm.data.streams import StreamLike


class TextDataset(Dataset[tuple[Tensor, Tensor]]):
    """A stream of ids seen as windows of ``block_size``, each with the targets that follow its ids.

    Window ``i`` has the inputs ``ids[s : s + block_size]`` and the targets ``ids[s + 1 : s + block_size + 1]``, where
    ``s`` is ``i * stride``. With the default stride of 1 there is a window for each place where one fits; with
    ``stride=block_size`` each id is a target at most once. A map-style torch ``Dataset``, so that torch's own
    ``DataLoader`` takes it, workers and all; ``BatchSampler`` is the fast way to batches.

    Args:
        ids: The stream, shape ``(N,)``: a NumPy array, a tensor on any device, an iterable of integers, a
            ``TokenFile``, or a list of those, read as one. Nothing is copied; dtype and device stay.
        block_size: The number of ids in a window.
        stride: The distance between the starts of two windows.

    Attributes:
        stream: The whole stream: ``len(dataset.stream)``, ``dataset.stream.read(start, stop)``.

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

    def __init__(self, ids: StreamLike | Stream, block_size: int, *, stride: int = 1) -> None:
        self.block_size = positive_integer("block_size", block_size)
        self.stride = positive_integer("stride", stride)
        self.stream = ids if isinstance(ids, Stream) else as_stream(ids)
        if len(self.stream) < self.block_size + 1:
            raise ValueError(
                f"a window of block_size {self.block_size} and its targets need at least {self.block_size + 1} "
                f"ids, got {len(self.stream)}: give more text or a smaller block_size"
            )

    @property
    def ids(self) -> Tensor:
        """The whole stream as one tensor, ``(N,)``: itself where it is in memory, read where it is on disk."""
        return self.stream.read(0, len(self.stream))

    def __len__(self) -> int:
        return (len(self.stream) - self.block_size - 1) // self.stride + 1

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        if not -len(self) <= index < len(self):
            raise IndexError(f"window {index} of a dataset of {len(self)}")
        start = index % len(self) * self.stride
        window = self.stream.read(start, start + self.block_size + 1).long()
        return window[:-1], window[1:]

    def __getitems__(self, indices: Sequence[int]) -> list[tuple[Tensor, Tensor]]:
        return [(window[:-1], window[1:]) for window in self.windows(torch.as_tensor(indices)).long()]

    def windows(self, indices: Tensor) -> Tensor:
        """Returns several windows at once, in the dtype and on the device of the stream.

        Args:
            indices: Which windows, int64 ``(B,)``, each at least 0.

        Returns:
            Shape ``(B, block_size + 1)``: the inputs are all but the last column, the targets all but the first.

        Raises:
            IndexError: There is no such window.
            TokenFileError: A token file was cut short, replaced or changed since it was opened.

        Example:
            >>> TextDataset([10, 11, 12, 13, 14], block_size=3).windows(torch.tensor([1, 0]))
            tensor([[11, 12, 13, 14],
                    [10, 11, 12, 13]])
        """
        starts = indices if self.stride == 1 else indices * self.stride
        return self.stream.windows(starts, self.block_size + 1)

    def batch(self, indices: Tensor, device: torch.device) -> tuple[Tensor, Tensor]:
        """Returns several windows as int64 inputs and targets, each ``(B, block_size)``, on a device.

        The ids travel as they are stored and are widened where they arrive.

        Args:
            indices: Which windows, int64 ``(B,)``, each at least 0.
            device: Where they are to be.
        """
        windows = self.windows(indices)
        if device.type == "cuda" and windows.device.type == "cpu":
            windows = windows.pin_memory().to(device, non_blocking=True)
        windows = windows.to(device, torch.int64)
        return windows[:, :-1], windows[:, 1:]

    def rows(self, block_size: int | None, stride: int | None = None) -> Iterator[tuple[Tensor, Tensor]]:
        """Yields blocks in which every id but the first is a target once: what ``evaluate`` scores.

        Args:
            block_size: The longest a block may be; None yields the whole stream as one.
            stride: How many targets of a block count, its last ones, so that each has at least
                ``block_size - stride`` ids before it; by default all count, and blocks do not overlap.
        """
        if block_size is not None and stride is not None and stride < block_size:
            yield from self._overlapping_rows(block_size, stride)
            return
        if block_size is None:
            ids = self.ids[None].long()
            yield ids[:, :-1], ids[:, 1:]
            return
        targets = len(self.stream) - 1
        step = max(1, IDS_AT_ONCE // block_size) * block_size
        for start in range(0, targets, step):
            ids = self.stream.read(start, min(start + step, targets) + 1).long()
            whole = (len(ids) - 1) // block_size * block_size
            if whole:
                yield ids[:whole].view(-1, block_size), ids[1 : whole + 1].view(-1, block_size)
            if whole < len(ids) - 1:
                yield ids[None, whole:-1], ids[None, whole + 1 :]

    def _overlapping_rows(self, block_size: int, stride: int) -> Iterator[tuple[Tensor, Tensor]]:
        scored, last = 0, len(self.stream) - 1
        while scored < last:
            end = min(max(scored + stride, block_size), last)
            start = max(0, end - block_size)
            ids = self.stream.read(start, end + 1).long()
            targets = ids[1:].clone()
            targets[: scored - start] = IGNORE_INDEX
            yield ids[None, :-1], targets[None]
            scored = end

    def check_ids(self, size: int) -> None:
        """Checks that every id is below ``size``.

        Raises:
            TokenIdError: One is not.
            ValueError: The vocabulary of a token file is larger than that.
        """
        self.stream.check_ids(size)

    def split(self, fraction: float) -> tuple[TextDataset, TextDataset]:
        """Returns the first part of the stream and the rest, as two datasets over the same memory or files.

        Args:
            fraction: The share of the ids in the first part, above 0 and below 1; rounded down to whole ids.

        Raises:
            ValueError: ``fraction`` is not between 0 and 1, or a part is shorter than a window.

        Example:
            >>> train, validation = TextDataset(range(100), block_size=8).split(0.9)
            >>> len(train.stream), len(validation.stream)
            (90, 10)
        """
        length = len(self.stream)
        end = int(checked_fraction("fraction", fraction) * length)
        for name, size in (("training", end), ("validation", length - end)):
            if size < self.block_size + 1:
                raise ValueError(
                    f"split({fraction}) of {length} ids leaves {size} for the {name} part: a window of block_size "
                    f"{self.block_size} and its targets need {self.block_size + 1}"
                )
        first, rest = self.stream.part(0, end), self.stream.part(end, length)
        return (
            TextDataset(first, self.block_size, stride=self.stride),
            TextDataset(rest, self.block_size, stride=self.stride),
        )

    def fingerprint(self) -> str:
        """Returns a SHA-256, in hexadecimal, of the stream and of how it is cut."""
        return hashlib.sha256(f"{self.stream.fingerprint()} {self.block_size} {self.stride}".encode()).hexdigest()
