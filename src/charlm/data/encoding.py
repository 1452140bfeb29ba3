"""Texts as ids: those of all texts one after the other, and how many each has."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from chartok import UnknownCharacterError
from chartok.arguments import joined_texts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from chartok import Vocabulary
    from chartok.arguments import Errors

Value = TypeVar("Value", bound=np.generic)


def encode_joined(
    vocabulary: Vocabulary, texts: list[str], errors: Errors = "strict", *, bos: int | None, eos: int | None
) -> tuple[NDArray[np.unsignedinteger[Any]], NDArray[np.int64]]:
    """Returns the ids of several texts as one array, in which nothing is padding, and how many are of each text.

    Args:
        vocabulary: What the ids mean.
        texts: Strings of any lengths.
        errors: ``"strict"`` or ``"replace"``, as for ``Vocabulary.encode``.
        bos: Put before each text, if any.
        eos: Put after each text, if any.

    Returns:
        Ids of dtype ``vocabulary.dtype``, and int64 ``(N,)``.

    Raises:
        UnknownCharacterError: A character has no id; names the text, where there are several.
        TypeError: A text is not a ``str``.

    Example:
        >>> from chartok import Vocabulary
        >>> encode_joined(Vocabulary("abc", special_tokens=["eos"]), ["ab", "", "c"], bos=None, eos=3)
        (array([0, 1, 3, 3, 2, 3], dtype=uint8), array([3, 1, 2]))
    """
    joined = joined_texts(texts, "texts")
    try:
        characters = vocabulary.encode(joined, errors)
    except UnknownCharacterError:
        if len(texts) > 1:
            vocabulary.encode_batch(texts, errors=errors)  # raises the same, and names the text
        raise
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts)) + (bos is not None) + (eos is not None)
    ends = np.cumsum(lengths)
    ids = np.empty(int(lengths.sum()), dtype=vocabulary.dtype)
    is_character = np.ones(len(ids), dtype=bool)
    for token_id, places in ((bos, ends - lengths), (eos, ends - 1)):
        if token_id is not None:
            ids[places] = token_id
            is_character[places] = False
    ids[is_character] = characters
    return ids, lengths


def split_joined(values: NDArray[Value], lengths: NDArray[np.int64]) -> list[NDArray[Value]]:
    """Returns the parts of an array that have some lengths, as views."""
    return [values[start:end] for start, end in pairwise([0, *np.cumsum(lengths).tolist()])]
