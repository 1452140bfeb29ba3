"""The vocabulary: which characters there are, and which id each one has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias, get_args

import numpy as np

from chartok.codepoints import (
    CODE_POINTS,
    NO_CHARACTER,
    PIECE,
    CodePointTable,
    count_code_points,
    distinct_code_points,
    from_code_points,
    to_code_points,
)
from chartok.errors import UnknownCharacterError, VocabularyError, describe_character
from chartok.ids import as_id_array, smallest_dtype
from chartok.textfile import iterate_text

if TYPE_CHECKING:
    import os

    from numpy.typing import NDArray

    from chartok.ids import Ids

Errors: TypeAlias = Literal["strict", "replace", "ignore"]
"""What to do with a character that the vocabulary does not have, named as in Python's codecs."""

SpecialToken: TypeAlias = Literal["pad", "bos", "eos", "unk"]
"""The role of an id that has no character: padding, start of a text, its end, an unknown character."""

FORMAT = "chartok.vocabulary"
VERSION = 1

SHOWN_CHARACTERS = 100
"""How many characters the repr shows before it counts the rest."""


class Vocabulary:
    r"""The characters of a text in id order: text becomes ids, and ids become the same text again.

    A vocabulary never changes. Two are equal when they give every character and every special token the same
    id; they can be hashed, pickled, and shared between threads.

    Args:
        characters: Each character once; the first gets id 0. Any code point, lone surrogates too.
        special_tokens: Roles out of ``pad``, ``bos``, ``eos``, ``unk``; their ids follow the characters.

    Raises:
        VocabularyError: A character or a role stands twice, or a role is none of the four.
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

    def __init__(self, characters: Iterable[str], *, special_tokens: Iterable[SpecialToken] = ()) -> None:
        code_points = to_code_points(_joined(characters))
        roles = _checked_roles(special_tokens)
        self._assemble(
            np.concatenate([code_points, np.full(len(roles), NO_CHARACTER, dtype=np.uint32)]),
            {role: len(code_points) + index for index, role in enumerate(roles)},
        )

    def _assemble(self, code_point_of_id: NDArray[np.uint32], special_ids: dict[SpecialToken, int]) -> None:
        _check_distinct(code_point_of_id)
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
            min_count: A character that stands less often is left out.
            max_size: The most ids there may be, special tokens included: the most frequent characters stay,
                among equals those with the lower code point.
            special_tokens: Roles whose ids follow the characters.

        Raises:
            ValueError: There is no character, or none is left; ``min_count`` or ``max_size`` is too small.
            TypeError: ``text`` is neither a ``str`` nor an iterable of them.

        Example:
            >>> Vocabulary.from_text("banana").characters
            'abn'
            >>> Vocabulary.from_text(["ada", "bob"], min_count=2).characters
            'ab'
        """
        texts = [text] if isinstance(text, str) else _checked_texts(text)
        roles = _checked_roles(special_tokens)
        room = CODE_POINTS if max_size is None else _at_least(1, "max_size", max_size) - len(roles)
        if _at_least(1, "min_count", min_count) == 1 and max_size is None:
            code_points = distinct_code_points(texts)
        else:
            counts = count_code_points(texts)
            code_points = np.flatnonzero(counts >= min_count).astype(np.uint32)
            by_frequency = np.argsort(-counts[code_points], kind="stable")
            code_points = np.sort(code_points[by_frequency[: max(room, 0)]])
        if not len(code_points):
            raise ValueError("no character is left: text is empty, or min_count and max_size leave none")
        return cls(from_code_points(code_points), special_tokens=roles)

    @classmethod
    def from_file(
        cls,
        path: str | os.PathLike[str],
        *,
        min_count: int = 1,
        max_size: int | None = None,
        special_tokens: Iterable[SpecialToken] = (),
    ) -> Self:
        """Returns the vocabulary of a UTF-8 file, read in pieces: memory does not grow with the file.

        Args:
            path: The file.
            min_count: As in ``from_text``.
            max_size: As in ``from_text``.
            special_tokens: As in ``from_text``.

        Raises:
            OSError: The file is missing, is a folder, or cannot be read.
            FileDecodeError: It is not UTF-8.
            ValueError: As in ``from_text``.

        Example:
            >>> import tempfile
            >>> from pathlib import Path
            >>> path = Path(tempfile.mkdtemp()) / "input.txt"
            >>> _ = path.write_text("banana", encoding="utf-8")
            >>> Vocabulary.from_file(path).characters
            'abn'
        """
        return cls.from_text(iterate_text(path), min_count=min_count, max_size=max_size, special_tokens=special_tokens)

    @property
    def characters(self) -> str:
        """The characters in id order, without the special tokens."""
        return from_code_points(self._code_point_of_id[self._code_point_of_id != NO_CHARACTER])

    @property
    def special_tokens(self) -> Mapping[SpecialToken, int]:
        """The id of each special token, by role."""
        return MappingProxyType(self._special_ids)

    @property
    def size(self) -> int:
        """The number of ids, special tokens included."""
        return len(self._code_point_of_id)

    @property
    def dtype(self) -> np.dtype[np.unsignedinteger[Any]]:
        """The dtype of encoded text: the smallest unsigned one that holds every id."""
        return smallest_dtype(self.size)

    def encode(self, text: str, errors: Errors = "strict") -> NDArray[np.unsignedinteger[Any]]:
        """Returns the id of each character of a text.

        Beside the result, which takes ``dtype.itemsize`` bytes a character, encoding needs a fixed two
        megabytes or less, however long the text.

        Args:
            text: Any string.
            errors: For a character without an id, ``"strict"`` raises, ``"replace"`` puts the ``unk`` token,
                ``"ignore"`` leaves it out.

        Returns:
            Shape ``(len(text),)`` (fewer under ``"ignore"``), dtype ``self.dtype``.

        Raises:
            UnknownCharacterError: A character has no id, under ``"strict"``; names it and its position.
            ValueError: ``errors`` is ``"replace"`` and there is no ``unk`` token, or is no known policy.
            TypeError: ``text`` is not a ``str``.

        Example:
            >>> Vocabulary("abc").encode("cab")
            array([2, 0, 1], dtype=uint8)
            >>> Vocabulary("abc", special_tokens=["unk"]).encode("cab!", errors="replace")
            array([2, 0, 1, 3], dtype=uint8)
        """
        if not isinstance(text, str):
            raise TypeError(_expected_text("text", text))
        if errors != "strict":
            self._check_policy(errors)
        if len(text) <= PIECE:
            return self._encode_piece(text, 0, errors)
        ids = np.empty(len(text), dtype=self.dtype)
        end = 0
        for start in range(0, len(text), PIECE):
            piece = self._encode_piece(text[start : start + PIECE], start, errors)
            ids[end : end + len(piece)] = piece
            end += len(piece)
        return ids if end == len(ids) else ids[:end].copy()

    def _encode_piece(self, text: str, offset: int, errors: Errors) -> NDArray[np.unsignedinteger[Any]]:
        ids, all_known = self._table.ids_of(text)
        if not all_known:
            unknown = ids == self._table.unknown
            if errors == "strict":
                position = int(unknown.argmax())
                raise UnknownCharacterError(text[position], offset + position, self.size)
            if errors == "replace":
                ids[unknown] = self._special_ids["unk"]
            else:
                ids = ids[~unknown]
        return ids.astype(self.dtype, copy=False)

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
            ValueError: ``ids`` has more than one dimension.
            TypeError: They are not integers.

        Example:
            >>> Vocabulary("abc").decode([2, 0, 1])
            'cab'
        """
        array = as_id_array(ids, self.size)
        if array.ndim != 1:
            raise ValueError(f"ids must have one dimension, got shape {array.shape}")
        return "".join(self._table.text_of(array[start : start + PIECE]) for start in range(0, len(array), PIECE))

    def to_dict(self) -> dict[str, Any]:
        """Returns the content as JSON values: each token in id order, a code point or the name of a role.

        Example:
            >>> Vocabulary("ab", special_tokens=["eos"]).to_dict()
            {'format': 'chartok.vocabulary', 'version': 1, 'tokens': [97, 98, 'eos']}
        """
        tokens: list[int | str] = self._code_point_of_id.tolist()
        for role, token_id in self._special_ids.items():
            tokens[token_id] = role
        return {"format": FORMAT, "version": VERSION, "tokens": tokens}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Returns the vocabulary that ``to_dict`` described.

        Raises:
            VocabularyError: The description is malformed, or of a newer version.

        Example:
            >>> Vocabulary.from_dict(Vocabulary("ab").to_dict())
            Vocabulary('ab')
        """
        tokens = _checked_tokens(content)
        special_ids = {token: index for index, token in enumerate(tokens) if isinstance(token, str)}
        if len(special_ids) != sum(isinstance(token, str) for token in tokens):
            raise VocabularyError("a vocabulary's tokens hold a role twice")
        code_points = [NO_CHARACTER if isinstance(token, str) else token for token in tokens]
        return cls._restore(np.array(code_points, dtype=np.uint32), special_ids)

    def __len__(self) -> int:
        return self.size

    def __contains__(self, character: object) -> bool:
        return isinstance(character, str) and len(character) == 1 and self._table.ids_of(character)[1]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Vocabulary):
            return NotImplemented
        return self._special_ids == other._special_ids and np.array_equal(
            self._code_point_of_id, other._code_point_of_id
        )

    def __hash__(self) -> int:
        return hash(self._code_point_of_id.tobytes())

    def __reduce__(self) -> tuple[Any, ...]:
        return self._restore, (self._code_point_of_id, self._special_ids)

    def __repr__(self) -> str:
        characters = self.characters
        shown = ascii(characters)
        if len(characters) > SHOWN_CHARACTERS:
            shown = f"{characters[:SHOWN_CHARACTERS]!a} and {len(characters) - SHOWN_CHARACTERS} more"
        if self._special_ids:
            shown += f", special_tokens={self._special_ids}"
        return f"{type(self).__name__}({shown})"


def _checked_tokens(content: Mapping[str, Any]) -> list[int | SpecialToken]:
    """Returns the tokens of a description after checking every part of it but their being distinct."""
    if not isinstance(content, Mapping) or content.get("format") != FORMAT:
        raise VocabularyError(f"this describes no vocabulary: its format is not {FORMAT!r}")
    version = content.get("version")
    if type(version) is not int or version < 1:
        raise VocabularyError(f"a vocabulary's version must be a positive integer, got {version!a}")
    if version > VERSION:
        raise VocabularyError(f"this vocabulary has version {version}, newer than {VERSION}: upgrade chartok")
    if set(content) != {"format", "version", "tokens"} or not isinstance(content["tokens"], list):
        raise VocabularyError(
            f"a vocabulary has a format, a version and a list of tokens, got the keys {sorted(content)!a}"
        )
    for position, token in enumerate(content["tokens"]):
        if not (token in get_args(SpecialToken) if isinstance(token, str) else _is_code_point(token)):
            raise VocabularyError(f"tokens[{position}] must be a code point (0 to 0x10FFFF) or a role, got {token!a}")
    return content["tokens"]


def _is_code_point(token: object) -> bool:
    return type(token) is int and 0 <= token < CODE_POINTS


def _joined(characters: Iterable[str]) -> str:
    if isinstance(characters, str):
        return characters
    items = list(_checked_texts(characters, "characters"))
    for position, item in enumerate(items):
        if len(item) != 1:
            raise VocabularyError(f"characters[{position}] must be one code point, got {len(item)}: {item!a}")
    return "".join(items)


def _checked_texts(texts: Iterable[str], name: str = "text") -> Iterator[str]:
    if isinstance(texts, bytes) or not isinstance(texts, Iterable):
        raise TypeError(_expected_text(name, texts))
    return (_checked_text(text, f"{name}[{position}]") for position, text in enumerate(texts))


def _checked_text(text: str, name: str) -> str:
    if not isinstance(text, str):
        raise TypeError(_expected_text(name, text))
    return text


def _expected_text(name: str, value: object) -> str:
    hint = "; decode the bytes first" if isinstance(value, bytes | bytearray) else ""
    return f"{name} must be a str, got {type(value).__name__}{hint}"


def _checked_roles(special_tokens: Iterable[SpecialToken]) -> tuple[SpecialToken, ...]:
    if isinstance(special_tokens, str):
        raise TypeError(f"special_tokens must be a list of roles, got the str {special_tokens!a}")
    roles = tuple(special_tokens)
    for position, role in enumerate(roles):
        if role not in get_args(SpecialToken):
            raise VocabularyError(f"special_tokens[{position}] is none of pad, bos, eos, unk: {role!a}")
        if role in roles[:position]:
            raise VocabularyError(f"special_tokens[{position}] is {role} for the second time")
    return roles


def _check_distinct(code_point_of_id: NDArray[np.uint32]) -> None:
    order = np.argsort(code_point_of_id, kind="stable")
    in_order = code_point_of_id[order]
    repeated = np.flatnonzero((in_order[1:] == in_order[:-1]) & (in_order[1:] != NO_CHARACTER))
    if len(repeated):
        first, second = order[repeated[0]], order[repeated[0] + 1]
        character = describe_character(chr(in_order[repeated[0]]))
        raise VocabularyError(f"{character} stands at both {first} and {second}: a character has one id")


def _at_least(least: int, name: str, value: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be an int, got {type(value).__name__}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
    return value
