"""Arrays put aside until they are needed: in memory, or in a file without a name, which no failure leaves behind."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np

from chartok.files.atomic import Naming

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import DTypeLike, NDArray

Kept: TypeAlias = "Callable[[], NDArray[Any]]"
"""Returns an array that was put aside."""


class Keeper(Protocol):
    """Puts arrays aside."""

    def keep(self, array: NDArray[Any]) -> Kept:
        """Puts an array aside, and returns what brings it back."""


class InMemory:
    """Keeps arrays as they are."""

    def keep(self, array: NDArray[Any]) -> Kept:
        """Puts an array aside, and returns what brings it back."""
        return lambda: array


class ScratchFile:
    """A file in the folder for temporary files, ``TMPDIR``, that is gone when it is closed, or the process ends.

    Raises:
        OSError: The folder cannot be written to, or the disk is full; names the folder.
    """

    def __init__(self) -> None:
        import tempfile  # noqa: PLC0415 - a program that only scores starts without it

        self._folder = tempfile.gettempdir()
        with Naming(self._folder):
            self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed by close
        self._size = 0

    def append(self, array: NDArray[Any]) -> int:
        """Writes an array at the end, and returns where it begins."""
        start, rest = self._size, np.ascontiguousarray(array).view(np.uint8).data
        with Naming(self._folder):
            self._file.seek(start)
            while rest:
                rest = rest[self._file.write(rest) :]
        self._size += array.nbytes
        return start

    def read(self, start: int, length: int, dtype: DTypeLike) -> NDArray[Any]:
        """Returns the array of ``length`` values that begins at a byte."""
        array = np.empty(length, dtype=dtype)
        rest = array.view(np.uint8).data
        with Naming(self._folder):
            self._file.seek(start)
            while rest:
                rest = rest[self._file.readinto(rest) :]
        return array

    def keep(self, array: NDArray[Any]) -> Kept:
        """Puts an array aside, and returns what brings it back."""
        return partial(self.read, self.append(array), len(array), array.dtype)

    def close(self) -> None:
        """Removes the file."""
        self._file.close()
