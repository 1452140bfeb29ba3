"""The section on which symbols a trained model takes for similar."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from charlm.data.framing import Framing
from charlm.models.registry import FAMILIES
from charlm.report.elements import section
from chartok.markup import escaped, visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from charlm.lm import CharLM

NEIGHBORS = 3


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
    what = "rows of the table" if lm.family == "bigram" else "embeddings"
    return section(
        "embeddings",
        "Similar symbols",
        f"<p>For each symbol those whose {what} are nearest, with the cosine of the angle between them: 1 is the same "
        f'direction, 0 a right angle.</p><ul class="neighbors">{items}</ul>',
    )


def representations(lm: CharLM) -> dict[str, NDArray[np.float64]] | None:
    """Returns the vector of each symbol in a trained model; None for one that has only counts.

    A row of a bigram is without its mean, which changes no probability.
    """
    model: Any = lm.stored
    if lm.family not in FAMILIES or not hasattr(model, "parameters"):
        return None
    if FAMILIES[lm.family].has_layers:
        rows = model.embedding.weight.detach().float().numpy(force=True)
    elif lm.family == "bigram":
        rows = model.table.detach().float().numpy(force=True)[:, Framing(lm.vocabulary).symbol_ids()]
        rows = rows - rows.mean(axis=1, keepdims=True)
    else:
        return None
    ids = Framing(lm.vocabulary).symbol_ids()
    return {symbol: rows[place].astype(np.float64) for symbol, place in zip(lm.vocabulary.symbols, ids, strict=True)}


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
