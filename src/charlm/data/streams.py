"""A common interface to a stream of ids in memory or on disk: its length, parts of it, windows of it."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self, TypeAlias, cast

import numpy as np
import torch
from torch import Tensor

from charlm.data.dataset import check_vocabulary_size, grouped
from chartok import TokenFile
from chartok.ids import Ids, as_id_array

if TYPE_CHECKING:
    from numpy.typing import NDArray


StreamLike: TypeAlias = Ids | Tensor | TokenFile | Sequence[TokenFile]
"""What a stream can be made from: ids in memory, a token file, or several read as one."""


KEPT_BYTES = 1 << 26
"""Ids on disk that take at most this many bytes are kept in memory once read."""


class Stream(ABC):
    """A sequence of ids, shape ``(N,)``, that is sliced without copying."""

    @abstractmethod
    def __len__(self) -> int:
        """Returns the number of ids."""

    @abstractmethod
    def read(self, start: int, stop: int) -> Tensor:
        """Returns the ids from ``start`` up to, but not including, ``stop``, in their own dtype and on their device."""

    @abstractmethod
    def windows(self, starts: Tensor, width: int) -> Tensor:
        """Returns the ``width`` ids that begin at each start, ``(B,)`` to ``(B, width)``."""

    @abstractmethod
    def part(self, start: int, stop: int) -> Self:
        """Returns the stream from ``start`` up to ``stop``, over the same memory or files."""

    @abstractmethod
    def check_ids(self, size: int) -> None:
        """Checks that every id is below ``size``.

        Raises:
            TokenIdError: One is not.
            ValueError: The ids are of a larger vocabulary.
        """

    @abstractmethod
    def fingerprint(self) -> str:
        """Returns a SHA-256, in hexadecimal, that identifies the stream."""


def as_stream(ids: StreamLike) -> Stream:
    """Returns ids as a stream; only an array that a tensor cannot share (read-only, reversed, ...) is copied.

    Raises:
        ValueError: They are not one-dimensional, or token files have different vocabularies.
        TokenIdError: One is negative.
        TypeError: They are not integers.
    """
    if isinstance(ids, TokenFile):
        return FileStream([ids], 0, len(ids))
    if isinstance(ids, Sequence) and ids and all(isinstance(shard, TokenFile) for shard in ids):
        shards = [shard for shard in ids if isinstance(shard, TokenFile)]
        return FileStream(shards, 0, sum(map(len, shards)))
    if isinstance(ids, Tensor):
        return MemoryStream(_checked_tensor(ids))
    array = as_id_array(cast("Ids", ids))
    is_shared = array.flags.writeable and array.dtype.isnative and all(stride >= 0 for stride in array.strides)
    # In C order a copy has positive strides.
    return MemoryStream(torch.from_numpy(array if is_shared else array.astype(array.dtype.newbyteorder("="), "C")))


class MemoryStream(Stream):
    """Ids in a tensor on any device."""

    def __init__(self, ids: Tensor) -> None:
        if ids.ndim != 1:
            raise ValueError(f"ids must be one-dimensional, got shape {tuple(ids.shape)}")
        self.ids = ids
        self._rows: NDArray[np.integer[Any]] = np.empty((0, 0), dtype=np.int64)

    def __reduce__(self) -> tuple[Any, ...]:
        return MemoryStream, (self.ids,)  # pickling the view of all windows would multiply the size

    def __len__(self) -> int:
        return len(self.ids)

    def read(self, start: int, stop: int) -> Tensor:
        """Returns a view."""
        return self.ids[start:stop]

    def windows(self, starts: Tensor, width: int) -> Tensor:
        """Returns rows of a strided view of the ids; NumPy gathers them several times faster than PyTorch."""
        if self.ids.device.type != "cpu":
            return self.ids.unfold(0, width, 1)[starts.to(self.ids.device)]
        rows = self._rows
        if rows.shape[1] != width:
            rows = np.lib.stride_tricks.sliding_window_view(self.ids.numpy(), width)
            self._rows = rows  # another thread may put one of another width there at once
        return torch.from_numpy(rows[starts.numpy()])

    def part(self, start: int, stop: int) -> MemoryStream:
        """Returns a view."""
        return MemoryStream(self.ids[start:stop])

    def check_ids(self, size: int) -> None:
        """Looks at every id."""
        as_id_array(self.ids.numpy(force=True), size)

    def fingerprint(self) -> str:
        """Returns the SHA-256 of the ids as little-endian int64."""
        digest = hashlib.sha256()
        for ids in self.ids.split(1 << 20):
            digest.update(ids.numpy(force=True).astype("<i8").data)
        return digest.hexdigest()


class FileStream(Stream):
    """Ids in token files, read as if they were one file, from ``start`` up to ``stop``.

    A small enough stream is read once and kept in memory, which makes its windows several times faster; a changed file
    is still detected.
    """

    def __init__(self, shards: Sequence[TokenFile], start: int, stop: int) -> None:
        for shard in shards:
            if shard.vocabulary != shards[0].vocabulary:
                raise ValueError(
                    f"token files must have the same vocabulary; that of {shard.path!a} differs from that of "
                    f"{shards[0].path!a}"
                )
        self._shards = shards
        self._ends = np.cumsum([len(shard) for shard in shards])
        self._start = start
        self._stop = stop
        self._kept: MemoryStream | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return FileStream, (self._shards, self._start, self._stop)

    def __len__(self) -> int:
        return self._stop - self._start

    def read(self, start: int, stop: int) -> Tensor:
        """Returns a new tensor on the CPU."""
        if not 0 <= start <= stop <= len(self):
            raise IndexError(f"ids {start} to {stop} are out of range: the stream has {len(self)} ids")
        return torch.from_numpy(self._read(self._start + start, self._start + stop))

    def _read(self, start: int, stop: int) -> NDArray[np.unsignedinteger[Any]]:
        parts = [np.empty(0, dtype=self._shards[0].vocabulary.dtype)]
        number = int(np.searchsorted(self._ends, start, side="right"))
        while start < stop:
            shard, end = self._shards[number], int(self._ends[number])
            begin, last = end - len(shard), min(stop, end)
            parts.append(shard.read(start - begin, last - begin))
            start, number = last, number + 1
        return np.concatenate(parts)

    def windows(self, starts: Tensor, width: int) -> Tensor:
        """Returns a new tensor on the CPU; a window may begin in one file and end in another."""
        if len(self) * self._shards[0].dtype.itemsize <= KEPT_BYTES:
            return self._kept_stream().windows(starts.cpu(), width)
        positions = starts.cpu().numpy() + self._start
        if len(self._shards) == 1:
            return torch.from_numpy(self._shards[0].windows(positions, width))
        first = np.searchsorted(self._ends, positions, side="right")
        last = np.searchsorted(self._ends, positions + width - 1, side="right")
        rows = np.empty((len(positions), width), dtype=self._shards[0].vocabulary.dtype)
        in_one = np.flatnonzero(first == last)
        for number, inside in grouped(in_one, first[in_one]):
            shard, begin = self._shards[number], int(self._ends[number]) - len(self._shards[number])
            rows[inside] = shard.windows(positions[inside] - begin, width)
        for row in np.flatnonzero(first != last):
            rows[row] = self._read(int(positions[row]), int(positions[row]) + width)
        return torch.from_numpy(rows)

    def _kept_stream(self) -> MemoryStream:
        if self._kept is None:
            self._kept = MemoryStream(self.read(0, len(self)))
        for shard in self._shards:
            shard.check_unchanged()
        return self._kept

    def part(self, start: int, stop: int) -> FileStream:
        """Returns a stream over the same open files."""
        return FileStream(self._shards, self._start + start, self._start + stop)

    def check_ids(self, size: int) -> None:
        """Compares vocabulary sizes: the ids in a token file are valid in its own vocabulary."""
        check_vocabulary_size(self._shards[0].vocabulary, size)

    def fingerprint(self) -> str:
        """Returns the SHA-256 of the checksums in the headers and of where the stream starts and stops."""
        parts = [shard.sha256 for shard in self._shards]
        return hashlib.sha256(f"{parts} {self._start} {self._stop}".encode()).hexdigest()


def _checked_tensor(ids: Tensor) -> Tensor:
    if ids.is_floating_point() or ids.is_complex() or ids.dtype == torch.bool:
        raise TypeError(f"ids must be integers, got {ids.dtype} values")
    if not ids.is_meta and ids.dtype.is_signed:
        as_id_array(ids.numpy(force=True))
    return ids.detach()
