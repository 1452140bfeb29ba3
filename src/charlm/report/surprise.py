"""The section that colors a text by how surprised the model is at each character."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from charlm.evaluation.scored_text import MOST_BITS
from charlm.report.elements import section

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from charlm.evaluation.scored_text import ScoredText
    from charlm.report.scored import Scored

MOST_COLORED = 3_000
"""How many symbols are colored."""


def surprise(scored: Scored) -> str:
    """Returns the section."""
    symbols = sum(len(one.log_probabilities) for one in scored.texts)
    part = f"; the first {MOST_COLORED:,} symbols are shown" if symbols > MOST_COLORED else ""
    mean = f"{scored.bits_per_character:.2f} bits per character on average"
    return section(
        "surprise",
        "Surprise, character by character",
        f"<p>The stronger the color, the more surprised the model was: {mean} over {scored.told}{part}. Point at a "
        "character, or move with the arrow keys, to see which characters the model considered most likely. "
        f"{scored.note}</p>"
        f'<p class="scale" aria-hidden="true"><span>0 bits</span><i></i><span>{MOST_BITS:g} bits or more</span></p>'
        '<div class="text" id="text" tabindex="0" role="group" aria-label="The text, character by character">'
        f"{'<br>'.join(_colored(scored.texts))}</div>",
    )


def _colored(texts: Iterable[ScoredText]) -> Iterator[str]:
    """Yields the colored symbols of each text, or record, that the first ones are in."""
    left = MOST_COLORED
    for one in texts:
        yield "".join(islice(one.spans(), left))
        left -= len(one.log_probabilities)
        if left <= 0:
            return
