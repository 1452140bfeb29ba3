"""Lets ``csv`` read cells of any length, whatever limit the program has set."""

from __future__ import annotations

import csv
import os
import sys
import threading

LONGEST_CELL = min(sys.maxsize, (1 << 31) - 1)
"""In characters; a long of C."""


class LongCells:
    """Lifts the limit, which is one for the whole process, while at least one thread is in a ``with`` block.

    The limit of the program holds again once all have left it.

    Example:
        >>> limit = csv.field_size_limit()
        >>> with LongCells():
        ...     csv.field_size_limit() == LONGEST_CELL
        True
        >>> csv.field_size_limit() == limit
        True
    """

    def __init__(self) -> None:
        self._limit = 0
        self._inside = 0
        self._lock = threading.Lock()
        if hasattr(os, "register_at_fork"):  # Windows does not fork
            os.register_at_fork(after_in_child=self._forget_threads)

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._limit = csv.field_size_limit(LONGEST_CELL)
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                csv.field_size_limit(self._limit)

    def _forget_threads(self) -> None:
        """Undoes in a forked process what other threads did, which are not there."""
        self._lock = threading.Lock()
        if self._inside:
            self._inside = 0
            csv.field_size_limit(self._limit)


long_cells: LongCells = LongCells()
"""The one of this process."""
