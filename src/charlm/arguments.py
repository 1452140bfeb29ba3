"""Checks of numbers: a wrong type is a ``TypeError``, a wrong value a ``ValueError``, both naming the argument."""

from __future__ import annotations

import math


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
        raise ValueError(f"{name} must fit a float, got a larger integer") from None
    if not math.isfinite(number):
        raise ValueError(f"{name} must be finite, got {value}")
    return number


def fraction(name: str, value: float) -> float:
    """Returns ``value`` as a ``float`` above 0 and below 1.

    Raises:
        TypeError: It is not a number.
        ValueError: It is not between 0 and 1.
    """
    if not 0 < finite_number(name, value) < 1:
        raise ValueError(f"{name} must be above 0 and below 1, got {value}")
    return float(value)
