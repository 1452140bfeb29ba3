"""Inner products of long arrays, in one thread.

The threads of BLAS, which ``@`` uses, wait for each other beside another busy process: tuning took seven times as long.
And their number would show in the last digits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def along(rows: Floats, values: Floats) -> Floats:
    """Returns the inner product of each row with the values, ``(..., N)`` and ``(N,)`` to ``(...)``.

    Example:
        >>> along(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([10.0, 1.0]))
        array([12., 34.])
    """
    result: Floats = np.einsum("...j,j->...", rows, values)
    return result


def weighted(weights: Floats, rows: Floats) -> Floats:
    """Returns the weighted sum of rows, ``(K,)`` and ``(K, N)`` to ``(N,)``.

    Example:
        >>> weighted(np.array([10.0, 1.0]), np.array([[1.0, 2.0], [3.0, 4.0]]))
        array([13., 24.])
    """
    result: Floats = np.einsum("i,ij->j", weights, rows)
    return result
