"""Encodes a text that arrives in pieces, at whose ends no symbol is cut."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chartok.arguments import expected_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from chartok.arguments import Errors
    from chartok.codepoints import CodePointTable


class IncrementalEncoder:
    """Encodes a text in pieces: their ids, concatenated, are those of the whole.

    The end of a piece that could be the beginning of a symbol is held back for the next; with symbols of one character
    that is nothing.

    Args:
        table: That of the vocabulary, whose ``incremental_encoder`` makes this.
        errors: As for ``Vocabulary.encode``.
    """

    def __init__(self, table: CodePointTable, errors: Errors) -> None:
        self._table = table
        self._errors: Errors = errors
        self._held, self._position = "", 0

    def encode(self, piece: str) -> NDArray[np.unsignedinteger[Any]]:
        """Returns the ids that are certain after one more piece.

        Raises:
            UnknownCharacterError: A character has no id, under ``"strict"``; gives its position in the whole text.
            TypeError: ``piece`` is not a ``str``.
        """
        if not isinstance(piece, str):
            raise TypeError(expected_text("piece", piece))
        return self._encode(piece, self._table.longest - 1)

    def finish(self) -> NDArray[np.unsignedinteger[Any]]:
        """Returns the ids of what was held back, when no more will arrive; then a new text can begin.

        Raises:
            UnknownCharacterError: As for ``encode``.
        """
        ids = self._encode("", 0)
        self._position = 0
        return ids

    def _encode(self, piece: str, uncertain: int) -> NDArray[np.unsignedinteger[Any]]:
        text = self._held + piece
        ids, end = self._table.encode(text, max(0, len(text) - uncertain), self._errors, offset=self._position)
        self._held = text[end:]
        self._position += end
        return ids
