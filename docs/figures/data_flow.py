"""A picture of how the parts of the library fit together."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from drawing import Drawing

if TYPE_CHECKING:
    from drawing import Fill

HEIGHT = 56


class Part(NamedTuple):
    """A box: where it is, its name, what it is about, and whose it is."""

    x: float
    y: float
    width: float
    name: str
    note: str
    fill: Fill


PARTS = (
    Part(20, 40, 110, "text", "str or files", "plain"),
    Part(166, 40, 154, "Vocabulary", "characters to ids", "blue"),
    Part(356, 40, 164, "TextDataset", "windows of block_size", "orange"),
    Part(556, 40, 184, "BatchSampler", "int64, on the device", "orange"),
    Part(556, 136, 184, "Trainer", "loss, gradient, step", "orange"),
    Part(356, 136, 164, "LanguageModel", "ids to logits", "orange"),
    Part(140, 136, 180, "model file", "parameters, vocabulary", "plain"),
    Part(20, 232, 300, "CharLM", "all of it in one object", "orange"),
    Part(
        356,
        232,
        384,
        "generate \N{MIDDLE DOT} evaluate \N{MIDDLE DOT} score",
        "new text; how likely a text is",
        "orange",
    ),
)
ARROWS = (
    ((130, 68), (164, 68)),
    ((320, 68), (354, 68)),
    ((520, 68), (554, 68)),
    ((648, 96), (648, 134)),
    ((556, 156), (522, 156)),
    ((520, 174), (554, 174)),
    ((356, 164), (322, 164)),
    ((230, 192), (230, 230)),
    ((438, 192), (438, 230)),
    ((320, 260), (354, 260)),
)


def flow() -> Drawing:
    """Draws the way of a text through the parts."""
    drawing = Drawing(
        760,
        304,
        "How data flows: from a text to ids, batches, a model, a trainer and a file, and what they are used for",
    )
    drawing.text(166, 26, "blue: chartok", look="small quiet")
    drawing.text(356, 26, "orange: charlm", look="small quiet")
    for part in PARTS:
        middle = part.x + part.width / 2
        drawing.box(part.x, part.y, part.width, HEIGHT, part.fill, radius=6)
        drawing.text(middle, part.y + 24, part.name, anchor="middle")
        drawing.text(middle, part.y + 43, part.note, look="small quiet", anchor="middle")
    for arrow in ARROWS:
        drawing.arrow(arrow)
    return drawing
