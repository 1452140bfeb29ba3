"""The HTML file around the sections of a report: it loads nothing, and its script and style are inside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from typing import TYPE_CHECKING

from charlm.report.elements import key_figures, paragraph
from charlm.report.settings import in_utc
from charlm.training.chart_style import STYLE
from chartok import __version__
from chartok.markup import escaped

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
RELOAD_SECONDS = 5
"""How often the page of a run that is still going reloads itself."""


@dataclass(frozen=True, kw_only=True)
class Document:
    """A report.

    Attributes:
        name: What it is about.
        lead: A sentence about that.
        figures: The numbers that matter most, by name.
        sections: HTML.
        is_live: Whether the run is still going, so that the page reloads itself.
    """

    name: str
    lead: str
    figures: Mapping[str, str]
    sections: Sequence[str]
    is_live: bool = False

    def to_html(self) -> str:
        """Returns the file."""
        assets = files("charlm.report")
        script = (assets / "page.js").read_text("utf-8")
        style = (assets / "page.css").read_text("utf-8") + STYLE
        reload = f'<meta http-equiv="refresh" content="{RELOAD_SECONDS}">' if self.is_live else ""
        written = in_utc(datetime.now(UTC).isoformat(timespec="seconds"))  # a process that is killed writes no more
        running = f"Written at {written}: this page reloads itself every {RELOAD_SECONDS} seconds until the run ends."
        return (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">{reload}'
            f'<meta name="color-scheme" content="light dark"><title>{escaped(self.name)} · charlm</title>'
            f"<style>{style}</style></head><body>"
            '<a class="skip" href="#main">Skip to the report</a>'
            f"<header><p>charlm report</p><h1>{escaped(self.name)}</h1>{paragraph(self.lead, 'lead')}"
            f"{paragraph(running, 'live') if self.is_live else ''}{key_figures(self.figures)}</header>"
            f'<main id="main">{"".join(self.sections)}</main><footer>Made by charlm {__version__}.</footer>'
            f'<p class="told" id="told" role="status"></p><script>{script}</script></body></html>\n'
        )
