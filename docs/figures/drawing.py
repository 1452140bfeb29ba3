"""What the pictures of these pages are drawn with: SVG that reads in light and in dark, in one look.

A picture stands on a card of its own and follows the color scheme of the system, so that it reads on any page.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

Fill = Literal["plain", "blue", "orange"]
"""What a box means: nothing in particular, what a model sees, what it predicts."""
Anchor = Literal["start", "middle", "end"]

STYLE = """
    svg {
      --paper: #f7f9fb; --edge: #cbd5de; --ink: #1f2933; --quiet: #4a5662; --plain: #ffffff; --line: #9aa5b1;
      --blue: #d6e8fa; --blue-line: #3b7ab5; --orange: #fde6c8; --orange-line: #b06c14; --heat: #ee8a62;
    }
    @media (prefers-color-scheme: dark) {
      svg {
        --paper: #181c22; --edge: #38414d; --ink: #e6eaef; --quiet: #aeb8c4; --plain: #232a33; --line: #66727f;
        --blue: #1f3f5f; --blue-line: #7ab8f0; --orange: #553a15; --orange-line: #e8a951; --heat: #a8431f;
      }
    }
    text { font: 15px system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: var(--ink); }
    .code { font: 17px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
    .small { font-size: 13px; }
    .quiet { fill: var(--quiet); }
    .strong { font-weight: 600; }
    .start { text-anchor: start; }
    .middle { text-anchor: middle; }
    .end { text-anchor: end; }
    .paper { fill: var(--paper); stroke: var(--edge); }
    .plain { fill: var(--plain); stroke: var(--line); }
    .blue { fill: var(--blue); stroke: var(--blue-line); }
    .orange { fill: var(--orange); stroke: var(--orange-line); }
    .heat { fill: var(--heat); }
    .path { fill: none; stroke: var(--line); stroke-width: 1.5; }
    .blue-path { fill: none; stroke: var(--blue-line); stroke-width: 2; }
    .orange-path { fill: none; stroke: var(--orange-line); stroke-width: 2; }
    .grid { fill: none; stroke: var(--edge); }
    .plus { fill: none; stroke: var(--paper); stroke-width: 2; }
    .dashed { stroke-dasharray: 4 3; }
    .head { fill: var(--line); }
    .blue-dot { fill: var(--blue-line); }
    .orange-dot { fill: var(--orange-line); }
    .grey-dot { fill: var(--quiet); }
"""
SIDE = 28
"""The width of the box of a character, in pixels, as long as nothing else is said."""


def shown(character: str) -> str:
    """Returns what is drawn for a character: a dot for a space, an arrow for a line end."""
    return {" ": "\N{MIDDLE DOT}", "\n": "\N{DOWNWARDS ARROW WITH CORNER LEFTWARDS}"}.get(character, character)


class Drawing:
    """A picture that grows part by part.

    Args:
        width: In pixels, as is everything here, where the picture is not scaled.
        height: Likewise.
        title: What there is to see, for who cannot see it.
    """

    def __init__(self, width: int, height: int, title: str) -> None:
        self.width, self.height, self.title = width, height, title
        self._parts: list[str] = []

    def text(
        self, x: float, y: float, words: str, *, look: str = "", anchor: Anchor = "start", opacity: float = 1
    ) -> None:
        """Writes words; ``look`` names classes of the style."""
        faint = "" if opacity == 1 else f' opacity="{opacity:g}"'
        self._parts.append(
            f'<text class="{f"{look} {anchor}".strip()}" x="{x:g}" y="{y:g}"{faint}>{escape(words)}</text>'
        )

    def box(self, x: float, y: float, width: float, height: float, fill: Fill = "plain", *, radius: float = 0) -> None:
        """Draws a rectangle."""
        corner = f' rx="{radius:g}"' if radius else ""
        self._parts.append(f'<rect class="{fill}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"{corner}/>')

    def heat(self, x: float, y: float, width: float, height: float, share: float) -> None:
        """Draws a rectangle that is the more colored, the nearer ``share`` is to 1."""
        self.box(x, y, width, height, "plain", radius=4)
        self._parts.append(
            f'<rect class="heat" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="4" '
            f'opacity="{share:.1f}"/>'
        )

    def labeled_box(self, x: float, y: float, width: float, height: float, words: str, fill: Fill = "plain") -> None:
        """Draws a rectangle with words in its middle."""
        self.box(x, y, width, height, fill, radius=6)
        self.text(x + width / 2, y + height / 2 + 5, words, anchor="middle")

    def characters(self, x: float, y: float, text: str, fill: Fill = "plain", *, side: float = SIDE) -> None:
        """Draws a text, each character in a box."""
        for place, character in enumerate(text):
            self.box(x + place * side, y, side, 30, fill)
            self.text(x + (place + 0.5) * side, y + 21, shown(character), look="code", anchor="middle")

    def bar(self, x: float, y: float, length: float, fill: Fill = "blue", *, height: float = 16) -> None:
        """Draws a horizontal bar; one of no length is a line."""
        self.box(x, y, max(length, 0.5), height, fill)

    def path(self, commands: str, look: str = "path", *, width: float = 0) -> None:
        """Draws a line, in the language of SVG's paths, of the width of its look where none is given."""
        stroke = f' style="stroke-width: {width:.1f}"' if width else ""
        self._parts.append(f'<path class="{look}" d="{commands}"{stroke}/>')

    def arrow(self, points: Iterable[tuple[float, float]]) -> None:
        """Draws a line through points with a head at its end; its last part is horizontal or vertical."""
        *before, (x0, y0), (x, y) = points
        corners = " ".join(f"L{a:g} {b:g}" for a, b in [*before[1:], (x0, y0), (x, y)] if before) or f"L{x:g} {y:g}"
        first = before[0] if before else (x0, y0)
        self.path(f"M{first[0]:g} {first[1]:g} {corners}")
        right, down = (x > x0) - (x < x0), (y > y0) - (y < y0)
        tip = [
            (x, y),
            (x - 8 * right - 4 * down, y - 8 * down - 4 * right),
            (x - 8 * right + 4 * down, y - 8 * down + 4 * right),
        ]
        self._parts.append(f'<polygon class="head" points="{" ".join(f"{a:g},{b:g}" for a, b in tip)}"/>')

    def dot(self, x: float, y: float, look: str, *, radius: float = 5) -> None:
        """Draws a filled circle."""
        self._parts.append(f'<circle class="{look}" cx="{x:g}" cy="{y:g}" r="{radius:g}"/>')

    def svg(self) -> str:
        """Returns the picture as a file of SVG."""
        parts = "\n  ".join(self._parts)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" role="img" '
            f'aria-labelledby="title">\n  <title id="title">{escape(self.title)}</title>\n  <style>{STYLE}  </style>\n'
            f'  <rect class="paper" x="0.5" y="0.5" width="{self.width - 1}" height="{self.height - 1}" rx="10"/>\n'
            f"  {parts}\n</svg>\n"
        )
