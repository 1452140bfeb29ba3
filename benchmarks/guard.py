"""``make guard``: fails if a ratio to an alternative is worse than in ``benchmarks/results.json``.

It compares ratios within one run rather than seconds, which depend on the machine and its load. A ratio that is too
low is measured twice more before it counts as a failure. A measurement that is missing from the file, or is only in the
file, also fails, unless it cannot be made here because the alternative is not installed.
"""

from __future__ import annotations

import json
import sys

from environment import RIVALS, environment, is_installed
from page import RESULTS
from regression import failures
from subjects import SUBJECTS, comparisons_of


def main() -> int:
    """Measures everything, prints the failures, and returns their number."""
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    there, here = results["machine"], environment()
    for name in here:
        if name != "date" and here[name] != there.get(name):
            print(f"{name}: {here[name]}, was {there.get(name)}")
    count = 0
    for title in SUBJECTS:
        comparisons = comparisons_of(title)
        entries = [entry for entry in results["comparisons"].get(title, []) if not _is_missing(entry["rival_name"])]
        for line in failures(comparisons, {(entry["name"], entry["rival_name"]): entry["ratio"] for entry in entries}):
            count += 1
            print(f"{title}: {line}", flush=True)
    for title in (title for title in results["comparisons"] if title not in SUBJECTS):
        count += 1
        print(f"{title} is no longer measured")
    print(f"{count} worse, new or missing")
    return count


def _is_missing(rival_name: str) -> bool:
    """Tells whether an alternative, whose name begins with that of its package, is not installed."""
    return any(rival_name.lower().startswith(module) for module in RIVALS if not is_installed(module))


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
