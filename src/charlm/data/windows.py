"""Which part of which record an example is, where long records are cut into windows."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from charlm.data.records import Records


class Spans(NamedTuple):
    """Where examples are in the source of the records.

    Attributes:
        starts: Where the ids of each begin, int64 ``(B,)``.
        inputs: The number of inputs of each, int64 ``(B,)``; an example has one id more, the last target.
        masked: How many of the first targets of each are masked, int64 ``(B,)``; None if no record has a prompt.
    """

    starts: NDArray[np.int64]
    inputs: NDArray[np.int64]
    masked: NDArray[np.int64] | None


class Windows:
    """The examples of records: one for each, or several for one that needs more than ``block_size`` inputs.

    Only long records take memory, 32 bytes each. Windows of a prompt alone are left out: they have nothing to learn.

    Args:
        records: The records.
        block_size: The largest number of inputs of an example.

    Attributes:
        longest: The number of inputs that the longest record needs.

    Example:
        >>> from charlm.data.record_sources import RecordsInMemory
        >>> from charlm.data.records import Records
        >>> windows = Windows(Records(RecordsInMemory.of(np.arange(9), np.array([2, 7]))), block_size=4)
        >>> len(windows)
        3
        >>> windows.spans(np.array([0, 1, 2]))  # 6 targets of the second record, of which 4 are in its first window
        Spans(starts=array([0, 2, 6]), inputs=array([1, 4, 2]), masked=None)
    """

    def __init__(self, records: Records, block_size: int) -> None:
        self._records = records
        self._block_size = block_size
        self.longest: int = 0
        long_ones, windows = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
        place = 0
        for _, lengths in records.bounds_in_parts():
            inputs = lengths - 1
            self.longest = max(self.longest, int(inputs.max()))
            found = np.flatnonzero(inputs > block_size)
            long_ones.append(found + place)
            windows.append(-(-inputs[found] // block_size))
            place += len(lengths)
        self._long = np.concatenate(long_ones)
        self._windows_left_out = np.zeros(len(self._long), dtype=np.int64)
        if records.prompts is not None:
            self._windows_left_out += records.prompts[self._long].astype(np.int64) // block_size
        self._more_before = np.concatenate([[0], np.cumsum(np.concatenate(windows) - self._windows_left_out - 1)])
        self._first = self._long + self._more_before[:-1]
        """The first example of each long record."""

    def __len__(self) -> int:
        return len(self._records) + int(self._more_before[-1])

    def spans(self, examples: NDArray[np.int64]) -> Spans:
        """Returns where examples are in the source of the records.

        Args:
            examples: Which examples, int64 ``(B,)``.
        """
        records, skipped = self._places(examples)
        starts, lengths = self._records.bounds(records)
        return Spans(
            starts + skipped, np.minimum(lengths - 1 - skipped, self._block_size), self._masked(records, skipped)
        )

    def records(self, examples: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns the record of each of several examples, int64 ``(B,)``."""
        return self._places(examples)[0]

    def _places(self, examples: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Returns the record of each example, and how many of its ids precede it."""
        if not len(self._long):
            return examples, np.zeros_like(examples)
        latest = np.searchsorted(self._first, examples, side="right") - 1
        window = np.where(latest >= 0, examples - self._first[latest], 0)
        windows = np.where(latest >= 0, np.diff(self._more_before)[latest] + 1, 1)
        is_inside = (latest >= 0) & (window < windows)
        records = np.where(is_inside, self._long[latest], examples - self._more_before[latest + 1])
        return records, np.where(is_inside, (window + self._windows_left_out[latest]) * self._block_size, 0)

    def _masked(self, records: NDArray[np.int64], skipped: NDArray[np.int64]) -> NDArray[np.int64] | None:
        if self._records.prompts is None:
            return None
        masked: NDArray[np.int64] = np.maximum(self._records.prompts[records].astype(np.int64) - skipped, 0)
        return masked
