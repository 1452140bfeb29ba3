"""Sources of text: files, folders, glob patterns, URLs, and standard input."""

from __future__ import annotations

import contextlib
import errno
import glob
import os
import stat
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeAlias, cast

from chartok.arguments import check_iterable, file_path
from chartok.errors import SourceError
from chartok.files.atomic import check_not_read, is_special
from chartok.files.patterns import fits, is_hidden, is_wanted
from chartok.files.reading import EVERY_FILE, SHOWN_STANDARD_INPUT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Source: TypeAlias = str | os.PathLike[str]
"""A path, a folder, a pattern such as ``data/*.txt``, ``"-"`` for standard input, or, with fsspec, a URL such as
``s3://bucket/a.txt`` or ``zip://*.txt::corpus.zip``."""

STANDARD_INPUT = "-"
LOCAL_PROTOCOLS = ("file", "local")
LONGEST_NAME = 4096
"""In characters; a longer string is a text."""


def expand_sources(sources: Source | Iterable[Source], pattern: str = EVERY_FILE) -> list[str]:
    """Returns the files that the sources name, in the order given; those of a pattern or a folder sorted.

    Args:
        sources: One or several.
        pattern: The files to read of a folder and the folders in it, by the end of their paths. Hidden ones are left
            out, and a link to a folder is not followed.

    Raises:
        TypeError: A source is neither a ``str`` nor a path.
        FileNotFoundError: A pattern matches nothing, or a folder has no such file.
        ValueError: There are no sources, one is clearly a text itself, or a named file does not match the pattern.
    """
    return [file for source in listed_sources(sources) for file in _expand(source, pattern)]


def listed_sources(sources: Source | Iterable[Source], name: str = "sources") -> list[Source]:
    """Returns one source or several as a list.

    Args:
        sources: One or several.
        name: The argument that they are.

    Raises:
        TypeError: A source is neither a ``str`` nor a path.
        ValueError: There are no sources, or one is clearly a text itself.
    """
    if isinstance(sources, str | os.PathLike):
        several: list[Source] = [sources]
    else:
        check_iterable(name, sources, "paths or URLs, or a single one")
        several = list(sources)
    if not several:
        raise ValueError(f"{name} is empty: give at least one file")
    for position, source in enumerate(several):
        if not isinstance(source, str | os.PathLike):
            raise TypeError(f"{name}[{position}] must be a path or a URL, got {type(source).__name__}")
        if isinstance(source, str) and _is_text(source):
            raise ValueError(f"{name}[{position}] is a text, not the name of a file: chartok.encode_texts takes texts")
    return several


def shown_source(source: str) -> str:
    """Returns what to call a source in a message: its name in quotes, or that it is standard input."""
    return SHOWN_STANDARD_INPUT if source == STANDARD_INPUT else ascii(source)


def shown_sources(sources: list[str]) -> str:
    """Returns what to call sources in a message."""
    return shown_source(sources[0]) + (f" and {len(sources) - 1} more" if len(sources) > 1 else "")


def source_size(source: str) -> int | None:
    """Returns the size of a source in bytes, as stored, or None if it has no known size, such as a pipe.

    Raises:
        OSError: It is missing.
    """
    if source == STANDARD_INPUT:
        return None
    if not _is_url(source):
        return _size(Path(source).stat())
    files, path = _file_system(source)
    with _documented_errors(source):
        return cast("int | None", files.size(path))


def check_two_readings(sources: Iterable[str]) -> None:
    """Checks that sources can be read twice.

    Raises:
        ValueError: One is a pipe or a device, or standard input.
    """
    for source in sources:
        if not can_be_read_again(source):
            raise ValueError(
                f"{shown_source(source)} is a pipe or a device, which can only be read once, and building the "
                "vocabulary takes an extra pass: give a vocabulary, or a file"
            )


def can_be_read_again(source: str) -> bool:
    """Returns whether a source is more than what a pipe gives once."""
    return _is_url(source) or not (source == STANDARD_INPUT or is_special(source))


def check_destination(destination: Source, sources: Iterable[str]) -> None:
    """Checks that a token file can be written here from these sources, and then read by window.

    Raises:
        ValueError: It is one of the sources, or a pipe or a device.
    """
    file_path("destination", destination)
    if is_special(destination):
        raise ValueError(
            f"destination must be a file, since a token file is read by window; {os.fspath(destination)!a} is a pipe "
            "or a device"
        )
    check_not_source(destination, sources)


def check_not_source(destination: Source, sources: Iterable[str]) -> None:
    """Checks that a file that is to be written is no source, nor the archive that holds one.

    Raises:
        ValueError: It is.
    """
    innermost = (source.rpartition("::")[2] if _is_url(source) else source for source in sources)
    check_not_read(destination, (_file_system(name)[1] if _is_local(name) else name for name in innermost))


@contextlib.contextmanager
def open_source(source: str, *, may_grow: bool = False) -> Iterator[CountedFile]:
    """Yields a source, open for reading bytes, and checks in the end that it is what it was.

    Args:
        source: A file, a URL, or ``"-"`` for standard input.
        may_grow: Whether it may change while it is read, as a log does.

    Raises:
        OSError: It is missing, is a folder, or cannot be opened.
        SourceError: Its size or time of change moved while it was read to its end.
    """
    if source == STANDARD_INPUT:
        if sys.stdin is None:
            raise ValueError("standard input is closed: name a file")
        yield CountedFile(sys.stdin.buffer, SHOWN_STANDARD_INPUT)
        return
    with _open(source) as file:
        before = None if _is_url(source) else os.fstat(file.fileno())
        size = source_size(source) if before is None else _size(before)
        counted = CountedFile(file, source)
        yield counted
        if size is None or may_grow or not counted.is_at_end:
            return
        has_moved = size != counted.bytes_read and not _is_made_up(before)
        if has_moved or (before is not None and _has_changed(before, file)):
            raise SourceError(
                f"{source!a} changed while it was read: {size} bytes at the start, {counted.bytes_read} read; try again"
            )


class CountedFile:
    """A file that counts the bytes read from it: a pipe has no position.

    Attributes:
        file: The file itself.
        name: What to call it in a message.
        bytes_read: How many bytes have been read.
        is_at_end: Whether that was all.
    """

    def __init__(self, file: IO[bytes], name: str) -> None:
        self.file = file
        self.name = name
        self.bytes_read: int = 0
        self.is_at_end: bool = False
        # ``read`` waits for the end of a pipe.
        self._read = getattr(file, "read1", file.read)

    def read(self, size: int = -1) -> bytes:
        """Returns up to ``size`` bytes; nothing at the end."""
        with _documented_errors(self.name):
            data: bytes = self._read(size)
        self.bytes_read += len(data)
        self.is_at_end = not data
        return data


def _is_text(source: str) -> bool:
    """Returns whether a string can hardly be meant as the name of a file."""
    if not {"\n", "\0"} & set(source) and len(source) <= LONGEST_NAME:
        return False
    try:
        return not Path(source).exists()
    except (OSError, ValueError):  # too long for the system, or with a NUL
        return True


def _expand(source: Source, pattern: str) -> list[str]:
    name = os.fspath(source)
    if name == STANDARD_INPUT:
        _check_named(name, name, pattern)
        return [name if isinstance(source, str) else os.path.join(".", name)]  # noqa: PTH118 - a Path drops the dot
    if _is_local(name):
        found = [f"{name.partition('://')[0]}://{path}" for path in _on_disk(_file_system(name)[1], pattern)]
    else:
        found = _in_url(name, pattern) if _is_url(name) else _on_disk(name, pattern)
    if not found:
        what = "no file matches this pattern" if glob.has_magic(name) else f"no file of the folder matches {pattern}"
        raise FileNotFoundError(errno.ENOENT, what, name)
    return found


def _on_disk(name: str, pattern: str) -> list[str]:
    if Path(name).is_dir():
        return _in_folder(name, pattern)
    if not glob.has_magic(name) or Path(name).exists():
        _check_named(name, name, pattern)
        return [name]
    found: list[str] = []
    for match in sorted(glob.glob(name, recursive=True)):  # noqa: PTH207 - the pattern may be absolute
        if Path(match).is_dir():
            found += _in_folder(match, pattern)
        elif not is_special(match) and fits(match, pattern):
            found.append(match)
    return list(dict.fromkeys(found))


def _check_named(source: str, path: str, pattern: str) -> None:
    """Checks that a source that is one file fits the pattern of the files to read."""
    if not fits(path, pattern):
        raise ValueError(f"{source!a} does not match the pattern {pattern!a}: leave out one of them")


def _in_folder(folder: str, pattern: str) -> list[str]:
    """Returns the files of a folder and the folders in it; no pipes, from which nothing may ever come."""

    def fail(error: OSError) -> None:
        raise error

    found = []
    for inside, folders, names in os.walk(folder, onerror=fail):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        paths = (os.path.join(inside, name) for name in names)  # noqa: PTH118 - as it was given
        found += [path for path in paths if is_wanted(os.path.relpath(path, folder), pattern) and os.path.isfile(path)]  # noqa: PTH113
    return sorted(found)


def _in_url(url: str, pattern: str) -> list[str]:
    files, path = _file_system(url)
    with _documented_errors(url):
        if path.endswith("/") or url.partition("::")[0].endswith("/"):
            found = _below(files, files._strip_protocol(path), pattern)  # noqa: SLF001 - as fsspec's own walk does
        elif glob.has_magic(path) and not files.isfile(path):
            found = list(_matched(files, path, pattern))
        else:
            _check_named(url, path, pattern)
            return [url]
    links = url.split("::")
    place = next(place for place, link in enumerate(links) if "://" in link)
    protocol = links[place].partition("://")[0]
    names = [name if "://" in name else f"{protocol}://{name}" for name in dict.fromkeys(found)]
    return ["::".join([*links[:place], name, *links[place + 1 :]]) for name in names]


def _matched(files: Any, path: str, pattern: str) -> Iterator[str]:  # noqa: ANN401 - a file system of fsspec
    """Yields the files that match a path, and those of the folders that do."""
    matches = files.glob(path, detail=True)
    root = files._strip_protocol(path)  # noqa: SLF001
    for match in sorted(name for name in matches if not is_hidden(name, root)):
        if matches[match]["type"] == "directory":
            yield from _below(files, match, pattern)
        elif fits(match, pattern):
            yield match


def _below(files: Any, folder: str, pattern: str) -> list[str]:  # noqa: ANN401
    return sorted(name for name in files.find(folder) if is_wanted(name.removeprefix(folder).lstrip("/"), pattern))


def _is_url(source: str) -> bool:
    return source.find("://") > 1  # before it, a single letter is a drive of Windows


def _is_local(url: str) -> bool:
    return _is_url(url) and url.partition("://")[0] in LOCAL_PROTOCOLS


def _file_system(url: str) -> tuple[Any, str]:
    try:
        import fsspec  # noqa: PLC0415 - only needed to read URLs
    except ImportError:
        raise ModuleNotFoundError(f"reading {url!a} needs fsspec: pip install 'chartok[urls]'") from None
    with _documented_errors(url):
        files, path = fsspec.core.url_to_fs(url)
    return files, path


class _documented_errors:  # noqa: N801 - used like a function
    """Turns whatever a file system of fsspec raises, such as ``BadZipFile``, into what is documented."""

    def __init__(self, source: str) -> None:
        self._source = source

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, FileNotFoundError) and error.errno is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), self._source) from None
        is_documented = isinstance(error, OSError | ValueError | ImportError) or not isinstance(error, Exception)
        if _is_url(self._source) and not is_documented:
            raise SourceError(f"{self._source!a} cannot be read: {error or type(error).__name__}") from None


def _in_file_system(files: Any, path: str) -> IO[bytes]:  # noqa: ANN401
    try:
        file: IO[bytes] = files.open(path, "rb")
    except KeyError:  # that of an archive without such a file, before fsspec 2026.9
        if files.exists(path):
            raise
        raise FileNotFoundError(path) from None
    return file


@contextlib.contextmanager
def _open(source: str) -> Iterator[IO[bytes]]:
    if _is_url(source):
        files, path = _file_system(source)
        with _documented_errors(source):
            file = _in_file_system(files, path)
        with file:
            yield file
    else:
        with Path(source).open("rb") as file:
            yield file


def _size(status: os.stat_result) -> int | None:
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _is_made_up(status: os.stat_result | None) -> bool:
    """Returns whether a file may be made as it is read, as in /proc, so that its size says nothing."""
    return getattr(status, "st_blocks", None) == 0


def _has_changed(before: os.stat_result, file: IO[bytes]) -> bool:
    """Returns whether something has written to a file, even if it set the time of the last change of content back.

    The time of the last change of anything cannot be set back. It also moves when a new file takes the name of this
    one, which loses a link by that; what is read is still one file.
    """
    now = os.fstat(file.fileno())
    is_same_content = (now.st_size, now.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    return not is_same_content or (now.st_nlink == before.st_nlink and now.st_ctime_ns != before.st_ctime_ns)
