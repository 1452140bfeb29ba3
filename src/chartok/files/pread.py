"""Reading from a given place of a file, from several threads at once."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_position = threading.Lock()


def seek_and_read(descriptor: int, length: int, offset: int) -> bytes:
    """Returns what ``os.pread`` would, on a system that does not have it.

    A descriptor has one position, which all threads share: one after the other moves it.

    Args:
        descriptor: Of an open file, from which nothing else reads.
        length: The most bytes to read.
        offset: Where they begin.

    Raises:
        OSError: The file cannot be read.
    """
    with _position:
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.read(descriptor, length)


pread: Callable[[int, int, int], bytes] = getattr(os, "pread", seek_and_read)
"""Returns up to ``length`` bytes of ``descriptor`` from ``offset`` on; Windows has no ``os.pread``."""
