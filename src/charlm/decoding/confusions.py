"""Symbols that are taken for each other: neighbors on a keyboard, and shapes that look alike."""

from __future__ import annotations

import unicodedata
from collections import defaultdict

QWERTY = ("`1234567890-=", " qwertyuiop[]\\", " asdfghjkl;'", " zxcvbnm,./")
"""The rows of a keyboard, by columns: a space stands for what is left of the letters."""
SHIFTED = ("~!@#$%^&*()_+", " QWERTYUIOP{}|", ' ASDFGHJKL:"', " ZXCVBNM<>?")
SHIFTS = (0, 0.5, 0.75, 1.25)
"""How far each row lies to the right of where its columns would have it, in keys."""
LOOK_ALIKE = (
    ("1", "l", "I", "i", "|"),
    ("0", "O", "o"),
    ("O", "Q", "D", "C"),
    ("5", "S", "s"),
    ("8", "B"),
    ("2", "Z", "z"),
    ("6", "b", "G"),
    ("9", "g", "q"),
    ("c", "e", "o"),
    ("u", "v", "n"),
    ("h", "b"),
    ("h", "n"),
    ("t", "f"),
    ("r", "n"),
    ("a", "o"),
    ("E", "F"),
    ("V", "Y"),
    ("m", "n"),
    (".", ","),
    (":", ";"),
    ("'", "`"),
    ("-", "_"),
    ("c", "C"),
    ("w", "W"),
    ("x", "X"),
    ("v", "V"),
)
"""What text recognition takes for each other."""

WITHOUT_STROKE = str.maketrans("\u0142\u0141\u00f8\u00d8\u0111\u0110\u0127\u0126\u0167\u0166\u0131", "lLoOdDhHtTi")
"""The usual bare letters of those that Unicode does not decompose: with a stroke, and the dotless i."""


def bare_letter(symbol: str) -> str:
    """Returns a letter without its accents; any other character as it is.

    Example:
        >>> [bare_letter(symbol) for symbol in "éł한1"]
        ['e', 'l', '한', '1']
    """
    decomposed = unicodedata.normalize("NFD", symbol)
    letter, marks = decomposed[0], decomposed[1:]
    is_accented = letter.isalpha() and all(map(unicodedata.combining, marks))
    return (letter if is_accented else symbol).translate(WITHOUT_STROKE)


def keyboard_neighbours() -> dict[str, list[str]]:
    """Returns the keys around each key of a QWERTY keyboard, with and without shift.

    Example:
        >>> keyboard_neighbours()["A"]
        ['Q', 'S', 'W', 'Z']
    """
    found = dict[str, list[str]]()
    for rows in (QWERTY, SHIFTED):
        places = {
            key: (row + 0.0, column + SHIFTS[row])
            for row, keys in enumerate(rows)
            for column, key in enumerate(keys)
            if key != " "
        }
        for key, (row, column) in places.items():
            near = (
                other
                for other, (its_row, its_column) in places.items()
                if other != key and abs(its_row - row) <= 1 and abs(its_column - column) <= 1 - 0.25 * (its_row != row)
            )
            found[key] = sorted(near)
    return found


def looking_alike() -> dict[str, list[str]]:
    """Returns for each symbol those that look like it.

    Example:
        >>> looking_alike()["0"]
        ['O', 'o']
    """
    found = defaultdict[str, set[str]](set)
    for group in LOOK_ALIKE:
        for symbol in group:
            found[symbol] |= {*group} - {symbol}
    return {symbol: sorted(others) for symbol, others in found.items()}
