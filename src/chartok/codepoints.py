"""Text as arrays of code points, and the tables that convert a whole piece of text to ids and back at once.

A piece of text whose characters are all below U+0100 goes through ``bytes.translate``, one table lookup per
byte; any other piece goes through NumPy's fixed-width strings, which are arrays of code points, and a lookup
in a table of ids. Lone surrogates are code points like any other.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from chartok.arguments import checked_texts
from chartok.errors import UnknownCharacterError, VocabularyError, describe_character
from chartok.ids import smallest_dtype

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from chartok.arguments import Errors

PIECE = 1 << 16
"""Characters processed at a time: few enough that every working array stays in the processor's cache."""

SEGMENT = 1 << 24
"""Characters decoded at a time at four bytes each: far below the limit on the length of a NumPy string."""

BYTE_VALUES = 0x100
"""The values of a byte, which are also the code points of Latin-1."""

CODE_POINTS = 0x110000
"""The number of code points that Unicode has, lone surrogates included."""

NO_CHARACTER = 0xFFFFFFFF
"""The entry of an id without a single character in an array of code points."""

REPLACEMENT = 0xFFFD
"""U+FFFD, Unicode's replacement character."""


def pieces(texts: Iterable[str], size: int = PIECE) -> Iterator[str]:
    """Yields texts in order, cut into pieces of at most ``size`` characters."""
    for text in texts:
        for start in range(0, len(text), size):
            yield text[start : start + size]


def to_code_points(text: str) -> NDArray[np.uint32]:
    """Returns the code point of each character, shape ``(len(text),)``."""
    return np.array([text]).view(np.uint32)[: len(text)]


def from_code_points(code_points: NDArray[np.uint32]) -> str:
    """Returns the text with these code points."""
    if not len(code_points):
        return ""
    # NumPy treats trailing NULs as padding and drops them; ljust puts them back.
    text: str = code_points.view(f"U{len(code_points)}").item()
    return text.ljust(len(code_points), "\0")


def distinct_code_points(texts: Iterable[str]) -> NDArray[np.uint32]:
    """Returns each code point of the texts once, in ascending order."""
    seen_bytes = b""
    seen = np.zeros(CODE_POINTS, dtype=np.bool_)
    for piece in pieces(texts):
        try:
            unseen = piece.encode("latin-1").translate(None, delete=seen_bytes)
        except UnicodeEncodeError:
            seen[to_code_points(piece)] = True
        else:
            seen_bytes += bytes(set(unseen))
    seen[list(seen_bytes)] = True
    return np.flatnonzero(seen).astype(np.uint32)


def count_code_points(texts: Iterable[str]) -> NDArray[np.int64]:
    """Returns how often each code point occurs in the texts, shape ``(CODE_POINTS,)``."""
    counts = np.zeros(CODE_POINTS, dtype=np.int64)
    for piece in pieces(texts, size=16 * PIECE):
        in_piece = np.bincount(to_code_points(piece))
        counts[: len(in_piece)] += in_piece
    return counts


def count_characters(text: str | Iterable[str]) -> Counter[str]:
    """Returns how often each character occurs in a text.

    Args:
        text: A string or several, of any total length: they are counted piece by piece.

    Raises:
        TypeError: ``text`` is neither a ``str`` nor an iterable of them.

    Example:
        >>> count_characters("banana")
        Counter({'a': 3, 'n': 2, 'b': 1})
    """
    counts = count_code_points(checked_texts(text, "text"))
    found = np.flatnonzero(counts)
    return Counter(dict(zip(map(chr, found.tolist()), counts[found].tolist(), strict=True)))


def check_distinct(code_points: NDArray[np.uint32]) -> None:
    """Checks that no code point other than ``NO_CHARACTER`` occurs twice.

    Raises:
        VocabularyError: One does; names both positions.
    """
    order = np.argsort(code_points, kind="stable")
    in_order = code_points[order]
    repeated = np.flatnonzero((in_order[1:] == in_order[:-1]) & (in_order[1:] != NO_CHARACTER))
    if len(repeated):
        first, second = order[repeated[0]], order[repeated[0] + 1]
        character = describe_character(chr(in_order[repeated[0]]))
        raise VocabularyError(f"{character} occurs at both {first} and {second}: a character has one id")


class CodePointTable:
    """The mapping between characters and ids, in both directions, as arrays.

    Args:
        code_points: The code point of each id, shape ``(size,)``; ``NO_CHARACTER`` for an id that has none.
        unk_id: The id that decodes to U+FFFD, if there is one.

    Attributes:
        longest: The length of the longest symbol.
    """

    longest: int = 1

    def __init__(self, code_points: NDArray[np.uint32], unk_id: int | None) -> None:
        size = len(code_points)
        has_character = code_points != NO_CHARACTER
        ids = np.flatnonzero(has_character)
        last = int(code_points[ids].max(initial=0))

        self.size = size
        """The number of ids."""
        self.dtype: np.dtype[np.unsignedinteger[Any]] = smallest_dtype(size)
        """The smallest dtype that holds every id."""
        self.unknown = size
        """Stands for a character without an id in what ``ids_of`` returns."""
        # One extra entry, to which every code point above the last is clipped.
        self._id_of_code_point = np.full(last + 2, self.unknown, dtype=smallest_dtype(size + 1))
        self._id_of_code_point[code_points[ids]] = ids
        self._id_of_byte: bytes | None = None
        if self.unknown < BYTE_VALUES:
            self._id_of_byte = self._id_of_code_point.take(np.arange(BYTE_VALUES), mode="clip").tobytes()

        self._unk_id = unk_id
        self._code_point_of_id = code_points.copy()
        if unk_id is not None:
            self._code_point_of_id[unk_id] = REPLACEMENT
        self._has_gaps = bool((self._code_point_of_id == NO_CHARACTER).any())
        self._byte_of_id: bytes | None = None
        if size <= BYTE_VALUES and last < BYTE_VALUES:
            bytes_of_ids = np.where(has_character, code_points, 0).astype(np.uint8)
            self._byte_of_id = bytes_of_ids.tobytes().ljust(BYTE_VALUES, b"\0")
            self._gap_bytes = np.flatnonzero(~has_character).astype(np.uint8).tobytes()

    def encode(
        self, text: str, limit: int, errors: Errors, *, offset: int = 0, borders: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.unsignedinteger[Any]], int]:
        """Returns the ids of the symbols that begin before a limit, and where the next one begins.

        Args:
            text: Any string.
            limit: At most ``len(text)``; nothing after it belongs to a symbol of one character.
            errors: What to do with a character without an id; ``"replace"`` needs an ``unk_id``.
            offset: Where the text begins in what the caller has.
            borders: Where another text begins, ascending; no symbol goes across.

        Returns:
            Ids of dtype ``self.dtype``, and a position.

        Raises:
            UnknownCharacterError: A character has no id, under ``"strict"``; gives its position, plus ``offset``.
        """
        ids = np.empty(limit, dtype=self.dtype)
        filled = start = 0
        while start < limit:
            piece, start = self.encode_piece(text, start, min(start + PIECE, limit), errors, offset, borders)
            ids[filled : filled + len(piece)] = piece
            filled += len(piece)
        return (ids if filled == len(ids) else ids[:filled].copy()), start

    def encode_piece(
        self,
        text: str,
        start: int,
        stop: int,
        errors: Errors,
        offset: int = 0,
        borders: NDArray[np.int64] | None = None,
    ) -> tuple[NDArray[np.unsignedinteger[Any]], int]:
        """Returns the ids of the symbols that begin in a piece of text, and where the next one begins.

        Args:
            text: Any string.
            start: Where the piece begins, at the beginning of a symbol.
            stop: Where it ends, at most ``PIECE`` characters later.
            errors: As for ``encode``.
            offset: As for ``encode``.
            borders: As for ``encode``.

        Raises:
            UnknownCharacterError: As for ``encode``.
        """
        del borders  # a symbol of one character goes across nothing
        ids = self.ids_of(text[start:stop])
        position = self.first_unknown(ids)
        if position is not None:
            ids = self._with_policy(ids, errors, text, start + position, offset)
        return (ids if ids.dtype is self.dtype else ids.astype(self.dtype)), stop

    def _with_policy(
        self, ids: NDArray[np.unsignedinteger[Any]], errors: Errors, text: str, at: int, offset: int
    ) -> NDArray[np.unsignedinteger[Any]]:
        """Returns ids without ``unknown``, which the character at a position of the text is the first to have."""
        if errors == "strict":
            raise UnknownCharacterError(text[at], offset + at, self.unknown)
        if errors == "replace" and self._unk_id is not None:
            ids[ids == self.unknown] = self._unk_id
            return ids
        known: NDArray[np.unsignedinteger[Any]] = ids[ids != self.unknown]
        return known

    def begins(
        self, text: str, borders: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Returns for each character of a text whether a symbol begins there, and whether the symbol has an id."""
        del borders
        known = np.zeros(len(text), dtype=np.bool_)
        for start in range(0, len(text), PIECE):
            known[start : start + PIECE] = self.ids_of(text[start : start + PIECE]) != self.unknown
        return np.ones(len(text), dtype=np.bool_), known

    def ids_of(self, text: str) -> NDArray[np.unsignedinteger[Any]]:
        """Returns one id for each character of a piece of text; ``unknown`` for a character that has none.

        The array is new and may be written to.
        """
        if self._id_of_byte is not None:
            try:
                encoded = bytearray(text, "latin-1").translate(self._id_of_byte)
            except UnicodeEncodeError:
                pass
            else:
                return np.frombuffer(encoded, dtype=np.uint8)
        return self.ids_of_code_points(to_code_points(text))

    def ids_of_code_points(self, code_points: NDArray[np.uint32]) -> NDArray[np.unsignedinteger[Any]]:
        """Returns one id for each code point; ``unknown`` for one that has none, such as ``NO_CHARACTER``."""
        return self._id_of_code_point.take(code_points, mode="clip")

    def first_unknown(self, ids: NDArray[np.unsignedinteger[Any]]) -> int | None:
        """Returns the first position of ``unknown``, which is larger than every id, or None."""
        if not len(ids):
            return None
        position = int(ids.argmax())
        return position if ids.item(position) == self.unknown else None

    def text_of(self, ids: NDArray[np.integer[Any]]) -> str:
        """Returns the text of valid ids; ``unk`` becomes U+FFFD, any other special token nothing."""
        if self._byte_of_id is not None and (self._unk_id is None or self._unk_id not in ids):
            return "".join([self._narrow_text_of(ids[start : start + PIECE]) for start in range(0, len(ids), PIECE)])
        return "".join([self._wide_text_of(ids[start : start + SEGMENT]) for start in range(0, len(ids), SEGMENT)])

    def _narrow_text_of(self, ids: NDArray[np.integer[Any]]) -> str:
        return ids.astype(np.uint8).tobytes().translate(self._byte_of_id, self._gap_bytes).decode("latin-1")

    def _wide_text_of(self, ids: NDArray[np.integer[Any]]) -> str:
        code_points = np.empty(len(ids), dtype=np.uint32)
        for start in range(0, len(ids), PIECE):
            piece = slice(start, start + PIECE)
            self._code_point_of_id.take(ids[piece], mode="clip", out=code_points[piece])
        if self._has_gaps:
            code_points = code_points[code_points != NO_CHARACTER]
        return from_code_points(code_points)

    def text_lengths(self, rows: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
        """Returns the number of characters that ``text_of`` gives for each row, ``(N, L)`` to ``(N,)``."""
        if not self._has_gaps:
            return np.full(rows.shape[0], rows.shape[1], dtype=np.int64)
        has_character = self._code_point_of_id.take(rows) != NO_CHARACTER
        return np.asarray(has_character.sum(axis=1), dtype=np.int64)
