"""Reads a file at a given offset, from several threads at once."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_position = threading.Lock()


def seek_and_read(descriptor: int, length: int, offset: int) -> bytes:
    """Returns what ``os.pread`` would, on a system that does not have it.

    All threads share the one position of a descriptor, so a lock lets only one at a time move it.

    Args:
        descriptor: That of an open file, from which nothing else reads.
        length: The maximum number of bytes to read.
        offset: Where to begin.

    Raises:
        OSError: The file cannot be read.
    """
    with _position:
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.read(descriptor, length)


pread: Callable[[int, int, int], bytes] = getattr(os, "pread", seek_and_read)
"""Returns up to ``length`` bytes of ``descriptor`` from ``offset`` on; Windows has no ``os.pread``."""
