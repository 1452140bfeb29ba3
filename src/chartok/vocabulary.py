"""The vocabulary: the symbols, and the id of each.

``Vocabulary`` inherits the ways to make one from ``vocabulary_sources``, its file formats from ``vocabulary_formats``,
its batch methods from ``ragged``, and what says where in a text each id comes from, from ``offsets``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self, SupportsIndex, get_args

import numpy as np

from chartok.arguments import Errors, expected_text
from chartok.codepoints import PIECE, CodePointTable
from chartok.errors import VocabularyError
from chartok.ids import as_id_array
from chartok.incremental import IncrementalEncoder
from chartok.offsets import TextOffsets
from chartok.ragged import BatchCodec
from chartok.special_tokens import checked_special_tokens
from chartok.symbol_table import SymbolTable
from chartok.tokens import Tokens, arranged
from chartok.vocabulary_formats import VocabularyFormats
from chartok.vocabulary_sources import VocabularySources, symbols_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from chartok.arguments import Unit
    from chartok.ids import Ids
    from chartok.special_tokens import SpecialTokens


class Vocabulary(VocabularySources, VocabularyFormats, BatchCodec, TextOffsets):
    r"""The symbols of a text in id order: text becomes ids, and ids become the same text again.

    A symbol is a character, which is a code point, or several. Where symbols of several characters could be read in
    more than one way, one rule decides: from left to right, the longest symbol at each place.

    A vocabulary never changes. Two are equal when they give every symbol and every special token the same id; they
    can be hashed, pickled, and shared between threads.

    Args:
        symbols: Each once, in id order; a ``str`` gives its characters. Any code points, lone surrogates included.
        special_tokens: Names, whose ids follow those of the symbols, or the id of each by name. ``pad``, ``bos``,
            ``eos`` and ``unk`` are roles; any other name means something to you alone.

    Raises:
        VocabularyError: A symbol is empty, or a symbol or a name occurs twice; a name looks like a role; the ids of
            special tokens collide or leave a gap.
        TypeError: A symbol is not a ``str``.

    Example:
        >>> vocabulary = Vocabulary.from_text("hello\n")
        >>> vocabulary
        Vocabulary('\nehlo')
        >>> vocabulary.encode("hello")
        array([2, 1, 3, 3, 4], dtype=uint8)
        >>> vocabulary.decode([2, 1, 3, 3, 4])
        'hello'
        >>> Vocabulary("ab", special_tokens=["bos", "eos"])
        Vocabulary('ab', special_tokens={'bos': 2, 'eos': 3})
        >>> Vocabulary(["C", "O", "Cl"], special_tokens={"pad": 0}).encode("CClO")
        array([1, 3, 2], dtype=uint8)
    """

    __slots__ = ("_table", "_tokens")

    def __init__(self, symbols: Iterable[str], *, special_tokens: SpecialTokens = ()) -> None:
        self._assemble(arranged(symbols, special_tokens))

    def _assemble(self, tokens: Tokens) -> None:
        self._tokens = tokens
        unk = tokens.special_ids.get("unk")
        self._table = (
            SymbolTable(tokens.code_points, tokens.long_symbols, unk)
            if tokens.long_symbols
            else CodePointTable(tokens.code_points, unk)
        )

    @classmethod
    def _restore(
        cls, code_points: NDArray[np.uint32], long_symbols: dict[str, int], special_ids: dict[str, int]
    ) -> Self:
        vocabulary = cls.__new__(cls)
        vocabulary._assemble(Tokens(code_points, long_symbols, special_ids))  # noqa: SLF001 - as the constructor
        return vocabulary

    def id_of(self, symbol: str) -> int:
        """Returns the id of a symbol; ``symbol in vocabulary`` asks whether there is one.

        A special token is not a symbol: ``special_tokens`` has its id, by name.

        Args:
            symbol: One of ``symbols``.

        Raises:
            VocabularyError: The vocabulary does not have the symbol.
            TypeError: ``symbol`` is not a ``str``.

        Example:
            >>> Vocabulary("abc").id_of("c")
            2
        """
        if not isinstance(symbol, str):
            raise TypeError(expected_text("symbol", symbol))
        token_id = self._id_or_none(symbol)
        if token_id is None:
            special = f"; special_tokens[{symbol!a}] is the id of that special token"
            raise VocabularyError(
                f"symbol {symbol!a} is not one of the symbols of this vocabulary"
                + special * (symbol in self._tokens.special_ids)
            )
        return token_id

    def symbol_of(self, token_id: SupportsIndex) -> str:
        """Returns the symbol with an id.

        A special token has no symbol; ``decode`` gives the text of every id.

        Args:
            token_id: The id of a symbol.

        Raises:
            TokenIdError: It is negative, or not below ``size``.
            VocabularyError: It is the id of a special token.
            TypeError: It is not an integer.

        Example:
            >>> Vocabulary("abc").symbol_of(2)
            'c'
        """
        (index,) = as_id_array([token_id], self.size).tolist()
        for name, special_id in self._tokens.special_ids.items():
            if index == special_id:
                raise VocabularyError(f"id {index} is the special token {name}, which has no symbol")
        return self._table.text_of(np.array([index]))

    @property
    def longest_symbol(self) -> int:
        """The number of characters in the longest symbol: 1 unless some have several."""
        return self._table.longest

    @property
    def dtype(self) -> np.dtype[np.unsignedinteger[Any]]:
        """The dtype of encoded text: the smallest unsigned dtype that holds every id."""
        return self._table.dtype

    def encode(self, text: str, errors: Errors = "strict") -> NDArray[np.unsignedinteger[Any]]:
        """Returns the id of each symbol of a text: from left to right, the longest at each place.

        Besides the result, which takes ``dtype.itemsize`` bytes per character, encoding needs at most two megabytes,
        or eight with symbols of several characters, however long the text.

        Args:
            text: Any string.
            errors: For a character without an id, ``"strict"`` raises, ``"replace"`` substitutes the ``unk`` token,
                and ``"ignore"`` leaves it out.

        Returns:
            Shape ``(len(text),)``, fewer with symbols of several characters or under ``"ignore"``; dtype
            ``self.dtype``.

        Raises:
            UnknownCharacterError: A character has no id, under ``"strict"``; names it and its position.
            ValueError: ``errors`` is ``"replace"`` and there is no ``unk`` token, or is not one of the three.
            TypeError: ``text`` is not a ``str``.

        Example:
            >>> Vocabulary("abc").encode("cab")
            array([2, 0, 1], dtype=uint8)
            >>> Vocabulary("abc", special_tokens=["unk"]).encode("cab!", errors="replace")
            array([2, 0, 1, 3], dtype=uint8)
        """
        if not isinstance(text, str):
            raise TypeError(expected_text("text", text))
        if errors != "strict":
            self._check_errors(errors)
        if len(text) <= PIECE:
            return self._table.encode_piece(text, 0, len(text), errors)[0]
        return self._table.encode(text, len(text), errors)[0]

    def incremental_encoder(self, errors: Errors = "strict") -> IncrementalEncoder:
        """Returns what encodes a text that arrives in pieces, at whose ends no symbol is cut.

        Args:
            errors: As for ``encode``.

        Raises:
            ValueError: As for ``encode``.

        Example:
            >>> encoder = Vocabulary(["C", "l", "Cl"]).incremental_encoder()
            >>> encoder.encode("CC").tolist(), encoder.encode("l").tolist(), encoder.finish().tolist()
            ([0], [2], [])
        """
        self._check_errors(errors)
        return IncrementalEncoder(self._table, errors)

    def _check_errors(self, errors: str) -> None:
        if errors not in get_args(Errors):
            raise ValueError(f"errors must be 'strict', 'replace' or 'ignore', got {errors!a}")
        if errors == "replace" and "unk" not in self._tokens.special_ids:
            raise ValueError("errors='replace' needs an unk token: make the vocabulary with special_tokens=['unk']")

    def decode(self, ids: Ids) -> str:
        """Returns the text that has these ids: ``decode(encode(text)) == text`` for every text it can encode.

        A special token has no symbol: ``unk`` decodes to U+FFFD, any other to nothing.

        Args:
            ids: Shape ``(T,)``, any integer dtype: an array, a tensor on the CPU, or an iterable of integers.

        Raises:
            TokenIdError: An id is negative, or not below ``size``; names it and its position.
            ValueError: ``ids`` is not one-dimensional.
            TypeError: They are not integers.

        Example:
            >>> Vocabulary("abc").decode([2, 0, 1])
            'cab'
        """
        array = as_id_array(ids, self.size)
        if array.ndim != 1:
            raise ValueError(f"ids must be one-dimensional, got shape {array.shape}")
        return self._table.text_of(array)

    def extend(
        self,
        text: str | Iterable[str],
        *,
        symbols: Iterable[str] = (),
        unit: Unit = "character",
        min_count: int = 1,
        special_tokens: Iterable[str] = (),
    ) -> Self:
        """Returns a vocabulary that also has the characters of ``text``; every existing id keeps its meaning.

        New symbols get the next ids, in the order of ``from_text``, followed by new special tokens. A new symbol of
        several characters changes how text that contains it is encoded, not what any id decodes to.

        Args:
            text: A string or several; what the vocabulary already has is skipped.
            symbols: As in ``from_text``; those that the vocabulary already has are skipped.
            unit: As in ``from_text``.
            min_count: New characters, or graphemes, that occur less often in ``text`` are left out.
            special_tokens: Names to add; those that the vocabulary already has are skipped.

        Raises:
            VocabularyError: A symbol is empty or given twice, or a name is not sound or given twice.
            TypeError: ``text`` is neither a ``str`` nor an iterable of them; ``special_tokens`` gives ids.
            ValueError: ``unit`` is unknown, or ``min_count`` is below 1.
            ModuleNotFoundError: As in ``from_text``.

        Example:
            >>> Vocabulary("cab", special_tokens=["unk"]).extend("badge", special_tokens=["pad"]).to_dict()["tokens"]
            [99, 97, 98, 'unk', 100, 101, 103, 'pad']
        """
        if isinstance(special_tokens, Mapping):
            raise TypeError("special_tokens must be a list of names: what is added gets the next ids")
        names = [name for name in checked_special_tokens(special_tokens) if name not in self._tokens.special_ids]
        new = arranged([symbol for symbol in symbols_of(text, unit, symbols, min_count) if symbol not in self], names)
        before, after = ({name: self.size + i for name, i in ids.items()} for ids in new[1:])
        return self._restore(
            np.concatenate([self._tokens.code_points, new.code_points]),
            self._tokens.long_symbols | before,
            self._tokens.special_ids | after,
        )

    def remap(self, other: Vocabulary) -> NDArray[np.int64]:
        """Returns the id in this vocabulary of each id of another, or -1 if it has none.

        Args:
            other: The vocabulary whose ids to translate.

        Returns:
            int64 ``(other.size,)``.

        Raises:
            TypeError: ``other`` is not a ``Vocabulary``.

        Example:
            Carry the weights of shared characters over to a new vocabulary:

            >>> old, new = Vocabulary("abc"), Vocabulary("xcb")
            >>> ids = new.remap(old)
            >>> ids
            array([-1,  2,  1])
            >>> old_weights, new_weights = np.array([1.0, 2.0, 3.0]), np.zeros(3)
            >>> new_weights[ids[ids >= 0]] = old_weights[ids >= 0]
            >>> new_weights
            array([0., 3., 2.])
        """
        if not isinstance(other, Vocabulary):
            raise TypeError(f"other must be a Vocabulary, got {type(other).__name__}")
        remapped = self._table.ids_of_code_points(other._tokens.code_points).astype(np.int64)
        remapped[remapped == self._table.unknown] = -1
        for mine, others in zip(self._tokens[1:], other._tokens[1:], strict=True):
            for name, token_id in others.items():
                remapped[token_id] = mine.get(name, -1)
        return remapped

    def __len__(self) -> int:
        return self.size

    def __contains__(self, symbol: object) -> bool:
        return isinstance(symbol, str) and self._id_or_none(symbol) is not None

    def _id_or_none(self, symbol: str) -> int | None:
        if len(symbol) != 1:
            return self._tokens.long_symbols.get(symbol)
        token_id = self._table.ids_of(symbol).item()
        return None if token_id == self._table.unknown else token_id
