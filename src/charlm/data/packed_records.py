"""Records one after the other, in windows in which their prompts are masked."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch

from charlm.data.dataset import IGNORE_INDEX, Piece, on_host
from charlm.data.passages import pieces_of_passages
from charlm.data.text_dataset import TextDataset

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from charlm.data.passages import Passages
    from charlm.data.records import Records
    from charlm.data.streams import Stream


class PackedRecords(TextDataset):
    """A stream of records, in windows that may span several, with the targets of prompts masked.

    Args:
        stream: The ids of all records, each from ``bos`` to ``eos``.
        block_size: The number of ids in a window.
        is_masked: Whether each id is part of a prompt, a bit each, packed into bytes.
        passages: As for ``TextDataset``.
    """

    has_ignored_targets = True

    def __init__(
        self,
        stream: Stream,
        block_size: int,
        is_masked: NDArray[np.uint8],
        *,
        passages: Iterable[tuple[int, int]] | None = None,
    ) -> None:
        super().__init__(stream, block_size, passages=passages)
        self._is_masked = is_masked

    @classmethod
    def of(cls, records: Records, stream: Stream, block_size: int) -> Self:
        """Returns records that have prompts.

        Args:
            records: The records.
            stream: The ids of all of them.
            block_size: The number of ids in a window.

        Raises:
            ValueError: They are shorter than a window together; or a window could be in a prompt alone.
        """
        assert records.prompts is not None  # noqa: S101 - or there is nothing to mask
        longest = int(records.prompts.max())
        if block_size < longest + 2:  # a start, which is never predicted, the prompt, and one symbol
            raise ValueError(
                f"to pack records with prompts of up to {longest:,} symbols, block_size must be at least "
                f"{longest + 2:,}, so that no window is in a prompt alone, got {block_size}"
            )
        is_masked = np.zeros(len(stream), dtype=np.bool_)
        begin = place = 0
        for _, lengths in records.bounds_in_parts():
            prompts = records.prompts[place : place + len(lengths)].astype(np.int64)
            first = begin + 1 + np.cumsum(lengths) - lengths
            ends = np.cumsum(prompts)
            is_masked[np.arange(ends[-1]) + np.repeat(first - (ends - prompts), prompts)] = True
            begin, place = begin + int(lengths.sum()), place + len(lengths)
        return cls(stream, block_size, np.packbits(is_masked))

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        inputs, targets = super().__getitem__(index)
        start = self._starts(torch.tensor([index % len(self)]))
        return inputs, targets.masked_fill(self._masked(start)[0], IGNORE_INDEX)

    def __getitems__(self, indices: Sequence[int]) -> list[tuple[Tensor, Tensor]]:
        inputs, targets = self.batch(torch.as_tensor(indices), torch.device("cpu"))
        return list(zip(inputs, targets, strict=True))

    def batch(self, indices: Tensor, device: torch.device) -> tuple[Tensor, Tensor]:
        """Returns several windows as int64 inputs and targets, each ``(B, block_size)``, on ``device``.

        Args:
            indices: Which windows, int64 ``(B,)``, each at least 0.
            device: The device of the result.
        """
        inputs, targets = super().batch(indices, device)
        return inputs, targets.masked_fill(self._masked(self._starts(indices)).to(device), IGNORE_INDEX)

    def _masked(self, starts: Tensor) -> Tensor:
        """Returns whether each target of the windows that begin here is masked, ``(B, block_size)``."""
        return torch.from_numpy(self._bits(starts.numpy(force=True)[:, None] + np.arange(1, self.block_size + 1)))

    def _bits(self, places: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = (self._is_masked[places // 8] & (128 >> places % 8)) > 0
        return found

    def pieces(self, targets: int | None, overlap: int) -> Iterator[Piece]:
        """Returns the stream a piece at a time; see ``TextDataset.pieces``."""
        for places, lengths, counts, _ in pieces_of_passages(np.arange, self._passages, targets, overlap):
            ids: NDArray[np.integer[Any]] = on_host(self.stream.read(int(places[0]), int(places[-1]) + 1))
            yield Piece(ids, lengths, counts & ~self._bits(places[1:]))

    def _part(self, passages: Passages) -> PackedRecords:
        return PackedRecords(self.stream, self.block_size, self._is_masked, passages=passages.pairs())

    def fingerprint(self) -> str:
        """Returns the SHA-256, in hexadecimal, of the stream, of how it is cut into windows, and of what is masked."""
        described = super().fingerprint().encode() + self._is_masked.tobytes()
        return hashlib.sha256(described).hexdigest()
