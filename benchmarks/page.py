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

In the tables, *ratio* is how many times more the other way takes, in turns within one run, and *target* what it was
meant to be. A time is the median of a call, and so is an amount of memory; behind it stands half the distance between
the quartiles. A ratio below its target stands as it was measured, and below the table why it is so, where that is
known. `make guard` measures all of it again and fails where a ratio has become much worse.
"""

NOTES = {
    "Memory": "Each way in a program of its own: the most that it holds, less what it holds before it begins, which is "
    "Python itself,\nthe imports, and the input.\n",
    "Start": "Each is a new program, and the seconds are those of the whole of it.\n",
    "Transformer": "Steps are forward, backward and update, of the shape `nano` on 32 windows; generation is with the "
    "shape `small`. The\nothers have the same shape. What the steps are worth is under [learning](#learning).\n",
}
"""What stands above a table, by its title."""

LEARNING_HEAD = """## Learning

Tiny Shakespeare, the first nine tenths to train on, every character of the last tenth scored once. The classic
Transformer is one as in the second half of the notebook, with GELU, learned positions and AdamW, and 2,000 steps of 12
windows. The target is a loss of 1.886, which nanoGPT's own code comes to with that recipe; of the Transformers, the
seconds to it are those of the training steps.

| what | steps | seconds | nats a character |
| --- | ---: | ---: | ---: |
"""

GENERATION = """Generating 500 characters with `GPTConfig.base`, 6 layers of 384, took {seconds:.1f} s; with a plain
loop that passes the whole context through for each character, {uncached:.1f} s, {ratio:.1f} times as long.
"""

GROWTH_HEAD = """## Growth

| what | million characters | seconds | most memory | more |
| --- | ---: | ---: | ---: | --- |
"""


def page() -> str:
    """Returns the page, in Markdown."""
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    learning = json.loads(LEARNING.read_text(encoding="utf-8"))
    parts = [HEAD, f"{_machine(results['machine'] | results['rivals'])}\n"]
    for title, comparisons in results["comparisons"].items():
        measured = [Result(**comparison) for comparison in comparisons]
        parts += [f"## {title}\n", *([NOTES[title]] if title in NOTES else [])]
        parts.append("\n".join([MARKDOWN_HEAD, *map(markdown_row, measured)]) + "\n")
        parts += ["\n".join(reasons) + "\n"] if (reasons := _reasons(measured)) else []
    parts.append(GROWTH_HEAD + "\n".join(map(_growth_row, results["growth"])) + "\n")
    parts.append(LEARNING_HEAD + "\n".join(_learning_rows(learning)) + "\n")
    parts.append(GENERATION.format(**learning["500 characters, GPT base"]))
    parts.append(f"{_machine(learning['machine'])}\n")
    return "\n".join(parts)


def _reasons(results: list[Result]) -> list[str]:
    return list(dict.fromkeys(reason for result in results if (reason := result.explanation)))


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
        f"| {name} | {figures.get('steps', 0):,} | {figures['seconds']:.3g} | {figures['loss']:.3f} |"
        for name, figures in learning.items()
        if "loss" in figures
    ]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
