"""Where the ids of all records are: in memory, or in a token file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class RecordSource(Protocol):
    """Where the ids of all records are; a ``TokenFile`` of records is one."""

    @property
    def records(self) -> int | None:
        """The number of records."""

    def __len__(self) -> int:
        """Returns the number of ids."""

    def read(self, start: int, stop: int) -> NDArray[np.unsignedinteger[Any]]:
        """Returns the ids from ``start`` up to ``stop``."""

    def spans(self, starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.unsignedinteger[Any]]:
        """Returns several spans of ids, concatenated."""

    def bounds(self, records: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Returns where records begin, and how many ids each has."""

    def bounds_from(self, start: int, stop: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Returns the same of consecutive records."""


class RecordsInMemory:
    """The ids of records in one array, and where each begins.

    Args:
        ids: The ids of all records, concatenated.
        offsets: Where each begins, and where the last one ends, int64 ``(N + 1,)``.
        files: The number of the first record of each file that they come from, ascending, and its name.
    """

    def __init__(
        self,
        ids: NDArray[np.unsignedinteger[Any]],
        offsets: NDArray[np.int64],
        files: Sequence[tuple[int, str]] = (),
    ) -> None:
        self._ids = ids
        self._offsets = offsets
        self._files = files

    @classmethod
    def of(cls, ids: NDArray[np.unsignedinteger[Any]], lengths: NDArray[np.int64]) -> Self:
        """Returns records given by the number of ids of each, int64 ``(N,)``."""
        offsets = np.zeros(len(lengths) + 1, dtype=np.int64)
        np.cumsum(lengths, out=offsets[1:])
        return cls(ids, offsets)

    @property
    def records(self) -> int:
        """The number of records."""
        return len(self._offsets) - 1

    def name_of(self, record: int) -> str:
        """Returns what to call a record in a message: its number, from 1, and its file if there are several."""
        first, name = next((file for file in reversed(self._files) if file[0] <= record), (0, ""))
        if not name or len(self._files) == 1:
            return f"record {record + 1}"
        return f"record {record - first + 1} of {name!a}"

    def __len__(self) -> int:
        return len(self._ids)

    def read(self, start: int, stop: int) -> NDArray[np.unsignedinteger[Any]]:
        """Returns a view."""
        return self._ids[start:stop]

    def spans(self, starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.unsignedinteger[Any]]:
        """Returns several spans of ids, concatenated."""
        return spans_of(self._ids, starts, lengths)

    def bounds(self, records: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Returns where records begin, and how many ids each has."""
        starts = self._offsets[records]
        return starts, self._offsets[records + 1] - starts

    def bounds_from(self, start: int, stop: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Returns the same of consecutive records."""
        return self._offsets[start:stop], np.diff(self._offsets[start : stop + 1])


def spans_of(
    ids: NDArray[np.unsignedinteger[Any]], starts: NDArray[np.int64], lengths: NDArray[np.int64]
) -> NDArray[np.unsignedinteger[Any]]:
    """Returns several spans of an array, concatenated.

    Example:
        >>> spans_of(np.arange(9), np.array([6, 1]), np.array([2, 3]))
        array([6, 7, 1, 2, 3])
    """
    places = np.arange(int(lengths.sum()))
    places += np.repeat(starts - (np.cumsum(lengths) - lengths), lengths)
    return ids[places]
