"""Curves over the steps of a run, as SVG."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chartok.markup import escaped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

HEIGHT = 300
LEFT, RIGHT, TOP, BOTTOM = 62, 58, 14, 44
MOST_POINTS = 1000
"""Longer curves are thinned."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A line in a chart.

    Attributes:
        name: Its name in the legend and its class in the style sheet.
        points: Steps and values, in the order of the steps.
    """

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, kw_only=True)
class Axis:
    """A scale at the side of a chart.

    Attributes:
        label: What it shows.
        factor: The length of one unit of the values on this scale.
    """

    label: str
    factor: float = 1.0


def chart(title: str, curves: Sequence[Curve], left: Axis, right: Axis | None = None, *, width: int = 560) -> str:
    """Returns a line chart as an ``svg`` element with a description for screen readers.

    Args:
        title: What it shows.
        curves: Curves with at least one point each.
        left: The scale of the values.
        right: A second scale for the same values.
        width: The width of the chart; its height is 300.
    """
    points = [point for curve in curves for point in curve.points]
    last = max(step for step, _ in points)
    lowest, highest = min(value for _, value in points), max(value for _, value in points)
    end = width - RIGHT
    margin = 0.05 * (highest - lowest) or (abs(highest) or 1) * 0.05
    lowest, highest = max(lowest - margin, min(0.0, lowest)), highest + margin

    def x(step: float) -> float:
        return LEFT + (end - LEFT) * step / max(last, 1)

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - lowest) / (highest - lowest)

    said, box = escaped(_description(title, curves)), f"0 0 {width} {HEIGHT}"
    parts = [
        f'<svg class="chart" role="img" aria-label="{said}" viewBox="{box}" style="min-width:{width / 24:.0f}rem">',
        *_steps_axis(x, last, end),
        *_values_axis(y, lowest, highest, left, end, is_left=True),
    ]
    if right is not None:
        parts += _values_axis(y, lowest, highest, right, end, is_left=False)
    for curve in curves:
        path = " ".join(f"{x(step):.1f},{y(value):.1f}" for step, value in thinned(curve.points))
        parts.append(f'<polyline class="curve {escaped(curve.name)}" points="{path}"/>')
    return "".join([*parts, "</svg>"])


def thinned(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Returns at most about ``MOST_POINTS`` evenly spaced points, including the first and the last.

    Example:
        >>> len(thinned([(step, 0.0) for step in range(10_001)]))
        911
    """
    every = -(-len(points) // MOST_POINTS) or 1
    kept = list(points[::every])
    if points and (len(points) - 1) % every:
        kept.append(points[-1])
    return kept


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


def _description(title: str, curves: Sequence[Curve]) -> str:
    ends = "; ".join(
        f"{curve.name} from {curve.points[0][1]:.4g} at step {curve.points[0][0]:,.0f} "
        f"to {curve.points[-1][1]:.4g} at step {curve.points[-1][0]:,.0f}"
        for curve in curves
    )
    return f"{title}: {ends}"


def _steps_axis(x: Callable[[float], float], last: float, end: int) -> list[str]:
    base = HEIGHT - BOTTOM
    numbers = [
        f'<text x="{x(step):.1f}" y="{base + 18}" text-anchor="middle">{number(step)}</text>'
        for step in ticks(0, max(last, 1))
    ]
    return [
        f'<line class="axis" x1="{LEFT}" x2="{end}" y1="{base}" y2="{base}"/>',
        *numbers,
        f'<text x="{(LEFT + end) / 2}" y="{HEIGHT - 6}" text-anchor="middle">step</text>',
    ]


def _values_axis(
    y: Callable[[float], float], lowest: float, highest: float, axis: Axis, end: int, *, is_left: bool
) -> list[str]:
    parts = []
    for value in ticks(lowest * axis.factor, highest * axis.factor):
        height = y(value / axis.factor)
        if is_left:
            parts.append(f'<line class="grid" x1="{LEFT}" x2="{end}" y1="{height:.1f}" y2="{height:.1f}"/>')
        place, anchor = (LEFT - 8, "end") if is_left else (end + 8, "start")
        parts.append(f'<text x="{place}" y="{height + 4:.1f}" text-anchor="{anchor}">{number(value)}</text>')
    middle = (TOP + HEIGHT - BOTTOM) / 2
    across = 14 if is_left else end + RIGHT - 8
    turned = f'text-anchor="middle" transform="rotate(-90 {across} {middle})"'
    parts.append(f'<text x="{across}" y="{middle}" {turned}>{escaped(axis.label)}</text>')
    return parts
