"""Matrices in one or two bytes a weight: whole numbers, and a scale for each row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class QuantizedRows(NamedTuple):
    """A matrix whose entries are about ``codes * scales[:, None]``.

    Attributes:
        codes: int8 or int16, ``(rows, columns)``.
        scales: The largest absolute value of each row, divided by the largest code, float32 ``(rows,)``.
    """

    codes: NDArray[np.signedinteger[Any]]
    scales: NDArray[np.float32]


def quantized_rows(matrix: NDArray[np.floating[Any]], dtype: type[np.int8 | np.int16] = np.int8) -> QuantizedRows:
    """Returns a matrix, rounded to the nearest of evenly spaced values in each row: 255 of them in int8.

    Args:
        matrix: Finite numbers, floating point ``(rows, columns)``.
        dtype: Of the codes.

    Raises:
        ValueError: A number is infinite or NaN.

    Example:
        >>> codes, scales = quantized_rows(np.array([[0.5, -1.0], [0.0, 0.0]]))
        >>> codes.tolist(), scales.round(6).tolist()
        ([[64, -127], [0, 0]], [0.007873999886214733, 0.0])
    """
    if not np.isfinite(matrix).all():
        raise ValueError("a weight is infinite or NaN, so that nothing can be computed with it: train the model again")
    largest = np.iinfo(dtype).max
    scales = (np.abs(matrix).max(axis=1, initial=0) / largest).astype(np.float32)
    codes = np.rint(matrix / np.where(scales > 0, scales, 1)[:, None])
    return QuantizedRows(np.clip(codes, -largest, largest).astype(dtype), scales)
