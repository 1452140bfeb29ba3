"""``make guard``: fails where something takes more beside its rival than ``benchmarks/results.json`` says.

Ratios within one run are compared, not seconds, which depend on the machine and on what else it does. A ratio that is
too low is measured twice more before it counts. What is measured and not in that file, or the other way round, fails
as well; but not what cannot be measured here for want of its rival.
"""

from __future__ import annotations

import json
import sys

from environment import environment
from page import RESULTS
from regression import failures
from run import SUBJECTS


def main() -> int:
    """Measures everything, prints what fails, and returns how much that is."""
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    there, here = results["machine"], environment()
    for name in here:
        if here[name] != there.get(name):
            print(f"{name}: {here[name]}, was {there.get(name)}")
    count = 0
    for title, subject in SUBJECTS.items():
        comparisons = subject.comparisons()
        if not comparisons:
            continue  # it has said why
        entries = results["comparisons"].get(title, [])
        for line in failures(comparisons, {(entry["name"], entry["rival_name"]): entry["ratio"] for entry in entries}):
            count += 1
            print(f"{title}: {line}", flush=True)
    for title in (title for title in results["comparisons"] if title not in SUBJECTS):
        count += 1
        print(f"{title} is no longer measured")
    print(f"{count} worse, new or gone")
    return count


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
