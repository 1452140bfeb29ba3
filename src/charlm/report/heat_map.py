"""The section on which character follows which, as a table of colors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from charlm.report.elements import section
from chartok.markup import escaped, visible

if TYPE_CHECKING:
    from charlm.report.transitions import Transitions

FITTING = {"30rem": 18, "48rem": 40, "64rem": 56}
"""How many symbols fit beside each other on a screen up to each width; the less frequent ones are left out there."""
LONG = 2
"""A heading of more characters is turned."""
LONGEST = 8
"""Of more characters, the rest is cut off."""


def transition_section(table: Transitions) -> str:
    """Returns the section."""
    left_out = f" The {table.left_out:,} least frequent characters are left out." if table.left_out else ""
    narrow = (
        " On a narrow screen, only the most frequent ones are shown."
        if len(table.symbols) > min(FITTING.values())
        else ""
    )
    return section(
        "transitions",
        "Character transitions",
        "<p>The probability of each character after a single other one: the stronger the color, the higher. Point at a "
        f"cell, or move with the arrow keys, to see it in percent.{left_out}{narrow}</p>{heat_map(table)}",
    )


def heat_map(table: Transitions) -> str:
    """Returns the table as HTML; the stronger the color of a cell, the higher the probability."""
    names = [visible(symbol) for symbol in table.symbols]
    columns = "".join(f'<th scope="col"{_turned(name)}><bdi>{escaped(name)}</bdi></th>' for name in names)
    rows = [
        f'<tr><th scope="row"><bdi>{escaped(name)}</bdi></th>{"".join(map(_cell, probabilities))}</tr>'
        for name, probabilities in zip(names, table.probabilities.tolist(), strict=True)
    ]
    longest = min(LONGEST, max(map(len, names)))
    sizes = f"--head:{longest};--columns:{len(names)}"
    return (
        f"<style>{_narrowed(table)}</style>"
        '<div class="heat-box" id="heat-box" tabindex="0" role="region" aria-label="Table of characters">'
        f'<table class="heat" id="heat" style="{sizes}"><caption>Rows: previous character. Columns: next character.'
        f"</caption><thead><tr><td></td>{columns}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _turned(name: str) -> str:
    return ' class="turned"' if len(name) > LONG else ""


def _cell(probability: float) -> str:
    """Returns a cell colored by the square root of its probability, so that small ones can be told apart."""
    return f'<td style="--p:{probability**0.5:.2f}">{100 * probability:.3g}</td>'


def _narrowed(table: Transitions) -> str:
    """Returns the style sheet that leaves the less frequent symbols out where they have no room."""
    rules = []
    for width, most in FITTING.items():
        places = [place for place, rank in enumerate(table.ranks.tolist()) if rank >= most]
        hidden = [f".heat tr>:nth-child({place + 2}),.heat tbody tr:nth-child({place + 1})" for place in places]
        if hidden:
            rules.append(f"@media(max-width:{width}){{{','.join(hidden)}{{display:none}}}}")
    return "".join(rules)
