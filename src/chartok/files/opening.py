"""Opens regular files for reading: a pipe or a device is refused, without waiting for it."""

from __future__ import annotations

import errno
import os
import stat
import weakref
from typing import IO

from chartok.arguments import file_path

FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""Opening a pipe without O_NONBLOCK waits until something else opens it for writing."""


def open_descriptor(path: str | os.PathLike[str]) -> int:
    """Returns a new file descriptor of a regular file, to read from.

    What is opened is checked, not what has the name before or after.

    Args:
        path: The file; links are followed.

    Raises:
        OSError: It is missing, a folder, a pipe or a device, or cannot be opened; with errno and the name.
    """
    file_path("path", path)
    descriptor = os.open(path, FLAGS)
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return descriptor
    os.close(descriptor)
    name = os.fspath(path)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), name)
    raise OSError(errno.EINVAL, "expected a regular file, got a pipe, a socket or a device", name)


def open_file(path: str | os.PathLike[str]) -> IO[bytes]:
    """Returns a regular file, open for reading bytes; see ``open_descriptor``.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> path = Path(tempfile.mkdtemp()) / "note.txt"
        >>> _ = path.write_bytes(b"whole")
        >>> with open_file(path) as file:
        ...     file.read()
        b'whole'
    """
    return open(open_descriptor(path), "rb")


class OpenedFile:
    """A regular file that is open for reading, and is closed when nothing refers to it any more.

    A descriptor that one thread closes while another reads it may by then be that of another file.

    Args:
        path: The file.

    Attributes:
        descriptor: Its file descriptor.

    Raises:
        OSError: As in ``open_descriptor``.
    """

    __slots__ = ("__weakref__", "descriptor")

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.descriptor: int = open_descriptor(path)
        weakref.finalize(self, os.close, self.descriptor)
