r"""Text on the command line, in which escapes such as ``\n`` stand for characters that are hard to type."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Optional, TypeAlias

from tyro.constructors import PrimitiveConstructorSpec

ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "0": "\0", "\\": "\\"}
"""What may be typed after a backslash, and what it stands for."""
BY_NUMBER = (r"\xNN", r"\uNNNN", r"\UNNNNNNNN")
"""The escapes for a code point, in hexadecimal digits."""
ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.?))", re.DOTALL)
LARGEST = 0x10FFFF


def unescaped(typed: str) -> str:
    r"""Returns what was typed with its escapes replaced.

    Raises:
        ValueError: A backslash is followed by something else.

    Example:
        >>> unescaped(r"\n \x41 \u00e9 \\")
        '\n A é \\'
    """

    def replacement(found: re.Match[str]) -> str:
        digits = found[1] or found[2] or found[3]
        if digits and int(digits, 16) <= LARGEST:
            return chr(int(digits, 16))
        if found[4] in ESCAPES:
            return ESCAPES[found[4]]
        known = " ".join([*(f"\\{name}" for name in ESCAPES), *BY_NUMBER])
        raise ValueError(f"{found[0]!a} is none of {known}; a backslash itself is \\\\")

    return ESCAPE.sub(replacement, typed)


_ONE = PrimitiveConstructorSpec[Optional[str]](  # noqa: UP045 - as in charlm.cli.flags
    nargs=1,
    metavar="TEXT",
    instance_from_str=lambda typed: unescaped(typed[0]),
    is_instance=lambda value: value is None or isinstance(value, str),
    str_from_instance=lambda value: [str(value)],
)
_SEVERAL = PrimitiveConstructorSpec[tuple[str, ...]](
    nargs="*",
    metavar="[TEXT ...]",
    instance_from_str=lambda typed: tuple(map(unescaped, typed)),
    is_instance=lambda value: isinstance(value, tuple),
    str_from_instance=list,
)
Text: TypeAlias = Annotated[Optional[str], _ONE]  # noqa: UP045 - likewise
"""One text, or None."""
if TYPE_CHECKING:
    Texts: TypeAlias = tuple[str, ...]
else:
    Texts = Annotated[tuple, _SEVERAL]
