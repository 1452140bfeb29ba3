"""``make bench``: measures everything and writes ``benchmarks/results.json`` and the page that shows the results."""

from __future__ import annotations

import dataclasses
import json
import os
from typing import TYPE_CHECKING, Any

import arpa
import batching
import counting
import files
import generating
import growth
import memory
import numpy_alone
import records
import starting
import step
import tokenizing
import training
import transformer
from comparison import MARKDOWN_HEAD, compare, markdown_row
from environment import environment, rivals
from page import PAGE, RESULTS, page

if TYPE_CHECKING:
    from types import ModuleType

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # programs start from compiled modules, as after pip install

SUBJECTS: dict[str, ModuleType] = {
    "Characters and ids": tokenizing,
    "Batches": batching,
    "Records": records,
    "Counting and scoring": counting,
    "KenLM": arpa,
    "Training": training,
    "Training step": step,
    "Transformer": transformer,
    "Generation": generating,
    "Count models, on NumPy alone": numpy_alone,
    "Files": files,
    "Start": starting,
    "Memory": memory,
}


def main() -> None:
    """Runs the measurements, prints the results and writes them to files."""
    results: dict[str, Any] = {"machine": environment(), "rivals": rivals(), "comparisons": {}}
    print(*results["machine"].values(), sep=", ")
    for title, subject in SUBJECTS.items():
        print(f"\n{title}\n\n{MARKDOWN_HEAD}")
        measured = []
        for comparison in subject.comparisons():
            result = compare(comparison)
            measured.append(dataclasses.asdict(result))
            print(markdown_row(result), flush=True)
        if measured:
            results["comparisons"][title] = measured
    results["growth"] = growth.rows()
    RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
