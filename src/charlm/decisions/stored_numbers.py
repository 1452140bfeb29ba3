"""Numbers of a calibration in a file: rounded when they are made, and checked when they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

DIGITS = 9
"""How many significant digits are kept; texts are judged with more room than that, see ``Calibration``."""
LARGEST = 1e30
"""No number of a calibration is larger: the variance of texts that fill the memory is below that, in squared bits."""
LARGEST_COUNT = 10**12
"""Nor is a number of texts larger than this."""


def rounded(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns values as a file holds them, with ``DIGITS`` significant digits.

    Example:
        >>> rounded(np.array([1 / 3, 2e9 / 3])).tolist()
        [0.333333333, 666666667.0]
    """
    return np.array([float(f"{value:.{DIGITS}g}") for value in values.ravel().tolist()]).reshape(values.shape)


def numbers(content: dict[str, Any], name: str, *, most: int, ascending: bool = False) -> NDArray[np.float64]:
    """Returns a list of numbers of a JSON object, float64 ``(N,)``.

    Args:
        content: The object.
        name: Its key.
        most: How many there may be.
        ascending: Whether none may be below the one before it.

    Raises:
        ValueError: It is no list of finite numbers, there are more, or they are in another order.

    Example:
        >>> numbers({"scores": [1, 2.5]}, "scores", most=2, ascending=True)
        array([1. , 2.5])
    """
    values = content[name]
    if not isinstance(values, list) or len(values) > most or not all(map(_is_number, values)):
        raise ValueError(f"{name} of its calibration must be a list of at most {most:,} finite numbers")
    array = np.array(values, dtype=np.float64)
    if ascending and (np.diff(array) < 0).any():
        raise ValueError(f"{name} of its calibration must ascend")
    return array


def number(content: dict[str, Any], name: str) -> float:
    """Returns a number of a JSON object.

    Raises:
        ValueError: It is no finite number.
    """
    value = content[name]
    if not _is_number(value):
        raise ValueError(f"{name} of its calibration must be a finite number")
    return float(value)


def count(content: dict[str, Any], name: str, *, least: int) -> int:
    """Returns a whole number of a JSON object.

    Raises:
        ValueError: It is none, or below ``least``.
    """
    value = content[name]
    if type(value) is not int or not least <= value <= LARGEST_COUNT:
        raise ValueError(f"{name} of its calibration must be a whole number of at least {least}")
    return value


def known_keys(content: object, keys: set[str], what: str) -> dict[str, Any]:
    """Returns a JSON object, checked to have these keys.

    Raises:
        ValueError: It is no object, lacks a key, or has another one.
    """
    if not isinstance(content, dict):
        raise ValueError(f"{what} of its calibration must be a JSON object")  # noqa: TRY004 - the file is wrong
    if unknown := sorted(content.keys() - keys):
        raise ValueError(f"{what} of its calibration has an unknown entry {unknown[0][:80]!a}")
    if missing := sorted(keys - content.keys()):
        raise ValueError(f"{what} of its calibration lacks the entry {missing[0]!a}")
    return content


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and abs(value) <= LARGEST  # type: ignore[arg-type]  # NaN is not
