"""The formats in which a vocabulary is stored and exported: JSON values, a JSON file, a pickle, a ``tokenizer.json``.

Each has one canonical form. Reading is strict.
"""

from __future__ import annotations

import hashlib
import json
import os
from abc import ABC, abstractmethod
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from chartok.errors import VocabularyError
from chartok.files.atomic import replace_file
from chartok.files.strict_json import parse_json, read_json
from chartok.tokenizer_json import read_tokenizer_json, tokenizer_json
from chartok.tokens import Tokens, describe, read_description

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

SHOWN_SYMBOLS = 100
"""How many symbols the repr shows; it only counts the rest."""


class VocabularyFormats(ABC):
    """The part of ``Vocabulary`` that holds its content, compares it, and converts it to file formats and back."""

    __slots__ = ()

    _tokens: Tokens

    @classmethod
    @abstractmethod
    def _restore(
        cls, code_points: NDArray[np.uint32], long_symbols: dict[str, int], special_ids: dict[str, int]
    ) -> Self:
        """Returns the vocabulary of these tokens."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols in id order, without the special tokens; made at each access."""
        return self._tokens.symbols()

    @property
    def special_tokens(self) -> Mapping[str, int]:
        """The id of each special token, by name, in the order of the ids."""
        return MappingProxyType(self._tokens.special_ids)

    @property
    def size(self) -> int:
        """The number of ids, special tokens included."""
        return len(self._tokens.code_points)

    def to_dict(self) -> dict[str, Any]:
        """Returns the content as JSON values: each token in id order.

        A token is a code point, a list of several, or the name of a special token.

        Example:
            >>> from chartok import Vocabulary
            >>> Vocabulary(["a", "Cl"], special_tokens=["eos"]).to_dict()
            {'format': 'chartok.vocabulary', 'version': 1, 'tokens': [97, [67, 108], 'eos']}
        """
        return describe(self._tokens)

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
            content = parse_json(read_json(path))
            if isinstance(content, dict) and "model" in content:
                raise ValueError("it is a tokenizer.json: Vocabulary.from_tokenizer_json reads it")  # noqa: TRY301
            return cls.from_dict(content)
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

        It gives the same ids and decodes to the same text, whitespace included, with or without
        ``skip_special_tokens``. A special token that is a role is named after it, for example ``<pad>``; any other has
        its own name. A character that is not in the vocabulary becomes ``<unk>`` there, or is dropped if there is no
        ``unk`` token: that format has no strict policy.

        Args:
            path: The file. Its folder must exist.

        Raises:
            OSError: It cannot be written.
            VocabularyError: A symbol has a surrogate; or a special token has the name of a symbol, or of one character.
        """
        content = tokenizer_json(self._tokens)
        with replace_file(path) as file:
            file.write(json.dumps(content).encode())

    @classmethod
    def from_tokenizer_json(cls, path: str | os.PathLike[str]) -> Self:
        """Returns the vocabulary of a ``tokenizer.json`` that ``to_tokenizer_json`` wrote, or of one by character.

        Args:
            path: The file.

        Raises:
            OSError: It cannot be read.
            VocabularyError: It is not a ``tokenizer.json``, or has merges, a normalizer, or anything else by which ids
                would not be those of characters.

        Example:
            >>> from chartok import Vocabulary
            >>> import tempfile
            >>> from pathlib import Path
            >>> path = Path(tempfile.mkdtemp()) / "tokenizer.json"
            >>> Vocabulary("ab", special_tokens=["pad"]).to_tokenizer_json(path)
            >>> Vocabulary.from_tokenizer_json(path)
            Vocabulary('ab', special_tokens={'pad': 2})
        """
        try:
            return cls._restore(*read_tokenizer_json(parse_json(read_json(path))))
        except ValueError as error:
            raise VocabularyError(f"{os.fspath(path)!a}: {error}") from None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, VocabularyFormats):
            return NotImplemented
        mine, others = self._tokens, other._tokens
        return mine[1:] == others[1:] and np.array_equal(mine.code_points, others.code_points)

    def __hash__(self) -> int:
        return hash(self._tokens.code_points.tobytes())

    def __reduce__(self) -> tuple[Any, ...]:
        return self._restore, tuple(self._tokens)

    def _repr_html_(self) -> str:
        from chartok.notebook import card, numbered_symbols  # noqa: PLC0415 - a program that shows none starts without

        names = {token_id: name for name, token_id in self._tokens.special_ids.items()}
        longer = {token_id: symbol for symbol, token_id in self._tokens.long_symbols.items()}
        points = self._tokens.code_points[:SHOWN_SYMBOLS].tolist()
        shown = [
            (token_id, "" if token_id in names else longer.get(token_id) or chr(point))
            for token_id, point in enumerate(points)
        ]
        facts = {"symbols": f"{self.size - len(names):,}"}
        if names:
            facts["special tokens"] = ", ".join(f"{name} {token_id}" for token_id, name in names.items())
        return card("Vocabulary", facts, numbered_symbols(shown, names, self.size - len(shown)))

    def __repr__(self) -> str:
        symbols = self._tokens.symbols() if self._tokens.long_symbols else self._tokens.characters()
        shown = ascii(symbols[:SHOWN_SYMBOLS] if isinstance(symbols, str) else list(symbols[:SHOWN_SYMBOLS]))
        if len(symbols) > SHOWN_SYMBOLS:
            shown += f" and {len(symbols) - SHOWN_SYMBOLS} more"
        if self._tokens.special_ids:
            shown += f", special_tokens={self._tokens.special_ids!a}"
        return f"{type(self).__name__}({shown})"
