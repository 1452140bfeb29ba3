"""Writing a file so that a reader sees the whole old one or the whole new one, and never anything else."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def replace_file(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Yields a binary file that takes the place of ``path`` when the block ends without an exception.

    The bytes go to a temporary file in the same folder, reach the disk, and then take the name in one step.
    Whatever fails before that, the old file stays as it was and no temporary file is left. Where only the folder
    cannot be flushed after it, the new file is there, and the error says that it may not outlast a power cut. A
    symbolic link is followed.

    Args:
        path: The file to create or replace. Its folder must exist.

    Raises:
        OSError: The folder is missing or not writable, the disk is full, or ``path`` is a folder or a link to
            itself; with errno and the name of the file.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "note.txt"
        >>> with replace_file(path) as file:
        ...     _ = file.write(b"whole")
        >>> path.read_bytes()
        b'whole'
    """
    final = Path(os.path.realpath(path))
    if final.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), os.fspath(path))
    if final.is_dir():
        raise IsADirectoryError(errno.EISDIR, "a file is expected, this is a folder", os.fspath(path))
    temporary = final.with_name(f".{final.name}.{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if final.exists():
            shutil.copymode(final, temporary)
        temporary.replace(final)
        sync_folder(final.parent)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError) and error.filename in (None, os.fspath(temporary)):
            error.filename = os.fspath(path)
        raise


@contextlib.contextmanager
def naming(path: str | os.PathLike[str]) -> Iterator[None]:
    """Gives an error of the system that comes without the name of a file the one that is meant."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = os.fspath(path)
        raise


def sync_folder(folder: Path) -> None:
    """Waits until the names in a folder are on the disk, where the system can do that."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
