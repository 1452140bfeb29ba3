"""The section on what a Transformer attends to, layer by layer and head by head."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from charlm.data.framing import Framing
from charlm.lm import CharLM
from charlm.models.registry import FAMILIES
from charlm.report.elements import section
from chartok.markup import escaped, visible

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from charlm.report.scored import Scored

LONGEST = 64
"""How many symbols are shown."""
LEVELS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"
"""How much a position attends to another, in 64 steps, as one character."""


def attention(lm: CharLM, scored: Scored) -> str:
    """Returns the section; nothing for a model without attention."""
    transformer = transformer_of(lm)
    if transformer is None:
        return ""
    text, labels = _shown(transformer, scored)
    if len(labels) < 2:  # noqa: PLR2004 - a position and one before it
        return ""
    weights = transformer.attention(text)
    layers, heads = weights.shape[:2]
    data = {"layers": layers, "heads": heads, "weights": [written(head) for layer in weights for head in layer]}
    symbols = "".join(labels)
    return section(
        "attention",
        "Attention",
        "<p>Where the model looks as it reads: choose a layer and a head, and point at a symbol, or move with the "
        "arrow keys, to see how much that position attends to itself and to those before it. The square shows the "
        "same for all positions: one row for each, with the first at the top, with a cell for each that it attends "
        "to, with the first at the left.</p>"
        f"<noscript><p>Attention is drawn by a script, and scripts are turned off in this browser.</p></noscript>"
        f'<div class="attention" id="attention-box" data-attention="{escaped(json.dumps(data))}" hidden>'
        f'<p class="pickers">{_picker("layer", layers)} {_picker("head", heads)}</p>'
        f'<div class="text" id="attention-text" tabindex="0" role="group" aria-label="The text that is attended to">'
        f'{symbols}</div><div class="attended"><b>attends</b>'
        f'<canvas width="{len(labels)}" height="{len(labels)}" role="img" '
        'aria-label="How much each position attends to each"></canvas><b>attended to</b></div></div>',
    )


def transformer_of(lm: CharLM) -> CharLM | None:
    """Returns a model itself if it is a Transformer, or that which is in a mixture; None if there is none."""
    models: Any = getattr(lm.stored, "models", [lm.stored])
    for model in models:
        if model.family in FAMILIES and FAMILIES[model.family].has_layers:
            return CharLM(model, lm.vocabulary)
    return None


def written(weights: NDArray[np.float32]) -> str:
    """Returns how much each position attends to those up to it, row by row, as characters.

    The square root is stored, so that little attention can be told from none.

    Args:
        weights: ``(T, T)``, each row of which sums to 1.

    Example:
        >>> written(np.array([[1, 0], [0.25, 0.75]], dtype=np.float32))
        '_Wt'
    """
    rows, columns = np.tril_indices(len(weights))
    levels = np.clip(np.rint(np.sqrt(weights[rows, columns]) * (len(LEVELS) - 1)), 0, len(LEVELS) - 1)
    return "".join(LEVELS[level] for level in levels.astype(np.int64).tolist())


def _shown(lm: CharLM, scored: Scored) -> tuple[str, list[str]]:
    """Returns the beginning of a text, and each of its positions as an element."""
    one = max(scored.texts[:LONGEST], key=lambda one: len(one.symbols)) if lm.is_of_records else scored.texts[0]
    has_start = Framing(lm.vocabulary).bos is not None
    most = LONGEST if lm.predictor.block_size is None else min(LONGEST, lm.predictor.block_size - has_start)
    symbols = one.symbols[:most]
    labels = [f"<span>{escaped(' ' if symbol == ' ' else visible(symbol))}</span>" for symbol in symbols]
    return "".join(symbols), ['<span class="start">start</span>', *labels] if has_start else labels


def _picker(name: str, number: int) -> str:
    mean = f'<option value="-1">mean of all {number}</option>' if name == "head" and number > 1 else ""
    options = "".join(f'<option value="{place}">{place + 1} of {number}</option>' for place in range(number))
    return f'<label>{name.capitalize()} <select id="attention-{name}">{options}{mean}</select></label>'
