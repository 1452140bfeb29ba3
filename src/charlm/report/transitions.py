"""The probability of each symbol after a single other one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from charlm.data.framing import Framing
from charlm.models.predictor import log_softmax

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from charlm.lm import CharLM
    from charlm.models.predictor import Predictor

MOST_SYMBOLS = 80
"""For a larger vocabulary, the table only shows the symbols that the model considers most frequent."""
ROWS_AT_ONCE = 64
"""Each takes as much memory as a prompt to continue."""


class Transitions(NamedTuple):
    """The probability of each symbol after each other one.

    Attributes:
        symbols: The symbols of the rows and of the columns.
        probabilities: ``(N, N)``: the probability of the column's symbol after the row's.
        left_out: The number of symbols in the vocabulary that are not shown.
        ranks: The place of each symbol among them by how frequent the model considers it, from 0, int64 ``(N,)``.
    """

    symbols: list[str]
    probabilities: NDArray[np.float64]
    left_out: int
    ranks: NDArray[np.int64]


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
    most_frequent = np.argsort(-np.asarray(frequencies), kind="stable")[:MOST_SYMBOLS]
    shown = np.sort(most_frequent)
    probabilities = _following(lm.predictor, ids[shown], ids[shown])
    names = [lm.vocabulary.symbols[place] for place in shown]
    return Transitions(names, probabilities, len(ids) - len(shown), np.argsort(most_frequent))


def _following(predictor: Predictor, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float64]:
    """Returns the probabilities of the ids of columns after each id of rows."""
    logits, _ = predictor.start(rows[:, None])
    probabilities: NDArray[np.float64] = np.exp(log_softmax(logits.astype(np.float64)))[:, columns]
    return probabilities
