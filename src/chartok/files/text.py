"""Reads UTF-8 text exactly as it is: no newline translation, and a byte order mark is kept."""

from __future__ import annotations

import codecs
import io
import os
from pathlib import Path
from typing import IO, TYPE_CHECKING

from chartok.errors import FileDecodeError
from chartok.files.atomic import Naming

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

CHUNK_BYTES = 1 << 20
GZIP_MAGIC = b"\x1f\x8b"


def read_text(path: str | os.PathLike[str]) -> str:
    r"""Returns the whole text of a UTF-8 file, every character unchanged.

    Args:
        path: The file.

    Raises:
        OSError: The file is missing, is a folder, or cannot be read.
        FileDecodeError: It is not UTF-8; gives the offset of the first invalid byte.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "dos.txt"
        >>> _ = path.write_bytes(b"one\r\ntwo")
        >>> read_text(path)
        'one\r\ntwo'
    """
    return "".join(iterate_text(path))


def iterate_text(path: str | os.PathLike[str]) -> Iterator[str]:
    r"""Yields the text of a UTF-8 file in pieces of up to a mebibyte, so that a file of any size can be read.

    Args:
        path: The file.

    Raises:
        OSError: The file is missing, is a folder, or cannot be read.
        FileDecodeError: It is not UTF-8; gives the offset of the first invalid byte.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "accent.txt"
        >>> _ = path.write_bytes("é".encode())
        >>> list(iterate_text(path))
        ['é']
    """
    with Path(path).open("rb") as file:
        yield from decoded(file, os.fspath(path))


def not_empty(texts: Iterable[str], name: str) -> Iterator[str]:
    """Yields texts, checking that they contain at least one character in all.

    Args:
        texts: The texts.
        name: What to call them in an error.

    Raises:
        ValueError: They do not.
    """
    is_empty = True
    for text in texts:
        is_empty = is_empty and not text
        yield text
    if is_empty:
        raise ValueError(f"{name}: text is empty: a vocabulary needs at least one character")


def decoded(file: IO[bytes], name: str) -> Iterator[str]:
    """Yields the text of an open UTF-8 file in pieces; from a pipe, as it arrives.

    Args:
        file: Open for reading bytes.
        name: What to call it in an error.

    Raises:
        OSError: It cannot be read; carries the name.
        FileDecodeError: It is not UTF-8.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    bytes_read = 0
    # ``read`` waits for the end of a pipe; on compressed data it checks a whole chunk before any of it is decoded.
    read = file.read1 if isinstance(file, io.BufferedReader) else file.read
    while True:
        with Naming(name):
            chunk = read(CHUNK_BYTES)
        bytes_read += len(chunk)
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            raise _located(error, bytes_read, name) from None
        if text:
            yield text
        if not chunk:
            return


def _located(error: UnicodeDecodeError, bytes_read: int, name: str) -> FileDecodeError:
    offset = bytes_read - len(error.object) + error.start
    reason = error.reason
    if offset == 1 and error.object.startswith(GZIP_MAGIC):
        reason = "the file starts like gzip data: decompress it, or pass compression='gzip' where that is accepted"
    return FileDecodeError(name, offset, error.object[error.start : error.end], reason)
