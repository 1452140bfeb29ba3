"""The probability of each symbol after a single other one, as a heat map."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from charlm.data.framing import Framing
from charlm.models.predictor import log_softmax
from chartok.markup import escaped, visible

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from charlm.lm import CharLM
    from charlm.models.predictor import Predictor

MOST_SYMBOLS = 100
"""For a larger vocabulary, the table only shows the symbols that the model considers most frequent."""
ROWS_AT_ONCE = 64
"""Each takes as much memory as a prompt to continue."""


class Transitions(NamedTuple):
    """The probability of each symbol after each other one.

    Attributes:
        symbols: The symbols of the rows and of the columns.
        probabilities: ``(N, N)``: the probability of the column's symbol after the row's.
        left_out: The number of symbols in the vocabulary that are not shown.
    """

    symbols: list[str]
    probabilities: NDArray[np.float64]
    left_out: int


def transitions(lm: CharLM) -> Transitions:
    """Returns the probabilities that a model gives after each character as the only context.

    Args:
        lm: A model of any family.

    Example:
        >>> from charlm import CharLM
        >>> table = transitions(CharLM.fit("abababab", "bigram", smoothing=0))
        >>> table.symbols, table.probabilities.round(2).tolist()
        (['a', 'b'], [[0.0, 1.0], [1.0, 0.0]])
    """
    ids = np.array(Framing(lm.vocabulary).symbol_ids())
    parts = [ids[start : start + ROWS_AT_ONCE] for start in range(0, len(ids), ROWS_AT_ONCE)]
    frequencies = sum(_following(lm.predictor, part, ids).sum(axis=0) for part in parts)
    shown = np.sort(np.argsort(-np.asarray(frequencies), kind="stable")[:MOST_SYMBOLS])
    probabilities = _following(lm.predictor, ids[shown], ids[shown])
    symbols = lm.vocabulary.symbols
    return Transitions([symbols[place] for place in shown], probabilities, len(ids) - len(shown))


def _following(predictor: Predictor, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float64]:
    """Returns the probabilities of the ids of columns after each id of rows."""
    logits, _ = predictor.start(rows[:, None])
    probabilities: NDArray[np.float64] = np.exp(log_softmax(logits.astype(np.float64)))[:, columns]
    return probabilities


def heat_map(table: Transitions) -> str:
    """Returns the table as HTML; the darker a cell, the higher the probability."""
    signs = [f"<bdi>{escaped(visible(symbol))}</bdi>" for symbol in table.symbols]
    head = "".join(f'<th scope="col">{column}</th>' for column in signs)
    rows = [
        f'<tr><th scope="row">{row}</th>{"".join(map(_cell, probabilities))}</tr>'
        for row, probabilities in zip(signs, table.probabilities.tolist(), strict=True)
    ]
    return (
        '<table class="heat" id="heat"><caption>Rows: previous symbol. Columns: next symbol.</caption>'
        f"<thead><tr><td></td>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    )


def _cell(probability: float) -> str:
    """Returns a cell colored by the square root of its probability, so that small ones can be told apart."""
    return f'<td style="--p:{probability**0.5:.2f}">{100 * probability:.3g}</td>'
