r"""Cuts a text into lines, as an editor does: at ``\n`` and ``\r\n``, without the byte order mark at its start.

A lone ``\r`` and Unicode's other line ends are characters like any other, and so is a byte order mark further on. The
last line needs no end. These are the lines of a file of records; a *text* keeps every character.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from chartok.files.text import iterate_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

BYTE_ORDER_MARK = "\ufeff"


def read_lines(path: str | os.PathLike[str]) -> list[str]:
    r"""Returns the lines of a UTF-8 file, without their ends.

    Args:
        path: The file.

    Raises:
        OSError: The file is missing, is a folder, or cannot be read.
        FileDecodeError: It is not UTF-8; gives the offset of the first invalid byte.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> path = Path(tempfile.mkdtemp()) / "names.txt"
        >>> _ = path.write_bytes("\ufeffNew York\r\nYork\r\n".encode())
        >>> read_lines(path)
        ['New York', 'York']
    """
    return [line for lines in batched_lines(iterate_text(path)) for line in lines]


def read_records(path: str | os.PathLike[str]) -> list[str]:
    """Returns the lines of a UTF-8 file, of which none may be empty.

    Raises:
        OSError: The file cannot be read.
        FileDecodeError: It is not UTF-8.
        ValueError: A line is empty; says which, from 1 on.
    """
    lines = read_lines(path)
    if "" in lines:
        raise ValueError(f"{os.fspath(path)!a}: line {lines.index('') + 1} is empty: leave empty lines out")
    return lines


def split_lines(text: str) -> list[str]:
    r"""Returns the lines of a text, without their ends.

    Example:
        >>> split_lines("one\r\ntwo\n\nfour")
        ['one', 'two', '', 'four']
    """
    return [line for lines in batched_lines([text]) for line in lines]


def batched_lines(pieces: Iterable[str]) -> Iterator[list[str]]:
    r"""Yields the lines of a text that arrives in pieces, without their ends, as a batch those that a piece completes.

    Args:
        pieces: The text, cut anywhere.

    Example:
        >>> list(batched_lines(["on", "e\r", "\ntwo\nth", "ree"]))
        [['one', 'two'], ['three']]
    """
    unfinished: list[str] = []
    is_start = True
    for piece in pieces:
        if is_start and piece:
            piece, is_start = piece.removeprefix(BYTE_ORDER_MARK), False  # noqa: PLW2901 - what is left of it
        end, *lines = piece.split("\n")
        unfinished.append(end)
        if lines:
            *completed, start = ["".join(unfinished), *lines]
            unfinished = [start]
            yield [line.removesuffix("\r") for line in completed]
    if rest := "".join(unfinished):
        yield [rest]
