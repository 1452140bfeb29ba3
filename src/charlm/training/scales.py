"""Round numbers along the sides of a chart."""

from __future__ import annotations

import math


def ticks(lowest: float, highest: float, most: int = 6) -> list[float]:
    """Returns equally spaced round numbers in a range.

    Example:
        >>> ticks(1.4, 4.2)
        [1.5, 2.0, 2.5, 3.0, 3.5, 4.0]
    """
    rough = (highest - lowest) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * (1 - 1e-9))
    first = math.ceil(lowest / step - 1e-9)
    return [round(place * step, 12) for place in range(first, math.floor(highest / step + 1e-9) + 1)]


def number(value: float) -> str:
    """Returns a number as a short tick label, with k and M for thousands and millions.

    Example:
        >>> number(0.05), number(2500), number(4e6), number(0)
        ('0.05', '2.5k', '4M', '0')
    """
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"


def padded(lowest: float, highest: float) -> tuple[float, float]:
    """Returns a range of values with room above and below; one of values that are never negative stays so.

    That of a single value begins or ends at 0, so that it does not seem to vary.

    Example:
        >>> padded(1.0, 2.0), padded(3.0, 3.0)
        ((0.95, 2.05), (0.0, 6.0))
    """
    margin = 0.05 * (highest - lowest) or abs(highest) or 1
    return max(lowest - margin, min(0.0, lowest)), highest + margin
