"""Where in a text each id comes from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np

from chartok.arguments import expected_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from chartok.arguments import Errors
    from chartok.codepoints import CodePointTable


class TextOffsets(ABC):
    """The part of ``Vocabulary`` that says where in a text each id comes from, given how it encodes."""

    __slots__ = ()

    _table: CodePointTable

    @abstractmethod
    def encode(self, text: str, errors: Errors = "strict") -> NDArray[np.unsignedinteger[Any]]:
        """Returns the ids of one text."""

    @abstractmethod
    def _check_errors(self, errors: str) -> None:
        """Checks what to do with characters without an id."""

    def char_offsets(self, text: str, errors: Errors = "strict") -> NDArray[np.int64]:
        """Returns for each id of an encoded text where in the text it comes from.

        Args:
            text: Any string.
            errors: As for ``encode``; under ``"ignore"``, what is left out has no id, and no row.

        Returns:
            int64 ``(T, 2)``, a row for each id of ``encode(text, errors)``: it stands for ``text[start:end]``.

        Raises:
            UnknownCharacterError: As for ``encode``, like the other errors.

        Example:
            >>> from chartok import Vocabulary
            >>> Vocabulary(["C", "l", "Cl"]).char_offsets("CCl").tolist()
            [[0, 1], [1, 3]]
            >>> Vocabulary("ab").char_offsets("a-b", "ignore").tolist()
            [[0, 1], [2, 3]]
        """
        if errors == "strict":
            self.encode(text)
        begins, known = self._begins(text, errors)
        starts = np.flatnonzero(begins)
        offsets = np.column_stack([starts, np.append(starts, len(text))[1:]])
        return offsets[known[starts]] if errors == "ignore" else offsets

    def id_positions(self, text: str, errors: Errors = "strict") -> NDArray[np.int64]:
        """Returns for each character of a text the position, among its encoded ids, of the one it belongs to.

        Args:
            text: Any string.
            errors: As for ``encode``.

        Returns:
            int64 ``(len(text),)``; -1 for a character that is left out under ``"ignore"``.

        Raises:
            UnknownCharacterError: As for ``encode``, like the other errors.

        Example:
            >>> from chartok import Vocabulary
            >>> Vocabulary(["C", "l", "Cl"]).id_positions("CCl").tolist()
            [0, 1, 1]
            >>> Vocabulary("ab").id_positions("a-b", "ignore").tolist()
            [0, -1, 1]
        """
        if errors == "strict":
            self.encode(text)
        begins, known = self._begins(text, errors)
        if errors != "ignore":
            return np.cumsum(begins) - 1
        is_covered = known[np.flatnonzero(begins)[np.cumsum(begins) - 1]]
        return np.where(is_covered, np.cumsum(begins & known) - 1, -1)

    def _begins(self, text: str, errors: Errors) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        if not isinstance(text, str):
            raise TypeError(expected_text("text", text))
        self._check_errors(errors)
        return self._table.begins(text)
