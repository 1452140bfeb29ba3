"""Special tokens: ids without a symbol, each with a name. Four names are roles; any other is the user's own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TypeAlias, get_args

from chartok.arguments import SpecialToken, natural_number
from chartok.errors import VocabularyError

SpecialTokens: TypeAlias = Iterable[str] | Mapping[str, int]
"""Names of special tokens, whose ids follow those of the symbols, or the id of each by name."""

ROLES: tuple[str, ...] = get_args(SpecialToken)
"""The names that mean something to the library."""


def checked_special_tokens(special_tokens: SpecialTokens) -> tuple[str, ...] | dict[str, int]:
    """Returns the names of special tokens in the order given, or the id of each, if ids were given.

    Raises:
        TypeError: They are a single ``str``, or not iterable, or an id is not an integer.
        VocabularyError: A name is empty, is not a ``str``, occurs twice, or looks like a role; an id is negative.
    """
    if isinstance(special_tokens, str):
        raise TypeError(f"special_tokens must be a list of names, got the str {special_tokens!a}")
    if not isinstance(special_tokens, Iterable):
        raise TypeError(f"special_tokens must be a list of names, got {type(special_tokens).__name__}")
    names = tuple(special_tokens)
    for position, name in enumerate(names):
        where = f"special_tokens[{position}]"
        if not isinstance(name, str) or not name:
            raise VocabularyError(f"{where} must be a name, such as pad, bos, eos, unk or '<mask>', got {name!a}")
        if name in names[:position]:
            raise VocabularyError(f"{where} repeats {name!a}")
        if (role := role_like(name)) not in (None, name):
            raise VocabularyError(f"{where} is {name!a}, which looks like the role {role}: write {role!r}")
    if isinstance(special_tokens, Mapping):
        return {name: natural_number(f"special_tokens[{name!a}]", special_tokens[name]) for name in names}
    return names


def role_like(name: str) -> str | None:
    """Returns the role that a name would be taken for, or None.

    Example:
        >>> [role_like(name) for name in ("pad", "<EOS>", "[UNK]", "<mask>")]
        ['pad', 'eos', 'unk', None]
    """
    letters = re.sub(r"[\W_]", "", name).lower()
    return letters if letters in ROLES else None


def ids_of_special_tokens(special_tokens: SpecialTokens, symbols: int) -> dict[str, int]:
    """Returns the id of each special token, in the order of the ids.

    Args:
        special_tokens: As for ``Vocabulary``.
        symbols: The number of symbols, which get the other ids.

    Raises:
        TypeError: As for ``checked_special_tokens``.
        VocabularyError: Likewise; or two have the same id, or the ids leave a gap.

    Example:
        >>> ids_of_special_tokens(["pad", "<mask>"], 3), ids_of_special_tokens({"<mask>": 1, "pad": 0}, 3)
        ({'pad': 3, '<mask>': 4}, {'pad': 0, '<mask>': 1})
    """
    special = checked_special_tokens(special_tokens)
    if not isinstance(special, dict):
        return {name: symbols + index for index, name in enumerate(special)}
    name_of: dict[int, str] = {}
    last = symbols + len(special) - 1
    for name, token_id in special.items():
        if token_id in name_of:
            raise VocabularyError(f"special_tokens gives id {token_id} to both {name_of[token_id]!a} and {name!a}")
        if token_id > last:
            raise VocabularyError(
                f"special_tokens[{name!a}] is {token_id}, which leaves a gap: {symbols} symbols and {len(special)} "
                f"special tokens have the ids 0 to {last}"
            )
        name_of[token_id] = name
    return {name_of[token_id]: token_id for token_id in sorted(name_of)}
