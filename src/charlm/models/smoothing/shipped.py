"""The constants of learned back-off that come with the library."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def shipped_constants(order: int) -> NDArray[np.float64]:
    """Returns the constants of each order of a model, float64 ``(order, 23)``; the last are those of the highest.

    They minimize the mean loss of held-out parts of a dozen texts and lists of words in seven languages and of source
    code, whole and in small parts, for all orders up to twelve together; higher orders have those of the last.
    ``benchmarks/back_off.py`` has found them.

    Args:
        order: The order of the model, at least 1.

    Example:
        >>> shipped_constants(7).shape
        (7, 23)
    """
    lower, highest = _by_order()
    places = np.arange(order)
    below = np.minimum(places[:-1], len(lower) - 1)
    return np.concatenate([lower[below], highest[np.minimum(places[-1:], len(highest) - 1)]])


@cache
def _by_order() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns the constants of orders below the highest, ``(11, 23)``, and of the highest order, ``(12, 23)``."""
    constants = json.loads((files(__package__) / "shipped.json").read_text("utf-8"))
    return np.array(constants["lower"]), np.array(constants["highest"])
