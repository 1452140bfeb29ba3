"""The page of the documentation that shows the figures, made from the files that the benchmarks leave."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from comparison import MARKDOWN_HEAD, Result, markdown_row

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
LEARNING = HERE / "learning.json"
PAGE = HERE.parent / "docs" / "benchmarks.md"

HEAD = """# Benchmarks

Every figure here is of one run of the programs in `benchmarks/`, which anybody can repeat: `make bench` measures all
but learning, in less than ten minutes, and writes this page anew; `make bench-train` measures learning.

In the tables, *ratio* is how many times longer the other way takes, in turns within one run, and *target* what it was
meant to be. A time is the median of a call; behind it stands half the distance between the quartiles. A ratio below its
target stands as it was measured.
"""

LEARNING_HEAD = """## Learning

Tiny Shakespeare, the first nine tenths to train on, every character of the last tenth scored once. The classic
Transformer is one as in the second half of the notebook, with GELU, learned positions and AdamW, and 2,000 steps of 12
windows.

| what | steps | seconds | nats a character |
| --- | ---: | ---: | ---: |
"""

GROWTH_HEAD = """## Growth

| what | million characters | seconds | most memory | more |
| --- | ---: | ---: | ---: | --- |
"""


def page() -> str:
    """Returns the page, in Markdown."""
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    learning = json.loads(LEARNING.read_text(encoding="utf-8"))
    parts = [HEAD, f"{_machine(results['machine'])}\n"]
    for title, comparisons in results["comparisons"].items():
        rows = [markdown_row(Result(**comparison)) for comparison in comparisons]
        parts.append(f"## {title}\n\n" + "\n".join([MARKDOWN_HEAD, *rows]) + "\n")
    parts.append(GROWTH_HEAD + "\n".join(map(_growth_row, results["growth"])) + "\n")
    parts.append(LEARNING_HEAD + "\n".join(_learning_rows(learning)) + "\n")
    parts.append(f"{_machine(learning['machine'])}\n")
    return "\n".join(parts)


def _machine(machine: dict[str, Any]) -> str:
    return "Measured with " + ", ".join(f"{name} {value}" for name, value in machine.items()) + "."


def _growth_row(row: dict[str, Any]) -> str:
    if row["what"] == "n-grams":
        more = f"{row['n-grams']:,} n-grams"
    else:
        more = f"{row['seconds_a_batch'] * 1e6:.0f} µs a batch of 64 windows of 256"
    memory = f"{row['peak_bytes'] / 2**20:,.0f} MiB"
    return f"| {row['what']} | {row['millions']:,} | {row['seconds']:.3g} | {memory} | {more} |"


def _learning_rows(learning: dict[str, Any]) -> list[str]:
    return [
        f"| {name} | {figures['steps']:,} | {figures.get('seconds', 60):.3g} | {figures['loss']:.3f} |"
        for name, figures in learning.items()
        if "loss" in figures
    ]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
