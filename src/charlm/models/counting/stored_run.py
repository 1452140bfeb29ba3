"""A run on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from charlm.models.counting.runs import Run
from charlm.models.counting.scratch import ScratchFile

if TYPE_CHECKING:
    from collections.abc import Iterable

    from charlm.models.counting.runs import Packing


class RunOnDisk:
    """A run in a scratch file, a window after the other.

    Args:
        blocks: Its windows, ascending, a block at a time.
        packing: How they are packed.

    Attributes:
        size: The number of windows.

    Raises:
        OSError: As for ``ScratchFile``.
    """

    def __init__(self, blocks: Iterable[Run], packing: Packing) -> None:
        self.size: int = 0
        self._names = [f"word {number}" for number in range(len(packing.widths))]
        self._dtype = np.dtype([*zip(self._names, packing.dtypes, strict=True), ("count", np.uint64)])
        self._file = ScratchFile()
        try:
            for block in blocks:
                self._write(block)
        except BaseException:
            self.close()
            raise

    def block(self, start: int, stop: int) -> Run:
        """Returns the windows from ``start`` up to ``stop``, fewer at the end."""
        length = max(min(stop, self.size) - start, 0)
        windows = self._file.read(start * self._dtype.itemsize, length, self._dtype)
        return Run(tuple(windows[name].copy() for name in self._names), windows["count"].copy())

    def close(self) -> None:
        """Removes it."""
        self._file.close()

    def _write(self, block: Run) -> None:
        windows = np.empty(block.size, dtype=self._dtype)
        for name, column in zip((*self._names, "count"), (*block.words, block.counts), strict=True):
            windows[name] = column
        self._file.append(windows)
        self.size += block.size
