"""Ids as training data: a stream cut into windows."""

from __future__ import annotations

import hashlib
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from charlm.data.dataset import on_host
from charlm.data.folds import Folds, FoldTexts
from charlm.data.passages import Passages, TextsOfPassages, pieces_of_passages
from charlm.data.permutation import mixed
from charlm.data.shown import ShownText
from charlm.data.streams import Stream, as_stream
from chartok.arguments import natural_number, positive_integer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from charlm.data.choices import Split
    from charlm.data.dataset import JoinedTexts, Piece
    from charlm.data.streams import StreamLike


WINDOWS_PER_START = 4
"""How many windows there are for each that begins with ``bos``; drawn by a hash, since texts may repeat themselves."""


class TextDataset(ShownText, Dataset[tuple[Tensor, Tensor]]):
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
        passages: The start and the stop of each passage of the stream to use, in order and without overlap; None uses
            all of it as one. No window begins in one passage and ends in another, and no n-gram does.
        bos: The id that stands for a past that is not known. It takes the place of the first input of one window in 4,
            always the same ones, so that a model learns what to say where nothing comes before; it is no target, and
            not part of what is counted or scored. None leaves all windows as they are in the stream.

    Attributes:
        stream: The whole stream: ``len(dataset.stream)``, ``dataset.stream.read(start, stop)``.
        bos: The argument.

    Raises:
        ValueError: No passage has ``block_size + 1`` ids, or ``ids`` is not one-dimensional, or a passage is empty, not
            in the stream, or begins before another ends.
        TokenIdError: An id is negative.
        TypeError: They are not integers.

    Example:
        >>> dataset = TextDataset([10, 11, 12, 13, 14], block_size=3)
        >>> len(dataset)
        2
        >>> dataset[-1]
        (tensor([11, 12, 13]), tensor([12, 13, 14]))
    """

    has_ignored_targets = False

    def __init__(
        self,
        ids: StreamLike | Stream,
        block_size: int,
        *,
        stride: int = 1,
        passages: Iterable[tuple[int, int]] | None = None,
        bos: int | None = None,
    ) -> None:
        self.block_size: int = positive_integer("block_size", block_size)
        self.stride: int = positive_integer("stride", stride)
        self.bos: int | None = None if bos is None else natural_number("bos", bos)
        self.stream: Stream = ids if isinstance(ids, Stream) else as_stream(ids)
        length = len(self.stream)
        self._passages = Passages.whole(length) if passages is None else Passages.checked(passages, length)
        self._is_whole = self._passages.pairs() == [(0, length)]
        longest = int(self._passages.lengths.max())
        if longest < self.block_size + 1:
            raise ValueError(
                f"a window of block_size {self.block_size} and its targets need at least {self.block_size + 1} "
                f"ids, got {longest}: give more text or a smaller block_size"
            )
        windows = np.maximum(0, (self._passages.lengths - self.block_size - 1) // self.stride + 1)
        self._last_windows = torch.from_numpy(np.cumsum(windows))
        self._moved_by = torch.from_numpy(self._passages.starts - (np.cumsum(windows) - windows) * self.stride)

    @property
    def ids(self) -> Tensor:
        """The whole stream as one tensor, ``(N,)``: shared if it is in memory, read if it is on disk.

        Of several passages, their ids alone, one after the other.
        """
        read = [self.stream.read(start, stop) for start, stop in self._passages.pairs()]
        return read[0] if len(read) == 1 else torch.cat(read)

    def __len__(self) -> int:
        return int(self._last_windows[-1])

    @property
    def examples_per_epoch(self) -> int:
        """The number of windows that are as long as the stream together, and never more than there are."""
        targets = len(self._passages) - len(self._passages.starts)
        return min(len(self), -(-targets // self.block_size))

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        if not -len(self) <= index < len(self):
            raise IndexError(f"window {index} is out of range: the dataset has length {len(self)}")
        position = index % len(self)
        start = position * self.stride if self._is_whole else int(self._starts(torch.tensor(position)))
        inputs, targets = self._examples(self.stream.read(start, start + self.block_size + 1)[None].long(), position)
        return inputs[0], targets[0]

    def __getitems__(self, indices: Sequence[int]) -> list[tuple[Tensor, Tensor]]:
        several = torch.as_tensor(indices)
        return list(zip(*self._examples(self.windows(several).long(), several), strict=True))

    def windows(self, indices: Tensor) -> Tensor:
        """Returns several windows at once, as they are in the stream, in its dtype and on its device.

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
        return self.stream.windows(self._starts(indices), self.block_size + 1)

    def _starts(self, indices: Tensor) -> Tensor:
        """Returns where the windows with these indices begin in the stream."""
        starts = indices if self.stride == 1 else indices * self.stride
        if self._is_whole:
            return starts
        return starts.cpu() + self._moved_by[torch.searchsorted(self._last_windows, indices.cpu(), right=True)]

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
        return self._examples(windows.to(device, torch.int64), indices)

    def _examples(self, windows: Tensor, indices: Tensor | int) -> tuple[Tensor, Tensor]:
        """Returns the inputs and the targets of windows, int64 ``(B, block_size + 1)``, some of which get ``bos``."""
        inputs, targets = windows[:, :-1], windows[:, 1:]
        if self.bos is not None:
            hashes = mixed(np.atleast_1d(np.asarray(on_host(indices))).astype(np.uint64) + np.uint64(1))
            begins = torch.from_numpy(hashes % np.uint64(WINDOWS_PER_START) == 0).to(windows.device)
            inputs = torch.cat([inputs[:, :1].masked_fill(begins[:, None], self.bos), inputs[:, 1:]], dim=1)
        return inputs, targets

    def widths(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns the number of inputs of each window, int64 ``(B,)``: all have as many."""
        return np.full(len(indices), self.block_size)

    def folds(self, number: int, *, context: int) -> Folds:
        """Returns a division of the windows by where they begin; see ``charlm.data.folds.HasFolds``.

        The text of a fold goes on to the end of its last window, where that of the next has begun.

        Args:
            number: How many folds.
            context: How many ids before the first of a fold belong to its text.

        Example:
            >>> folds = TextDataset(range(100), block_size=8).folds(5, context=2)
            >>> folds.of(np.array([0, 19, 20, 91]))
            array([0, 0, 1, 4])
            >>> [text.ids[[0, -1]].tolist() for text in folds.texts[1].texts.parts(100)]
            [[18, 47]]
        """
        bounds = pairwise((np.arange(number + 1) * len(self._passages) // number).tolist())
        texts, first = [], []
        for start, stop in bounds:
            texts.append(
                FoldTexts(
                    self._texts(self._passages.part(max(0, start - context), stop + self.block_size)),
                    self._texts(self._passages.part(start - context, start)) if start else None,
                )
            )
            first.append(int(self._passages.part(start, start + 1).starts[0]))

        def of(indices: NDArray[np.int64]) -> NDArray[np.int64]:
            starts: NDArray[np.int64] = self._starts(torch.from_numpy(indices)).numpy(force=True)
            return np.searchsorted(first[1:], starts, side="right")

        return Folds(texts, of)

    def _texts(self, passages: Passages) -> TextsOfPassages:
        return TextsOfPassages(self._read, passages)

    def parts(self, ids: int) -> Iterator[JoinedTexts]:
        """Returns the passages in order, about ``ids`` ids at a time; see ``charlm.data.dataset.SupportsParts``."""
        return self._texts(self._passages).parts(ids)

    def joined(self) -> tuple[NDArray[np.integer[Any]], NDArray[np.int64]]:
        """Returns the ids of all passages, ``(N,)``, and the length of each, ``(P,)``; a whole stream is one."""
        return on_host(self.ids), self._passages.lengths

    def pieces(self, targets: int | None, overlap: int) -> Iterator[Piece]:
        """Returns the stream a piece at a time, each id but the first of a passage a new target exactly once.

        Args:
            targets: The number of new targets in a piece, ``overlap`` more in the first; None returns everything at
                once.
            overlap: How many ids of extra context, besides the one before it, precede the first new target of a piece.
        """
        return pieces_of_passages(self._read, self._passages, targets, overlap)

    def _read(self, start: int, stop: int) -> NDArray[np.integer[Any]]:
        ids: NDArray[np.integer[Any]] = on_host(self.stream.read(start, stop))
        return ids

    def check_ids(self, size: int) -> None:
        """Checks that every id is below ``size``.

        Raises:
            TokenIdError: One is not.
            ValueError: The vocabulary of a token file is larger, or ``bos`` is not below ``size``.
        """
        if self.bos is not None and self.bos >= size:
            raise ValueError(f"bos must be below the size of the vocabulary, {size}, got {self.bos}")
        self.stream.check_ids(size)

    def split(self, fraction: float, *, seed: int | None = 0, how: Split = "tail") -> tuple[TextDataset, TextDataset]:
        """Returns the first part of the stream and what is held out, as two datasets over the same memory or files.

        Args:
            fraction: The share of the ids in the first part, above 0 and below 1; rounded down to whole ids.
            seed: Determines which blocks are drawn; None draws a new one, which the logger ``charlm`` tells.
            how: What is held out: ``"tail"``, the end; ``"head"``, the beginning; ``"random-blocks"``, as many equal
                blocks of up to 4,096 ids, drawn at random, as come nearest to the fraction. No window is partly in one.

        Raises:
            ValueError: ``fraction`` is not between 0 and 1, or no passage of a part is as long as a window.

        Example:
            >>> train, validation = TextDataset(range(100), block_size=8).split(0.9)
            >>> len(train.stream), len(validation.stream)
            (90, 10)
        """
        parts = self._passages.split(fraction, seed=seed, how=how)
        for name, part in zip(("training", "validation"), parts, strict=True):
            longest = int(part.lengths.max(initial=0))
            if longest < self.block_size + 1:
                raise ValueError(
                    f"split({fraction}) of {len(self._passages)} ids leaves {longest} for the {name} part, but a "
                    f"window of block_size {self.block_size} and its targets need {self.block_size + 1}"
                )
        return self._part(parts[0]), self._part(parts[1])

    def _part(self, passages: Passages) -> TextDataset:
        pairs = passages.pairs()
        if len(pairs) == 1:
            return TextDataset(self.stream.part(*pairs[0]), self.block_size, stride=self.stride, bos=self.bos)
        return TextDataset(self.stream, self.block_size, stride=self.stride, passages=pairs, bos=self.bos)

    def fingerprint(self) -> str:
        """Returns the SHA-256, in hexadecimal, of the stream and of how it is cut into windows."""
        passages = "" if self._is_whole else f" {self._passages.pairs()}"
        starts = "" if self.bos is None else f" bos {self.bos} in {WINDOWS_PER_START}"
        described = f"{self.stream.fingerprint()} {self.block_size} {self.stride}{passages}{starts}"
        return hashlib.sha256(described.encode()).hexdigest()
