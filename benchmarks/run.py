"""``make bench``: measures everything and leaves ``benchmarks/results.json`` and the page that shows it."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import batching
import counting
import generating
import growth
import tokenizing
import torch
import training
from comparison import MARKDOWN_HEAD, compare, markdown_row
from page import PAGE, RESULTS, page

import files
from charlm.runfile import machine

SUBJECTS = {
    "Characters and ids": tokenizing,
    "Batches": batching,
    "Counting and scoring": counting,
    "Training": training,
    "Generation": generating,
    "Files": files,
}


def main() -> None:
    """Measures, prints and writes."""
    results: dict[str, Any] = {"machine": machine(torch.device("cpu")), "comparisons": {}}
    print(*results["machine"].values(), sep=", ")
    for title, subject in SUBJECTS.items():
        print(f"\n{MARKDOWN_HEAD}")
        results["comparisons"][title] = []
        for comparison in subject.comparisons():
            result = compare(comparison)
            results["comparisons"][title].append(dataclasses.asdict(result))
            print(markdown_row(result), flush=True)
    results["growth"] = growth.rows()
    RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
