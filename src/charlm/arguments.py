"""Checks of numbers: a wrong type is a ``TypeError``, a wrong value a ``ValueError``, both naming the argument.

``chartok.arguments`` has those of whole numbers.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from chartok.arguments import integer

if TYPE_CHECKING:
    from typing import SupportsIndex

    from chartok import Vocabulary


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
    """Returns ``value``, which is true or false.

    Raises:
        TypeError: It is not a ``bool``.
    """
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, got {value!a}")
    return value


def seed_of_generators(name: str, value: SupportsIndex) -> int:
    """Returns ``value`` as an ``int`` that every generator of random numbers takes.

    Raises:
        TypeError: It is not an integer.
        ValueError: It does not fit 64 bits.
    """
    if not -(1 << 63) <= integer(name, value) < 1 << 63:
        raise ValueError(f"{name} must fit 64 bits, got {value}")
    return integer(name, value)


def check_vocabulary_size(vocabulary: Vocabulary, size: int) -> None:
    """Checks that a vocabulary has no more ids than a model.

    Raises:
        ValueError: It has.
    """
    if vocabulary.size > size:
        raise ValueError(f"the data have a vocabulary of {vocabulary.size} ids, the model {size}")
