"""What a terminal shows: whether in color, and how."""

from __future__ import annotations

import os
import sys
from typing import TextIO

BOLD = "\x1b[1m"
RED = "\x1b[1;31m"
REVERSED_RED = "\x1b[7;31m"
"""Red with its background, so that spaces show."""
PLAIN = "\x1b[0m"


def has_colors(stream: TextIO | None) -> bool:
    """Returns whether what is printed to a stream is colored.

    Never where ``NO_COLOR`` is set to something, else always where ``FORCE_COLOR`` is; and if neither is, on a terminal
    that is not called ``dumb``. See https://no-color.org and https://force-color.org.
    """
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"


def heading(text: str) -> str:
    """Returns a heading as standard output shows it."""
    return f"{BOLD}{text}{PLAIN}" if has_colors(sys.stdout) else text
