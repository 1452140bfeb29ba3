"""Texts colored by surprise: a picture of names for the README, and a paragraph for the landing page."""

from __future__ import annotations

from html import escape

from charlm import CharLM, python_docs
from charlm.evaluation.scored_text import MOST_BITS
from dinosaurs import DINOSAURS
from drawing import Drawing

WORDS = ("tyrannosaurus", "brontosaurus", "stegosauros", "stegosaurus-2", "spreadsheet")
PARAGRAPH = (
    "The with statement is used to wrap the execution of a block. The whith statment is uzed to wrap the executoin of "
    "a sandwich."
)
SIDE = 34


def names() -> Drawing:
    """Draws words, each letter colored by how much it surprises a model of dinosaurs."""
    scored = CharLM.fit(DINOSAURS).inspect(WORDS)
    said = "; ".join(f"{one.text}: {one.bits.mean():.1f} bits per character" for one in scored)
    drawing = Drawing(760, 60 + 52 * len(WORDS), f"Words colored by the surprise of a model of dinosaurs: {said}")
    drawing.text(20, 32, "what a model of 52 dinosaurs expects", look="small quiet")
    drawing.text(740, 32, "bits per character", look="small quiet", anchor="end")
    for row, one in enumerate(scored):
        y = 48 + 52 * row
        for place, (symbol, bits) in enumerate(zip(one.symbols, one.bits, strict=False)):
            drawing.heat(20 + SIDE * place, y, SIDE - 2, 36, min(bits / MOST_BITS, 1))
            drawing.text(20 + SIDE * (place + 0.5) - 1, y + 24, symbol, look="code", anchor="middle")
        drawing.text(740, y + 24, f"{one.bits.mean():.1f}", look="strong", anchor="end")
    return drawing


def paragraph() -> str:
    """Returns a paragraph in HTML, colored by how much it surprises a model of Python's documentation."""
    scored = CharLM.fit(python_docs()).inspect(PARAGRAPH)
    spans = "".join(
        f'<span style="--surprise: {min(bits / MOST_BITS, 1):.2f}" title="{bits:.1f} bits">{escape(symbol)}</span>'
        for symbol, bits in zip(scored.symbols, scored.bits, strict=True)
    )
    return f'<p class="surprise">{spans}</p>\n'
