"""The classes of a classifier: sorted, and kept in JSON with their type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

KINDS = "biufU"
"""Truth values, integers, floats and strings: what JSON gives back as it was."""
LARGEST_FLOAT = 8
"""Bytes; a larger one has more digits than JSON keeps."""


def sorted_classes(targets: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Returns the classes, ascending, and the place of that of each target, int64 ``(N,)``.

    Args:
        targets: The class of each text, ``(N,)``.

    Raises:
        ValueError: One is missing: NaN, or no time.
        TypeError: They cannot be sorted.

    Example:
        >>> classes, places = sorted_classes(np.array(["b", "a", "b"]))
        >>> classes.tolist(), places.tolist()
        (['a', 'b'], [1, 0, 1])
    """
    if len(missing := np.flatnonzero(targets != targets)):  # noqa: PLR0124 - only NaN differs from itself
        raise ValueError(f"y[{missing[0]}] is {targets[missing[0]]}: leave out texts whose class is missing")
    try:
        classes, places = np.unique(targets, return_inverse=True)
    except TypeError as error:
        raise TypeError(f"y must have classes of one type, which can be sorted: {error}") from None
    return classes, places


def stored_classes(classes: NDArray[Any]) -> dict[str, Any]:
    """Returns classes as JSON values.

    Args:
        classes: The classes.

    Raises:
        TypeError: They are of a kind that JSON does not give back as it was.

    Example:
        >>> stored_classes(np.array(["a", "b"]))
        {'dtype': '<U1', 'values': ['a', 'b']}
    """
    of_text = classes.dtype.kind == "O" and all(type(one) is str for one in classes.tolist())
    is_long = classes.dtype.kind == "f" and classes.itemsize > LARGEST_FLOAT
    if not of_text and (classes.dtype.kind not in KINDS or is_long):
        raise TypeError(
            f"y had classes of type {classes.dtype}, which a folder does not keep: fit to str, int, float or bool"
        )
    return {"dtype": classes.dtype.str, "values": classes.tolist()}


def classes_of(stored: dict[str, Any]) -> NDArray[Any]:
    """Returns the classes that ``stored_classes`` was given.

    Raises:
        ValueError: It did not return that.
        KeyError: Likewise.
        TypeError: Likewise.

    Example:
        >>> classes_of({"dtype": "<u8", "values": [3, 9]})
        array([3, 9], dtype=uint64)
    """
    dtype, values = np.dtype(stored["dtype"]), stored["values"]
    classes = np.array(values, dtype=dtype)
    if classes.ndim != 1 or stored_classes(classes) != {"dtype": dtype.str, "values": values}:
        raise ValueError("classes are not of the type that is given for them")
    return classes
