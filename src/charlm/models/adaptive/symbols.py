"""What symbols are to a model that learns while it reads: letters of words, and ends of lines.

Decided without tables of Unicode, which grow from one version of Python to the next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

FIRST_LETTER = 0xC0
"""The first code point after ASCII that is taken for a letter."""
NO_LETTERS = ((0xD7, 0xD8), (0xF7, 0xF8), (0x2000, 0x2C00), (0x3000, 0x3040), (0xFF00, 0xFF10))
"""Signs and punctuation beyond."""
FOLDED = 0x530
"""Capital and small letters are the same below: Latin, Greek and Cyrillic, whose tables no longer change."""


def letters_of(symbols: Mapping[int, str], vocab_size: int) -> NDArray[np.int64]:
    """Returns the number of each id's letter, from 1 on, and 0 for what is none, int64 ``(V,)``.

    Args:
        symbols: The symbols by id.
        vocab_size: The number of ids, V.

    Example:
        >>> letters_of(dict(enumerate("A a!Éé")), 6)
        array([1, 0, 1, 0, 2, 2])
    """
    numbers = dict[str, int]()
    letters = np.zeros(vocab_size, np.int64)
    for token_id, symbol in symbols.items():
        if is_letter(symbol[0]):
            folded = "".join(each.lower() if ord(each) < FOLDED else each for each in symbol)
            letters[token_id] = numbers.setdefault(folded, len(numbers) + 1)
    return letters


def is_letter(character: str) -> bool:
    """Returns whether a character is part of a word.

    Example:
        >>> [is_letter(character) for character in "aZ1é÷字、"]
        [True, True, False, True, False, True, False]
    """
    point = ord(character)
    if point < FIRST_LETTER:
        return character.isascii() and character.isalpha()
    return not any(start <= point < stop for start, stop in NO_LETTERS)


def line_end_of(symbols: Mapping[int, str]) -> int | None:
    """Returns the id of the symbol that ends lines; None if there is none.

    Args:
        symbols: The symbols by id.

    Example:
        >>> line_end_of({0: " ", 1: "a", 2: chr(10)})
        2
    """
    return next((token_id for token_id, symbol in symbols.items() if symbol == "\n"), None)
