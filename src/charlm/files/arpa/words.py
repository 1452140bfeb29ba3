"""The names of tokens in an ARPA file, where words are separated by blanks and each line is an n-gram.

A visible character is its own name. Any other (whitespace of any kind, control and format characters, lone surrogates,
unassigned code points) is named by its code point: U+0020 is ``<U+0020>``. No two tokens share a name: a name of one
character stands for itself, and all longer names are different.
"""

from __future__ import annotations

import re

NAME_OF_ROLE = {"pad": "<pad>", "bos": "<s>", "eos": "</s>", "unk": "<unk>"}
ROLE_OF_NAME = {name: role for role, name in NAME_OF_ROLE.items()}

_ESCAPED = re.compile(r"<U\+((?:10|[1-9A-F])?[0-9A-F]{4})>")


def arpa_word(token: int | str) -> str:
    """Returns the name of a token, given as in ``Vocabulary.to_dict``: a code point or a role.

    Example:
        >>> [arpa_word(token) for token in (ord("a"), ord("<"), ord(" "), 0xD800, "bos", "unk")]
        ['a', '<', '<U+0020>', '<U+D800>', '<s>', '<unk>']
    """
    if isinstance(token, str):
        return NAME_OF_ROLE[token]
    character = chr(token)
    return character if character.isprintable() and character != " " else escaped(token)


def escaped(code_point: int) -> str:
    """Returns the name of a character by its code point.

    Example:
        >>> escaped(0x20), escaped(0x10FFFF)
        ('<U+0020>', '<U+10FFFF>')
    """
    return f"<U+{code_point:04X}>"


def arpa_token(word: str) -> int | str | None:
    """Returns the token with this name, a code point or a role; None if there is none.

    Any character may be named by its code point.

    Example:
        >>> [arpa_token(word) for word in ("a", "<U+0020>", "<U+0061>", "</s>", "the", "<U+110000>", "<U+00061>")]
        [97, 32, 97, 'eos', None, None, None]
    """
    if len(word) == 1:
        return ord(word)
    if match := _ESCAPED.fullmatch(word):
        return int(match[1], 16)
    return ROLE_OF_NAME.get(word)
