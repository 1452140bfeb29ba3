"""Atomic file replacement: a reader sees either the complete old file or the complete new one."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import secrets
import shutil
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING

from chartok.arguments import file_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from typing_extensions import Buffer  # in collections.abc from Python 3.12 on


class Naming:
    """Adds a file name to an ``OSError`` that names no file, or only a temporary one.

    A class, since it is entered for every batch that is read and a generator takes three times as long.
    """

    __slots__ = ("_instead_of", "_path")

    def __init__(self, path: str, *, instead_of: str | None = None) -> None:
        self._path = path
        self._instead_of = instead_of

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, OSError) and error.errno is not None and error.filename in (None, self._instead_of):
            error.filename = self._path


@contextlib.contextmanager
def replace_file(path: str | os.PathLike[str], *, follow_links: bool = True) -> Iterator[IO[bytes]]:
    """Yields a binary file that replaces ``path`` when the block ends without an exception.

    The bytes are written to a temporary file in the same folder, flushed to disk, and then renamed in one step.
    Whatever fails before that, the old file is unchanged and no temporary file is left. If only flushing the folder
    fails, the new file is in place, and the error says that it may not survive a power failure.

    Args:
        path: The file to create or replace. Its folder must exist.
        follow_links: Whether a symbolic link is followed and a pipe or a device written to, as is right for a path
            that a user gave. Otherwise, for a name that the library chose in a folder which may come from anyone,
            whatever has the name is replaced.

    Raises:
        ValueError: ``path`` is empty.
        OSError: The folder is missing or not writable, the disk is full, or ``path`` is a folder, or named as one is,
            with a slash at its end, or a link to itself; with errno and the name of the file. An error raised in the
            block itself is left unchanged.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "note.txt"
        >>> with replace_file(path) as file:
        ...     _ = file.write(b"whole")
        >>> path.read_bytes()
        b'whole'
    """
    file_path("path", path)
    name = os.fspath(path)
    if not name:
        raise ValueError("path is empty: give the name of a file")
    if follow_links and is_special(path):
        with _writer(Path(path), "wb", name) as file:
            yield file
        return
    final = Path(os.path.realpath(path) if follow_links else path)
    if follow_links and final.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), name)
    if name.endswith(("/", os.sep)) or (final.is_dir() and not final.is_symlink()):
        raise IsADirectoryError(errno.EISDIR, "expected a file, got a folder", name)
    temporary = final.with_name(f".chartok-{secrets.token_hex(8)}.tmp")  # short: a name has at most 255 bytes
    try:
        with _writer(temporary, "xb", name) as file:
            yield file
            file.flush()
            with Naming(name):
                os.fsync(file.fileno())
        with Naming(name, instead_of=os.fspath(temporary)):
            if sys.platform != "win32" and final.is_file() and not final.is_symlink():  # there, only "read-only"
                shutil.copymode(final, temporary)
            temporary.replace(final)
            sync_folder(final.parent)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def check_not_read(destination: str | os.PathLike[str], sources: Iterable[str | os.PathLike[str]]) -> None:
    """Checks that a file that is to be written is none of those that it is made from.

    Raises:
        ValueError: It is.
    """
    for source in filter(os.path.exists, sources):
        if os.path.exists(destination) and os.path.samefile(source, destination):  # noqa: PTH110, PTH121 - any path
            raise ValueError(f"{os.fspath(source)!a} is both a source and the destination: give another destination")


def is_special(path: str | os.PathLike[str]) -> bool:
    """Returns whether ``path`` is neither a file nor a folder but exists: a pipe, a device, a socket."""
    there = Path(path)
    return there.exists() and not there.is_file() and not there.is_dir()


def sync_folder(folder: Path) -> None:
    """Flushes the names in a folder to disk, where the system can do that."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class _NamedFile(io.RawIOBase):
    """A file whose errors on writing carry the name of the file it will replace."""

    def __init__(self, file: IO[bytes], shown: str) -> None:
        self._file = file
        self._shown = shown

    def write(self, data: Buffer) -> int | None:
        with Naming(self._shown):
            return self._file.write(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def seekable(self) -> bool:
        return self._file.seekable()

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._file.fileno()

    def close(self) -> None:
        self._file.close()
        super().close()


def _writer(path: Path, mode: str, shown: str) -> IO[bytes]:
    """Opens a file whose errors carry the name that is shown.

    It is opened here and not by ``_NamedFile``, which Python closes even if its constructor has failed.
    """
    with Naming(shown, instead_of=os.fspath(path)):
        file = path.open(mode, buffering=0)
    return io.BufferedWriter(_NamedFile(file, shown))
