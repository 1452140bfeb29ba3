"""The vocabulary: the symbols, and the id of each.

``Vocabulary`` inherits its file formats from ``vocabulary_formats`` and its batch methods from ``ragged``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self, SupportsIndex, get_args

import numpy as np

from chartok.arguments import (
    Errors,
    checked_roles,
    checked_texts,
    expected_text,
    integer,
    joined_symbols,
    positive_integer,
)
from chartok.codepoints import (
    NO_CHARACTER,
    PIECE,
    CodePointTable,
    check_distinct,
    count_characters,
    distinct_code_points,
    from_code_points,
    to_code_points,
)
from chartok.errors import VocabularyError
from chartok.files.reading import ReadingSettings
from chartok.files.text import iterate_text_for_vocabulary
from chartok.ids import as_id_array
from chartok.ragged import BatchCodec
from chartok.vocabulary_formats import VocabularyFormats

if TYPE_CHECKING:
    from typing import Unpack

    from numpy.typing import NDArray

    from chartok.arguments import SpecialToken
    from chartok.files.reading import ReadingKeywords
    from chartok.files.sources import Source
    from chartok.ids import Ids


class Vocabulary(VocabularyFormats, BatchCodec):
    r"""The characters of a text in id order: text becomes ids, and ids become the same text again.

    A vocabulary never changes. Two are equal when they give every character and every special token the same
    id; they can be hashed, pickled, and shared between threads.

    Args:
        symbols: Each character once; the first gets id 0. Any code point, including lone surrogates.
        special_tokens: Any of the roles ``pad``, ``bos``, ``eos``, ``unk``; their ids follow the symbols.

    Raises:
        VocabularyError: A character or a role occurs twice, or a role is not one of the four.
        TypeError: An item is not a single character.

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
    """

    __slots__ = ("_code_point_of_id", "_special_ids", "_table")

    def __init__(self, symbols: Iterable[str], *, special_tokens: Iterable[SpecialToken] = ()) -> None:
        code_points = to_code_points(joined_symbols(symbols))
        roles = checked_roles(special_tokens)
        self._assemble(
            np.concatenate([code_points, np.full(len(roles), NO_CHARACTER, dtype=np.uint32)]),
            {role: len(code_points) + index for index, role in enumerate(roles)},
        )

    def _assemble(self, code_point_of_id: NDArray[np.uint32], special_ids: dict[SpecialToken, int]) -> None:
        check_distinct(code_point_of_id)
        self._code_point_of_id = code_point_of_id
        self._special_ids = special_ids
        self._table = CodePointTable(code_point_of_id, special_ids.get("unk"))

    @classmethod
    def _restore(cls, code_point_of_id: NDArray[np.uint32], special_ids: dict[SpecialToken, int]) -> Self:
        vocabulary = cls.__new__(cls)
        vocabulary._assemble(code_point_of_id, special_ids)  # noqa: SLF001 - the constructor's other half
        return vocabulary

    @classmethod
    def from_text(
        cls,
        text: str | Iterable[str],
        *,
        min_count: int = 1,
        max_size: int | None = None,
        special_tokens: Iterable[SpecialToken] = (),
    ) -> Self:
        """Returns the vocabulary of a text: its distinct characters in the order of their code points.

        Args:
            text: A string or several, with at least one character in all.
            min_count: Characters that occur less often are left out.
            max_size: The maximum number of ids, special tokens included: the most frequent characters are kept,
                ties going to the lower code point.
            special_tokens: Roles whose ids follow the symbols.

        Raises:
            ValueError: The text is empty, or no character is left; ``min_count`` or ``max_size`` is too small.
            TypeError: ``text`` is neither a ``str`` nor an iterable of them.

        Example:
            >>> Vocabulary.from_text("banana").symbols
            ('a', 'b', 'n')
            >>> Vocabulary.from_text(["ada", "bob"], min_count=2).symbols
            ('a', 'b')
        """
        if min_count != 1 or max_size is not None:
            counts = count_characters(text)
            return cls.from_counts(counts, min_count=min_count, max_size=max_size, special_tokens=special_tokens)
        code_points = distinct_code_points(checked_texts(text, "text"))
        if not len(code_points):
            raise ValueError("text is empty: a vocabulary needs at least one character")
        return cls(from_code_points(code_points), special_tokens=special_tokens)

    @classmethod
    def from_counts(
        cls,
        counts: Mapping[str, int],
        *,
        min_count: int = 1,
        max_size: int | None = None,
        special_tokens: Iterable[SpecialToken] = (),
    ) -> Self:
        """Returns the vocabulary of counted characters, in the order of their code points.

        The counts of parts of a corpus can be added, in any grouping: ``sum(parts, Counter())``.

        Args:
            counts: How often each character occurs, as ``count_characters`` returns it.
            min_count: As in ``from_text``.
            max_size: As in ``from_text``.
            special_tokens: As in ``from_text``.

        Raises:
            ValueError: As in ``from_text``.
            VocabularyError: A key is not one code point.
            TypeError: ``counts`` is not a mapping of ``str`` to integers.

        Example:
            >>> from chartok import count_characters
            >>> Vocabulary.from_counts(count_characters("banana") + count_characters("ban"), min_count=3)
            Vocabulary('an')
        """
        roles = checked_roles(special_tokens)
        positive_integer("min_count", min_count)
        if not isinstance(counts, Mapping):
            raise TypeError(f"counts must be a mapping of characters to integers, got {type(counts).__name__}")
        for character, count in counts.items():
            if not isinstance(character, str):
                raise TypeError(expected_text("each key of counts", character))
            integer(f"counts[{character!a}]", count)
        frequent = sorted(character for character, count in counts.items() if count >= min_count)
        if max_size is not None:
            room = max(0, positive_integer("max_size", max_size) - len(roles))
            frequent = sorted(sorted(frequent, key=lambda character: -counts[character])[:room])
        if not frequent:
            raise ValueError("no character is left: text is empty, or min_count and max_size leave none")
        return cls(frequent, special_tokens=roles)

    @classmethod
    def from_file(
        cls,
        sources: Source | Iterable[Source],
        *,
        min_count: int = 1,
        max_size: int | None = None,
        special_tokens: Iterable[SpecialToken] = (),
        settings: ReadingSettings = ReadingSettings(),
        **reading: Unpack[ReadingKeywords],
    ) -> Self:
        """Returns the vocabulary of the text of files, read in pieces: memory does not grow with them.

        Args:
            sources: Files, folders, patterns or URLs, as for ``read_text``.
            min_count: As in ``from_text``.
            max_size: As in ``from_text``.
            special_tokens: As in ``from_text``.
            settings: How to read the files.
            reading: Settings, which replace those of ``settings``.

        Raises:
            OSError: A file is missing or cannot be read, like the other errors of ``read_text``.
            ValueError: As in ``from_text``; names the file if it is empty.

        Example:
            >>> import tempfile
            >>> from pathlib import Path
            >>> path = Path(tempfile.mkdtemp()) / "input.txt"
            >>> _ = path.write_text("banana", encoding="utf-8")
            >>> Vocabulary.from_file(path).symbols
            ('a', 'b', 'n')
        """
        text = iterate_text_for_vocabulary(sources, settings.with_keywords(**reading))
        return cls.from_text(text, min_count=min_count, max_size=max_size, special_tokens=special_tokens)

    def id_of(self, symbol: str) -> int:
        """Returns the id of a symbol; ``symbol in vocabulary`` asks whether there is one.

        A special token is not a symbol: ``special_tokens`` has its id, by role.

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
            role = f"; special_tokens[{symbol!a}] is the id of that special token" * (symbol in self._special_ids)
            raise VocabularyError(f"symbol {symbol!a} is not one of the symbols of this vocabulary{role}")
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
        for role, special_id in self._special_ids.items():
            if index == special_id:
                raise VocabularyError(f"id {index} is the special token {role}, which has no symbol")
        return chr(self._code_point_of_id[index])

    @property
    def dtype(self) -> np.dtype[np.unsignedinteger[Any]]:
        """The dtype of encoded text: the smallest unsigned dtype that holds every id."""
        return self._table.dtype

    def encode(self, text: str, errors: Errors = "strict") -> NDArray[np.unsignedinteger[Any]]:
        """Returns the id of each character of a text.

        Besides the result, which takes ``dtype.itemsize`` bytes per character, encoding needs at most two
        megabytes, however long the text.

        Args:
            text: Any string.
            errors: For a character without an id, ``"strict"`` raises, ``"replace"`` substitutes the ``unk`` token,
                and ``"ignore"`` leaves it out.

        Returns:
            Shape ``(len(text),)`` (fewer under ``"ignore"``), dtype ``self.dtype``.

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
            self._check_policy(errors)
        if len(text) <= PIECE:
            return self._table.encode(text, errors)
        ids = np.empty(len(text), dtype=self.dtype)
        end = 0
        for start in range(0, len(text), PIECE):
            piece = self._table.encode(text[start : start + PIECE], errors, offset=start)
            ids[end : end + len(piece)] = piece
            end += len(piece)
        return ids if end == len(ids) else ids[:end].copy()

    def _check_policy(self, errors: str) -> None:
        if errors not in get_args(Errors):
            raise ValueError(f"errors must be 'strict', 'replace' or 'ignore', got {errors!a}")
        if errors == "replace" and "unk" not in self._special_ids:
            raise ValueError("errors='replace' needs an unk token: make the vocabulary with special_tokens=['unk']")

    def decode(self, ids: Ids) -> str:
        """Returns the text that has these ids: ``decode(encode(text)) == text`` for every text it can encode.

        A special token has no character: ``pad``, ``bos`` and ``eos`` decode to nothing, ``unk`` to U+FFFD.

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

    def extend(self, text: str | Iterable[str], *, special_tokens: Iterable[SpecialToken] = ()) -> Self:
        """Returns a vocabulary that also has the characters of ``text``; every existing id keeps its meaning.

        New characters get the next ids in the order of their code points, followed by new special tokens.

        Args:
            text: A string or several; characters that the vocabulary already has are skipped.
            special_tokens: Roles to add; those that the vocabulary already has are skipped.

        Raises:
            VocabularyError: A role is unknown or given twice.
            TypeError: ``text`` is neither a ``str`` nor an iterable of them.

        Example:
            >>> Vocabulary("cab", special_tokens=["unk"]).extend("badge", special_tokens=["pad"]).to_dict()["tokens"]
            [99, 97, 98, 'unk', 100, 101, 103, 'pad']
        """
        new = np.setdiff1d(distinct_code_points(checked_texts(text, "text")), self._code_point_of_id)
        new_roles = [role for role in checked_roles(special_tokens) if role not in self._special_ids]
        first_free = self.size + len(new)
        return self._restore(
            np.concatenate([self._code_point_of_id, new, np.full(len(new_roles), NO_CHARACTER, dtype=np.uint32)]),
            self._special_ids | {role: first_free + index for index, role in enumerate(new_roles)},
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
        remapped = self._table.ids_of_code_points(other._code_point_of_id).astype(np.int64)
        remapped[remapped == self._table.unknown] = -1
        for role, token_id in other.special_tokens.items():
            remapped[token_id] = self._special_ids.get(role, -1)
        return remapped

    def __len__(self) -> int:
        return self.size

    def __contains__(self, symbol: object) -> bool:
        return isinstance(symbol, str) and self._id_or_none(symbol) is not None

    def _id_or_none(self, symbol: str) -> int | None:
        token_id = self._table.ids_of(symbol).item() if len(symbol) == 1 else self._table.unknown
        return None if token_id == self._table.unknown else token_id
