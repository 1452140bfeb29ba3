"""Ids as training data: a stream cut into windows."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from charlm.data.dataset import on_host, pieces_of_text
from charlm.data.streams import Stream, as_stream
from chartok.arguments import fraction as checked_fraction
from chartok.arguments import positive_integer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from charlm.data.streams import StreamLike


class TextDataset(Dataset[tuple[Tensor, Tensor]]):
    """A stream of ids as windows of ``block_size``, each with the next id of every position as its targets.

    Window ``i`` has the inputs ``ids[s : s + block_size]`` and the targets ``ids[s + 1 : s + block_size + 1]``, where
    ``s`` is ``i * stride``. With the default stride of 1 there is a window at every position where one fits; with
    ``stride=block_size`` each id is a target at most once. It is a map-style torch ``Dataset``, so torch's own
    ``DataLoader`` accepts it, with or without workers; ``BatchSampler`` is the faster way to batches.

    Args:
        ids: The stream, shape ``(N,)``: a NumPy array, a tensor on any device, an iterable of integers, a
            ``TokenFile``, or a list of token files, read as one. Nothing is copied; dtype and device are kept.
        block_size: The number of ids in a window.
        stride: The distance between the starts of two windows.

    Attributes:
        stream: The whole stream: ``len(dataset.stream)``, ``dataset.stream.read(start, stop)``.

    Raises:
        ValueError: There are fewer than ``block_size + 1`` ids, or they are not one-dimensional.
        TokenIdError: An id is negative.
        TypeError: They are not integers.

    Example:
        >>> dataset = TextDataset([10, 11, 12, 13, 14], block_size=3)
        >>> len(dataset)
        2
        >>> dataset[-1]
        (tensor([11, 12, 13]), tensor([12, 13, 14]))
    """

    has_padding = False

    def __init__(self, ids: StreamLike | Stream, block_size: int, *, stride: int = 1) -> None:
        self.block_size: int = positive_integer("block_size", block_size)
        self.stride: int = positive_integer("stride", stride)
        self.stream: Stream = ids if isinstance(ids, Stream) else as_stream(ids)
        if len(self.stream) < self.block_size + 1:
            raise ValueError(
                f"a window of block_size {self.block_size} and its targets need at least {self.block_size + 1} "
                f"ids, got {len(self.stream)}: give more text or a smaller block_size"
            )

    @property
    def ids(self) -> Tensor:
        """The whole stream as one tensor, ``(N,)``: shared if it is in memory, read if it is on disk."""
        return self.stream.read(0, len(self.stream))

    def __len__(self) -> int:
        return (len(self.stream) - self.block_size - 1) // self.stride + 1

    @property
    def examples_per_epoch(self) -> int:
        """The number of windows that are as long as the stream together, and never more than there are."""
        return min(len(self), -(-(len(self.stream) - 1) // self.block_size))

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        if not -len(self) <= index < len(self):
            raise IndexError(f"window {index} is out of range: the dataset has length {len(self)}")
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
            TokenFileError: A token file was truncated, replaced or changed since it was opened.

        Example:
            >>> TextDataset([10, 11, 12, 13, 14], block_size=3).windows(torch.tensor([1, 0]))
            tensor([[11, 12, 13, 14],
                    [10, 11, 12, 13]])
        """
        starts = indices if self.stride == 1 else indices * self.stride
        return self.stream.windows(starts, self.block_size + 1)

    def batch(self, indices: Tensor, device: torch.device) -> tuple[Tensor, Tensor]:
        """Returns several windows as int64 inputs and targets, each ``(B, block_size)``, on ``device``.

        The ids are transferred in the dtype in which they are stored and widened on the device.

        Args:
            indices: Which windows, int64 ``(B,)``, each at least 0.
            device: The device of the result.
        """
        windows = self.windows(indices)
        if device.type == "cuda" and windows.device.type == "cpu":
            windows = windows.pin_memory().to(device, non_blocking=True)
        windows = windows.to(device, torch.int64)
        return windows[:, :-1], windows[:, 1:]

    def joined(self) -> tuple[NDArray[np.integer[Any]], NDArray[np.int64]]:
        """Returns the ids of the whole stream as one text, ``(N,)``, and its length, ``(1,)``."""
        ids = on_host(self.ids)
        return ids, np.array([len(ids)])

    def pieces(
        self, targets: int | None, overlap: int
    ) -> Iterator[tuple[NDArray[np.integer[Any]], NDArray[np.int64], int]]:
        """Returns the stream a piece at a time, each id but the first a new target exactly once.

        Args:
            targets: The number of new targets in a piece, ``overlap`` more in the first; None returns everything at
                once.
            overlap: How many ids of extra context, besides the one before it, precede the first new target of a piece.

        Returns:
            Ids ``(T,)``, their number ``(1,)``, and how many leading targets are repeated.
        """

        def read(start: int, stop: int) -> NDArray[np.integer[Any]]:
            ids: NDArray[np.integer[Any]] = on_host(self.stream.read(start, stop))
            return ids

        return pieces_of_text(read, len(self.stream), targets, overlap)

    def check_ids(self, size: int) -> None:
        """Checks that every id is below ``size``.

        Raises:
            TokenIdError: One is not.
            ValueError: The vocabulary of a token file is larger.
        """
        self.stream.check_ids(size)

    def split(self, fraction: float, *, seed: int = 0) -> tuple[TextDataset, TextDataset]:  # noqa: ARG002 - of records
        """Returns the first part of the stream and the rest, as two datasets over the same memory or files.

        Args:
            fraction: The share of the ids in the first part, above 0 and below 1; rounded down to whole ids.
            seed: Not used: a text is cut in one place. Only records are drawn at random.

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
                    f"split({fraction}) of {length} ids leaves {size} for the {name} part, but a window of block_size "
                    f"{self.block_size} and its targets need {self.block_size + 1}"
                )
        first, rest = self.stream.part(0, end), self.stream.part(end, length)
        return (
            TextDataset(first, self.block_size, stride=self.stride),
            TextDataset(rest, self.block_size, stride=self.stride),
        )

    def fingerprint(self) -> str:
        """Returns the SHA-256, in hexadecimal, of the stream and of how it is cut into windows."""
        return hashlib.sha256(f"{self.stream.fingerprint()} {self.block_size} {self.stride}".encode()).hexdigest()
