"""The table of a vocabulary in which some symbols have several characters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from chartok.codepoints import NO_CHARACTER, PIECE, CodePointTable, from_code_points, to_code_points
from chartok.longest_match import LongestMatch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from chartok.arguments import Errors


class SymbolTable(CodePointTable):
    """The mapping between symbols and ids where, at each place, the longest symbol counts.

    Args:
        code_points: As for ``CodePointTable``.
        long_symbols: The id of each symbol of several characters; at least one.
        unk_id: The id that decodes to U+FFFD, if there is one.
    """

    def __init__(self, code_points: NDArray[np.uint32], long_symbols: Mapping[str, int], unk_id: int | None) -> None:
        super().__init__(code_points, unk_id)
        self._matcher = LongestMatch(long_symbols)
        self.longest: int = self._matcher.longest
        single = self._code_point_of_id  # unk has U+FFFD
        self._length_of_id = (single != NO_CHARACTER).astype(np.int64)
        self._place_of_id = np.arange(self.size)  # in the code points of single symbols, then those of longer ones
        ids, symbols = list(long_symbols.values()), list(long_symbols)
        self._length_of_id[ids] = lengths = np.array([len(symbol) for symbol in symbols])
        self._place_of_id[ids] = self.size + np.cumsum(lengths) - lengths
        self._code_points = np.concatenate([single, to_code_points("".join(symbols))])

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
            stop: Where it ends, at most ``PIECE`` characters later; its last symbol may go on.
            errors: As for ``encode``.
            offset: As for ``encode``.
            borders: As for ``encode``.

        Raises:
            UnknownCharacterError: As for ``encode``.
        """
        ids, places, end = self._segment(text, start, stop, borders)
        position = self.first_unknown(ids)
        if position is not None:
            ids = self._with_policy(ids, errors, text, start + int(places[position]), offset)
        return (ids if ids.dtype is self.dtype else ids.astype(self.dtype)), end

    def begins(
        self, text: str, borders: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Returns for each character of a text whether a symbol begins there, and whether the symbol has an id."""
        begins, known = np.zeros((2, len(text)), dtype=np.bool_)
        start = 0
        while start < len(text):
            ids, places, end = self._segment(text, start, min(start + PIECE, len(text)), borders)
            begins[start + places] = True
            known[start + places] = ids != self.unknown
            start = end
        return begins, known

    def _segment(
        self, text: str, start: int, stop: int, borders: NDArray[np.int64] | None
    ) -> tuple[NDArray[np.unsignedinteger[Any]], NDArray[np.int64], int]:
        """Returns the ids of a piece of text, ``unknown`` included; where each begins in it; where the next begins."""
        piece = text[start : stop + self.longest - 1]
        if borders is not None:
            borders = borders[slice(*borders.searchsorted([start, start + len(piece)]))] - start
        found = self._matcher.find(to_code_points(piece), stop - start, borders)
        if not len(found.ids):
            return self.ids_of(text[start:stop]), np.arange(stop - start), stop
        end = max(stop - start, int(found.ends[-1]))
        ids = self.ids_of(piece[:end])
        ids[found.starts] = found.ids
        steps = np.zeros(end + 1, dtype=np.int8)  # 1 after the start of a symbol, -1 at its end
        steps[found.starts + 1] = 1
        steps[found.ends] = -1
        places = np.flatnonzero(np.cumsum(steps[:end], dtype=np.int8) == 0)
        return ids[places], places, start + end

    def text_of(self, ids: NDArray[np.integer[Any]]) -> str:
        """Returns the text of valid ids; ``unk`` becomes U+FFFD, any other special token nothing."""
        return "".join([self._text_of_piece(ids[start : start + PIECE]) for start in range(0, len(ids), PIECE)])

    def _text_of_piece(self, ids: NDArray[np.integer[Any]]) -> str:
        lengths = self._length_of_id.take(ids)
        ends = np.cumsum(lengths)
        places = np.repeat(self._place_of_id.take(ids) - (ends - lengths), lengths) + np.arange(ends[-1])
        return from_code_points(self._code_points.take(places))

    def text_lengths(self, rows: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
        """Returns the number of characters that ``text_of`` gives for each row, ``(N, L)`` to ``(N,)``."""
        return np.asarray(self._length_of_id.take(rows).sum(axis=1), dtype=np.int64)
