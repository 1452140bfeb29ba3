"""Measuring in a program of its own, so that what others have done before does not count."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any


def alone(program: str, *arguments: object) -> Any:  # noqa: ANN401 - JSON
    """Returns what a program prints, as JSON.

    Args:
        program: The path of its source.
        arguments: What it is given.
    """
    return json.loads(subprocess.check_output([sys.executable, program, *map(str, arguments)]))  # noqa: S603 - our own


def peak_bytes() -> int:
    """Returns the most that this program has held; ``getrusage`` would count in the one that started it."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def forget_peak() -> None:
    """Lets ``peak_bytes`` begin anew, with what the program holds now."""
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
