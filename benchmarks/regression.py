"""Finds comparisons whose ratios have become worse."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, TypeAlias

from comparison import compare

if TYPE_CHECKING:
    from comparison import Comparison, Unit

LOWEST_SHARE: dict[Unit, float] = {"seconds": 0.6, "bytes": 0.85, "errors": 0.85}
"""The lowest acceptable fraction of the earlier ratio; less cannot be noise. Memory and errors have hardly any."""
ATTEMPTS = 3
Ratios: TypeAlias = dict[tuple[str, str], float]
"""The ratios by the name of the comparison and that of the alternative."""


def failures(comparisons: list[Comparison], earlier: Ratios) -> list[str]:
    """Returns a line for each comparison that is worse than before, new, or missing."""
    lines = []
    for comparison in comparisons:
        expected = earlier.get((comparison.name, comparison.rival_name))
        if expected is None:
            lines.append(f"{comparison.name}, against {comparison.rival_name}, is new: run make bench")
            continue
        lowest = LOWEST_SHARE[comparison.unit] * expected
        found = _best_ratio(comparison, lowest)
        if found < lowest:
            lines.append(f"{comparison.name}: {found:.3g} times {comparison.rival_name}, was {expected:.3g}")
    measured = {(comparison.name, comparison.rival_name) for comparison in comparisons}
    gone = [names for names in earlier if names not in measured]
    return lines + [f"{name}, against {rival_name}, is no longer measured" for name, rival_name in gone]


def _best_ratio(comparison: Comparison, enough: float) -> float:
    best = 0.0
    for _ in range(ATTEMPTS):
        best = max(best, compare(dataclasses.replace(comparison, samples=3)).ratio)
        if best >= enough:
            break
    return best
