"""``make bench``: measures everything, prints one table, and leaves the figures in ``benchmarks/results.json``."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
from pathlib import Path

import batching
import counting
import generating
import numpy as np
import tokenizing
import torch
import training
from comparison import MARKDOWN_HEAD, compare, markdown_row

from chartok import __version__


def main() -> None:
    """Measures, prints and writes."""
    machine = {
        "processor": processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "torch": torch.__version__,
        "chartok": __version__,
    }
    print(", ".join(f"{name} {value}" for name, value in machine.items()), end="\n\n")
    print(MARKDOWN_HEAD)
    results = []
    for subject in (tokenizing, batching, counting, training, generating):
        for comparison in subject.comparisons():
            results.append(compare(comparison))
            print(markdown_row(results[-1]), flush=True)
    content = {"machine": machine, "results": [dataclasses.asdict(result) for result in results]}
    path = Path(__file__).with_name("results.json")
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def processor() -> str:
    """Returns the name of the processor."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
