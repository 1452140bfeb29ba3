r"""Cuts a text into records, by default the lines of an editor: at ``\n`` and ``\r\n``, without a byte order mark.

A lone ``\r`` and Unicode's other line ends are characters like any other, and so is a byte order mark further on. The
last line needs no end. Another delimiter may be chosen; in records, ``\r\n`` is read as ``\n`` all the same, unless the
delimiter has a ``\r`` of its own. A *text* keeps every character.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chartok.files.line_ends import BYTE_ORDER_MARK
from chartok.files.reading import NEWLINE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def batched_lines(pieces: Iterable[str], delimiter: str = NEWLINE) -> Iterator[list[str]]:
    r"""Yields the records of a text that arrives in pieces, as a batch those that a piece completes.

    Args:
        pieces: The text, cut anywhere.
        delimiter: What ends a record. If it ends with a line end, that may be missing at the end of the text. If it is
            empty, the text is one record.

    Example:
        >>> list(batched_lines(["on", "e\r", "\ntwo\nth", "ree"]))
        [['one', 'two'], ['three']]
        >>> list(batched_lines(["a\nb\n\nc\n"], delimiter="\n\n"))
        [['a\nb'], ['c']]
    """
    is_line_end_read = "\r" not in delimiter
    unfinished: list[str] = []
    held = ""  # the end of what is unfinished, where a delimiter may begin
    is_start = True
    for piece in pieces:
        if is_start and piece:
            piece, is_start = piece.removeprefix(BYTE_ORDER_MARK), False  # noqa: PLW2901 - what is left of it
        text = held + piece
        if is_line_end_read and "\r" in text:
            text = text.replace("\r\n", "\n")
        end, *records = text.split(delimiter) if delimiter else [text]
        if records:
            *completed, end = ["".join([*unfinished, end]), *records]
            unfinished = []
            yield completed
        length = len(delimiter[1:]) + (is_line_end_read and end.endswith("\r"))
        held = end[len(end) - min(length, len(end)) :]
        unfinished.append(end[: len(end) - len(held)])
    rest = "".join([*unfinished, held])
    if delimiter != NEWLINE and delimiter.endswith(NEWLINE):
        rest = rest.removesuffix(delimiter[:-1])
    if rest or not delimiter:
        yield [rest]
