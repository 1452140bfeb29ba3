"""Measures in a separate process, so that earlier measurements have no effect."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any


def alone(program: str, *arguments: object) -> Any:  # noqa: ANN401 - JSON
    """Returns the JSON output of a program.

    Args:
        program: The path of its source.
        arguments: Its arguments.
    """
    return json.loads(subprocess.check_output([sys.executable, program, *map(str, arguments)]))  # noqa: S603 - our own


def peak_bytes() -> int:
    """Returns the peak memory of this process; ``getrusage`` would include the process that started it."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def forget_peak() -> None:
    """Resets ``peak_bytes`` to the memory that the process uses now."""
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
