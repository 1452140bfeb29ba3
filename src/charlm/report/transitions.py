"""The probability of each symbol after a single other one."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from charlm.data.framing import Framing
from charlm.models.predictor import log_softmax

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from charlm.evaluation.scored_text import ScoredText
    from charlm.lm import CharLM
    from charlm.models.predictor import Predictor

MOST_SYMBOLS = 80
"""For a larger vocabulary, the table only shows the most frequent symbols."""
STEPS = 3
"""From symbol to symbol: how frequent they are changes little with more."""
WORTH_OF_MODEL = 300
"""How many characters of a text say as much as the model."""
ROWS_AT_ONCE = 64
"""Each takes as much memory as a prompt to continue."""


class Transitions(NamedTuple):
    """The probability of each symbol after each other one.

    Attributes:
        symbols: The symbols of the rows and of the columns.
        probabilities: ``(N, N)``: the probability of the column's symbol after the row's.
        left_out: The number of symbols in the vocabulary that are not shown.
        ranks: The place of each symbol among them by how frequent it is, from 0, int64 ``(N,)``.
    """

    symbols: list[str]
    probabilities: NDArray[np.float64]
    left_out: int
    ranks: NDArray[np.int64]


def transitions(lm: CharLM, texts: Iterable[ScoredText] = ()) -> Transitions:
    """Returns the probabilities that a model gives after each character as the only context.

    Args:
        lm: A model of any family.
        texts: Texts that say which symbols are frequent; a few characters are trusted less than the model.

    Example:
        >>> from charlm import CharLM
        >>> table = transitions(CharLM.fit("abababab", "bigram", smoothing=0))
        >>> table.symbols, table.probabilities.round(2).tolist()
        (['a', 'b'], [[0.0, 1.0], [1.0, 0.0]])
    """
    framing = Framing(lm.vocabulary)
    ids = np.array(framing.symbol_ids())
    counted = Counter(symbol for text in texts for symbol in text.symbols)
    counts = np.array([counted[symbol] for symbol in lm.vocabulary.symbols])
    frequencies = counts + WORTH_OF_MODEL * _frequencies(lm.predictor, ids, framing.bos)
    most_frequent = np.argsort(-frequencies, kind="stable")[:MOST_SYMBOLS]
    shown = np.sort(most_frequent)
    probabilities = _following(lm.predictor, ids[shown], ids[shown])
    names = [lm.vocabulary.symbols[place] for place in shown]
    return Transitions(names, probabilities, len(ids) - len(shown), np.argsort(most_frequent))


def _frequencies(predictor: Predictor, ids: NDArray[np.int64], bos: int | None) -> NDArray[np.float64]:
    """Returns how frequent a model considers each id, as far as single ones before it tell: they sum to 1.

    It is near to what a walk from symbol to symbol comes to, and from the end of a record to another.
    """
    equal = np.full(len(ids), 1 / len(ids))
    first = equal if bos is None else _following(predictor, np.array([bos]), ids)[0]
    frequencies = equal
    for _ in range(STEPS):
        parts = range(0, len(ids), ROWS_AT_ONCE)
        rows = [slice(start, start + ROWS_AT_ONCE) for start in parts]
        after = sum((frequencies[part] @ _following(predictor, ids[part], ids) for part in rows), np.zeros(len(ids)))
        frequencies = after + (1 - after.sum()) * first / (first.sum() or 1)
    return frequencies


def _following(predictor: Predictor, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float64]:
    """Returns the probabilities of the ids of columns after each id of rows."""
    logits, _ = predictor.start(rows[:, None])
    probabilities: NDArray[np.float64] = np.exp(log_softmax(logits.astype(np.float64)))[:, columns]
    return probabilities
