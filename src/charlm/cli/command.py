"""What the commands have in common: their settings from a file, and how they read text by default."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Optional, TypeAlias

from tyro.conf import Fixed, Suppress

from chartok.files.reading import ReadingSettings

if TYPE_CHECKING:
    Several: TypeAlias = tuple[str, ...]
else:
    Several = tuple
OF_READING = tuple(ReadingSettings.__dataclass_fields__)
"""The settings that say how files are read."""
READING = ReadingSettings(delimiter=r"\n")
"""How the commands read text by default, as it would be typed; see ``charlm.cli.reading``."""
READING_LINES = ReadingSettings(delimiter=READING.delimiter, blank_lines="keep")
"""How those do that answer every line."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """The settings of every command.

    Help is made from the docstring of each: the first line is its summary, ``Attributes`` describes the flags,
    ``Examples`` has two command lines, and ``See Also`` the page of the documentation.

    Attributes:
        config: A TOML file with flags: NAME = VALUE, at the top or in a table named after the command.
        shared: The names of the settings from the top of that file, which are for every command that uses them.
        runs: The module of ``charlm.cli`` and the function in it that the command runs.
        groups: The headings under which help has the flags that are seldom needed.
    """

    runs: ClassVar[str]
    groups: ClassVar[dict[str, tuple[str, ...]]] = {"reading files": OF_READING}

    config: Optional[Path] = None
    shared: Annotated[Several, Fixed, Suppress] = ()
