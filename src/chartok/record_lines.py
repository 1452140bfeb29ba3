r"""Lines as framed ids, a piece of text at a time: no string is made for a line, whatever their number.

What a line is, ``chartok.files.lines`` says, and its functions are the slower reference for these.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np

from chartok.errors import UnknownCharacterError
from chartok.files.lines import BYTE_ORDER_MARK
from chartok.files.text import not_empty
from chartok.vocabulary import Vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from chartok.arguments import Errors, SpecialToken

BlankLines: TypeAlias = Literal["skip", "keep", "error"]
"""What to do with a line that has no characters: leave it out, take it as an empty record, or refuse it."""

ROLES: tuple[SpecialToken, ...] = ("bos", "eos", "unk")
"""The special tokens of records, unless they are chosen."""

BLANK = re.compile("\n{2,}")


def unix_lines(pieces: Iterable[str]) -> Iterator[str]:
    r"""Yields a text that arrives in pieces with ``\n`` for each ``\r\n``, without the byte order mark at its start.

    Args:
        pieces: The text, cut anywhere.

    Example:
        >>> list(unix_lines(["\ufeffone\r", "\ntwo"]))
        ['one', '\ntwo']
    """
    held, is_start = "", True
    for piece in pieces:
        text = held + piece
        if is_start and text:
            text, is_start = text.removeprefix(BYTE_ORDER_MARK), False
        held = "\r" if text.endswith("\r") else ""
        if text := text.removesuffix("\r").replace("\r\n", "\n"):
            yield text
    if held:
        yield held


class LineEncoder:
    r"""Turns a text of lines into the ids of records, each from ``bos`` to ``eos``.

    Args:
        vocabulary: What the ids mean; with ``bos`` and ``eos``.
        errors: What to do with a character that the vocabulary does not have, as in ``Vocabulary.encode``.
        blank_lines: What to do with empty lines.
        name: What to call the text in an error.

    Attributes:
        blank: How many empty lines there were so far.

    Example:
        >>> encoder = LineEncoder(Vocabulary("ab", special_tokens=["bos", "eos"]), name="it")
        >>> for ids, ends in encoder.encode(["ab\nb", "a\n\na"]):
        ...     print(ids, ends)
        [2 0 1 3 2 1] [4]
        [0 3 2 0] [2]
        [3] [1]
        >>> encoder.blank
        1
    """

    def __init__(
        self, vocabulary: Vocabulary, errors: Errors = "strict", *, blank_lines: BlankLines = "skip", name: str
    ) -> None:
        check_blank_lines(blank_lines)
        special = vocabulary.special_tokens
        self._bos, self._eos = special["bos"], special["eos"]
        self._size, self._dtype = vocabulary.size, vocabulary.dtype
        self._separating = vocabulary.extend("\n")
        self._separator = int(self._separating.encode("\n")[0])
        self._errors, self._blank_lines, self._name = errors, blank_lines, name
        self.blank: int = 0

    def encode(self, pieces: Iterable[str]) -> Iterator[tuple[NDArray[np.unsignedinteger[Any]], NDArray[np.int64]]]:
        r"""Yields ids, and where records end among them; a record may begin in one array and end in a later one.

        Args:
            pieces: The text, cut anywhere, with ``\n`` for the end of each line.

        Raises:
            UnknownCharacterError: A character has no id, under ``"strict"``; names the line and the position in it.
            ValueError: A line is empty, under ``blank_lines="error"``; says which, from 1 on.
        """
        self._line, self._column = 0, 0
        for piece in pieces:
            text = self._without_blank(piece)
            if text:
                try:
                    yield self._encoded(text)
                except UnknownCharacterError:
                    raise self._located(piece) from None
            self._line += piece.count("\n")
            self._column = len(piece) - 1 - piece.rfind("\n") + (0 if "\n" in piece else self._column)
        if self._column:
            yield np.array([self._eos], dtype=self._dtype), np.array([1])

    def _encoded(self, text: str) -> tuple[NDArray[np.unsignedinteger[Any]], NDArray[np.int64]]:
        """Encodes text in which each end of a line becomes two ids: ``eos``, and ``bos`` of the next line."""
        ids = self._separating.encode(text.replace("\n", "\n\n"), self._errors)
        places = np.flatnonzero(ids == self._separator)
        ids[places[::2]], ids[places[1::2]] = self._eos, self._bos
        before = np.full(0 if self._column else 1, self._bos, dtype=ids.dtype)
        after = len(ids) - text.endswith("\n")
        framed = np.concatenate([before, ids[:after]]).astype(self._dtype, copy=False)
        return framed, places[::2] + len(before) + 1

    def _without_blank(self, piece: str) -> str:
        """Returns a piece without its empty lines, unless these are kept."""
        starts_blank = not self._column and piece.startswith("\n")
        if self._blank_lines == "keep" or not (starts_blank or "\n\n" in piece):
            return piece
        if self._blank_lines == "error":
            before = 0 if starts_blank else piece.index("\n\n") + 1
            number = self._line + piece.count("\n", 0, before) + 1
            raise ValueError(f"{self._name!a}: line {number} is empty: leave empty lines out")
        text = BLANK.sub("\n", piece.lstrip("\n") if starts_blank else piece)
        self.blank += piece.count("\n") - text.count("\n")
        return text

    def _located(self, piece: str) -> UnknownCharacterError:
        """Returns the error about the first character of a piece that has no id, with its line."""
        try:
            self._separating.encode(piece)
        except UnknownCharacterError as error:
            before = piece[: error.position]
            line = self._line + before.count("\n")
            position = error.position - 1 - before.rfind("\n") + (0 if "\n" in before else self._column)
            return UnknownCharacterError(error.character, position, self._size, line, path=self._name)
        raise AssertionError("encoding failed before")


def vocabulary_of_lines(
    pieces: Iterable[str],
    name: str,
    special_tokens: Iterable[SpecialToken] = ROLES,
    *,
    min_count: int = 1,
    max_size: int | None = None,
) -> Vocabulary:
    r"""Returns the vocabulary of records: the characters of all lines, and special tokens.

    Args:
        pieces: Text with ``\n`` for the end of each line.
        name: What to call it in an error.
        special_tokens: Roles whose ids follow the characters.
        min_count: As in ``Vocabulary.from_text``.
        max_size: Likewise.

    Raises:
        ValueError: No line has a character, or none is left.
    """
    texts = not_empty((piece.replace("\n", "") for piece in pieces), name)
    return Vocabulary.from_text(texts, min_count=min_count, max_size=max_size, special_tokens=special_tokens)


def check_blank_lines(blank_lines: str) -> None:
    """Checks what is to be done with empty lines.

    Raises:
        ValueError: It is not one of the three.
    """
    if blank_lines not in get_args(BlankLines):
        raise ValueError(f"blank_lines must be 'skip', 'keep' or 'error', got {blank_lines!a}")
