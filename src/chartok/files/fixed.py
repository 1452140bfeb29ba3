"""Bytes of a file that must stay as it was when it was opened, read from any place."""

from __future__ import annotations

import hashlib
import os
from itertools import chain
from typing import TYPE_CHECKING

from chartok.errors import TokenFileError
from chartok.files.atomic import Naming
from chartok.files.opening import OpenedFile
from chartok.files.pread import pread

if TYPE_CHECKING:
    from collections.abc import Iterable

BYTES_AT_ONCE = 1 << 20
"""How many bytes are hashed at a time."""


class FixedFile:
    """A file that is read with ``pread``, and that nothing may change, replace or remove meanwhile.

    If it is truncated meanwhile, an error is raised, where a memory map would crash the process. Several threads may
    read it.

    Args:
        path: The file.

    Attributes:
        path: The file.
        size: Its size in bytes.
        sealed: Where the part begins that a SHA-256 covers, and that SHA-256 in hexadecimal; set by the owner.

    Raises:
        OSError: It is missing, is a folder, or cannot be read.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._naming = Naming(path)
        self._absolute = os.path.abspath(path)  # noqa: PTH100 - the program may change its folder
        self._opened: OpenedFile | None = OpenedFile(path)
        self._state = _state(os.fstat(self._opened.descriptor))
        self.size: int = self._state[2]
        self.sealed: tuple[int, str] = (0, "")

    def read(self, start: int, stop: int) -> bytearray:
        """Returns the bytes from ``start`` up to, but not including, ``stop``.

        Raises:
            OSError: They cannot be read.
            TokenFileError: The file was truncated, replaced or changed since it was opened.
            ValueError: It has been closed.
        """
        opened = self._held()
        found = bytearray().join(self._parts(opened, start, stop))
        self._check_unchanged(opened)
        return found

    def scattered(self, places: list[int], sizes: Iterable[int]) -> bytearray:
        """Returns some bytes from each place, concatenated; raises what ``read`` does."""
        opened = self._held()
        descriptor = opened.descriptor
        wanted = list(sizes)
        with self._naming:
            found = bytearray().join(
                [pread(descriptor, size, place) for size, place in zip(wanted, places, strict=True)]
            )
        if len(found) != sum(wanted):  # a call may read less than was asked for
            whole = (self._parts(opened, place, place + size) for size, place in zip(wanted, places, strict=True))
            found = bytearray().join(chain.from_iterable(whole))
        self._check_unchanged(opened)
        return found

    def matches_its_seal(self) -> bool:
        """Returns whether the bytes have the SHA-256 that they should have, after reading all of them."""
        opened = self._held()
        matches = self._matches(opened)
        self._check_unchanged(opened)
        return matches

    def check_unchanged(self) -> None:
        """Checks that the file is the one that was opened, and that nothing has written to it.

        Compares the inode, the size, and the times of the last change of the content and of anything. The last cannot
        be set back, but a new link or other permissions move it too: then the bytes are checked against their SHA-256.

        Raises:
            TokenFileError: It was truncated, replaced, removed or changed.
            ValueError: It has been closed.
        """
        self._check_unchanged(self._held())

    def close(self) -> None:
        """Closes the file, once no other thread reads it."""
        self._opened = None

    def _held(self) -> OpenedFile:
        """Returns the open file, which stays open for as long as the caller holds it."""
        opened = self._opened
        if opened is None:
            raise ValueError(f"{self.path!a} has been closed")
        return opened

    def _parts(self, opened: OpenedFile, first: int, last: int) -> list[bytes]:
        """Returns the bytes from ``first`` to ``last``, in parts: one call reads at most two gibibytes."""
        parts = []
        while first < last:
            with self._naming:
                parts.append(pread(opened.descriptor, last - first, first))
            first += len(parts[-1])
            if not parts[-1]:
                raise self._changed()
        return parts

    def _matches(self, opened: OpenedFile) -> bool:
        start, sha256 = self.sealed
        digest = hashlib.sha256()
        for first in range(start, self.size, BYTES_AT_ONCE):
            for part in self._parts(opened, first, min(first + BYTES_AT_ONCE, self.size)):
                digest.update(part)
        return digest.hexdigest() == sha256

    def _check_unchanged(self, opened: OpenedFile) -> None:
        """Checks the file as ``check_unchanged`` does; what was read before it is what was written."""
        try:
            # Path.stat takes five times as long, and this runs once per batch.
            state = _state(os.stat(self._absolute))  # noqa: PTH116
        except FileNotFoundError:
            raise self._changed() from None
        if state == self._state:
            return
        if state[:-1] != self._state[:-1] or not self._matches(opened):
            self._state = (0, 0, 0, 0, 0)  # for good
            raise self._changed()
        self._state = state

    def _changed(self) -> TokenFileError:
        return TokenFileError(f"{self.path!a} was replaced, removed or changed since it was opened: reopen it")


def _state(status: os.stat_result) -> tuple[int, int, int, int, int]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
