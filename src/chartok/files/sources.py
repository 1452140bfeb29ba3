"""Sources of text: files, glob patterns, URLs, compressed or not."""

from __future__ import annotations

import contextlib
import errno
import glob
import gzip
import os
import stat
import zlib
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal, TypeAlias, cast, get_args

from chartok.errors import TokenFileError
from chartok.files.atomic import check_not_read, is_special
from chartok.files.text import decoded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Source: TypeAlias = str | os.PathLike[str]
"""A path, a pattern such as ``data/*.txt``, or, if fsspec is installed, a URL such as ``s3://bucket/a.txt``."""

Compression: TypeAlias = Literal["gzip"]


def expand_sources(sources: Source | Iterable[Source]) -> list[str]:
    """Returns the files that the sources name, in the order given; those of a pattern in alphabetical order.

    Raises:
        FileNotFoundError: A pattern matches nothing.
        ValueError: There are no sources.
    """
    several = [sources] if isinstance(sources, str | os.PathLike) else list(sources)
    if not several:
        raise ValueError("sources is empty: give at least one file")
    return [file for source in several for file in _expand(os.fspath(source))]


def check_compression(compression: str | None) -> None:
    """Checks that a kind of compression is supported.

    Raises:
        ValueError: It is not.
    """
    if compression is not None and compression not in get_args(Compression):
        raise ValueError(f"compression must be 'gzip' or None, got {compression!a}")


def source_size(source: str) -> int | None:
    """Returns the size of a source in bytes, as stored, or None if it has no known size, such as a pipe.

    Raises:
        OSError: It is missing.
    """
    if not _is_url(source):
        return _size(Path(source).stat())
    files, path = _file_system(source)
    return cast("int | None", files.size(path))


def check_two_readings(sources: Iterable[str]) -> None:
    """Checks that sources can be read twice.

    Raises:
        ValueError: One is a pipe or a device.
    """
    for source in sources:
        if not _is_url(source) and is_special(source):
            raise ValueError(
                f"{source!a} is a pipe or a device, which can only be read once, and building the vocabulary takes an "
                "extra pass: give a vocabulary, or a file"
            )


def check_destination(destination: Source, sources: Iterable[str]) -> None:
    """Checks that a token file can be written here from these sources, and then read by window.

    Raises:
        ValueError: It is one of the sources, or a pipe or a device.
    """
    if is_special(destination):
        raise ValueError(
            f"destination must be a file, since a token file is read by window; {os.fspath(destination)!a} is a pipe "
            "or a device"
        )
    local = (_file_system(source)[1] if source.startswith("file://") else source for source in sources)
    check_not_read(destination, local)


def iterate_source(source: str, compression: Compression | None = None) -> Iterator[tuple[str, int]]:
    """Yields the text of a source in pieces, each with the number of bytes read so far.

    Raises:
        OSError: It is missing, is a folder, or cannot be read; names it.
        FileDecodeError: It is not UTF-8.
        TokenFileError: ``compression`` is ``"gzip"`` and it is not gzip data, or is truncated or damaged; or its size
            or time of change moved while it was read.
    """
    with _open(source) as file:
        before = None if _is_url(source) else os.fstat(file.fileno())
        size = source_size(source) if before is None else _size(before)
        counted = cast("IO[bytes]", counter := _CountedFile(file))
        plain = counted if compression is None else cast("IO[bytes]", gzip.GzipFile(fileobj=counted))
        try:
            for text in decoded(plain, source):
                yield text, counter.bytes_read
        except EOFError as error:
            raise TokenFileError(f"{source!a} is truncated: {error}") from None
        except (zlib.error, gzip.BadGzipFile) as error:
            raise TokenFileError(f"{source!a} is not gzip data, or is damaged: {error}") from None
        if size is not None and (size != counter.bytes_read or (before is not None and _has_changed(before, file))):
            raise TokenFileError(
                f"{source!a} changed while it was read: {size} bytes at the start, {counter.bytes_read} read; try again"
            )


class _CountedFile:
    """A file that counts the bytes read from it: a pipe has no position."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.bytes_read = 0

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.bytes_read += len(data)
        return data


def _expand(source: str) -> list[str]:
    if _is_url(source):
        files, path = _file_system(source)
        if not glob.has_magic(path):
            return [source]
        found = [files.unstrip_protocol(name) for name in sorted(files.glob(path))]
    elif glob.has_magic(source) and not Path(source).exists():
        found = sorted(glob.glob(source, recursive=True))  # noqa: PTH207 - the pattern may be absolute
    else:
        return [source]
    if not found:
        raise FileNotFoundError(errno.ENOENT, "no file matches this pattern", source)
    return found


def _is_url(source: str) -> bool:
    return "://" in source


def _file_system(url: str) -> tuple[Any, str]:
    try:
        import fsspec  # noqa: PLC0415 - only needed to read URLs
    except ImportError:
        raise ModuleNotFoundError(f"reading {url!a} needs fsspec: pip install fsspec") from None
    files, path = fsspec.core.url_to_fs(url)
    return files, path


@contextlib.contextmanager
def _open(source: str) -> Iterator[IO[bytes]]:
    if _is_url(source):
        files, path = _file_system(source)
        with files.open(path, "rb") as file:
            yield file
    else:
        with Path(source).open("rb") as file:
            yield file


def _size(status: os.stat_result) -> int | None:
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _has_changed(before: os.stat_result, file: IO[bytes]) -> bool:
    """Returns whether something has written to a file, even if it set the time of the last change of content back.

    The time of the last change of anything cannot be set back. It also moves when a new file takes the name of this
    one, which loses a link by that; what is read is still one file.
    """
    now = os.fstat(file.fileno())
    is_same_content = (now.st_size, now.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    return not is_same_content or (now.st_nlink == before.st_nlink and now.st_ctime_ns != before.st_ctime_ns)
