"""Strict JSON parsing: anything that another parser might read differently is rejected."""

from __future__ import annotations

import json
import os
from typing import Any

from chartok.files.atomic import Naming
from chartok.files.opening import open_file

LONGEST = 1 << 26
"""In bytes; several times the longest description that this library writes, of a vocabulary of every code point."""
MOST_COMMAS = 1_200_000
"""More than between all code points."""
MOST_COLONS = 1 << 18
MOST_BRACKETS = 1 << 17
"""An object takes up to thirty times as much memory as its text, a list twenty times: a file is refused for too many of
them before any is created. The header of a model of 20,000 tensors has fewer."""


def read_json(path: str | os.PathLike[str]) -> bytes:
    """Returns the bytes of a JSON file; no more of it is read than can be parsed.

    Raises:
        OSError: It cannot be read, or is not a regular file.
        ValueError: It is larger than any that this library writes.
    """
    with open_file(path) as file, Naming(os.fspath(path)):
        size = os.fstat(file.fileno()).st_size
        _check_length(size)
        return file.read(size)  # for which a buffer of that size is made


def parse_json(text: str | bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Returns the value of a JSON text; bytes are UTF-8.

    Raises:
        ValueError: It is not JSON or not UTF-8, an object repeats a key, a number is infinite or NaN, it is nested too
            deeply, or it is far larger than any that this library writes; the message says which, without quoting the
            text.

    Example:
        >>> parse_json('{"version": 1}')
        {'version': 1}
    """
    _check_length(len(text))
    try:
        decoded = text if isinstance(text, str) else text.decode("utf-8")  # json.loads would guess an encoding
        _check_counts(decoded)
        return json.loads(decoded, object_pairs_hook=unrepeated, parse_constant=_refuse_constant, parse_float=_finite)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} at character {error.pos}") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"not JSON: invalid UTF-8 at byte offset {error.start}") from None
    except RecursionError:
        raise ValueError("not supported JSON: nested too deeply") from None


def _check_length(length: int) -> None:
    if length > LONGEST:
        raise ValueError(f"not supported JSON: longer than {LONGEST:,} bytes")


def _check_counts(text: str) -> None:
    """Checks how much memory a text can take once it is parsed; counts what is in strings too."""
    commas, colons, brackets = text.count(","), text.count(":"), text.count("[") + text.count("{")
    if commas > MOST_COMMAS or colons > MOST_COLONS or brackets > MOST_BRACKETS:
        raise ValueError("not supported JSON: too many values")


def unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Returns the object with these keys and values, for ``object_pairs_hook``.

    Raises:
        ValueError: A key is there twice.
    """
    content: dict[str, Any] = {}
    for key, value in pairs:
        if key in content:
            raise ValueError(f"a JSON object repeats the key {key!a}")
        content[key] = value
    return content


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _finite(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"the JSON number {digits} is out of range")
    return number
