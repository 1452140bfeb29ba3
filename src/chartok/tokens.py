"""What a vocabulary holds: the token of each id, and its form as JSON values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

import numpy as np

from chartok.arguments import checked_texts
from chartok.codepoints import CODE_POINTS, NO_CHARACTER, check_distinct, from_code_points, to_code_points
from chartok.errors import VocabularyError
from chartok.files.envelope import check_version
from chartok.special_tokens import ids_of_special_tokens

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from chartok.special_tokens import SpecialTokens

FORMAT = "chartok.vocabulary"
VERSION = 1


class Tokens(NamedTuple):
    """The token of each id.

    Attributes:
        code_points: Of each id, uint32 ``(size,)``; ``NO_CHARACTER`` for a special token or a longer symbol.
        long_symbols: The id of each symbol of several characters.
        special_ids: The id of each special token, by name, in the order of the ids.
    """

    code_points: NDArray[np.uint32]
    long_symbols: dict[str, int]
    special_ids: dict[str, int]

    def characters(self) -> str:
        """Returns the symbols of one character in id order, joined."""
        return from_code_points(self.code_points[self.code_points != NO_CHARACTER])

    def symbols(self) -> tuple[str, ...]:
        """Returns all symbols in id order."""
        if not self.long_symbols:
            return tuple(self.characters())
        character_ids = np.flatnonzero(self.code_points != NO_CHARACTER).tolist()
        symbol_of = dict(zip(character_ids, self.characters(), strict=True))
        symbol_of |= {token_id: symbol for symbol, token_id in self.long_symbols.items()}
        return tuple(symbol_of[token_id] for token_id in sorted(symbol_of))


def arranged(symbols: Iterable[str], special_tokens: SpecialTokens) -> Tokens:
    """Returns the tokens of a vocabulary: symbols get the ids that special tokens leave, in the order given.

    Raises:
        TypeError: A symbol is not a ``str``, or ``special_tokens`` is of the wrong type.
        VocabularyError: A symbol is empty, or something occurs twice; ids of special tokens collide or leave a gap.

    Example:
        >>> arranged(["a", "Cl"], {"pad": 0})
        Tokens(code_points=array([4294967295,         97, 4294967295], dtype=uint32), long_symbols={'Cl': 2},
               special_ids={'pad': 0})
    """
    items = symbols if isinstance(symbols, str) else checked_symbols(symbols)
    special_ids = ids_of_special_tokens(special_tokens, len(items))
    code_points, places = _code_points(items)
    check_distinct(code_points)
    _check_distinct_long([items[place] for place in places], places)
    is_symbol = np.ones(len(items) + len(special_ids), dtype=np.bool_)
    is_symbol[list(special_ids.values())] = False
    of_ids = np.full(len(is_symbol), NO_CHARACTER, dtype=np.uint32)
    of_ids[is_symbol] = code_points
    ids = np.flatnonzero(is_symbol)[places].tolist() if places else []
    return Tokens(of_ids, dict(zip([items[place] for place in places], ids, strict=True)), special_ids)


def checked_symbols(symbols: Iterable[str], name: str = "symbols") -> list[str]:
    """Returns symbols as a list.

    Raises:
        TypeError: One is not a ``str``.
        VocabularyError: One is empty.
    """
    items = list(checked_texts(symbols, name))
    if "" in items:
        raise VocabularyError(f"{name}[{items.index('')}] is empty: a symbol has at least one character")
    return items


def _code_points(items: str | list[str]) -> tuple[NDArray[np.uint32], list[int]]:
    """Returns the code point of each symbol, ``NO_CHARACTER`` if it has several, and the places of those."""
    if isinstance(items, str) or len(joined := "".join(items)) == len(items):
        return to_code_points(items if isinstance(items, str) else joined), []
    code_points = np.array([ord(item) if len(item) == 1 else NO_CHARACTER for item in items], dtype=np.uint32)
    return code_points, np.flatnonzero(code_points == NO_CHARACTER).tolist()


def _check_distinct_long(symbols: list[str], places: list[int]) -> None:
    first: dict[str, int] = {}
    for symbol, place in zip(symbols, places, strict=True):
        if symbol in first:
            raise VocabularyError(f"{symbol!a} occurs at both {first[symbol]} and {place}: a symbol has one id")
        first[symbol] = place


def describe(tokens: Tokens) -> dict[str, Any]:
    """Returns format, version, and each token in id order: a code point, several in a list, or a name."""
    described: list[int | list[int] | str] = tokens.code_points.tolist()
    for symbol, token_id in tokens.long_symbols.items():
        described[token_id] = [ord(character) for character in symbol]
    for name, token_id in tokens.special_ids.items():
        described[token_id] = name
    return {"format": FORMAT, "version": VERSION, "tokens": described}


def read_description(content: object) -> Tokens:
    """Returns the tokens that ``describe`` described.

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
    long_symbols, special_ids = dict[str, int](), dict[str, int]()
    for position, token in enumerate(content["tokens"]):
        if _is_code_point(token):
            code_points[position] = token
        elif isinstance(token, str):
            if token in special_ids:
                raise VocabularyError(f"tokens[{position}] repeats {token}")
            special_ids[token] = position
        elif isinstance(token, list) and len(token) > 1 and all(map(_is_code_point, token)):
            symbol = "".join(map(chr, token))
            if symbol in long_symbols:
                raise VocabularyError(f"tokens[{position}] repeats the symbol {symbol!a}")
            long_symbols[symbol] = position
        else:
            raise VocabularyError(
                f"tokens[{position}] must be a code point (0 to 0x10FFFF), a list of several, or the name of a special "
                f"token, got {token!a}"
            )
    check_distinct(code_points)
    return Tokens(code_points, long_symbols, ids_of_special_tokens(special_ids, len(code_points) - len(special_ids)))


def _is_code_point(token: object) -> TypeGuard[int]:
    return type(token) is int and 0 <= token < CODE_POINTS
