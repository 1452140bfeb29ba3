"""How the commands read text: the flags that they have in common, and what is worth saying about the files."""

from __future__ import annotations

import dataclasses
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from charlm.cli.flags import READING
from charlm.cli.output import print_line
from chartok import TokenFile
from chartok.token_file import is_token_file

if TYPE_CHECKING:
    from charlm.cli.flags import Several
    from chartok import ReadingSettings

ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "0": "\0", "\\": "\\"}
"""What may be typed after a backslash, and what it stands for."""


def reading_of(settings: ReadingSettings) -> ReadingSettings:
    r"""Returns the settings with the escapes in the delimiter and the separator replaced, as typed in a shell.

    Raises:
        ValueError: A backslash is followed by something else.

    Example:
        >>> from chartok import ReadingSettings
        >>> reading_of(ReadingSettings(delimiter=r"\n\n")).delimiter
        '\n\n'
    """
    return dataclasses.replace(
        settings,
        delimiter=_unescaped("--delimiter", settings.delimiter),
        separator=_unescaped("--separator", settings.separator),
    )


def token_file_of(texts: Several, settings: ReadingSettings, *, records: bool) -> str | None:
    """Returns the name of the token file that was given in place of a text; None if it is a text.

    Raises:
        ValueError: Flags say how to read the text, or that there are records, and it holds one text.
        OSError: The file cannot be read.
    """
    if len(texts) > 1 or not Path(texts[0]).is_file() or not is_token_file(texts[0]):
        return None
    if settings != READING:
        raise ValueError(f"{texts[0]!a} is a token file, whose text has been read already: leave out how to read it")
    if records:
        with TokenFile(texts[0]) as tokens:
            if tokens.records is None:
                raise ValueError(
                    f"{texts[0]!a} holds one text: write its lines as records with charlm prepare --records"
                )
    return texts[0]


def check_unused(settings: ReadingSettings, flag: str) -> None:
    """Checks that no flag says how to read files where there are none.

    Raises:
        ValueError: One does.
    """
    if settings != READING:
        raise ValueError(f"there is no {flag}, and flags say how to read its files: give {flag}, or leave them out")


def tell_note(note: str) -> None:
    """Prints a note on standard error."""
    print_line(f"charlm: {note}", sys.stderr)


def _unescaped(flag: str, typed: str) -> str:
    def replacement(found: re.Match[str]) -> str:
        if found[1] not in ESCAPES:
            known = " ".join(f"\\{name}" for name in ESCAPES)
            raise ValueError(f"{flag} has {found[0]!a}, which is none of {known}; a backslash itself is \\\\")
        return ESCAPES[found[1]]

    return re.sub(r"\\(.?)", replacement, typed, flags=re.DOTALL)
