"""Output helpers of the command line."""

from __future__ import annotations

import json
import math
from typing import Any


def print_json(**values: Any) -> None:  # noqa: ANN401 - JSON values
    """Prints one JSON object; infinite and NaN numbers, which JSON does not have, become null."""
    finite = {
        name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in values.items()
    }
    print(json.dumps(finite, allow_nan=False))


def lines_of(text: str) -> list[str]:
    """Returns the lines of a text without the line ends."""
    return text.removesuffix("\n").split("\n") if text else []
