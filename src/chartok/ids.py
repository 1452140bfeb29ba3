"""Arrays of ids: the smallest dtype that holds them, and the checks that ids from a caller must pass."""

from __future__ import annotations

import contextlib
import operator
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol, SupportsIndex, TypeAlias

import numpy as np

from chartok.errors import TokenIdError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from typing_extensions import TypeIs  # in typing from Python 3.13 on


class SupportsArray(Protocol):
    """What NumPy can read as an array: an array itself, or a tensor on the CPU."""

    def __array__(self) -> NDArray[Any]:
        """Returns the array."""


Ids: TypeAlias = SupportsArray | Iterable[SupportsIndex]
"""What is accepted as ids: integers in any iterable, a NumPy array, or a tensor on the CPU."""


def is_array(value: object) -> TypeIs[SupportsArray]:
    """Returns whether NumPy can read a value as an array without looking at its items."""
    return hasattr(value, "__array__")


def smallest_dtype(size: int) -> np.dtype[np.unsignedinteger[Any]]:
    """Returns the smallest unsigned dtype that holds the ids 0 to ``size - 1``.

    Example:
        >>> [str(smallest_dtype(size)) for size in (0, 256, 257, 65_536, 65_537)]
        ['uint8', 'uint8', 'uint16', 'uint16', 'uint32']
    """
    return np.min_scalar_type(max(size - 1, 0))


def as_id_array(ids: Ids, size: int | None = None, name: str = "ids") -> NDArray[np.integer[Any]]:
    """Returns ids as a checked integer array, without a copy if they already are an integer array.

    Args:
        ids: Integers in an array of any shape, a tensor on the CPU, or an iterable.
        size: The number of ids in the vocabulary, if it is known.
        name: What messages call them: the argument that they are.

    Raises:
        TypeError: They are not integers: floats, bools, text.
        TokenIdError: One is negative, or not below ``size``.

    Example:
        >>> as_id_array([3, 1, 2], size=4)
        array([3, 1, 2])
    """
    array = np.asarray(ids) if is_array(ids) else _array_from_iterable(ids, size, name)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} must be integers, got {array.dtype} values")
    _check_range(array, size)
    return array


def _array_from_iterable(ids: Iterable[SupportsIndex], size: int | None, name: str) -> NDArray[np.int64]:
    if isinstance(ids, str | bytes) or not isinstance(ids, Iterable):
        raise TypeError(f"{name} must be integers in an array or an iterable, got {type(ids).__name__}")
    values = [
        value if type(value) is int else _as_int(value, f"{name}[{position}]") for position, value in enumerate(ids)
    ]
    try:
        return np.array(values, dtype=np.int64)
    except OverflowError:
        limits = np.iinfo(np.int64)
        position = next(i for i, value in enumerate(values) if not limits.min <= value <= limits.max)
        raise TokenIdError(values[position], position, size) from None


def _as_int(value: SupportsIndex, name: str) -> int:
    if not isinstance(value, bool):
        with contextlib.suppress(TypeError):
            return operator.index(value)
    raise TypeError(f"{name} must be an integer, got {type(value).__name__} {value!a}")


def _check_range(array: NDArray[np.integer[Any]], size: int | None) -> None:
    if array.size == 0 or (array.dtype.kind == "u" and size is None):
        return
    # Viewed as unsigned, a negative id has its highest bit set: a single maximum checks both bounds.
    unsigned = array.view(array.dtype.str.replace("i", "u"))
    bits = 8 * array.dtype.itemsize - (array.dtype.kind == "i")
    limit = 1 << bits if size is None else min(size, 1 << bits)
    if unsigned.item(unsigned.argmax()) >= limit:
        position = int(np.argmax(unsigned.ravel() >= limit))
        raise TokenIdError(int(array.ravel()[position]), position, size)
