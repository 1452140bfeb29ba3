"""The formats in which a vocabulary is stored and exported: JSON values, a JSON file, a pickle, a ``tokenizer.json``.

Each has one canonical form. Reading is strict.
"""

from __future__ import annotations

import hashlib
import json
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self, TypeGuard, get_args

import numpy as np

from chartok.arguments import SpecialToken
from chartok.codepoints import CODE_POINTS, NO_CHARACTER, from_code_points
from chartok.errors import VocabularyError, describe_character
from chartok.files.atomic import replace_file
from chartok.files.envelope import check_version
from chartok.files.strict_json import parse_json, read_json

if TYPE_CHECKING:
    from numpy.typing import NDArray

FORMAT = "chartok.vocabulary"
VERSION = 1
SHOWN_SYMBOLS = 100
"""How many symbols the repr shows; it only counts the rest."""
SURROGATES = range(0xD800, 0xE000)


class VocabularyFormats(ABC):
    """The part of ``Vocabulary`` that holds its content, compares it, and converts it to file formats and back."""

    __slots__ = ()

    _code_point_of_id: NDArray[np.uint32]
    _special_ids: dict[SpecialToken, int]

    @classmethod
    @abstractmethod
    def _restore(cls, code_point_of_id: NDArray[np.uint32], special_ids: dict[SpecialToken, int]) -> Self:
        """Returns the vocabulary of these tokens."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols in id order, without the special tokens; made at each access."""
        return tuple(from_code_points(self._code_point_of_id[self._code_point_of_id != NO_CHARACTER]))

    @property
    def special_tokens(self) -> Mapping[SpecialToken, int]:
        """The id of each special token, by role."""
        return MappingProxyType(self._special_ids)

    @property
    def size(self) -> int:
        """The number of ids, special tokens included."""
        return len(self._code_point_of_id)

    def to_dict(self) -> dict[str, Any]:
        """Returns the content as JSON values: each token in id order, a code point or the name of a role.

        Example:
            >>> from chartok import Vocabulary
            >>> Vocabulary("ab", special_tokens=["eos"]).to_dict()
            {'format': 'chartok.vocabulary', 'version': 1, 'tokens': [97, 98, 'eos']}
        """
        return describe(self._code_point_of_id, self._special_ids)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Returns the vocabulary that ``to_dict`` described.

        Raises:
            VocabularyError: The description is malformed, or of a newer version.

        Example:
            >>> from chartok import Vocabulary
            >>> Vocabulary.from_dict(Vocabulary("ab").to_dict())
            Vocabulary('ab')
        """
        return cls._restore(*read_description(content))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the vocabulary to a JSON file; an existing file is replaced only when the new one is complete.

        Args:
            path: The file. Its folder must exist.

        Raises:
            OSError: It cannot be written.

        Example:
            >>> from chartok import Vocabulary
            >>> import tempfile
            >>> from pathlib import Path
            >>> path = Path(tempfile.mkdtemp()) / "vocabulary.json"
            >>> Vocabulary("ab").save(path)
            >>> Vocabulary.load(path)
            Vocabulary('ab')
        """
        with replace_file(path) as file:
            file.write(json.dumps(self.to_dict()).encode())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Returns the vocabulary that ``save`` wrote.

        Args:
            path: The file.

        Raises:
            OSError: It cannot be read.
            VocabularyError: It is not the description of a vocabulary, or is of a newer version.
        """
        try:
            return cls.from_dict(parse_json(read_json(path)))
        except ValueError as error:
            raise VocabularyError(f"{os.fspath(path)!a}: {error}") from None

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the content, in hexadecimal: of ``to_dict()`` as JSON without whitespace.

        Example:
            >>> from chartok import Vocabulary
            >>> Vocabulary("ab").fingerprint[:16]
            '23460e7fb3467b70'
        """
        return hashlib.sha256(json.dumps(self.to_dict(), separators=(",", ":")).encode()).hexdigest()

    def to_tokenizer_json(self, path: str | os.PathLike[str]) -> None:
        """Writes a ``tokenizer.json`` that Hugging Face's ``tokenizers`` and ``transformers`` load.

        It gives the same ids and decodes to the same text, whitespace included. A special token is named after its
        role, for example ``<pad>``. A character that is not in the vocabulary becomes ``<unk>`` there, or is dropped
        if there is no ``unk`` token: that format has no strict policy.

        Args:
            path: The file. Its folder must exist.

        Raises:
            OSError: It cannot be written.
            VocabularyError: A character is a surrogate.
        """
        content = tokenizer_json(self._code_point_of_id, self._special_ids)
        with replace_file(path) as file:
            file.write(json.dumps(content).encode())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, VocabularyFormats):
            return NotImplemented
        return self._special_ids == other._special_ids and np.array_equal(
            self._code_point_of_id, other._code_point_of_id
        )

    def __hash__(self) -> int:
        return hash(self._code_point_of_id.tobytes())

    def __reduce__(self) -> tuple[Any, ...]:
        return self._restore, (self._code_point_of_id, self._special_ids)

    def __repr__(self) -> str:
        symbols = from_code_points(self._code_point_of_id[self._code_point_of_id != NO_CHARACTER])
        shown = ascii(symbols)
        if len(symbols) > SHOWN_SYMBOLS:
            shown = f"{symbols[:SHOWN_SYMBOLS]!a} and {len(symbols) - SHOWN_SYMBOLS} more"
        if self._special_ids:
            shown += f", special_tokens={self._special_ids}"
        return f"{type(self).__name__}({shown})"


def describe(code_points: NDArray[np.uint32], special_ids: Mapping[SpecialToken, int]) -> dict[str, Any]:
    """Returns format, version, and each token in id order: a code point or the name of a role."""
    tokens: list[int | str] = code_points.tolist()
    for role, token_id in special_ids.items():
        tokens[token_id] = role
    return {"format": FORMAT, "version": VERSION, "tokens": tokens}


def read_description(content: object) -> tuple[NDArray[np.uint32], dict[SpecialToken, int]]:
    """Returns the code point of each id, ``NO_CHARACTER`` if it has none, and the ids of the special tokens.

    Raises:
        VocabularyError: The description is malformed, or of a newer version.
    """
    if not isinstance(content, Mapping) or content.get("format") != FORMAT:
        raise VocabularyError(f"not the description of a vocabulary: its format is not {FORMAT!r}")
    check_version(content, VERSION, "a vocabulary", error=VocabularyError)
    if set(content) != {"format", "version", "tokens"} or not isinstance(content["tokens"], list):
        raise VocabularyError(
            f"a vocabulary has a format, a version and a list of tokens, got the keys {list(content)!a}"
        )
    code_points = np.full(len(content["tokens"]), NO_CHARACTER, dtype=np.uint32)
    special_ids: dict[SpecialToken, int] = {}
    for position, token in enumerate(content["tokens"]):
        if type(token) is int and 0 <= token < CODE_POINTS:
            code_points[position] = token
        elif not _is_role(token):
            raise VocabularyError(
                f"tokens[{position}] must be a code point (0 to 0x10FFFF) or the name of a role, got {token!a}"
            )
        elif token in special_ids:
            raise VocabularyError(f"tokens[{position}] repeats {token}")
        else:
            special_ids[token] = position
    return code_points, special_ids


def _is_role(token: object) -> TypeGuard[SpecialToken]:
    return isinstance(token, str) and token in get_args(SpecialToken)


def tokenizer_json(code_points: NDArray[np.uint32], special_ids: Mapping[SpecialToken, int]) -> dict[str, Any]:
    """Returns the content of a ``tokenizer.json`` that gives every text the same ids.

    A byte-pair model without merges splits text into its code points, and a ``Fuse`` decoder joins them again;
    no normalizer or pre-tokenizer could change whitespace. Special tokens are entries of the model, not "added
    tokens": those would be matched in the text, where ``<pad>`` is five characters.

    Raises:
        VocabularyError: A character is a surrogate, which that library's strings cannot hold.
    """
    vocabulary: dict[str, int] = {}
    for token_id, code_point in enumerate(code_points.tolist()):
        if code_point in SURROGATES:
            raise VocabularyError(
                f"{describe_character(chr(code_point))} (id {token_id}) is a surrogate: tokenizer.json cannot hold it"
            )
        if code_point != NO_CHARACTER:
            vocabulary[chr(code_point)] = token_id
    vocabulary |= {f"<{role}>": token_id for role, token_id in special_ids.items()}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": None,
        "pre_tokenizer": None,
        "post_processor": None,
        "decoder": {"type": "Fuse"},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": "<unk>" if "unk" in special_ids else None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "vocab": vocabulary,
            "merges": [],
        },
    }
