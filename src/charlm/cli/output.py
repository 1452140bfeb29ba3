"""Output helpers of the command line."""

from __future__ import annotations

import contextlib
import json
import logging
import math
import shlex
import sys
import unicodedata
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any, TextIO

from charlm.cli.wording import as_typed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Categories of Unicode: control and format characters, surrogates, and ends of lines and paragraphs."""


def print_json(**values: Any) -> None:  # noqa: ANN401 - JSON values
    """Prints one JSON object; infinite and NaN numbers, which JSON does not have, become null."""
    print(json.dumps(_finite(values), allow_nan=False))


def _finite(value: Any) -> Any:  # noqa: ANN401 - JSON values
    if isinstance(value, dict):
        return {name: _finite(own) for name, own in value.items()}
    if isinstance(value, list):
        return [_finite(own) for own in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def print_line(line: str, file: TextIO | None = None) -> None:
    """Prints what the program says; whatever is not printable, such as a newline in a path, is printed as an escape."""
    print(printable(line), file=file)


def printable(text: str) -> str:
    r"""Returns a text in which whatever is not printable is an escape.

    Example:
        >>> printable("two\nlines")
        'two\\nlines'
    """
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def print_note(message: str, file: TextIO | None = None) -> None:
    """Prints an error, a warning or a note in the terms of the command line, by default on standard error."""
    print_line(f"charlm: {as_typed(' '.join(message.split()))}", sys.stderr if file is None else file)


def suggest(*commands: Sequence[object]) -> None:
    """Suggests what may be typed next to whoever watches: on standard error, if that and standard output are terminals.

    A program that reads the output, or a log, has no use for it.

    Args:
        commands: The parts of each command line.
    """
    if not (sys.stderr is not None and sys.stderr.isatty() and sys.stdout.isatty()):
        return
    for before, command in zip(chain(["Next:"], repeat("")), commands, strict=False):
        print_line(f"{before:5} {shlex.join(map(str, command))}", sys.stderr)


def shown_line(text: str, *, on_terminal: bool | None = None) -> str:
    r"""Returns a line of the user's as it is printed among others: with its line ends as ``\n`` and ``\r``.

    On a terminal, whatever it would obey or not show is an escape: control and format characters.

    Args:
        text: The line.
        on_terminal: Whether it goes to a terminal; None looks at standard output.

    Example:
        >>> shown_line("to be\nor\x1b[2K", on_terminal=True), len(shown_line("\x1b[2K", on_terminal=False))
        ('to be\\nor\\x1b[2K', 4)
    """
    if not (sys.stdout.isatty() if on_terminal is None else on_terminal):
        return text.replace("\n", r"\n").replace("\r", r"\r")
    return "".join(
        each if each == "\t" or unicodedata.category(each) not in HIDDEN else ascii(each)[1:-1] for each in text
    )


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
        print_note(record.getMessage(), self._file)


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
