"""Measurements that take minutes, stored in a file beside the example that made them.

The environment variable ``CHARTOK_GALLERY`` says what such an example does: without it, it reads
the file; with ``full`` it measures on Tiny Shakespeare and writes the file; with ``small`` it
trains for a few steps on little text.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from charlm import python_docs, tiny_shakespeare

Measured = TypeVar("Measured")

SMALL_TEXT = 12_000
"""Characters of text in a small run."""
SMALL_STEPS = 1
"""Its steps of training."""


def recorded(name: str, measure: Callable[[str, int], Measured], steps: int) -> Measured:
    """Returns what ``measure(text, steps)`` returned when it last ran in full, or in a small run.

    Args:
        name: The name of the file, without its ending.
        measure: Returns JSON values.
        steps: The steps of training in full.

    Raises:
        ValueError: ``CHARTOK_GALLERY`` is something else.
    """
    path = Path(__file__).with_name(f"{name}.json")
    extent = os.environ.get("CHARTOK_GALLERY", "")
    if extent == "small":
        return measure(python_docs()[:SMALL_TEXT], SMALL_STEPS)
    if extent == "full":
        path.write_text(
            json.dumps(measure(tiny_shakespeare(), steps), indent=1) + "\n", encoding="utf-8"
        )
    elif extent:
        raise ValueError(f"CHARTOK_GALLERY must be 'full' or 'small', got {extent!a}")
    measured: Measured = json.loads(path.read_text(encoding="utf-8"))
    return measured
