"""What the command line prints."""

from __future__ import annotations

import json
from typing import Any


def print_json(**values: Any) -> None:  # noqa: ANN401 - JSON values
    """Prints one JSON object."""
    print(json.dumps(values))


def lines_of(text: str) -> list[str]:
    """Returns the lines of a text without their ends."""
    return text.removesuffix("\n").split("\n") if text else []
