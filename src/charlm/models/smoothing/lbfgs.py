"""Minimizes a smooth function: L-BFGS (Nocedal, 1980) with a backtracking line search."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

REMEMBERED = 10
"""How many of the latest steps tell about the curvature."""
SUFFICIENT = 1e-4
"""The share of the decrease that the gradient promises, which a step must have (Armijo's condition)."""
SHORTEST = 1e-6
FIRST_STEP = 0.1
"""The largest change of a variable in the first step, when nothing is known about the curvature."""


def minimize(
    function: Callable[[NDArray[np.float64]], tuple[float, NDArray[np.float64]]],
    start: NDArray[np.float64],
    *,
    max_steps: int,
    tolerance: float,
) -> NDArray[np.float64]:
    """Returns where a function has a minimum, or about so.

    Args:
        function: Returns the value and the gradient, ``(N,)``, at a point.
        start: Where to begin, float64 ``(N,)``.
        max_steps: The number of steps after which to stop.
        tolerance: A step that gains less than this is the last.

    Example:
        >>> minimize(lambda x: (float(x @ x), 2 * x), np.array([3.0, -1.0]), max_steps=20, tolerance=1e-9).round(3) + 0
        array([0., 0.])
    """
    point, (value, gradient) = start, function(start)
    steps: deque[tuple[NDArray[np.float64], NDArray[np.float64]]] = deque(maxlen=REMEMBERED)
    for _ in range(max_steps):
        direction = _direction(gradient, steps)
        slope, length = float(gradient @ direction), 1.0
        while True:
            next_point = point + length * direction
            next_value, next_gradient = function(next_point)
            if next_value <= value + SUFFICIENT * length * slope:
                break
            length /= 2
            if length < SHORTEST:
                return point
        gain = value - next_value
        step, change = next_point - point, next_gradient - gradient
        if step @ change > 0:
            steps.append((step, change))
        point, value, gradient = next_point, next_value, next_gradient
        if gain < tolerance:
            break
    return point


def _direction(
    gradient: NDArray[np.float64], steps: deque[tuple[NDArray[np.float64], NDArray[np.float64]]]
) -> NDArray[np.float64]:
    """Returns the negative gradient times the inverse of the curvature that the steps have shown."""
    direction = -gradient
    if not steps:
        return direction * min(1.0, FIRST_STEP / max(float(np.abs(gradient).max()), 1e-300))
    shares = []
    for step, change in reversed(steps):
        shares.append(float(step @ direction) / float(step @ change))
        direction = direction - shares[-1] * change
    step, change = steps[-1]
    direction *= float(step @ change) / float(change @ change)
    for (step, change), share in zip(steps, reversed(shares), strict=True):
        direction = direction + (share - float(change @ direction) / float(step @ change)) * step
    return direction
