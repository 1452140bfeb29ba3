"""The names of tokens in an ARPA file, where words are separated by blanks and each line is an n-gram.

A visible character is its own name. Any other (whitespace of any kind, control and format characters, lone surrogates,
unassigned code points) is named by its code point: U+0020 is ``<U+0020>``. A symbol of several characters is named by
the code points of all: ``Cl`` is ``<U+0043><U+006C>``, so that no model of words is taken for one of characters. A
special token that is no role is ``<special:...>`` with its name. No two tokens share a name.
"""

from __future__ import annotations

import re
from typing import TypeAlias

Token: TypeAlias = int | str | tuple[int, ...]
"""A code point, the name of a special token, or the code points of a symbol of several characters."""

NAME_OF_ROLE = {"pad": "<pad>", "bos": "<s>", "eos": "</s>", "unk": "<unk>"}
ROLE_OF_NAME = {name: role for role, name in NAME_OF_ROLE.items()}

_ESCAPED = re.compile(r"<U\+((?:10|[1-9A-F])?[0-9A-F]{4})>")
_SEVERAL_ESCAPED = re.compile(rf"(?:{_ESCAPED.pattern})+")
_SPECIAL = re.compile(r"<special:(.+)>", re.DOTALL)


def arpa_word(token: Token) -> str:
    """Returns the name of a token.

    Example:
        >>> [arpa_word(token) for token in (ord("a"), ord("<"), ord(" "), 0xD800, "bos", "unk", "mask", (67, 108))]
        ['a', '<', '<U+0020>', '<U+D800>', '<s>', '<unk>', '<special:mask>', '<U+0043><U+006C>']
    """
    if isinstance(token, tuple):
        return "".join(map(escaped, token))
    if isinstance(token, str):
        name = "".join(escaped(ord(sign)) if sign == "<" else arpa_word(ord(sign)) for sign in token)
        return NAME_OF_ROLE.get(token, f"<special:{name}>")
    character = chr(token)
    return character if character.isprintable() and character != " " else escaped(token)


def escaped(code_point: int) -> str:
    """Returns the name of a character by its code point.

    Example:
        >>> escaped(0x20), escaped(0x10FFFF)
        ('<U+0020>', '<U+10FFFF>')
    """
    return f"<U+{code_point:04X}>"


def arpa_token(word: str) -> Token | None:
    """Returns the token with this name; None if there is none.

    Any character may be named by its code point.

    Example:
        >>> [arpa_token(word) for word in ("a", "<U+0020>", "<U+0061>", "</s>", "the", "<U+110000>", "<U+00061>")]
        [97, 32, 97, 'eos', None, None, None]
        >>> [arpa_token(word) for word in ("<U+0043><U+006C>", "<special:mask>")]
        [(67, 108), 'mask']
    """
    if len(word) == 1:
        return ord(word)
    if _SEVERAL_ESCAPED.fullmatch(word):
        code_points = tuple(int(digits, 16) for digits in _ESCAPED.findall(word))
        return code_points if len(code_points) > 1 else code_points[0]
    if match := _SPECIAL.fullmatch(word):
        return _ESCAPED.sub(lambda sign: chr(int(sign[1], 16)), match[1])
    return ROLE_OF_NAME.get(word)
