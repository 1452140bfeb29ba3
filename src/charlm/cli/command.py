"""What the commands have in common: their settings from a file, and how they read text by default."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional, TypeAlias

from tyro.conf import Fixed, Suppress

from chartok.files.reading import ReadingSettings

if TYPE_CHECKING:
    Several: TypeAlias = tuple[str, ...]
else:
    Several = tuple
READING = ReadingSettings(delimiter=r"\n")
"""How the commands read text by default, as it would be typed; see ``charlm.cli.reading``."""
READING_LINES = ReadingSettings(delimiter=READING.delimiter, blank_lines="keep")
"""How those do that answer every line."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """The settings of every command.

    Attributes:
        config: A TOML file with flags: NAME = VALUE, at the top or in a table named after the command.
        shared: The names of the settings from the top of that file, which are for every command that uses them.
    """

    config: Optional[Path] = None
    shared: Annotated[Several, Fixed, Suppress] = ()
