"""How long a record may be, and what becomes of a longer one."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

from chartok.arguments import positive_integer

TooLong: TypeAlias = Literal["truncate", "split", "skip", "error"]
"""What to do with a record that is too long: take its beginning, train on it window by window, leave it out, refuse."""


def check_too_long(max_length: int, too_long: str) -> None:
    """Checks the most characters of a record, and what to do with a longer one.

    Raises:
        TypeError: The number is not an integer.
        ValueError: It is below 1, or ``too_long`` is not one of the four.
    """
    positive_integer("max_length", max_length)
    if too_long not in get_args(TooLong):
        raise ValueError(f"too_long must be 'truncate', 'split', 'skip' or 'error', got {too_long!a}")
