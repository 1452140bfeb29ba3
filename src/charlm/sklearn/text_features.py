"""What a model says of texts, in numbers of fixed meaning, whatever their lengths."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from charlm.data.framing import Framing
from charlm.evaluation.symbol_scores import scores_of_symbols, sums
from charlm.models.ngram.table import NGramTable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from charlm.evaluation.text_scorer import TextScorer

LEAST_DEVIATION = 1e-9
MOST_NATS = 1e6
"""A symbol takes at most; the probability of one that takes 746 is 0 in float64, but not its logarithm."""
KNOWN_LENGTHS = (2, 3, 4, 5)
"""The lengths of the n-grams of which it is counted how many are known."""


def names_of_features(*, of_ngrams: bool) -> list[str]:
    """Returns the names of the columns of ``features``.

    Args:
        of_ngrams: Whether the model is one of n-grams.

    Example:
        >>> names_of_features(of_ngrams=False)
        ['log_probability', 'standardized', 'worst_window', 'unknown']
    """
    known = [f"known_{length}" for length in KNOWN_LENGTHS] if of_ngrams else []
    return ["log_probability", "standardized", "worst_window", "unknown", *known]


class Usual(NamedTuple):
    """How likely usual texts are that a model has not learned from.

    Attributes:
        mean: The mean log-probability of a symbol, in nats.
        deviation: The standard deviation of that of a text, times the square root of its length.
    """

    mean: float = 0.0
    deviation: float = 1.0

    @classmethod
    def of(cls, totals: NDArray[np.float64], lengths: NDArray[np.int64]) -> Self:
        """Returns that of texts with these log-likelihoods and numbers of symbols, float64 and int64 ``(N,)``."""
        counted = max(int(lengths.sum()), 1)
        mean = float(totals.sum()) / counted
        apart = (totals - mean * lengths) / np.sqrt(np.maximum(lengths, 1))
        return cls(mean, max(float(np.sqrt(np.mean(apart**2))), LEAST_DEVIATION))

    def check(self) -> None:
        """Checks that texts can be so likely.

        Raises:
            ValueError: They cannot.
        """
        if not -MOST_NATS <= self.mean <= 0 or self.deviation < LEAST_DEVIATION:
            raise ValueError(
                f"mean must be from {-MOST_NATS} to 0, and deviation at least {LEAST_DEVIATION}, got {self.mean} and "
                f"{self.deviation}"
            )


def features(model: TextScorer, texts: list[str], window: int, usual: Usual) -> NDArray[np.float64]:
    """Returns features of texts, float64 ``(N, features)``; those of a text without symbols are 0.

    They are the mean log-probability of a symbol in nats; how far the log-likelihood is from what texts of that length
    usually have, ``(total - n * mean) / sqrt(n) / deviation``; the lowest mean over ``window`` symbols that follow each
    other, or over all in a shorter text; the share of unknown characters; and, for a model of n-grams, which shares of
    the symbols end an n-gram of 2, 3, 4 and 5 symbols that the model knows.

    Args:
        model: The model.
        texts: Strings of any lengths.
        window: The number of symbols in a window.
        usual: How likely usual texts are.
    """
    scores, lengths = scores_of_symbols(model.stored.predictor(), model.vocabulary, texts)
    at_least_one = np.maximum(lengths, 1)
    framing = Framing(model.vocabulary)
    ids, with_start = framing.to_score(texts)
    is_unknown = np.zeros(len(ids)) if framing.unk is None else (ids == framing.unk).astype(np.float64)
    characters = np.fromiter(map(len, texts), dtype=np.float64, count=len(texts))
    totals = sums(scores, lengths)
    columns = [
        totals / at_least_one,
        (totals - usual.mean * lengths) / np.sqrt(at_least_one) / usual.deviation,
        worst_windows(scores, lengths, window),
        sums(is_unknown, with_start) / np.maximum(characters, 1),
    ]
    if isinstance(model.stored, NGramTable):
        longest = model.stored.search.longest(ids, with_start)
        columns += [sums((longest >= length).astype(np.float64), with_start) / at_least_one for length in KNOWN_LENGTHS]
    return np.stack(columns, axis=1)


def worst_windows(scores: NDArray[np.float64], lengths: NDArray[np.int64], window: int) -> NDArray[np.float64]:
    """Returns the lowest mean of ``window`` scores that follow each other in each text, or of all in a shorter one.

    Args:
        scores: Those of all texts, concatenated.
        lengths: How many each has, ``(N,)``.
        window: How many.

    Returns:
        float64 ``(N,)``; 0 for a text without any.

    Example:
        >>> worst_windows(np.array([-1.0, -5.0, -3.0, -1.0, -2.0]), np.array([4, 0, 1]), 2)
        array([-4.,  0., -2.])
    """
    ends = np.cumsum(lengths)
    sizes = np.minimum(lengths, window)
    up_to = np.concatenate([[0.0], np.cumsum(scores)])
    owner = np.repeat(np.arange(len(lengths)), lengths)
    places = np.arange(len(scores))
    is_start = places + sizes[owner] <= ends[owner]
    starts, of = places[is_start], owner[is_start]
    means = (up_to[starts + sizes[of]] - up_to[starts]) / sizes[of]
    found = np.zeros(len(lengths))
    if len(means):
        first = np.flatnonzero(np.diff(of, prepend=-1))
        found[of[first]] = np.minimum.reduceat(means, first)
    return found
