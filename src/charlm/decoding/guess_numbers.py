"""Guess numbers: how many records someone tries before one, who tries them in the order of a model.

To count the likelier records would take as long as to try them. Their number is estimated from records drawn from the
model: one of probability p stands for 1/p of them (Dell'Amico and Filippone, 2015, "Monte Carlo Strength Evaluation:
Fast and Reliable Password Checking").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from charlm.data.framing import Framing
from charlm.decoding.drawn import MOST_SYMBOLS, drawn_texts

if TYPE_CHECKING:
    from charlm.models.predictor import Predictor
    from chartok import Vocabulary

ROWS_AT_ONCE = 1 << 12
"""How many records are drawn together."""
ROUNDING = 1e-9
"""How far, as a share, log-probabilities may differ that are taken to be equal."""


class Estimates(NamedTuple):
    """Guess numbers and their standard errors, float64 ``(N,)`` each."""

    numbers: NDArray[np.float64]
    errors: NDArray[np.float64]


class GuessNumbers:
    """Guess numbers under one model, from a sample of its records.

    Args:
        log_probabilities: Those of the records drawn, in nats; minus infinity for one that stands for nothing.
    """

    def __init__(self, log_probabilities: NDArray[np.float64]) -> None:
        self._size = len(log_probabilities)
        self._likeliest_first = np.sort(log_probabilities[np.isfinite(log_probabilities)])[::-1]
        with np.errstate(over="ignore"):  # more records than a float reaches
            stands_for = np.exp(-self._likeliest_first)
            self._sums = np.concatenate([[0.0], np.cumsum(stands_for)])
            self._squares = np.concatenate([[0.0], np.cumsum(stands_for**2)])

    @classmethod
    def drawn(cls, vocabulary: Vocabulary, predictor: Predictor, *, samples: int, seed: int) -> Self:
        """Returns those under a model of records.

        Args:
            vocabulary: Its vocabulary.
            predictor: The interface to it.
            samples: How many records to draw.
            seed: Determines every draw.

        Raises:
            ValueError: The model ends none of them.
        """
        generator = np.random.default_rng(seed % (1 << 64))
        parts = list[NDArray[np.float64]]()
        for start in range(0, samples, ROWS_AT_ONCE):
            records = drawn_texts(vocabulary, predictor, min(ROWS_AT_ONCE, samples - start), generator)
            parts.append(_log_probabilities(vocabulary, predictor, records))
        log_probabilities = np.concatenate(parts)
        if not np.isfinite(log_probabilities).any():
            raise ValueError(f"the model ends no record within {MOST_SYMBOLS} symbols: it has no guess numbers")
        return cls(log_probabilities)

    def of(self, log_probabilities: NDArray[np.float64]) -> Estimates:
        """Returns the guess numbers of records; infinity, without an error, for those that are impossible.

        Args:
            log_probabilities: Those of the records, in nats, float64 ``(N,)``.
        """
        is_possible = np.isfinite(log_probabilities)
        finite = np.where(is_possible, log_probabilities, 0.0)
        least = finite + ROUNDING * (1 + np.abs(finite))
        likelier = np.searchsorted(-self._likeliest_first, -least, side="left")
        means = self._sums[likelier] / self._size
        with np.errstate(over="ignore", invalid="ignore"):
            variances = self._squares[likelier] / self._size - means**2
        errors = np.where(np.isfinite(variances), np.sqrt(np.maximum(variances, 0) / self._size), np.inf)
        return Estimates(np.where(is_possible, 1 + means, np.inf), np.where(is_possible, errors, 0.0))


def _log_probabilities(
    vocabulary: Vocabulary, predictor: Predictor, records: list[NDArray[np.int64]]
) -> NDArray[np.float64]:
    """Returns the log-probability of each record as ``score_samples`` does; minus infinity for one that is none."""
    framing = Framing(vocabulary)
    lengths = np.array([*map(len, records)], dtype=np.int64)
    ids = np.concatenate(records)
    starts = np.cumsum(lengths) - lengths
    is_later = np.ones(len(ids), dtype=bool)
    is_later[starts] = False
    scores = np.zeros(len(ids))
    scores[is_later] = predictor.scores(ids, lengths)
    if framing.unk is not None:
        scores[ids == framing.unk] += framing.log_share_of_unknown
    totals: NDArray[np.float64] = np.add.reduceat(scores, starts)
    is_whole = ids[starts + lengths - 1] == framing.eos
    if vocabulary.longest_symbol > 1:
        is_whole &= [_is_spelled(vocabulary, framing, record[1:-1].tolist()) for record in records]
    totals[~is_whole] = -np.inf
    return totals


def _is_spelled(vocabulary: Vocabulary, framing: Framing, ids: list[int]) -> bool:
    """Returns whether ids are those that their text has; what is unknown ends what could be a longer symbol."""
    pieces = [list[int]()]
    for token_id in ids:
        if token_id == framing.unk:
            pieces.append([])
        else:
            pieces[-1].append(token_id)
    return all(vocabulary.encode(vocabulary.decode(piece), "ignore").tolist() == piece for piece in pieces)
