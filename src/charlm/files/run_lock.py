"""The lock of a run folder: one process at a time writes to it, and the others are told which one that is."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import stat
import sys
import threading
import warnings
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from chartok.files.strict_json import parse_json

if TYPE_CHECKING:
    from pathlib import Path

FLAGS = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
LONGEST = 1 << 12
"""In bytes; longer than what is written about the holder."""
WITHOUT_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
"""The errors of file systems that have no locks."""
SHARING_VIOLATION = 32
"""What Windows calls it when a file is to be removed that is open."""

if sys.platform == "win32":
    import msvcrt

    def _try_to_lock(descriptor: int) -> None:
        os.lseek(descriptor, LONGEST, os.SEEK_SET)  # what is locked cannot be read
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

    def _remove(descriptor: int, path: Path) -> None:
        """Closes a file that is locked and removes it, unless it is open elsewhere: such a file has to stay."""
        os.lseek(descriptor, LONGEST, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)
        os.close(descriptor)
        try:
            path.unlink()
        except FileNotFoundError:
            pass
        except PermissionError as error:
            if error.winerror != SHARING_VIOLATION:
                raise
else:
    import fcntl

    def _try_to_lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _remove(descriptor: int, path: Path) -> None:
        """Removes a file that is locked, and closes it."""
        try:
            if _is_at(descriptor, path):
                path.unlink()
        finally:
            with contextlib.suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_UN)  # a forked child may hold the same open file
            os.close(descriptor)


class RunLock:
    """A context manager that holds an exclusive lock; in the thread that holds it, it can be entered again.

    The system releases the lock when the process ends, in whatever way. The file exists only while it is held, or
    after a process was killed; it is never written to unless it has just been created.

    Args:
        path: The file of the lock, in the folder that it protects.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> path = Path(tempfile.mkdtemp()) / "run.lock"
        >>> with RunLock(path):
        ...     path.exists()
        True
        >>> path.exists()
        False
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1
        self._depth = 0
        self._thread = 0

    def __enter__(self) -> None:
        """Acquires the lock.

        Raises:
            BlockingIOError: It is held elsewhere; says by whom.
            OSError: The file cannot be created.
        """
        if not (self._depth and self._thread == threading.get_ident()):
            self._descriptor = _acquired(self._path)
            self._thread = threading.get_ident()
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if not self._depth:
            _remove(self._descriptor, self._path)


def _acquired(path: Path) -> int:
    """Returns the descriptor of a new, locked file."""
    while True:
        try:
            descriptor = os.open(path, FLAGS | os.O_CREAT | os.O_EXCL, 0o644)
        except FileExistsError:
            _remove_left_behind(path)
            continue
        with contextlib.ExitStack() as stack:
            stack.callback(os.close, descriptor)
            with contextlib.suppress(BlockingIOError):  # another process took the new file for one left behind
                _lock(descriptor, path)
                if _is_at(descriptor, path):
                    os.lseek(descriptor, 0, os.SEEK_SET)
                    os.write(descriptor, _holder())
                    stack.pop_all()
                    return descriptor


def _remove_left_behind(path: Path) -> None:
    """Removes the file of a process that was killed, or a link, which no process of ours leaves.

    Raises:
        BlockingIOError: The lock is held.
        OSError: There is something else under this name.
    """
    if path.is_symlink():
        path.unlink()
        return
    try:
        descriptor = os.open(path, FLAGS)
    except FileNotFoundError:
        return
    with contextlib.ExitStack() as stack:
        stack.callback(os.close, descriptor)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "expected the lock of a run, got something that is no file", os.fspath(path))
        try:
            _lock(descriptor, path)
        except BlockingIOError:
            raise BlockingIOError(errno.EAGAIN, _said_by(descriptor), os.fspath(path.parent)) from None
        stack.pop_all()
    _remove(descriptor, path)


def _lock(descriptor: int, path: Path) -> None:
    try:
        _try_to_lock(descriptor)
    except PermissionError as error:  # what Windows says
        raise BlockingIOError(*error.args) from None
    except OSError as error:
        if error.errno not in WITHOUT_LOCKS:
            raise
        warnings.warn(
            f"{os.fspath(path.parent)!a} is on a file system without locks: see to it that nothing else writes to it",
            stacklevel=2,
        )


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False


def _holder() -> bytes:
    began = datetime.now(UTC).isoformat(timespec="seconds")
    return json.dumps({"process": os.getpid(), "host": socket.gethostname(), "began": began}).encode()


def _said_by(descriptor: int) -> str:
    os.lseek(descriptor, 0, os.SEEK_SET)
    holder = "another process"
    with contextlib.suppress(ValueError, KeyError, TypeError, OSError):
        content = parse_json(os.read(descriptor, LONGEST))
        holder = f"process {int(content['process'])} on {content['host']!a}, since {content['began']!a},"
    return f"{holder} is writing to this run: wait until it ends, or use another folder"
