"""A picture of what the temperature does to the probabilities of the next character."""

from __future__ import annotations

import numpy as np

from charlm import CharLM
from charlm.generation.sampling import scale_by_temperature
from drawing import Drawing

RHYMES = (
    "Hickory, dickory, dock. The mouse ran up the clock. The clock struck one, the mouse ran down.\n"
    "Hey, diddle, diddle, the cat and the fiddle, the cow jumped over the moon. The little dog laughed to see such "
    "fun, and the dish ran away with the spoon.\n"
    "Jack and Jill went up the hill to fetch a pail of water. Jack fell down and broke his crown, and Jill came "
    "tumbling after.\n"
)
"""The text of the page that shows the picture."""
PROMPT = "the "
TEMPERATURES = (0.5, 1.0, 2.0)
NOTES = ("sharper: likely ones get likelier", "as the model predicts", "flatter: rare ones get a chance")
SHOWN = 7


def temperature() -> Drawing:
    """Draws the next character after a prompt at three temperatures, by an n-gram model of nursery rhymes."""
    lm = CharLM.fit(RHYMES, order=4)
    likely = lm.next_symbols(PROMPT, k=SHOWN)
    logits = np.log([[probability for _, probability in lm.next_symbols(PROMPT, k=len(lm.vocabulary.symbols))]])
    drawing = Drawing(
        760,
        320,
        f"The next character after {PROMPT!r} at three temperatures: at 0.5 the likeliest gains, at 2 all draw closer",
    )
    for column, (degrees, note) in enumerate(zip(TEMPERATURES, NOTES, strict=True)):
        x = 20 + 248 * column
        scaled = np.exp(scale_by_temperature(logits, degrees))[0]
        shares = scaled / scaled.sum()
        drawing.text(x, 36, f"temperature = {degrees:g}", look="strong")
        drawing.text(x, 56, note, look="small quiet")
        for row, (character, _) in enumerate(likely):
            y = 72 + 34 * row
            drawing.characters(x, y, character)
            drawing.bar(x + 38, y + 7, 330 * shares[row], "orange" if row == 0 else "blue")
            drawing.text(x + 46 + 330 * shares[row], y + 20, f"{shares[row]:.2f}", look="small quiet")
    return drawing
