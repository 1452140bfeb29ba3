"""Argument checks: a wrong type is a ``TypeError``, a wrong value a ``ValueError``; both name the argument."""

from __future__ import annotations

import math
import operator
import os
import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Literal, SupportsIndex, TypeAlias, TypeVar

_Kind = TypeVar("_Kind")

Errors: TypeAlias = Literal["strict", "replace", "ignore"]
"""What to do with a character that the vocabulary does not have, named as in Python's codecs."""

SpecialToken: TypeAlias = Literal["pad", "bos", "eos", "unk"]
"""The names of special tokens that are roles: padding, start of text, end of text, unknown character."""


Unit: TypeAlias = Literal["character", "grapheme"]
"""What a text is taken to consist of: code points, or what a reader takes for one character."""


SIZE = re.compile(r"(\d+(?:\.\d+)?) ?(?:([KMGT])(i)?)?B?", re.ASCII | re.IGNORECASE)
"""A number of bytes, with a unit or without."""
SIZES_END = 1 << 63


def instance(name: str, value: object, kind: type[_Kind]) -> _Kind:
    """Returns ``value``, checked to be an instance of a class.

    Raises:
        TypeError: It is not.
    """
    if not isinstance(value, kind):
        raise TypeError(f"{name} must be a {kind.__name__}, got {type(value).__name__}")
    return value


def file_path(name: str, value: object) -> Path:
    """Returns the path of a file or a folder.

    Raises:
        TypeError: It is neither a ``str`` nor a path.
        ValueError: It is an empty string, which would stand for the current folder.
    """
    if not isinstance(value, str | os.PathLike):
        raise TypeError(f"{name} must be a str or a path, got {type(value).__name__}")
    if not os.fspath(value):
        raise ValueError(f"{name} is empty: give the path of a file or a folder")
    return Path(value)


def expected_text(name: str, value: object, *, or_several: bool = False) -> str:
    """Returns the message for a value that is not a ``str``, nor several where they are taken too."""
    expected = "a str or an iterable of str" if or_several else "a str"
    hint = "; decode the bytes first" if isinstance(value, bytes | bytearray) else ""
    return f"{name} must be {expected}, got {type(value).__name__}{hint}"


def checked_texts(texts: str | Iterable[str], name: str) -> Iterator[str]:
    """Yields one string or several, checking that each is a ``str``.

    Raises:
        TypeError: ``texts`` is neither a ``str`` nor an iterable of them; names the item.
    """
    if isinstance(texts, str):
        yield texts
        return
    if isinstance(texts, bytes | bytearray) or not isinstance(texts, Iterable):
        raise TypeError(expected_text(name, texts, or_several=True))
    for position, text in enumerate(texts):
        if not isinstance(text, str):
            raise TypeError(expected_text(f"{name}[{position}]", text))
        yield text


def check_iterable(name: str, value: object, items: str) -> None:
    """Checks that several values were given that are not characters or bytes.

    Args:
        name: The argument.
        value: What was given.
        items: What the values are called.

    Raises:
        TypeError: ``value`` is a single string, or not iterable.
    """
    if isinstance(value, str | bytes | bytearray) or not isinstance(value, Iterable):
        raise TypeError(f"{name} must be an iterable of {items}, got {type(value).__name__}")


def check_several(texts: object, name: str) -> None:
    """Checks that several strings were given, not a single one, which is an iterable of its characters.

    Raises:
        TypeError: ``texts`` is a single string, or not iterable.
    """
    if isinstance(texts, str):
        raise TypeError(f"{name} must be an iterable of str, got a single str: put it in a list")
    check_iterable(name, texts, "str")


def several_texts(texts: Iterable[str], name: str) -> list[str]:
    """Returns several strings as a list, checking that they are not a single one.

    Raises:
        TypeError: ``texts`` is a single string or not iterable, or an item is not a ``str``; names the item.
    """
    check_several(texts, name)
    return [*checked_texts(texts, name)]


def joined_texts(texts: Iterable[str], name: str) -> str:
    """Returns strings joined into one.

    Raises:
        TypeError: An item is not a ``str``; names it.
    """
    try:
        return "".join(texts)
    except TypeError:
        return "".join(checked_texts(texts, name))  # names the item that is not a str


def check_known(settings: Iterable[object], known: Collection[str]) -> None:
    """Checks that the names of settings are known.

    Raises:
        TypeError: One is not; names the nearest.
    """
    for name in sorted({*settings} - {*known}, key=str):
        import difflib  # noqa: PLC0415 - only for a mistake

        near = difflib.get_close_matches(str(name), known, n=1)
        raise TypeError(f"there is no setting {name}" + (f": did you mean {near[0]}?" if near else ""))


def integer(name: str, value: SupportsIndex) -> int:
    """Returns ``value`` as an ``int``.

    Raises:
        TypeError: It is not an integer.
    """
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} must be an integer, got {type(value).__name__}")
    return operator.index(value)


def positive_integer(name: str, value: SupportsIndex) -> int:
    """Returns ``value`` as an ``int`` of at least 1.

    Raises:
        TypeError: It is not an integer.
        ValueError: It is below 1.
    """
    return _integer_from(1, name, value)


def natural_number(name: str, value: SupportsIndex) -> int:
    """Returns ``value`` as an ``int`` of at least 0.

    Raises:
        TypeError: It is not an integer.
        ValueError: It is negative.
    """
    return _integer_from(0, name, value)


def _integer_from(least: int, name: str, value: SupportsIndex) -> int:
    if integer(name, value) < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
    return operator.index(value)


def finite_number(name: str, value: float) -> float:
    """Returns ``value`` as a ``float`` that is neither infinite nor NaN.

    Raises:
        TypeError: It is not a number.
        ValueError: It is infinite or NaN, or an integer that is too large.
    """
    if isinstance(value, bool | str) or not hasattr(value, "__float__"):
        raise TypeError(f"{name} must be a number, got {type(value).__name__}")
    try:
        number = float(value)
    except OverflowError:
        raise ValueError(f"{name} must fit in a float, got a larger integer") from None
    if not math.isfinite(number):
        raise ValueError(f"{name} must be finite, got {value}")
    return number


def size_in_bytes(name: str, value: SupportsIndex | str) -> int:
    """Returns a size of at least 1 byte: a number of bytes, or a number with a unit, of which ``"KiB"`` is 1024 bytes.

    Raises:
        TypeError: It is neither an integer nor a ``str``.
        ValueError: It is no size, below 1, or 2**63 or more.

    Example:
        >>> size_in_bytes("memory", "1.5 GB"), size_in_bytes("memory", "2GiB"), size_in_bytes("memory", 100)
        (1500000000, 2147483648, 100)
    """
    if not isinstance(value, str):
        if isinstance(value, bool) or not hasattr(value, "__index__"):
            raise TypeError(f"{name} must be a number of bytes or a str such as '2GB', got {type(value).__name__}")
        size: float = positive_integer(name, value)
    else:
        found = SIZE.fullmatch(value.strip())
        if found is None:
            raise ValueError(f"{name} must be a number of bytes or a size such as 500MB or 2GiB, got {value!a}")
        if found[2] is None and "." in found[1] and float(found[1]) % 1:
            raise ValueError(f"{name} must be whole bytes, or have a unit such as {found[1]}MB, got {value!a}")
        power = "_KMGT".index((found[2] or "_").upper())
        size = float(found[1]) * (1024 if found[3] else 1000) ** power
    if size >= SIZES_END:
        raise ValueError(f"{name} must be below 2**63 bytes, got more")
    return positive_integer(name, round(size))


def positive_number(name: str, value: float) -> float:
    """Returns ``value`` as a finite ``float`` above 0.

    Raises:
        TypeError: It is not a number.
        ValueError: It is infinite, NaN, or not above 0.
    """
    if finite_number(name, value) <= 0:
        raise ValueError(f"{name} must be above 0, got {value}")
    return float(value)


def number_from_zero(name: str, value: float) -> float:
    """Returns ``value`` as a finite ``float`` of 0 or more.

    Raises:
        TypeError: It is not a number.
        ValueError: It is infinite, NaN, or negative.
    """
    if finite_number(name, value) < 0:
        raise ValueError(f"{name} must not be negative, got {value}")
    return float(value)


def fraction(name: str, value: float) -> float:
    """Returns ``value`` as a ``float`` above 0 and below 1.

    Raises:
        TypeError: It is not a number.
        ValueError: It is not between 0 and 1.
    """
    if not 0 < finite_number(name, value) < 1:
        raise ValueError(f"{name} must be above 0 and below 1, got {value}")
    return float(value)


def flag(name: str, value: object) -> bool:
    """Returns ``value``, checked to be True or False.

    Raises:
        TypeError: It is not a ``bool``.
    """
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, got {value!a}")
    return value


def seed_of_generators(name: str, value: SupportsIndex) -> int:
    """Returns ``value`` as an ``int`` that every random number generator accepts.

    Raises:
        TypeError: It is not an integer.
        ValueError: It does not fit in 64 bits.
    """
    if not -(1 << 63) <= integer(name, value) < 1 << 63:
        raise ValueError(f"{name} must fit in 64 bits, got {value}")
    return integer(name, value)
