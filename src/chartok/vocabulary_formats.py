"""A vocabulary as JSON values: written one way, read strictly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeGuard, get_args

import numpy as np

from chartok.arguments import SpecialToken
from chartok.codepoints import CODE_POINTS, NO_CHARACTER
from chartok.errors import VocabularyError
from chartok.files.envelope import check_version

if TYPE_CHECKING:
    from numpy.typing import NDArray

FORMAT = "chartok.vocabulary"
VERSION = 1


def describe(code_points: NDArray[np.uint32], special_ids: Mapping[SpecialToken, int]) -> dict[str, Any]:
    """Returns format, version, and each token in id order: a code point or the name of a role."""
    tokens: list[int | str] = code_points.tolist()
    for role, token_id in special_ids.items():
        tokens[token_id] = role
    return {"format": FORMAT, "version": VERSION, "tokens": tokens}


def read_description(content: object) -> tuple[NDArray[np.uint32], dict[SpecialToken, int]]:
    """Returns the code point of each id, ``NO_CHARACTER`` where it has none, and the ids of the special tokens.

    Raises:
        VocabularyError: The description is malformed, or of a newer version.
    """
    if not isinstance(content, Mapping) or content.get("format") != FORMAT:
        raise VocabularyError(f"this describes no vocabulary: its format is not {FORMAT!r}")
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
            raise VocabularyError(f"tokens[{position}] is neither a code point (0 to 0x10FFFF) nor a role: {token!a}")
        elif token in special_ids:
            raise VocabularyError(f"tokens[{position}] is {token} for the second time")
        else:
            special_ids[token] = position
    return code_points, special_ids


def _is_role(token: object) -> TypeGuard[SpecialToken]:
    return isinstance(token, str) and token in get_args(SpecialToken)
