"""Pictures of the Transformer: its block, and what the one of the tutorial attends to."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from drawing import Drawing, shown
from stories import stories

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drawing import Fill

STEPS = 320
QUESTION = "the owl ran to malaso, and there the "
SLEEPER = slice(3, 8)
"""The owl in the question, with the spaces around it."""
SHARE = 0.02
"""The smallest weight that is drawn as an arc."""


class Glance(NamedTuple):
    """What a model attends to before it names the sleeper, and what it says then."""

    weights: list[float]
    """How much the last place attends to each, in the head that looks at the sleeper most."""
    likely: list[tuple[str, float]]
    """The likeliest next characters, with their probabilities."""


def block() -> Drawing:
    """Draws a layer of ``GPT`` between its embeddings and its head."""
    drawing = Drawing(
        760,
        300,
        "A Transformer: embeddings; then layers, each with attention and an MLP, both of which add to the residual "
        "stream; then the head, which gives the probabilities of the next character",
    )
    middle, low = 96, 206
    drawing.box(196, 46, 388, 218, "plain", radius=10)
    drawing.text(390, 250, "one layer; GPTConfig.nano has 4 of them", look="small quiet", anchor="middle")
    drawing.path(f"M104 {middle}H676", "blue-path")
    drawing.labeled_box(16, middle - 30, 112, 60, "embedding", "blue")
    drawing.text(72, middle + 52, "a vector for", look="small quiet", anchor="middle")
    drawing.text(72, middle + 70, "each character", look="small quiet", anchor="middle")
    for x, words, note in ((212, "attention", "looks at earlier positions"), (398, "MLP", "works on each position")):
        drawing.arrow([(x + 16, middle), (x + 16, low), (x + 26, low)])
        drawing.labeled_box(x + 26, low - 22, 104, 44, words, "orange")
        drawing.arrow([(x + 130, low), (x + 152, low), (x + 152, middle + 12)])
        drawing.dot(x + 152, middle, "blue-dot", radius=11)
        drawing.path(f"M{x + 146} {middle}h12m-6 -6v12", "plus")
        drawing.text(x + 84, middle - 24, note, look="small quiet", anchor="middle")
        drawing.text(x + 22, middle + 56, "norm", look="small quiet")
    drawing.labeled_box(632, middle - 30, 112, 60, "head", "blue")
    drawing.text(688, middle + 52, "a probability for", look="small quiet", anchor="middle")
    drawing.text(688, middle + 70, "each character", look="small quiet", anchor="middle")
    return drawing


def glance(*, steps: int = STEPS) -> Glance:
    """Trains the Transformer of the tutorial's sixth step as that page does, and asks it who sleeps.

    Args:
        steps: For how many batches.
    """
    import torch  # noqa: PLC0415 - the other pictures need none

    from charlm import GPT, BatchSampler, GPTConfig, TextDataset, Trainer, TrainerConfig  # noqa: PLC0415
    from chartok import Vocabulary  # noqa: PLC0415

    text = "".join(stories())
    vocabulary = Vocabulary.from_text(text)
    train, _ = TextDataset(vocabulary.encode(text), block_size=64).split(0.9)
    shape = GPTConfig(vocab_size=vocabulary.size, block_size=64, n_layers=1, n_heads=2, width=32, hash_rows=1024)
    model = GPT(shape, seed=0)
    config = TrainerConfig(max_steps=steps, learning_rate=0.01)
    Trainer(model, BatchSampler(train, batch_size=16, seed=1), config=config).fit()
    ids = torch.tensor(vocabulary.encode(QUESTION).tolist())[None]
    with torch.no_grad():
        heads = model.activations(ids).attention[0][0, :, -1]
        probabilities = model.logits(ids)[0, -1].softmax(-1)
    best = int(heads[:, SLEEPER].sum(-1).argmax())
    top = probabilities.topk(3)
    likely = [(vocabulary.symbols[place], share) for share, place in zip(*map(torch.Tensor.tolist, top), strict=True)]
    return Glance(heads[best].tolist(), likely)


def attention(seen: Glance | None = None) -> Drawing:
    """Draws what a model attends to before it names the sleeper.

    Args:
        seen: That of the model of the tutorial unless it is given.
    """
    weights, likely = seen or glance()
    side, top, width = 10.0, 140, 400
    left = (width - side * len(QUESTION)) / 2
    sleeper = sum(weights[SLEEPER])
    drawing = Drawing(
        width,
        270,
        f"Attention while the model decides who sleeps: at its last position, {sleeper:.0%} goes to the owl at the "
        f"beginning of the story, and it predicts {likely[0][0]!r} with probability {likely[0][1]:.2f}",
    )
    drawing.text(left, 30, "Who sleeps?", look="strong")
    drawing.text(left, 50, "what the last position attends to, in one of two heads", look="small quiet")
    last = left + (len(QUESTION) - 0.5) * side
    _arcs(drawing, weights, left, side, top, last)
    attended = [place for place, weight in enumerate(weights) if weight > SHARE]
    for place, character in enumerate(QUESTION):
        fill: Fill = "orange" if place == len(QUESTION) - 1 else "blue" if place in attended else "plain"
        drawing.box(left + place * side, top, side, 22, fill)
        drawing.text(left + (place + 0.5) * side, top + 16, shown(character), look="code small", anchor="middle")
    for order, place in enumerate(attended):  # in two rows, in which neighbors have room
        x, y = left + (place + 0.5) * side, top + 38 + 16 * (order % 2)
        drawing.text(x, y, f"{100 * weights[place]:.0f}", look="small", anchor="middle")
    drawing.text(left, top + 76, "percent", look="small quiet")
    drawing.text(left, 250, "Next:")
    for column, (character, share) in enumerate(likely):
        x = left + 48 + 112 * column
        drawing.characters(x, 230, character, "orange", side=22)
        drawing.bar(x + 26, 237, 44 * share, "orange")
        drawing.text(x + 32 + 44 * share, 250, f"{share:.2f}", look="small quiet")
    return drawing


def _arcs(drawing: Drawing, weights: Sequence[float], left: float, side: float, top: float, last: float) -> None:
    """Draws a curve from the last place to each that it attends to, the wider the more."""
    for place, weight in enumerate(weights[:-1]):
        if weight > SHARE:
            x = left + (place + 0.5) * side
            height = top - 16 - 90 * (last - x) / (last - left)
            drawing.path(
                f"M{last:g} {top}C{last:g} {height:g} {x:g} {height:g} {x:g} {top}", "blue-path", width=12 * weight
            )
