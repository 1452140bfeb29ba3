"""The section on which symbols a model considers similar."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from charlm.data.framing import Framing
from charlm.models.predictor import log_softmax
from charlm.models.registry import FAMILIES
from charlm.report.elements import section
from chartok.markup import escaped, visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from charlm.lm import CharLM

NEIGHBORS = 3
LEAST_LOGARITHM = -20.0
"""In nats: what a bigram considers less likely, or impossible, is as unlikely as this."""


def embeddings(lm: CharLM, symbols: Sequence[str]) -> str:
    """Returns the section; nothing for a model that represents no symbols.

    Args:
        lm: The model.
        symbols: Those to show.
    """
    vectors = representations(lm)
    if vectors is None or len(symbols) < 2:  # noqa: PLR2004 - a symbol and another
        return ""
    items = "".join(
        f"<li><b><bdi>{escaped(visible(symbol))}</bdi></b> "
        f"{' '.join(f'<span><bdi>{escaped(visible(other))}</bdi> {cosine:.2f}</span>' for other, cosine in near)}</li>"
        for symbol, near in neighbors(vectors, symbols)
    )
    what = "log-probabilities of the next character" if lm.family == "bigram" else "embeddings"
    return section(
        "embeddings",
        "Similar symbols",
        f"<p>For each symbol, those whose {what} are nearest, with the cosine of the angle between them: 1 is the same "
        f'direction, 0 a right angle.</p><ul class="neighbors">{items}</ul>',
    )


def representations(lm: CharLM) -> dict[str, NDArray[np.float64]] | None:
    """Returns the vector of each symbol in a model; None for one that has none.

    That of a bigram is its row, as log-probabilities of what follows without their mean.
    """
    model: Any = lm.stored
    symbols, ids = lm.vocabulary.symbols, Framing(lm.vocabulary).symbol_ids()
    if lm.family in FAMILIES and FAMILIES[lm.family].has_layers:
        rows = model.embedding.weight.detach().float().numpy(force=True)[ids]
    elif lm.family == "bigram":
        logits, _ = lm.predictor.start(np.array(ids)[:, None])
        likelihoods = np.maximum(log_softmax(logits.astype(np.float64))[:, ids], LEAST_LOGARITHM)
        rows = likelihoods - likelihoods.mean(axis=1, keepdims=True)
    else:
        return None
    return dict(zip(symbols, rows.astype(np.float64), strict=True))


def neighbors(
    vectors: dict[str, NDArray[np.float64]], symbols: Sequence[str]
) -> list[tuple[str, list[tuple[str, float]]]]:
    """Returns the symbols in the most similar directions for each of some symbols, the nearest first.

    Args:
        vectors: The vector of each symbol, ``(width,)``.
        symbols: Those to compare.

    Example:
        >>> vectors = {"a": np.array([1.0, 0.0]), "b": np.array([3.0, 4.0]), "c": np.array([-1.0, 0.0])}
        >>> neighbors(vectors, "abc")[0]
        ('a', [('b', 0.6), ('c', -1.0)])
    """
    rows = np.array([vectors[symbol] for symbol in symbols])
    rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.finfo(np.float64).tiny)
    cosines = rows @ rows.T
    np.fill_diagonal(cosines, -np.inf)
    nearest = np.argsort(-cosines, axis=1, kind="stable")[:, : min(NEIGHBORS, len(rows) - 1)]
    return [
        (symbol, [(symbols[place], round(float(cosines[row, place]), 6)) for place in nearest[row].tolist()])
        for row, symbol in enumerate(symbols)
    ]
