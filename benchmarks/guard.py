"""``make guard``: fails where something has become slower beside its rival than ``benchmarks/results.json`` says.

Ratios within one run are compared, not seconds, which depend on the machine and on what else it does. A ratio that is
too low is measured twice more before it counts.
"""

from __future__ import annotations

import dataclasses
import json
import sys

from comparison import Comparison, compare
from page import RESULTS
from run import SUBJECTS

LOWEST_SHARE = 0.6
"""Of the committed ratio: less is not noise."""
ATTEMPTS = 3


def main() -> int:
    """Measures everything and returns how many comparisons have become slower."""
    committed = json.loads(RESULTS.read_text(encoding="utf-8"))["comparisons"]
    slower = 0
    for title, subject in SUBJECTS.items():
        ratios = {(entry["name"], entry["rival_name"]): entry["ratio"] for entry in committed[title]}
        for comparison in subject.comparisons():
            expected = ratios[comparison.name, comparison.rival_name]
            found = _best_ratio(comparison, LOWEST_SHARE * expected)
            if found < LOWEST_SHARE * expected:
                slower += 1
                print(f"{comparison.name}: {found:.3g} times {comparison.rival_name}, was {expected:.3g}", flush=True)
    print(f"{slower} slower than before")
    return slower


def _best_ratio(comparison: Comparison, enough: float) -> float:
    best = 0.0
    for _ in range(ATTEMPTS):
        best = max(best, compare(dataclasses.replace(comparison, samples=3)).ratio)
        if best >= enough:
            break
    return best


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
