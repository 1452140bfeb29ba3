"""A page to play with a model on the command line: ``play``."""

from __future__ import annotations

import os
import sys
import webbrowser
from typing import TYPE_CHECKING

from charlm.cli.output import print_line, print_note
from charlm.cli.reading import tell_note
from charlm.report.play import write_play

if TYPE_CHECKING:
    from pathlib import Path

    from charlm.cli.flags import Play

HAVE_DISPLAYS = ("darwin", "win32", "cygwin")
"""The platforms whose windows need no variable of the environment."""


def play(settings: Play) -> None:
    """Writes one HTML file with the model in it, and opens it."""
    out = write_play(
        settings.model,
        settings.out,
        text=settings.prompt,
        title=settings.title,
        max_bytes=settings.max_bytes,
        note=tell_note,
    )
    print_line(f"saved to {out}")
    if settings.open and not _opened(out):
        print_note(f"there is no display to open it on: open {out} in a browser")


def _opened(path: Path) -> bool:
    """Opens a page in a browser that has a window; returns whether there is one."""
    has_display = sys.platform in HAVE_DISPLAYS or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")))
    return has_display and webbrowser.open(path.resolve().as_uri())
