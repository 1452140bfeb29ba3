"""Strict JSON parsing: anything that another parser might read differently is rejected."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import os

LONGEST_FILE = 1 << 28
"""In bytes; far larger than the file of a vocabulary of every code point."""


def read_json(path: str | os.PathLike[str]) -> bytes:
    """Returns the bytes of a JSON file; a file that is far too large is not read into memory.

    Raises:
        OSError: It cannot be read.
        ValueError: It is larger than any that this library writes.
    """
    if Path(path).stat().st_size > LONGEST_FILE:
        raise ValueError(f"not supported JSON: larger than {LONGEST_FILE:,} bytes")
    return Path(path).read_bytes()


def parse_json(text: str | bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Returns the value of a JSON text; bytes are UTF-8.

    Raises:
        ValueError: It is not JSON or not UTF-8, an object repeats a key, a number is infinite or NaN, or it is nested
            too deeply; the message says which, without quoting the text.

    Example:
        >>> parse_json('{"version": 1}')
        {'version': 1}
    """
    try:
        decoded = text if isinstance(text, str) else text.decode("utf-8")  # json.loads would guess an encoding
        return json.loads(decoded, object_pairs_hook=_object, parse_constant=_refuse_constant, parse_float=_finite)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} at character {error.pos}") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"not JSON: invalid UTF-8 at byte offset {error.start}") from None
    except RecursionError:
        raise ValueError("not supported JSON: nested too deeply") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
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
