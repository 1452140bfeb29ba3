"""Output helpers of the command line."""

from __future__ import annotations

import contextlib
import json
import logging
import math
import sys
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator


def print_json(**values: Any) -> None:  # noqa: ANN401 - JSON values
    """Prints one JSON object; infinite and NaN numbers, which JSON does not have, become null."""
    finite = {
        name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in values.items()
    }
    print(json.dumps(finite, allow_nan=False))


def print_line(line: str, file: TextIO | None = None) -> None:
    """Prints what the program says; whatever is not printable, such as a newline in a path, is printed as an escape."""
    print("".join(each if each.isprintable() else ascii(each)[1:-1] for each in line), file=file)


class _Notes(logging.Handler):
    """Prints each note as one line.

    Args:
        file: Where to; the standard error of the program, also while that of the parser is kept aside.
    """

    def __init__(self, file: TextIO) -> None:
        super().__init__()
        self._file = file

    def emit(self, record: logging.LogRecord) -> None:
        """Prints a note."""
        print_line(f"charlm: {record.getMessage()}", self._file)


@contextlib.contextmanager
def notes_in_one_line() -> Iterator[None]:
    """Prints what the package notes, such as a seed that it has drawn, on standard error."""
    logger, handler = logging.getLogger("charlm"), _Notes(sys.stderr)
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)
