"""Curves as a chart that is as wide as the page: lines in SVG that stretch, and labels in HTML that do not."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from charlm.training.scales import number, padded, ticks
from chartok.markup import escaped

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_POINTS = 1000
"""Longer curves are thinned."""
MOST_DOTS = 60
"""Up to this many points, each is drawn as a dot as well."""
COLORS = 8
"""How many the style sheet has for curves; further ones repeat them with dashes."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A line in a chart.

    Attributes:
        name: Its name in the legend.
        points: Places across the chart and values, in ascending order of the places.
        kind: Its class in the style sheet.
        is_guide: Whether it only serves for comparison, and has no values to show.
    """

    name: str
    points: Sequence[tuple[float, float]]
    kind: str = "color-0"
    is_guide: bool = False


@dataclass(frozen=True, kw_only=True)
class Axis:
    """A scale at the side of a chart.

    Attributes:
        label: What it shows.
        factor: The length of one unit of the values on this scale.
    """

    label: str
    factor: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Ends:
    """The values at the sides of a chart."""

    first: float
    last: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, curves: Sequence[Curve]) -> Ends:
        """Returns the ends of a chart that shows all points of some curves, from 0 on."""
        points = [point for curve in curves for point in curve.points]
        lowest, highest = padded(min(value for _, value in points), max(value for _, value in points))
        last = max(place for place, _ in points)
        return cls(first=0, last=last if last > 0 else 1, lowest=lowest, highest=highest)

    def across(self, place: float) -> float:
        """Returns how far a place is from the left, in percent."""
        return 100 * (place - self.first) / (self.last - self.first)

    def down(self, value: float) -> float:
        """Returns how far a value is from the top, in percent."""
        return 100 * (self.highest - value) / (self.highest - self.lowest)


def color(place: int) -> str:
    """Returns the class of the curve at a place among others, each with a color or a dash of its own.

    Example:
        >>> color(1), color(9)
        ('color-1', 'color-1 dashed')
    """
    return f"color-{place % COLORS}{' dashed' if place // COLORS % 2 else ''}"


def chart(
    title: str,
    curves: Sequence[Curve],
    left: Axis,
    right: Axis | None = None,
    *,
    across: str = "step",
    ends: Ends | None = None,
    is_square: bool = False,
) -> str:
    """Returns a line chart whose values a mouse and the arrow keys show, with a description for screen readers.

    Args:
        title: What it shows.
        curves: Curves with at least one point each.
        left: The scale of the values.
        right: A second scale for the same values.
        across: What the places are.
        ends: The values at its sides; by default those of the points.
        is_square: Whether it is as high as it is wide, as suits two axes with the same values.
    """
    ends = Ends.of(curves) if ends is None else ends
    axes = [left] if right is None else [left, right]
    kept = [thinned(curve.points) for curve in curves]
    units = "".join(f"<span>{escaped(axis.label)}</span>" for axis in axes)
    lines = "".join(_line(curve.kind, points, ends) for curve, points in zip(curves, kept, strict=True))
    sides = "".join(_side(axis, ends, side) for axis, side in zip(axes, ("left", "right"), strict=False))
    data = {
        "across": across,
        "ends": [ends.first, ends.last, ends.lowest, ends.highest],
        "units": [[axis.label, axis.factor] for axis in axes],
        "curves": [[curve.name, points] for curve, points in zip(curves, kept, strict=True) if not curve.is_guide],
    }
    kind = f"chart{' one-sided' * (right is None)}{' square' * is_square}"
    return (
        f'<div class="{kind}" role="group" aria-roledescription="chart" tabindex="0" '
        f'aria-label="{escaped(_description(title, curves, across))}" data-chart="{escaped(json.dumps(data))}">'
        f'<div class="units" aria-hidden="true">{units}</div>'
        f'<div class="plot" aria-hidden="true"><svg viewBox="0 0 100 100" preserveAspectRatio="none">'
        f"{_grid(left, ends)}{lines}</svg></div>{sides}{_steps(across, ends)}</div>"
    )


def legend(curves: Sequence[Curve]) -> str:
    """Returns the names of curves with their colors, as a dot for a curve that is one."""
    return "".join(
        f'<span class="key {curve.kind}{" dot" * (len(curve.points) == 1)}">{escaped(curve.name)}</span>'
        for curve in curves
    )


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


def _description(title: str, curves: Sequence[Curve], across: str) -> str:
    told = "; ".join(
        f"{curve.name} from {curve.points[0][1]:.4g} at {across} {curve.points[0][0]:,.4g} "
        f"to {curve.points[-1][1]:.4g} at {across} {curve.points[-1][0]:,.4g}"
        for curve in curves
        if not curve.is_guide
    )
    return f"{title}: {told}"


def _line(kind: str, points: Sequence[tuple[float, float]], ends: Ends) -> str:
    """Returns a curve; a dot is a line without length, which does not stretch with the chart."""
    places = [(ends.across(place), ends.down(value)) for place, value in points]
    path = " ".join(f"{x:.2f},{y:.2f}" for x, y in places)
    dots = "".join(f"M{x:.2f} {y:.2f}h0" for x, y in places) if len(places) <= MOST_DOTS else ""
    return (
        f'<g class="curve {kind}"><polyline points="{path}"/>{f"<path d={chr(34)}{dots}{chr(34)}/>" * bool(dots)}</g>'
    )


def _grid(axis: Axis, ends: Ends) -> str:
    heights = [ends.down(value / axis.factor) for value in _values(axis, ends)]
    return f'<path class="grid" d="{"".join(f"M0 {height:.2f}H100" for height in heights)}"/>'


def _values(axis: Axis, ends: Ends) -> list[float]:
    return ticks(ends.lowest * axis.factor, ends.highest * axis.factor)


def _side(axis: Axis, ends: Ends, side: str) -> str:
    labels = "".join(
        f'<span style="top:{ends.down(value / axis.factor):.2f}%">{number(value)}</span>'
        for value in _values(axis, ends)
    )
    return f'<div class="{side}" aria-hidden="true">{labels}</div>'


def _steps(across: str, ends: Ends) -> str:
    labels = "".join(
        f'<span style="left:{ends.across(place):.2f}%">{number(place)}</span>' for place in ticks(ends.first, ends.last)
    )
    return f'<div class="steps" aria-hidden="true">{labels}</div><div class="across" aria-hidden="true">{across}</div>'
