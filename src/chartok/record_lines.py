r"""Records of files as ids: lines are cut by array, without a string for each, whatever their number.

What a record is, ``chartok.files.records`` says, and what it returns is the slower reference for this.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from chartok.errors import UnknownCharacterError
from chartok.files.blank import BlankRule
from chartok.files.line_ends import BYTE_ORDER_MARK, noting_lone_returns
from chartok.files.pieces import text_pieces
from chartok.files.reading import NEWLINE, ReadingSettings, say_nothing
from chartok.files.record_batch import RecordBatch
from chartok.files.records import LONG, batched_records
from chartok.files.sources import open_source
from chartok.files.text import note_table
from chartok.ragged import encode_joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from chartok.arguments import Errors, SpecialToken
    from chartok.files.reading import Note
    from chartok.vocabulary import Vocabulary

    Framed: TypeAlias = tuple[NDArray[np.unsignedinteger[Any]], NDArray[np.int64]]
    """Ids, and where records end among them; a record may begin in one array and end in a later one."""

ROLES: tuple[SpecialToken, ...] = ("bos", "eos", "unk")
"""The special tokens of records, unless they are chosen."""
BLANK = re.compile("\n{2,}")


class LinePiece(NamedTuple):
    r"""A piece of a file of lines, each of which ends in ``\n``.

    Attributes:
        text: Its characters.
        source: The file that it comes from.
        bytes_read: The number of bytes of all files that have been read.
    """

    text: str
    source: str
    bytes_read: int = 0


RecordPiece: TypeAlias = LinePiece | RecordBatch
"""Lines, cut anywhere, or whole records."""


def record_pieces(names: list[str], settings: ReadingSettings, note: Note) -> Iterator[RecordPiece]:
    """Yields the records of files as they are read: lines as pieces of text, others as batches.

    Args:
        names: The files, as ``expand_sources`` returns them.
        settings: How to read them.
        note: Called with what is worth knowing about the files.

    Raises:
        OSError: As for ``read_records``, like the other errors.
    """
    settings.for_records()
    if settings.column is not None or settings.delimiter != NEWLINE:
        yield from batched_records(names, settings, note)
        return
    bytes_before = 0
    for name in names:
        note_table(name, note)
        with open_source(name) as file:
            pieces = noting_lone_returns(text_pieces(file, name, settings, note), file.name, settings, note)
            for text in unix_lines(pieces):
                yield LinePiece(text, file.name, bytes_before + file.bytes_read)
            bytes_before += file.bytes_read


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


def characters_of(pieces: Iterable[RecordPiece]) -> Iterator[str]:
    """Yields the text of records without what ends them."""
    for piece in pieces:
        if isinstance(piece, LinePiece):
            yield piece.text.replace("\n", "")
        else:
            yield from piece.texts


def lines_of(pieces: Iterable[RecordPiece]) -> Iterator[str]:
    """Yields the text of whole records, and nothing across two of them."""
    for piece in _at_line_ends(pieces):
        yield from piece.text.split("\n") if isinstance(piece, LinePiece) else piece.texts


def _at_line_ends(pieces: Iterable[RecordPiece]) -> Iterator[RecordPiece]:
    """Yields lines cut only at their ends, and at the ends of files."""
    held: list[LinePiece] = []

    def joined() -> LinePiece:
        return held[-1]._replace(text="".join(piece.text for piece in held))

    for piece in pieces:
        if not isinstance(piece, LinePiece):
            yield piece
            continue
        if held and held[0].source != piece.source:
            yield joined()
            held.clear()
        end = piece.text.rfind("\n") + 1
        held.append(piece._replace(text=piece.text[:end]))
        if end:
            yield joined()
            held.clear()
        if piece.text[end:]:
            held.append(piece._replace(text=piece.text[end:]))
    if held:
        yield joined()


class RecordEncoder:
    r"""Turns records into ids, each from ``bos`` to ``eos``.

    Args:
        vocabulary: What the ids mean; with ``bos`` and ``eos``.
        errors: What to do with a character that the vocabulary does not have, as in ``Vocabulary.encode``.
        settings: What to do with empty lines.
        note: Called with what is worth knowing about the records.

    Example:
        >>> from chartok import Vocabulary
        >>> encoder = RecordEncoder(Vocabulary("ab", special_tokens=["bos", "eos"]), note=print)
        >>> for ids, ends in encoder.encode([LinePiece("ab\nb", "a.txt"), LinePiece("a\n\na", "a.txt")]):
        ...     print(ids, ends)
        [2 0 1 3 2 1] [4]
        [0 3 2 0] [2]
        [3] [1]
        1 blank record skipped
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        errors: Errors = "strict",
        *,
        settings: ReadingSettings = ReadingSettings(),
        note: Note = say_nothing,
    ) -> None:
        special = vocabulary.special_tokens
        self._bos, self._eos = special["bos"], special["eos"]
        self._vocabulary, self._errors, self._note = vocabulary, errors, note
        self._separating = vocabulary.extend("\n")
        self._separator = int(self._separating.encode("\n")[0])
        self._blank, self._are_blank_kept = BlankRule(settings, note), settings.blank_lines == "keep"
        self._has_long_symbols = max(map(len, vocabulary.symbols), default=1) > 1
        self._source, self._line, self._column = "", 0, 0

    def encode(self, pieces: Iterable[RecordPiece]) -> Iterator[Framed]:
        """Yields the ids of records, and where they end.

        Args:
            pieces: The records, as ``record_pieces`` yields them.

        Raises:
            UnknownCharacterError: A character has no id, under ``"strict"``; names the line and the position in it.
            SourceError: A line is empty, and that is an error.
        """
        for piece in _at_line_ends(pieces) if self._has_long_symbols else pieces:
            if not isinstance(piece, LinePiece):
                yield self._of_whole(piece)
                continue
            if piece.source != self._source:
                yield from self._ended()
                self._source, self._line, self._column = piece.source, 0, 0
            if text := self._without_blank(piece.text):
                yield self._of_lines(text, piece.text)
            self._line += piece.text.count("\n")
            end = len(piece.text) - 1 - piece.text.rfind("\n")
            self._column = end if "\n" in piece.text else self._column + end
        yield from self._ended()
        self._blank.tell()

    def _ended(self) -> Iterator[Framed]:
        """Yields the end of the last line of a file, which may have none of its own."""
        if not self._column:
            return
        yield np.array([self._eos], dtype=self._vocabulary.dtype), np.array([1])
        if not self._line and self._column >= LONG:
            one = f"which is one record of {self._column:,} characters"
            self._note(f"the delimiter {NEWLINE!a} never occurs in {self._source!a}, {one}")

    def _of_lines(self, text: str, piece: str) -> Framed:
        """Encodes text in which each end of a line becomes two ids: ``eos``, and ``bos`` of the next line."""
        if self._has_long_symbols:  # none of them goes across the end of a line
            return self._of_split(text, piece)
        try:
            ids = self._separating.encode(text.replace("\n", "\n\n"), self._errors)
        except UnknownCharacterError:
            raise self._located(piece) from None
        places = np.flatnonzero(ids == self._separator)
        ids[places[::2]], ids[places[1::2]] = self._eos, self._bos
        before = np.full(0 if self._column else 1, self._bos, dtype=ids.dtype)
        after = len(ids) - text.endswith("\n")
        framed = np.concatenate([before, ids[:after]]).astype(self._vocabulary.dtype, copy=False)
        return framed, places[::2] + len(before) + 1

    def _of_split(self, text: str, piece: str) -> Framed:
        """Encodes text that begins with a line, line by line."""
        lines = text.removesuffix("\n").split("\n")
        try:
            ids, lengths = encode_joined(self._vocabulary, lines, self._errors, bos=self._bos, eos=self._eos)
        except UnknownCharacterError:
            raise self._located(piece) from None
        ends = np.cumsum(lengths)
        return (ids, ends) if text.endswith("\n") else (ids[:-1], ends[:-1])

    def _of_whole(self, batch: RecordBatch) -> Framed:
        try:
            ids, lengths = encode_joined(self._vocabulary, batch.texts, self._errors, bos=self._bos, eos=self._eos)
        except UnknownCharacterError as error:
            raise batch.located(error) from None
        return ids, np.cumsum(lengths)

    def _without_blank(self, piece: str) -> str:
        """Returns a piece without its empty lines, unless these are kept."""
        starts_blank = not self._column and piece.startswith("\n")
        if self._are_blank_kept or not (starts_blank or "\n\n" in piece):
            return piece
        before = 0 if starts_blank else piece.index("\n\n") + 1
        first = self._line + piece.count("\n", 0, before) + 1
        text = BLANK.sub("\n", piece.lstrip("\n") if starts_blank else piece)
        self._blank.skip(piece.count("\n") - text.count("\n"), f"line {first} of {self._source!a}")
        return text

    def _located(self, piece: str) -> UnknownCharacterError:
        """Returns the error about the first character of a piece that has no id, with its line."""
        try:
            self._separating.encode(piece)
        except UnknownCharacterError as error:
            before = piece[: error.position]
            line = self._line + before.count("\n")
            position = error.position - 1 - before.rfind("\n") + (0 if "\n" in before else self._column)
            return UnknownCharacterError(error.character, position, self._vocabulary.size, line, path=self._source)
        raise AssertionError("encoding failed before")
