"""Output helpers of the command line."""

from __future__ import annotations

import json
import math
from typing import Any, TextIO


def print_json(**values: Any) -> None:  # noqa: ANN401 - JSON values
    """Prints one JSON object; infinite and NaN numbers, which JSON does not have, become null."""
    finite = {
        name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in values.items()
    }
    print(json.dumps(finite, allow_nan=False))


def print_line(line: str, file: TextIO | None = None) -> None:
    """Prints what the program says; whatever is not printable, such as a newline in a path, is printed as an escape."""
    print("".join(each if each.isprintable() else ascii(each)[1:-1] for each in line), file=file)
